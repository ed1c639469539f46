// Command bench measures the compiler on a fleet of real upstream manifests,
// beside the stock programs that do a part of its work: `kustomize build`,
// `conftest test` and `tar` with gzip over the same overlays.
//
// Figures are those of whole processes, as the kernel accounts them: user and
// system time, wall time and the largest resident set. A run of one side is
// followed at once by a run of the other, and what is printed are medians over
// such pairs, so that a busy machine slows both. Which stage costs what comes
// from one more process that works on one thing at a time.
//
//	go run ./internal/bench -clusters 1,10 -runs 3 -write
//
// With -write the report becomes docs/benchmarks.md. `make tools` builds the
// stock programs first.
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
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/testkit/corpus"
)

// page is where -write puts the report, from the root of the repository.
const page = "docs/benchmarks.md"

type options struct {
	clusters []int
	runs     int
	micro    bool
	write    bool
	// The two jobs that a process of its own does, because its memory must not
	// be counted as somebody else's.
	fleet  string
	stages string
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
	clusters := f.String("clusters", "1,10", "sizes of the fleet, `N[,N]`")
	f.IntVar(&o.runs, "runs", 3, "pairs of runs for each size; medians are printed")
	f.BoolVar(&o.micro, "micro", true, "run the solver's, linker's and guard's Go benchmarks too")
	f.BoolVar(&o.write, "write", false, "write the report to "+page)
	f.StringVar(&o.fleet, "fleet", "", "write the fleet to `DIR` and stop")
	f.StringVar(&o.stages, "stages", "", "print the CPU seconds of each stage over the fleet in `DIR` and stop")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	for s := range strings.SplitSeq(*clusters, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(s))
		if err != nil || n < 1 {
			return nil, fmt.Errorf("-clusters %q: want numbers such as 1,10", *clusters)
		}
		o.clusters = append(o.clusters, n)
	}
	if o.runs < 1 {
		return nil, fmt.Errorf("-runs %d: want at least 1", o.runs)
	}
	return o, nil
}

func run(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	switch {
	case o.fleet != "":
		return writeFleet(o.fleet, o.clusters[0])
	case o.stages != "":
		s, err := stages(ctx, o.stages)
		if err != nil {
			return err
		}
		return json.NewEncoder(stdout).Encode(s)
	}
	tmp, err := os.MkdirTemp("", "darkstart-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(tmp)
	b, err := prepare(ctx, tmp, stderr)
	if err != nil {
		return err
	}
	r := &report{Runs: o.runs, Machine: machine()}
	for _, n := range o.clusters {
		s, err := b.size(ctx, n, o.runs)
		if err != nil {
			return err
		}
		r.Sizes = append(r.Sizes, s)
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

// writeFleet makes a fleet over the corpus.
func writeFleet(dir string, clusters int) error {
	here, err := os.Getwd()
	if err != nil {
		return err
	}
	manifests := corpus.Dir(here)
	if manifests == "" {
		return errors.New("there is no corpus of manifests beside the repository")
	}
	files, err := corpus.Fleet(manifests, corpus.Options{Clusters: clusters, Kubernetes: "1.36"})
	if err != nil {
		return err
	}
	return corpus.Write(dir, files)
}
