// Command bench measures the compiler on fleets of real upstream manifests,
// beside the stock programs that do a part of its work and beside the floor:
// what nobody can save (see peers.go, and the command in floor).
//
// Figures are those of whole processes, as the kernel accounts them: user and
// system time, wall time and the largest resident set. Runs of the two sides
// follow each other in turns, and what is printed are medians over such pairs,
// so that a busy machine slows both. Which stage costs what comes from processes
// that work on one thing at a time. Before anything is compared, the objects of
// both sides are, and they have to be the same.
//
//	go run ./internal/bench -n 100 -measure cold,floor -stock 10 -runs 3 -write
//
// With -write what was measured takes the place of what docs/benchmarks.json had
// of the same fleet and measure, and docs/benchmarks.md is made from that file.
// `make tools` builds the stock programs first. Nothing is extrapolated but the
// stock side of a comparison for which it worked on the first clusters only,
// which the page then says.
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

// Where the figures and the page about them are, from the root of the
// repository.
const (
	data = "docs/benchmarks.json"
	page = "docs/benchmarks.md"
)

// groups are what -measure takes: what has to be measured together.
var groups = []string{mCold, "floor", mGrowth, mWarm, mStages, mShards, mExample, mMicro}

type options struct {
	clusters  []int
	variants  []int
	measure   []string // of groups
	stock     int      // clusters that the stock programs work on; -1: all
	runs      int
	warmUp    bool
	manifests string
	write     bool
	note      string
	// What processes of their own do: one is not to hold what another measures.
	stagesOf string
	cache    string
	equal    string
	schemas  string
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
	clusters := f.String("n", "10", "sizes of the fleet, `N[,N]`")
	variants := f.String("variant", "1", "1: parameters of the spec beside overlays, 2: overlays on both sides")
	measure := f.String("measure", "cold,floor,warm,stages", "what to measure, of "+strings.Join(groups, ", ")+`; "" only makes the page again`)
	stock := f.String("stock", "all", "on how many clusters the stock programs work, the first `N` or all; 0 runs none")
	f.IntVar(&o.runs, "runs", 3, "runs of each side; medians are printed")
	f.BoolVar(&o.warmUp, "warm-up", true, "run each side once before, which is not counted")
	f.StringVar(&o.manifests, "manifests", "", "folder of *.yaml; the default is ../shared/corpus/manifests beside the repository")
	f.BoolVar(&o.write, "write", false, "put the figures into "+data+", and make "+page+" of it")
	f.StringVar(&o.note, "note", "", "say this `TEXT` beside the figures, such as what else the machine did")
	f.StringVar(&o.stagesOf, "stages", "", "print the CPU seconds of each stage over the fleet in `DIR` and stop")
	f.StringVar(&o.cache, "cache", "", "with -stages: keep results in `DIR`")
	f.StringVar(&o.equal, "equal", "", "compare the fleet in `DIR` with what kustomize built for clusters of it, DIR/../built, and stop")
	f.StringVar(&o.schemas, "schemas", "", "write the schemas that kubeconform gets to `DIR` and stop")
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
	if o.stock = -1; *stock != "all" {
		if o.stock, err = strconv.Atoi(*stock); err != nil || o.stock < 0 {
			return nil, fmt.Errorf("-stock %q: want a number of clusters, or all", *stock)
		}
	}
	if *measure != "" {
		o.measure = strings.Split(*measure, ",")
	}
	for _, m := range o.measure {
		if !slices.Contains(groups, m) {
			return nil, fmt.Errorf("-measure %q: want some of %s", m, strings.Join(groups, ", "))
		}
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

func (o *options) wants(group string) bool { return slices.Contains(o.measure, group) }

func run(ctx context.Context, o *options, stdout, stderr io.Writer) error {
	switch {
	case o.stagesOf != "":
		s, err := stages(ctx, o.stagesOf, o.cache)
		if err != nil {
			return err
		}
		return json.NewEncoder(stdout).Encode(s)
	case o.equal != "":
		return equalFleet(ctx, o.equal, filepath.Join(o.equal, "..", "built"))
	}
	root, err := output(ctx, ".", "go", "list", "-m", "-f", "{{.Dir}}")
	if err != nil {
		return err
	}
	if o.manifests == "" {
		if o.manifests = corpus.Dir(root); o.manifests == "" {
			return errors.New("there is no corpus of manifests beside the repository: name a folder with -manifests")
		}
	}
	if o.manifests, err = filepath.Abs(o.manifests); err != nil {
		return err
	}
	if o.schemas != "" {
		return writeSchemas(o.schemas, release, o.manifests)
	}
	var measured records
	if len(o.measure) > 0 {
		if measured, err = measureAll(ctx, o, root, stderr); err != nil {
			return err
		}
	}
	return publish(o, root, measured, stdout)
}

// measureAll measures everything that was asked for.
func measureAll(ctx context.Context, o *options, root string, log io.Writer) (records, error) {
	tmp, err := os.MkdirTemp("", "darkstart-bench-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	b, err := prepare(ctx, o, root, tmp, log)
	if err != nil {
		return nil, err
	}
	for _, v := range o.variants {
		for _, n := range o.clusters {
			if err := b.fleetOf(ctx, v, n); err != nil {
				return nil, err
			}
		}
	}
	if o.wants(mExample) {
		if err := b.example(ctx); err != nil {
			return nil, err
		}
	}
	if o.wants(mMicro) {
		if err := b.micro(ctx); err != nil {
			return nil, err
		}
	}
	return b.records, nil
}

// publish prints the page about what was measured, or puts that into the files
// of the repository and makes the page about all that is there.
func publish(o *options, root string, measured records, stdout io.Writer) error {
	file := filepath.Join(root, filepath.FromSlash(data))
	all := measured
	if o.write || len(measured) == 0 {
		known, err := load(file)
		if err != nil {
			return err
		}
		all = known.with(measured...)
	}
	if !o.write {
		_, err := io.WriteString(stdout, all.markdown())
		return err
	}
	if err := all.save(file); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(root, filepath.FromSlash(page)), []byte(all.markdown()), 0o644)
}
