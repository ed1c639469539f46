package main

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// markdown is the page about records, and depends on nothing else.
func (rs records) markdown() string {
	var b strings.Builder
	b.WriteString(strings.ReplaceAll(introduction, "~", "`"))
	rs.goals(&b)
	rs.fleets(&b)
	rs.example(&b)
	for _, r := range rs {
		if r.Measure == mMicro {
			fmt.Fprintf(&b, "## Solver, linker, guardrails, seal and publish\n\n%s\n\n```\n%s\n```\n\n%s\n", strings.ReplaceAll(benchmarks, "~", "`"), strings.Join(r.Lines, "\n"), r.origin(""))
		}
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

const introduction = `# Benchmarks

Written by ~go run ./internal/bench -write~ from ~docs/benchmarks.json~, which has every run. ~make bench~ and ~make bench-peers~ call it; each run takes the place of
what was measured before of the same fleet and measure.

The input is a fleet over the upstream manifests in ../shared/corpus/manifests, with services, stores, objectives and recovery scenarios. Every
cluster has labels of its own, a namespace for what names none, pinned images from one of two registries, a replica
count, and one patch. In **variant 1** that is written as users of each tool write it: parameters of the spec here (~set:~, ~images:~),
an overlay for each cluster and component there. In **variant 2** both sides build the overlays. The objects of both sides are compared first, and
have to be equal. ~go run ./internal/bench/fleet -n 1000 DIR~ writes such a fleet as a git repository.

- **cold** is ~darkstart release~ with an empty cache: it reads git, evaluates CUE, renders, checks every object against the schemas of its Kubernetes
  release and of its CRDs, links, solves the bootstrap of every cluster and every scenario, judges the guardrails, writes bundles as an OCI layout and
  signs them.
- **stock** is, for each cluster, ~cue export~, ~kustomize build~ of every overlay, ~kubeconform~ with the same schemas, ~conftest test~ with the three rules in
  internal/bench/policy, ~gitleaks dir~, ~tar -czf~, and ~cosign sign-blob~ of that archive: no links, no plan, no registry. It has no cache. Both sides
  work on as many clusters at once as there are cores. Where it worked on the first clusters only, which is then said, the whole is taken to cost as much for each of the others.
- **floor** is a program that only reads, parses and validates what is distinct, evaluates the same prepared rules on every cluster, and encodes,
  hashes and compresses what every cluster gets.
- **warm** is ~darkstart compile~ with everything in the cache; **one changed** the same after a component of one cluster got another label. ~check --staged~ is
  the pre-commit hook, after the same change, and after one in a manifest that all clusters use. Each run makes another change, which no cache knows.
- **growth** is one **cold** of the fleet between ten of fleets of a tenth of its clusters, five before and five after: the same number of clusters on both
  sides, so that a machine that is slower for some minutes is so for both.
- **shards** are sixteen processes of ~compile --shard~ with a cache of their own each, one after the other, and ~assemble~ with an empty one, over a registry in memory.
  Their layout is compared with that of one ~compile~.

Figures are medians of the runs, the two sides in turns. CPU is user and system time of all processes, wall time depends on what else the machine
did, memory is the largest resident set of one process, of which the least that can be measured is some 5 MiB.

`

const benchmarks = `From ~go test -bench~ in plans/solver, compiler/link, compiler/guard, compiler/seal and compiler/publish. ~Publish~ carries 100 clusters of half
a megabyte to a registry in the same process: all, again, and after one changed. ~AgainstOPA~ judges ten clusters of
the corpus with all rules, beside OPA alone on the same prepared queries and parsed input.`

// origin says where figures come from.
func (r *record) origin(what string) string {
	text := fmt.Sprintf("%s%s, on %s.", what, r.Commit, r.Machine)
	if r.Programs != "" {
		text += " Stock programs: " + r.Programs + "."
	}
	if r.Note != "" {
		text += " " + r.Note
	}
	return text
}

// fleets prints a section for each fleet.
func (rs records) fleets(b *strings.Builder) {
	for i, r := range rs {
		if r.Variant == 0 || i > 0 && rs[i-1].Variant == r.Variant && rs[i-1].Clusters == r.Clusters {
			continue
		}
		fmt.Fprintf(b, "## Variant %d: %s", r.Variant, plural(r.Clusters, "cluster"))
		if s := rs.find(mStages, r.Variant, r.Clusters); s != nil {
			fmt.Fprintf(b, " of %d objects", s.Objects)
		}
		b.WriteString("\n\n| whole fleet | CPU s | wall s | MiB | runs |\n|---|---:|---:|---:|---:|\n")
		mine := rs.of(r.Variant, r.Clusters)
		for _, m := range mine {
			m.rows(b)
		}
		for _, m := range mine {
			m.programs(b)
			m.floor(b)
		}
		mine.stages(b)
		b.WriteString("\n")
		mine.origins(b)
	}
}

func (rs records) of(variant, clusters int) (out records) {
	for _, r := range rs {
		if r.Variant == variant && r.Clusters == clusters {
			out = append(out, r)
		}
	}
	return out
}

// names says in a table what a measure is.
func names() map[string]string {
	return map[string]string{
		mCold: "cold", mGrowth: "cold, between ten of a tenth of the clusters", mWarm: "warm", mSame: "`check`, nothing changed", mOne: "one changed", mStagedOne: "`check --staged`, one cluster", mStagedShared: "`check --staged`, all clusters",
		mShards: "cold, `compile`", mExample: "`check --staged`", mExampleBase: "`check --staged --base HEAD`",
	}
}

func (r *record) rows(b *strings.Builder) {
	if len(r.Runs) == 0 {
		return
	}
	row := func(name string, cpu, wall, mib func(pair) float64) {
		fmt.Fprintf(b, "| %s | %.2f | %.2f | %.0f | %d |\n", name, median(r.Runs, cpu), median(r.Runs, wall), median(r.Runs, mib), len(r.Runs))
	}
	row(names()[r.Measure], pair.cpu, pair.wall, pair.mib)
	if r.Measure == mGrowth {
		row("those ten together", func(p pair) float64 { return sum(p.Tenths, func(u usage) float64 { return u.CPU }) },
			func(p pair) float64 { return sum(p.Tenths, func(u usage) float64 { return u.Wall }) },
			func(p pair) float64 {
				return slices.MaxFunc(p.Tenths, func(a, b usage) int { return cmp.Compare(a.MiB, b.MiB) }).MiB
			})
		lo, hi := math.Inf(1), 0.0
		for _, p := range r.Runs {
			lo, hi = min(lo, p.growth()), max(hi, p.growth())
		}
		fmt.Fprintf(b, "| growth of the CPU per cluster, median, %.2f to %.2f | %.2f | | | %d |\n", lo, hi, median(r.Runs, pair.growth), len(r.Runs))
	}
	if r.Measure == mShards {
		for _, part := range []string{partAll, partLargest, partAssemble} {
			row("16 shards: "+part, func(p pair) float64 { return p.Programs[part].CPU }, func(p pair) float64 { return p.Programs[part].Wall }, func(p pair) float64 { return p.Programs[part].MiB })
		}
	}
	if r.Stock > 0 {
		row("stock, "+plural(r.Stock, "cluster"), func(p pair) float64 { return p.Stock.CPU }, func(p pair) float64 { return p.Stock.Wall }, func(p pair) float64 { return p.Stock.MiB })
		fmt.Fprintf(b, "| stock / cold, each cluster, median of the pairs | %.1f | %.1f | | %d |\n",
			median(r.Runs, func(p pair) float64 { return r.whole(p) / p.Ours.CPU }),
			median(r.Runs, func(p pair) float64 { return p.Stock.Wall * float64(r.Clusters) / float64(r.Stock) / p.Ours.Wall }), len(r.Runs))
	}
}

// programs prints what each stock program costs.
func (r *record) programs(b *strings.Builder) {
	if r.Stock == 0 {
		return
	}
	fmt.Fprintf(b, "\n| stock program, of %s | CPU s a cluster | MiB |\n|---|---:|---:|\n", plural(r.Stock, "cluster"))
	for _, name := range slices.Sorted(maps.Keys(r.Runs[0].Programs)) {
		fmt.Fprintf(b, "| %s | %.3f | %.0f |\n", name,
			median(r.Runs, func(p pair) float64 { return p.Programs[name].CPU })/float64(r.Stock),
			median(r.Runs, func(p pair) float64 { return p.Programs[name].MiB }))
	}
}

// floor prints the steps that nobody can save.
func (r *record) floor(b *strings.Builder) {
	if r.Measure != mCold || len(r.Runs[0].Floor) == 0 {
		return
	}
	n := float64(r.Clusters)
	b.WriteString("\n| step of the floor | CPU s a cluster |\n|---|---:|\n")
	for i, st := range r.Runs[0].Floor {
		fmt.Fprintf(b, "| %s | %.3f |\n", st.Step, median(r.Runs, func(p pair) float64 { return p.Floor[i].CPU })/n)
	}
	fmt.Fprintf(b, "| together | %.3f |\n| cold / floor | %.2f |\n", median(r.Runs, pair.floor)/n, median(r.Runs, overFloor))
}

// stages prints what each stage costs, cold and warm.
func (rs records) stages(b *strings.Builder) {
	var all []*record
	var order []string
	for _, r := range rs {
		if len(r.Stages) == 0 {
			continue
		}
		all = append(all, r)
		for _, s := range r.Stages {
			if !slices.Contains(order, s.Stage) {
				order = append(order, s.Stage)
			}
		}
	}
	if len(all) == 0 {
		return
	}
	b.WriteString("\n| stage, one thing at a time, CPU s a cluster |")
	for _, r := range all {
		fmt.Fprintf(b, " %s |", map[string]string{mStages: "cold", mStagesWarm: "warm"}[r.Measure])
	}
	b.WriteString("\n|---|" + strings.Repeat("---:|", len(all)) + "\n")
	for _, name := range append(order, "together") {
		fmt.Fprintf(b, "| %s |", name)
		for _, r := range all {
			var cpu float64
			for _, s := range r.Stages {
				if s.Stage == name || name == "together" {
					cpu += s.CPU
				}
			}
			fmt.Fprintf(b, " %.4f |", cpu/float64(r.Clusters))
		}
		b.WriteString("\n")
	}
}

// origins says where the figures of a fleet come from, once where it is the
// same.
func (rs records) origins(b *strings.Builder) {
	var order []string
	by := map[string][]string{}
	for _, r := range rs {
		o := r.origin("")
		if by[o] == nil {
			order = append(order, o)
		}
		by[o] = append(by[o], r.Measure)
	}
	for _, o := range order {
		if len(order) > 1 {
			fmt.Fprintf(b, "%s: ", strings.Join(by[o], ", "))
		}
		b.WriteString(o + "\n\n")
	}
}

func (rs records) example(b *strings.Builder) {
	var mine records
	for _, r := range rs {
		if r.Measure == mExample || r.Measure == mExampleBase {
			mine = append(mine, r)
		}
	}
	if len(mine) == 0 {
		return
	}
	b.WriteString("## The example fleet, one changed file staged\n\n| command | CPU s | wall s | MiB | runs |\n|---|---:|---:|---:|---:|\n")
	for _, r := range mine {
		r.rows(b)
	}
	b.WriteString("\n")
	mine.origins(b)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return number(n) + " " + noun + "s"
}
