package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/testkit/registry"
)

// shards is into how many the goal divides a fleet.
const shards = 16

// Parts of a run of mShards.
const (
	partAll      = "all shards"
	partLargest  = "largest shard"
	partAssemble = "assemble"
)

// sharded compiles the fleet as one process and, over a registry, as shards
// with a cache of their own each, one after the other, which assemble joins. The
// layouts have to be the same.
func (s *subject) sharded(ctx context.Context) error {
	server := httptest.NewServer(registry.Handler(true))
	defer server.Close()
	repository := "oci://" + strings.TrimPrefix(server.URL, "http://") + "/shards"
	r := record{Measure: mShards, Variant: s.variant, Clusters: s.clusters}
	for i := range s.runs {
		p := pair{Programs: map[string]usage{}}
		one, together := s.dist+"-one", s.dist+"-shards"
		var err error
		if p.Ours, err = s.apart(ctx, "compile", "--out", one); err != nil {
			return err
		}
		var all, largest usage
		for k := range shards {
			u, err := s.apart(ctx, "compile", "--shard", fmt.Sprintf("%d/%d", k, shards), "--to", repository)
			if err != nil {
				return err
			}
			all.CPU, all.Wall, all.MiB = all.CPU+u.CPU, all.Wall+u.Wall, max(all.MiB, u.MiB)
			if u.CPU > largest.CPU {
				largest = u
			}
		}
		assemble, err := s.apart(ctx, "assemble", "--shards", fmt.Sprint(shards), "--from", repository, "--strict", "--out", together)
		if err != nil {
			return err
		}
		p.Programs = map[string]usage{partAll: all, partLargest: largest, partAssemble: assemble}
		a, errA := os.ReadFile(filepath.Join(one, "oci", "index.json"))
		b, errB := os.ReadFile(filepath.Join(together, "oci", "index.json"))
		if err := errors.Join(errA, errB, os.RemoveAll(one), os.RemoveAll(together)); err != nil {
			return err
		}
		if !bytes.Equal(a, b) {
			return fmt.Errorf("%d shards give other digests than one process:\n%s\n%s", shards, a, b)
		}
		s.say("%s, %d shards, run %d of %d: one process %.2f CPU s, all shards %.2f, assemble %.2f", s.name(), shards, i+1, s.runs, p.Ours.CPU, all.CPU, assemble.CPU)
		r.Runs = append(r.Runs, p)
	}
	s.record(r)
	return nil
}

// apart runs Darkstart as on a machine of its own, with an empty cache.
func (s *subject) apart(ctx context.Context, args ...string) (usage, error) {
	dir, env, err := s.cached()
	if err != nil {
		return usage{}, err
	}
	defer os.RemoveAll(dir)
	return measure(ctx, s.meter, command{dir: s.fleet, env: env, args: append([]string{s.darkstart, args[0], "--quiet"}, args[1:]...)})
}
