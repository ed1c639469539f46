// Command floor measures what nobody can save when a fleet is compiled: reading
// its manifests, parsing those that are distinct, validating the objects that
// are distinct, evaluating the rules on every cluster, and encoding, hashing and
// compressing what every cluster gets. It knows no spec, links nothing, solves
// nothing and says nothing about a finding.
//
//	go run ./internal/bench/floor DIR
//
// DIR is a fleet that `go run ./internal/bench/fleet` wrote. What the rules and
// the encoder work on is made by the compiler first, and is not counted. The
// program works on one thing at a time and prints the CPU seconds of each step
// as JSON.
package main

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/klauspost/compress/gzip"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/validate"
	"github.com/darkstart-dev/darkstart/internal/bench/cost"
	"github.com/darkstart-dev/darkstart/internal/git"
	"github.com/darkstart-dev/darkstart/internal/testkit/corpus"
	"github.com/darkstart-dev/darkstart/policies"
	"github.com/darkstart-dev/darkstart/schemas"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// step is one row: CPU seconds of the whole fleet.
type step struct {
	Step string
	CPU  float64
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "floor: want one argument, the folder of a fleet")
		os.Exit(1)
	}
	steps, err := run(context.Background(), os.Args[1])
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(steps)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "floor:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, dir string) ([]step, error) {
	in, err := compiled(ctx, dir)
	if err != nil {
		return nil, err
	}
	prepared, err := guard.Prepare(ctx, policies.FS)
	if err != nil {
		return nil, err
	}
	rules, err := guard.Alone(ctx, in, &guard.Config{Prepared: prepared, Parallel: 1})
	if err != nil {
		return nil, err
	}
	var texts map[[sha256.Size]byte][]byte
	var out []step
	for _, s := range []struct {
		name string
		do   func() error
	}{
		{"read", func() error { texts, err = read(dir); return err }},
		{"parse what is distinct", func() error { return parse(texts) }},
		{"validate what is distinct", func() error { return valid(ctx, in) }},
		{"evaluate the rules", rules},
		{"encode, hash, compress", func() error { return pack(in.Rendered) }},
	} {
		runtime.GC()
		start := cost.CPU()
		if err := s.do(); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		out = append(out, step{s.name, (cost.CPU() - start).Seconds()})
	}
	return out, nil
}

// compiled is what the rules judge and what every cluster gets.
func compiled(ctx context.Context, dir string) (*guard.Input, error) {
	repo, err := git.Open(ctx, dir)
	if err != nil {
		return nil, err
	}
	t, rev, ds, err := repo.Tree(ctx, git.Selector{Kind: git.Worktree})
	if err != nil || ds.HasErrors() {
		return nil, fmt.Errorf("%w%s", err, ds)
	}
	res, err := compiler.Compile(ctx, &compiler.Config{
		Tree: t, Revision: rev, Until: compiler.ToPlan,
		Schemas: schemas.FS, Kubernetes: kubernetes.FS, Policies: policies.FS,
	})
	if err != nil {
		return nil, err
	}
	if res.Plan == nil {
		return nil, errors.New("the fleet has no plan:\n" + fmt.Sprint(res.Diagnostics))
	}
	now, err := time.Parse(time.RFC3339, rev.Time)
	return &guard.Input{Fleet: res.Fleet, Rendered: res.Rendered, Plan: res.Plan, Lock: res.Lock, Tree: t, Now: now}, err
}

// read returns the manifests by the digest of their text.
func read(dir string) (map[[sha256.Size]byte][]byte, error) {
	out := map[[sha256.Size]byte][]byte{}
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if d.Name() == ".git" {
				return fs.SkipDir
			}
			return nil
		}
		b, err := os.ReadFile(name)
		if strings.HasSuffix(name, ".yaml") {
			out[sha256.Sum256(b)] = b
		}
		return err
	})
	return out, err
}

func parse(texts map[[sha256.Size]byte][]byte) error {
	for _, b := range texts {
		if _, err := corpus.Parse(b); err != nil {
			return err
		}
	}
	return nil
}

// valid validates the objects of one cluster: those of the others differ in
// labels, images and numbers.
func valid(ctx context.Context, in *guard.Input) error {
	release := in.Fleet.Units.Clusters[0].Spec.Kubernetes
	v, _, err := validate.Validate(ctx, in.Rendered[0], release, &validate.Config{Schemas: kubernetes.FS, Parallel: 1})
	if err == nil && v == nil {
		err = errors.New("nothing was validated")
	}
	return err
}

// pack writes the objects of each cluster into an archive of its own.
func pack(rendered []*ir.Rendered) error {
	for _, r := range rendered {
		var text bytes.Buffer
		w := tar.NewWriter(&text)
		for _, c := range r.Components {
			for i, o := range c.Objects {
				b, err := o.Encode()
				if err != nil {
					return err
				}
				_ = sha256.Sum256(b)
				if err := w.WriteHeader(&tar.Header{Name: fmt.Sprintf("%s/%d.yaml", c.Name, i), Mode: 0o644, Size: int64(len(b))}); err != nil {
					return err
				}
				if _, err := w.Write(b); err != nil {
					return err
				}
			}
		}
		if err := w.Close(); err != nil {
			return err
		}
		var packed bytes.Buffer
		z := gzip.NewWriter(&packed)
		if _, err := z.Write(text.Bytes()); err != nil {
			return err
		}
		if err := z.Close(); err != nil {
			return err
		}
		_ = sha256.Sum256(packed.Bytes())
	}
	return nil
}
