package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// bench is everything that runs need: programs and a place to work.
type bench struct {
	root, tmp       string
	self, darkstart string
	fleet, floor    string // commands below this one
	manifests, key  string
	stock           *stock // nil: Darkstart alone
	log             io.Writer
}

// release is the Kubernetes release that all clusters declare.
const release = "1.36"

func prepare(ctx context.Context, o *options, tmp string, log io.Writer) (*bench, error) {
	b := &bench{tmp: tmp, log: log, manifests: o.manifests, key: filepath.Join(tmp, "release.key")}
	var err error
	if b.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if b.root, err = output(ctx, ".", "go", "list", "-m", "-f", "{{.Dir}}"); err != nil {
		return nil, err
	}
	for pkg, to := range map[string]*string{"cmd/darkstart": &b.darkstart, "internal/bench/fleet": &b.fleet, "internal/bench/floor": &b.floor} {
		*to = filepath.Join(tmp, filepath.Base(pkg))
		if _, err := output(ctx, b.root, "go", "build", "-trimpath", "-o", *to, "./"+pkg); err != nil {
			return nil, err
		}
	}
	keys := command{dir: tmp, env: []string{passphrase}, args: []string{b.darkstart, "keys", "generate", "--out", tmp}}
	if _, err := measure(ctx, keys); err != nil {
		return nil, err
	}
	if o.peers {
		b.stock, err = prepareStock(ctx, b.self, tmp, b.manifests, b.key)
	}
	return b, err
}

// size is what a fleet of some size cost.
type size struct {
	Variant  int
	Clusters int
	Objects  int // in one cluster
	Peers    bool
	Pairs    []pair
	Stages   []stageCost
	Staged   []usage // check --staged with one component changed
}

// size measures one fleet: a warm-up of both sides, then pairs.
func (b *bench) size(ctx context.Context, variant, clusters, runs int) (*size, error) {
	dir := filepath.Join(b.tmp, fmt.Sprintf("fleet-%d-%d", variant, clusters))
	defer os.RemoveAll(dir)
	if _, err := output(ctx, b.root, b.fleet, "-variant", fmt.Sprint(variant), "-n", fmt.Sprint(clusters), "-kubernetes", release, "-manifests", b.manifests, dir); err != nil {
		return nil, err
	}
	fleet, overlays, built := filepath.Join(dir, "darkstart"), filepath.Join(dir, "overlays"), filepath.Join(dir, "built")
	if err := b.commit(ctx, fleet); err != nil {
		return nil, err
	}
	s := &size{Variant: variant, Clusters: clusters, Peers: b.stock != nil}
	for i := -1; i < runs; i++ {
		var p pair
		var err error
		if b.stock != nil {
			if p.Stock, p.Programs, err = b.stock.run(ctx, fleet, overlays, built, clusters); err != nil {
				return nil, err
			}
		}
		if p.Ours, err = b.release(ctx, fleet); err != nil {
			return nil, err
		}
		fmt.Fprintf(b.log, "variant %d, %s, run %d of %d: darkstart %.2f CPU s, stock %.2f CPU s\n",
			variant, plural(clusters, "cluster"), i+1, runs, p.Ours.cpu(), p.Stock.cpu())
		if i < 0 {
			continue
		}
		if err := b.child(ctx, &p.Floor, b.floor, fleet); err != nil {
			return nil, err
		}
		s.Pairs = append(s.Pairs, p)
	}
	args := []string{b.self, "-stages", fleet}
	if b.stock != nil {
		args = append(args, "-built", built)
	}
	var cost stageReport
	if err := b.child(ctx, &cost, args...); err != nil {
		return nil, err
	}
	s.Objects, s.Stages = cost.Objects/clusters, cost.Stages
	var err error
	s.Staged, err = b.staged(ctx, fleet, runs)
	return s, err
}

// child runs a program that prints JSON.
func (b *bench) child(ctx context.Context, into any, args ...string) error {
	out, err := output(ctx, b.root, args[0], args[1:]...)
	if err != nil {
		return err
	}
	return json.Unmarshal([]byte(out), into)
}

// release runs the whole of Darkstart on the working tree: from reading it to a
// signed OCI layout. What the run before wrote is gone.
func (b *bench) release(ctx context.Context, fleet string) (usage, error) {
	out := filepath.Join(b.tmp, "dist")
	for _, d := range []string{out, filepath.Join(fleet, "releases"), filepath.Join(fleet, "deploy")} {
		if err := os.RemoveAll(d); err != nil {
			return usage{}, err
		}
	}
	u, err := measure(ctx, command{dir: fleet, env: []string{passphrase}, args: []string{b.darkstart, "release", "--quiet", "--key", b.key, "--out", out}})
	if err != nil {
		return usage{}, err
	}
	// Without a release the next run measures the same.
	return u, os.RemoveAll(filepath.Join(fleet, "releases"))
}

// staged measures the check before a commit that changes one component of all
// clusters.
func (b *bench) staged(ctx context.Context, fleet string, runs int) ([]usage, error) {
	manifests, err := filepath.Glob(filepath.Join(fleet, "components", "*", "manifest.yaml"))
	if err != nil || len(manifests) == 0 {
		return nil, fmt.Errorf("no manifest in %s: %w", fleet, err)
	}
	slices.Sort(manifests)
	if err := edit(manifests[0]); err != nil {
		return nil, err
	}
	if _, err := output(ctx, fleet, "git", "add", "-A"); err != nil {
		return nil, err
	}
	var out []usage
	for range runs {
		u, err := b.check(ctx, fleet)
		if err != nil {
			return nil, err
		}
		out = append(out, u)
	}
	return out, nil
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
