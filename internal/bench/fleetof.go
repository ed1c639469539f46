package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"github.com/darkstart-dev/darkstart/internal/testkit/corpus"
)

// subject is a fleet that is measured.
type subject struct {
	*bench
	variant, clusters int
	stock             int // clusters that the stock programs work on
	fleet, overlays   string
	built, dist       string
	changes           int // that were made, so that each is another one
}

// fleetOf measures one fleet.
func (b *bench) fleetOf(ctx context.Context, variant, clusters int) error {
	if !b.wants(mCold) && !b.wants(mWarm) && !b.wants(mStages) && !b.wants(mShards) && !b.wants(mGrowth) {
		return nil
	}
	s, err := b.subject(ctx, variant, clusters)
	if err != nil {
		return err
	}
	defer s.leave()
	for _, m := range []struct {
		group string
		do    func(context.Context) error
	}{{mCold, s.cold}, {mGrowth, s.growth}, {mStages, s.byStage}, {mShards, s.sharded}, {mWarm, s.warm}} {
		if !b.wants(m.group) {
			continue
		}
		if err := m.do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// subject makes a fleet, until leave.
func (b *bench) subject(ctx context.Context, variant, clusters int) (*subject, error) {
	dir := filepath.Join(b.tmp, fmt.Sprintf("fleet-%d-%d", variant, clusters))
	s := &subject{
		bench: b, variant: variant, clusters: clusters,
		fleet: filepath.Join(dir, "darkstart"), overlays: filepath.Join(dir, "overlays"), built: filepath.Join(dir, "built"), dist: filepath.Join(dir, "dist"),
	}
	if b.programs != nil {
		if s.stock = b.stock; s.stock < 0 || s.stock > clusters {
			s.stock = clusters
		}
	}
	_, err := output(ctx, b.root, b.generator, "-variant", fmt.Sprint(variant), "-n", fmt.Sprint(clusters), "-overlays", fmt.Sprint(s.stock), "-kubernetes", release, "-manifests", b.manifests, dir)
	return s, err
}

func (s *subject) leave() { os.RemoveAll(filepath.Dir(s.fleet)) } //nolint:errcheck // the folder around is removed too

func (s *subject) name() string {
	return fmt.Sprintf("variant %d, %s", s.variant, plural(s.clusters, "cluster"))
}

// cold measures the whole of both sides, from reading the working tree to a
// signed archive of each cluster, with nothing cached.
func (s *subject) cold(ctx context.Context) error {
	r := record{Measure: mCold, Variant: s.variant, Clusters: s.clusters, Stock: s.stock}
	first := 0
	if s.warmUp {
		first = -1
	}
	for i := first; i < s.runs; i++ {
		var p pair
		sides := []func() error{
			func() (err error) { p.Ours, err = s.release(ctx); return err },
			func() error { return s.beside(ctx, &p) },
		}
		if i%2 != 0 {
			slices.Reverse(sides)
		}
		for _, side := range sides {
			if err := side(); err != nil {
				return err
			}
		}
		s.say("%s, cold, run %d of %d: %s", s.name(), i+1, s.runs, p)
		if i == first && s.stock > 0 {
			if _, err := output(ctx, s.root, s.self, "-equal", s.fleet); err != nil {
				return err
			}
		}
		if i < 0 {
			continue
		}
		if s.wants("floor") {
			if err := s.child(ctx, &p.Floor, s.floor, s.fleet); err != nil {
				return err
			}
		}
		r.Runs = append(r.Runs, p)
	}
	s.record(r)
	return nil
}

// release runs the whole of Darkstart. What the run before wrote is gone, its
// cache too.
func (s *subject) release(ctx context.Context) (usage, error) {
	dir, env, err := s.cached()
	if err != nil {
		return usage{}, err
	}
	defer os.RemoveAll(dir)
	u, err := measure(ctx, s.meter, command{dir: s.fleet, env: env, args: []string{s.darkstart, "release", "--quiet", "--key", s.key, "--out", s.dist}})
	for _, d := range []string{s.dist, filepath.Join(s.fleet, "releases"), filepath.Join(s.fleet, "deploy")} {
		if err := os.RemoveAll(d); err != nil {
			return usage{}, err
		}
	}
	return u, err
}

// growth measures what a cluster costs in this fleet and in one of a tenth of its
// clusters: ten of those, half before and half after.
func (s *subject) growth(ctx context.Context) error {
	const tenths = 10
	if s.clusters%tenths != 0 {
		return fmt.Errorf("growth: %d clusters have no tenth", s.clusters)
	}
	small, err := s.subject(ctx, s.variant, s.clusters/tenths)
	if err != nil {
		return err
	}
	defer small.leave()
	r := record{Measure: mGrowth, Variant: s.variant, Clusters: s.clusters}
	for i := range s.runs {
		var p pair
		for k := range tenths {
			if k == tenths/2 {
				if p.Ours, err = s.release(ctx); err != nil {
					return err
				}
			}
			u, err := small.release(ctx)
			if err != nil {
				return err
			}
			p.Tenths = append(p.Tenths, u)
		}
		s.say("%s, growth, run %d of %d: %s; %.2f × a cluster of %d", s.name(), i+1, s.runs, p, p.growth(), small.clusters)
		r.Runs = append(r.Runs, p)
	}
	s.record(r)
	return nil
}

// beside runs the stock programs, if it is to be compared with them.
func (s *subject) beside(ctx context.Context, p *pair) error {
	if s.stock == 0 {
		return nil
	}
	u, programs, err := s.programs.run(ctx, s.fleet, s.overlays, s.built, s.stock)
	p.Stock, p.Programs = &u, programs
	return err
}

// byStage asks processes of their own what each stage costs: cold, and with all
// in the cache.
func (s *subject) byStage(ctx context.Context) error {
	dir, _, err := s.cached()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	for _, m := range []string{mStages, mStagesWarm} {
		var cost stageReport
		if err := s.child(ctx, &cost, s.self, "-stages", s.fleet, "-cache", dir); err != nil {
			return err
		}
		s.record(record{Measure: m, Variant: s.variant, Clusters: s.clusters, Objects: cost.Objects / s.clusters, Stages: cost.Stages})
	}
	s.say("%s, stages", s.name())
	return nil
}

// warm measures what developers and pipelines do all day: again, and after a
// small change. All that was compiled before is in the cache.
func (s *subject) warm(ctx context.Context) error {
	dir, env, err := s.cached()
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	compile := command{dir: s.fleet, env: env, args: []string{s.darkstart, "compile", "--quiet", "--out", s.dist}}
	check := command{dir: s.fleet, env: env, args: []string{s.darkstart, "check", "--staged", "--quiet"}}
	for _, c := range []command{compile, check} {
		if _, err := measure(ctx, s.meter, c); err != nil {
			return err
		}
	}
	nothing := func() error { return nil }
	for _, m := range []struct {
		measure string
		change  func() error
		staged  bool
		run     command
	}{
		{mWarm, nothing, false, compile},
		{mSame, nothing, true, check},
		{mOne, s.changeOne, false, compile},
		{mStagedOne, s.changeOne, true, check},
		{mStagedShared, s.changeShared, true, check},
	} {
		r := record{Measure: m.measure, Variant: s.variant, Clusters: s.clusters}
		for i := range s.runs {
			if err := m.change(); err != nil {
				return err
			}
			if m.staged {
				if _, err := output(ctx, s.fleet, "git", "add", "-A"); err != nil {
					return err
				}
			}
			u, err := measure(ctx, s.meter, m.run)
			if err != nil {
				return err
			}
			s.say("%s, %s, run %d of %d: %.2f CPU s, %.2f wall s, %.0f MiB", s.name(), m.measure, i+1, s.runs, u.CPU, u.Wall, u.MiB)
			r.Runs = append(r.Runs, pair{Ours: u})
		}
		s.record(r)
	}
	return os.RemoveAll(s.dist)
}

// changeOne changes a component of the first cluster: all its objects get
// another label.
func (s *subject) changeOne() error {
	components, err := filepath.Glob(filepath.Join(s.fleet, "components", "*"))
	if err != nil || len(components) == 0 {
		return fmt.Errorf("no components in %s: %w", s.fleet, err)
	}
	s.changes++
	text := fmt.Sprintf("package clusters\n\ncomponents: %q: set: labels: \"fleet.example/change\": \"%d\"\n", filepath.Base(slices.Min(components)), s.changes)
	return os.WriteFile(filepath.Join(s.fleet, "clusters", corpus.ClusterName(0), "change.cue"), []byte(text), 0o644)
}

// labels is where the labels of an object begin in a manifest.
var labels = regexp.MustCompile(`(?m)^  labels:\n`)

// changeShared changes an object of a component that all clusters have: it gets
// another label.
func (s *subject) changeShared() error {
	manifests, err := filepath.Glob(filepath.Join(s.fleet, "components", "*", "manifest.yaml"))
	if err != nil || len(manifests) == 0 {
		return fmt.Errorf("no manifest in %s: %w", s.fleet, err)
	}
	name := slices.Min(manifests)
	src, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	at := labels.FindIndex(src)
	if at == nil {
		return fmt.Errorf("%s has no labels to add one to", name)
	}
	s.changes++
	label := fmt.Appendf(nil, "    fleet.example/change-%d: \"x\"\n", s.changes)
	return os.WriteFile(name, slices.Concat(src[:at[1]], label, src[at[1]:]), 0o644)
}
