// Command fleet writes a fleet of N clusters over a folder of manifests, twice:
// DIR/darkstart as a user of Darkstart writes it, and DIR/overlays as a user of
// kustomize does. Both mean the same objects; `go run ./internal/bench`
// compares them before it measures.
//
//	go run ./internal/bench/fleet -n 1000 DIR
//
// Variant 1 writes what differs between clusters as parameters of the spec;
// variant 2 keeps the overlays on both sides.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
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
	return write(f.Arg(0), *manifests, corpus.Options{Clusters: *n, Kubernetes: *kubernetes, Parameters: *variant == 1, Intent: true})
}

// write refuses a folder that holds something: a fleet is every file in it.
func write(dir, manifests string, o corpus.Options) error {
	for name, files := range map[string]func(string, corpus.Options) (map[string][]byte, error){
		"darkstart": corpus.Fleet, "overlays": corpus.Overlays,
	} {
		to := filepath.Join(dir, name)
		if entries, err := os.ReadDir(to); err == nil && len(entries) > 0 {
			return fmt.Errorf("%s is not empty", to)
		}
		m, err := files(manifests, o)
		if err != nil {
			return err
		}
		if err := corpus.Write(to, m); err != nil {
			return err
		}
	}
	return nil
}
