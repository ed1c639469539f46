package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/internal/testkit/corpus"
	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

// bench is everything that runs need: programs and a place to work.
type bench struct {
	root, tmp                            string
	self, darkstart, kustomize, conftest string
	policy                               string
	log                                  io.Writer
}

func prepare(ctx context.Context, tmp string, log io.Writer) (*bench, error) {
	b := &bench{tmp: tmp, log: log, darkstart: filepath.Join(tmp, "darkstart"), policy: filepath.Join(tmp, "policy")}
	var err error
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.root, err = output(ctx, ".", "go", "list", "-m", "-f", "{{.Dir}}"); err != nil {
		return nil, err
	}
	for p, to := range map[tools.Program]*string{tools.Kustomize: &b.kustomize, tools.Conftest: &b.conftest} {
		if *to, err = tools.Find(ctx, p); err != nil {
			return nil, fmt.Errorf("%s %s %w", p.Name(), p.Version, err)
		}
	}
	rules, err := fs.Sub(stockRules, "policy")
	if err != nil {
		return nil, err
	}
	if err := os.CopyFS(b.policy, rules); err != nil {
		return nil, err
	}
	_, err = output(ctx, b.root, "go", "build", "-trimpath", "-o", b.darkstart, "./cmd/darkstart")
	return b, err
}

// size is what a fleet of some size cost.
type size struct {
	Clusters int
	Objects  int // in one cluster
	Pairs    []pair
	Stages   []stageCost
}

// size measures one fleet: a warm-up of both sides, then pairs.
func (b *bench) size(ctx context.Context, clusters, runs int) (*size, error) {
	fleet := filepath.Join(b.tmp, fmt.Sprintf("fleet-%d", clusters))
	if _, err := output(ctx, b.root, b.self, "-clusters", fmt.Sprint(clusters), "-fleet", fleet); err != nil {
		return nil, err
	}
	if err := b.commit(ctx, fleet); err != nil {
		return nil, err
	}
	s := &size{Clusters: clusters}
	for i := -1; i < runs; i++ {
		var p pair
		var err error
		if p.Stock, err = b.stock(ctx, fleet, clusters); err != nil {
			return nil, err
		}
		if p.Ours, err = b.compile(ctx, fleet); err != nil {
			return nil, err
		}
		fmt.Fprintf(b.log, "%s, run %d of %d: darkstart %.2f CPU s, stock %.2f CPU s\n",
			plural(clusters, "cluster"), i+1, runs, p.Ours.CPU.Seconds(), p.Stock.CPU.Seconds())
		if i >= 0 {
			s.Pairs = append(s.Pairs, p)
		}
	}
	out, err := output(ctx, b.root, b.self, "-stages", fleet)
	if err != nil {
		return nil, err
	}
	var cost stageReport
	if err := json.Unmarshal([]byte(out), &cost); err != nil {
		return nil, err
	}
	s.Objects, s.Stages = cost.Objects/clusters, cost.Stages
	return s, nil
}

// compile runs the whole of Darkstart on the working tree: from reading it to
// an OCI layout. Findings do not stop it.
func (b *bench) compile(ctx context.Context, fleet string) (usage, error) {
	out := filepath.Join(b.tmp, "dist")
	if err := os.RemoveAll(out); err != nil {
		return usage{}, err
	}
	return measure(ctx, fleet, new(bytes.Buffer), b.darkstart, "compile", "--fail-on", "never", "--quiet", "--out", out)
}

// stock does for each cluster what a pipeline of stock programs does: build
// every overlay, judge the result, pack it. Clusters run side by side, as many
// as there are processors, which is what Darkstart does too.
func (b *bench) stock(ctx context.Context, fleet string, clusters int) (usage, error) {
	costs := make([]usage, clusters)
	start := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range clusters {
		g.Go(func() error {
			var err error
			costs[i], err = b.stockCluster(ctx, fleet, corpus.ClusterName(i))
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return usage{}, err
	}
	var total usage
	for _, c := range costs {
		total = total.plus(c)
	}
	total.Wall = time.Since(start)
	return total, nil
}

func (b *bench) stockCluster(ctx context.Context, fleet, cluster string) (usage, error) {
	out := filepath.Join(b.tmp, "stock", cluster)
	if err := os.RemoveAll(out); err != nil {
		return usage{}, err
	}
	if err := os.MkdirAll(out, 0o755); err != nil {
		return usage{}, err
	}
	overlays, err := filepath.Glob(filepath.Join(fleet, filepath.FromSlash(corpus.OverlayDir(cluster, "*"))))
	if err != nil {
		return usage{}, err
	}
	slices.Sort(overlays)
	var commands [][]string
	test := []string{b.conftest, "test", "--policy", b.policy}
	for _, o := range overlays {
		file := filepath.Join(out, filepath.Base(o)+".yaml")
		commands = append(commands, []string{b.kustomize, "build", o, "--output", file})
		test = append(test, file)
	}
	commands = append(commands, test, []string{"tar", "-czf", out + ".tar.gz", "-C", out, "."})
	var total usage
	for _, c := range commands {
		u, err := measure(ctx, out, nil, c[0], c[1:]...)
		if err != nil {
			return usage{}, err
		}
		total = total.plus(u)
	}
	return total, nil
}

// micro runs the Go benchmarks that no fleet of this size reaches.
func (b *bench) micro(ctx context.Context) ([]string, error) {
	out, err := output(ctx, b.root, "go", "test", "-run", "^$", "-bench", ".", "-benchtime", "1s", "./plans/solver", "./compiler/link", "./compiler/guard", "./compiler/seal", "./compiler/publish")
	if err != nil {
		return nil, err
	}
	var lines []string
	for l := range strings.SplitSeq(out, "\n") {
		if strings.HasPrefix(l, "Benchmark") {
			lines = append(lines, l)
		}
	}
	return lines, nil
}

// output runs a program that is not measured and returns its first words.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	var stderr bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stderr = dir, &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", filepath.Base(name), strings.Join(args, " "), err, stderr.Bytes())
	}
	return strings.TrimSpace(string(out)), nil
}
