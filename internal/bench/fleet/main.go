// Command fleet writes a fleet of N clusters over a folder of manifests, twice:
// DIR/darkstart as a user of Darkstart writes it, and DIR/overlays as a user of
// kustomize does. Both mean the same objects; `go run ./internal/bench`
// compares them before it measures.
//
//	go run ./internal/bench/fleet -n 1000 DIR
//
// Variant 1 writes what differs between clusters as parameters of the spec;
// variant 2 keeps the overlays on both sides. DIR/darkstart is a git repository
// with one commit, so that reading it is what it is elsewhere. With -overlays K
// only the first K clusters are written for kustomize.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/darkstart-dev/darkstart/internal/testkit/corpus"
)

func main() {
	if err := run(os.Args[1:]); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "fleet:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	f := flag.NewFlagSet("fleet", flag.ContinueOnError)
	n := f.Int("n", 10, "clusters")
	overlays := f.Int("overlays", -1, "write DIR/overlays for the first `K` clusters; -1: for all, 0: not at all")
	variant := f.Int("variant", 1, "1: parameters of the spec, 2: overlays of kustomize")
	manifests := f.String("manifests", "", "folder of *.yaml; the default is ../shared/corpus/manifests beside the repository")
	kubernetes := f.String("kubernetes", "1.36", "release that every cluster declares")
	if err := f.Parse(args); err != nil {
		return err
	}
	switch {
	case f.NArg() != 1:
		return errors.New("want one argument, the folder to write")
	case *n < 1:
		return fmt.Errorf("-n %d: want at least 1", *n)
	case *variant != 1 && *variant != 2:
		return fmt.Errorf("-variant %d: want 1 or 2", *variant)
	}
	if *manifests == "" {
		here, err := os.Getwd()
		if err != nil {
			return err
		}
		if *manifests = corpus.Dir(here); *manifests == "" {
			return errors.New("there is no corpus of manifests beside the repository: name a folder with -manifests")
		}
	}
	o := corpus.Options{Clusters: *n, Kubernetes: *kubernetes, Parameters: *variant == 1, Intent: true}
	fleet := filepath.Join(f.Arg(0), "darkstart")
	if err := write(fleet, *manifests, o, corpus.Fleet); err != nil {
		return err
	}
	if err := commit(fleet); err != nil {
		return err
	}
	if *overlays >= 0 {
		o.Clusters = min(*n, *overlays)
	}
	if o.Clusters == 0 {
		return nil
	}
	return write(filepath.Join(f.Arg(0), "overlays"), *manifests, o, corpus.Overlays)
}

// write refuses a folder that holds something: a fleet is every file in it.
func write(dir, manifests string, o corpus.Options, files func(string, corpus.Options) (map[string][]byte, error)) error {
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return fmt.Errorf("%s is not empty", dir)
	}
	m, err := files(manifests, o)
	if err != nil {
		return err
	}
	return corpus.Write(dir, m)
}

// commit makes a repository of a folder.
func commit(dir string) error {
	for _, args := range [][]string{
		{"init", "-q"},
		{"add", "-A"},
		{"-c", "user.name=bench", "-c", "user.email=bench@example.com", "-c", "gc.auto=0", "commit", "-q", "-m", "fleet"},
	} {
		cmd := exec.Command("git", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("git %s: %w\n%s", args[0], err, out)
		}
	}
	return nil
}
