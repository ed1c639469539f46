// Command bench measures the compiler on a fleet of real upstream manifests,
// beside the stock programs that do a part of its work and beside the floor:
// what nobody can save (see peers.go, and the command in floor).
//
// Figures are those of whole processes, as the kernel accounts them: user and
// system time, wall time and the largest resident set. A run of one side is
// followed at once by a run of the other, and what is printed are medians over
// such pairs, so that a busy machine slows both. Which stage costs what comes
// from one more process that works on one thing at a time; it also compares the
// objects of both sides, and fails when they are not the same.
//
//	go run ./internal/bench -n 1,10 -variant 1,2 -runs 3 -write
//
// With -write the report becomes docs/benchmarks.md. `make tools` builds the
// stock programs first. Nothing is extrapolated: a goal for 100 clusters stands
// beside the figure of the largest fleet that was measured.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/testkit/corpus"
)

// page is where -write puts the report, from the root of the repository.
const page = "docs/benchmarks.md"

type options struct {
	clusters  []int
	variants  []int
	runs      int
	manifests string
	peers     bool
	micro     bool
	write     bool
	note      string
	// What a process of its own does: the kernel counts the memory of the process
	// that starts a program as the program's, so this one stays small.
	stages  string
	built   string
	schemas string
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	o, err := parse(os.Args[1:])
	if err == nil {
		err = run(ctx, o, os.Stdout, os.Stderr)
	}
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func parse(args []string) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	clusters := f.String("n", "1,10", "sizes of the fleet, `N[,N]`")
	variants := f.String("variant", "1,2", "1: parameters of the spec beside overlays, 2: overlays on both sides")
	f.IntVar(&o.runs, "runs", 3, "pairs of runs for each size; medians are printed")
	f.StringVar(&o.manifests, "manifests", "", "folder of *.yaml; the default is ../shared/corpus/manifests beside the repository")
	f.BoolVar(&o.peers, "peers", true, "run the stock programs beside it")
	f.BoolVar(&o.micro, "micro", true, "run the solver's, linker's and guard's Go benchmarks too")
	f.BoolVar(&o.write, "write", false, "write the report to "+page)
	f.StringVar(&o.note, "note", "", "say this `TEXT` on the page, such as what else the machine did")
	f.StringVar(&o.stages, "stages", "", "print the CPU seconds of each stage over the fleet in `DIR` and stop")
	f.StringVar(&o.schemas, "schemas", "", "write the schemas that kubeconform gets to `DIR` and stop")
	f.StringVar(&o.built, "built", "", "with -stages: compare with what kustomize built below `DIR`")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	var err error
	if o.clusters, err = numbers("-n", *clusters); err != nil {
		return nil, err
	}
	if o.variants, err = numbers("-variant", *variants); err != nil {
		return nil, err
	}
	if slices.Max(o.variants) > 2 {
		return nil, fmt.Errorf("-variant %s: want 1, 2 or both", *variants)
	}
	if o.runs < 1 {
		return nil, fmt.Errorf("-runs %d: want at least 1", o.runs)
	}
	return o, nil
}

func numbers(name, list string) ([]int, error) {
	var out []int
	for s := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 {
			return nil, fmt.Errorf("%s %q: want numbers such as 1,2", name, list)
		}
		out = append(out, n)
	}
	return out, nil
}

func run(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	if o.stages != "" {
		s, err := stages(ctx, o.stages, o.built)
		if err != nil {
			return err
		}
		return json.NewEncoder(stdout).Encode(s)
	}
	here, err := os.Getwd()
	if o.manifests == "" {
		if err != nil {
			return err
		}
		if o.manifests = corpus.Dir(here); o.manifests == "" {
			return errors.New("there is no corpus of manifests beside the repository: name a folder with -manifests")
		}
	}
	if o.manifests, err = filepath.Abs(o.manifests); err != nil {
		return err
	}
	if o.schemas != "" {
		return writeSchemas(o.schemas, release, o.manifests)
	}
	tmp, err := os.MkdirTemp("", "darkstart-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	b, err := prepare(ctx, o, tmp, stderr)
	if err != nil {
		return err
	}
	r := &report{Runs: o.runs, Machine: machine(), Manifests: filepath.Base(o.manifests), Note: o.note}
	for _, v := range o.variants {
		for _, n := range o.clusters {
			s, err := b.size(ctx, v, n, o.runs)
			if err != nil {
				return err
			}
			r.Sizes = append(r.Sizes, s)
		}
	}
	if r.Hook, err = b.hook(ctx, max(o.runs, 5)); err != nil {
		return err
	}
	if o.micro {
		if r.Micro, err = b.micro(ctx); err != nil {
			return err
		}
	}
	text := r.markdown()
	if o.write {
		return os.WriteFile(filepath.Join(b.root, filepath.FromSlash(page)), []byte(text), 0o644)
	}
	_, err = io.WriteString(stdout, text)
	return err
}
