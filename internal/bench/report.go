package main

import (
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
)

// report is everything that was measured.
type report struct {
	Machine   string
	Manifests string // the folder's name
	Note      string
	Runs      int
	Sizes     []*size
	Hook      *hook
	Micro     []string
}

// machine says what the figures are worth elsewhere.
func machine() string {
	return fmt.Sprintf("%d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// markdown is the report as a page of the documentation.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Benchmarks

Written by `+"`make bench-peers`"+`, which is `+"`go run ./internal/bench -write`"+`; `+"`-n`"+`, `+"`-variant`"+` and `+"`-runs`"+` choose what is measured.

The input is a fleet over the upstream manifests in %s/, with services, stores, objectives and recovery scenarios. Every
cluster has labels of its own, a namespace for what names none, pinned images from one of two registries, a replica
count, and one patch. In **variant 1** that is written as users of each tool write it: parameters of the spec here (`+"`set:`, `images:`"+`),
an overlay for each cluster and component there. In **variant 2** both sides build the overlays. Each run first compares
the objects of both sides, and stops when they are not equal. Nothing is cached from one run to the next.
`+"`go run ./internal/bench/fleet -n 1000 DIR`"+` writes such a fleet.

*Darkstart* is `+"`darkstart release`"+`: it reads git, evaluates CUE, renders, checks every object against the schemas of its
Kubernetes release and of its CRDs, links, solves the bootstrap of every cluster and every scenario, judges the guardrails, writes
bundles as an OCI layout and signs them. *Stock* is, for each cluster, `+"`cue export`, `kustomize build`"+` of every overlay, `+"`kubeconform`"+`
with the same schemas, `+"`conftest test`"+` with the three rules in internal/bench/policy, `+"`gitleaks dir`, `tar -czf`, and `cosign sign-blob`"+`
of that archive: no links, no plan, no registry. Both work on as many clusters at once as there are cores. The *floor* is a program that only reads,
parses and validates what is distinct, evaluates the same prepared rules on every cluster, and encodes, hashes and compresses what every cluster gets.

Machine: %s. Programs: %s. Figures are medians of %s of
runs, one side after the other, after one pair that is not counted. CPU is user and system time of all processes; wall time depends on what else the machine did.

`, r.Manifests, r.Machine, versions(), plural(r.Runs, "pair"))
	if r.Note != "" {
		b.WriteString(r.Note + "\n\n")
	}
	r.goals(&b)
	for _, s := range r.Sizes {
		s.markdown(&b)
	}
	if r.Hook != nil {
		r.Hook.markdown(&b)
	}
	if len(r.Micro) > 0 {
		fmt.Fprintf(&b, "## Solver, linker, guardrails, seal and publish\n\nFrom `go test -bench` in plans/solver, compiler/link, compiler/guard, compiler/seal and compiler/publish. `Publish` carries 100 clusters of half\na megabyte to a registry in the same process: all, again, and after one changed. `AgainstOPA` judges ten clusters of\nthe corpus with all rules, beside OPA alone on the same prepared queries and parsed input.\n\n```\n%s\n```\n", strings.Join(r.Micro, "\n"))
	}
	return b.String()
}

// goals prints what is aimed at beside today's figure, of variant 1. Goals that
// need what does not exist yet, a cache and shards, are not here.
func (r *report) goals(b *strings.Builder) {
	var sizes []*size
	for _, s := range r.Sizes {
		if s.Variant == 1 {
			sizes = append(sizes, s)
		}
	}
	if len(sizes) == 0 {
		return
	}
	slices.SortStableFunc(sizes, func(a, b *size) int { return cmp.Compare(a.Clusters, b.Clusters) })
	small, large := sizes[0], sizes[len(sizes)-1]
	at := plural(large.Clusters, "cluster")
	fmt.Fprintf(b, "## Goals\n\nThe goals are for the sizes that they name; the figures are of what was measured, without extrapolation.\n\n| measure | goal | measured | at |\n|---|---|---:|---|\n")
	if large.Peers {
		fmt.Fprintf(b, "| cold compile of 100 clusters, CPU, stock / Darkstart | ≥ 20 | %.1f | %s |\n", median(large.Pairs, func(p pair) float64 { return p.Stock.cpu() / p.Ours.cpu() }), at)
	}
	fmt.Fprintf(b, "| the same, Darkstart / floor | ≤ 3 | %.1f | %s |\n", median(large.Pairs, func(p pair) float64 { return p.Ours.cpu() / p.floor() }), at)
	fmt.Fprintf(b, "| `check --staged`, one component changed in a fleet of 100, wall | ≤ 1 s | %.1f s | %s |\n", median(large.Staged, usage.wall), at)
	fmt.Fprintf(b, "| peak memory at 100 clusters | ≤ 700 MiB | %.0f MiB | %s |\n", median(large.Pairs, func(p pair) float64 { return p.Ours.mib() }), at)
	if small != large {
		growth := large.each() / small.each()
		fmt.Fprintf(b, "| growth from 100 to 1,000 clusters, CPU per cluster | ≤ 1.1 × | %.2f × | from %d to %s |\n", growth, small.Clusters, at)
	}
	b.WriteString("\n")
}

// each is what one cluster costs Darkstart, in CPU seconds.
func (s *size) each() float64 {
	return median(s.Pairs, func(p pair) float64 { return p.Ours.cpu() }) / float64(s.Clusters)
}

func (s *size) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "## Variant %d: %s of %d objects\n\n", s.Variant, plural(s.Clusters, "cluster"), s.Objects)
	n := float64(s.Clusters)
	if s.Peers {
		b.WriteString("| per cluster | Darkstart | stock | stock / Darkstart |\n|---|---:|---:|---:|\n")
	} else {
		b.WriteString("| per cluster | Darkstart |\n|---|---:|\n")
	}
	s.row(b, "CPU seconds", "%.2f", func(u usage) float64 { return u.cpu() / n })
	s.row(b, "wall seconds", "%.2f", func(u usage) float64 { return u.wall() / n })
	s.row(b, "peak memory of a process, MiB, whole fleet", "%.0f", usage.mib)
	fmt.Fprintf(b, "\n`check --staged` after one component of all clusters changed: %.2f s wall, %.2f s CPU.\n", median(s.Staged, usage.wall), median(s.Staged, usage.cpu))
	if s.Peers {
		s.programs(b)
	}
	s.floor(b)
	var total float64
	for _, c := range s.Stages {
		total += c.CPU
	}
	b.WriteString("\n| stage of Darkstart, one thing at a time | CPU seconds per cluster | share |\n|---|---:|---:|\n")
	for _, c := range s.Stages {
		fmt.Fprintf(b, "| %s | %.3f | %.0f %% |\n", c.Stage, c.CPU/n, 100*c.CPU/total)
	}
	fmt.Fprintf(b, "| together | %.3f | |\n\n", total/n)
}

// programs prints what each stock program costs.
func (s *size) programs(b *strings.Builder) {
	b.WriteString("\n| stock program | CPU seconds per cluster | peak memory, MiB |\n|---|---:|---:|\n")
	for _, name := range slices.Sorted(maps.Keys(s.Pairs[0].Programs)) {
		of := func(f func(usage) float64) float64 {
			return median(s.Pairs, func(p pair) float64 { return f(p.Programs[name]) })
		}
		fmt.Fprintf(b, "| %s | %.3f | %.0f |\n", name, of(usage.cpu)/float64(s.Clusters), of(usage.mib))
	}
}

// floor prints the steps that nobody can save.
func (s *size) floor(b *strings.Builder) {
	n := float64(s.Clusters)
	b.WriteString("\n| step of the floor | CPU seconds per cluster |\n|---|---:|\n")
	for i, st := range s.Pairs[0].Floor {
		fmt.Fprintf(b, "| %s | %.3f |\n", st.Step, median(s.Pairs, func(p pair) float64 { return p.Floor[i].CPU })/n)
	}
	fmt.Fprintf(b, "| together | %.3f |\n| Darkstart / floor | %.2f |\n", median(s.Pairs, pair.floor)/n, median(s.Pairs, func(p pair) float64 { return p.Ours.cpu() / p.floor() }))
}

// row prints the medians of both sides, and the median of the ratios of pairs,
// which is not the ratio of the medians.
func (s *size) row(b *strings.Builder, name, format string, f func(usage) float64) {
	fmt.Fprintf(b, "| %s | "+format+" |", name, median(s.Pairs, func(p pair) float64 { return f(p.Ours) }))
	if s.Peers {
		stock := median(s.Pairs, func(p pair) float64 { return f(p.Stock) })
		ratio := median(s.Pairs, func(p pair) float64 { return f(p.Stock) / f(p.Ours) })
		fmt.Fprintf(b, " "+format+" | %.2f |", stock, ratio)
	}
	b.WriteString("\n")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
