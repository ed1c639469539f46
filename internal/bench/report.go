package main

import (
	"fmt"
	"runtime"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/testkit/tools"
)

// report is everything that was measured.
type report struct {
	Machine string
	Runs    int
	Sizes   []*size
	Hook    *hook
	Micro   []string
}

// machine says what the figures are worth elsewhere.
func machine() string {
	return fmt.Sprintf("%d cores, %s/%s, %s", runtime.NumCPU(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// markdown is the report as a page of the documentation.
func (r *report) markdown() string {
	var b strings.Builder
	fmt.Fprintf(&b, `# Benchmarks

Written by `+"`make tools && go run ./internal/bench -write`"+`.

The input is a fleet over six upstream projects (Calico, MetalLB, ingress-nginx, Gatekeeper, kube-prometheus, Online
Boutique), one kustomize overlay for each of them in every cluster: a label on everything, pinned images, a replica
count, a patch. Nothing is cached from one run to the next.

*Darkstart* is `+"`darkstart compile`"+`: it reads git, evaluates CUE, renders, checks every object against the schemas of its
Kubernetes release and of its CRDs, links, solves the bootstrap of every cluster, judges the guardrails and writes
bundles as an OCI layout. *Stock* is `+"`kustomize build`"+` of every overlay, `+"`conftest test`"+` with the three rules in
internal/bench/policy, and `+"`tar -czf`"+`: a part of that work. Both work on as many clusters at once as there are cores.

Machine: %s. Programs: %s. Figures are medians of %s of
runs, one side after the other, after one pair that is not counted. CPU is user and system time of all processes; wall time depends on what else the machine did.

`, r.Machine, programs(), plural(r.Runs, "pair"))
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

func programs() string {
	var out []string
	for _, p := range []tools.Program{tools.Kustomize, tools.Conftest} {
		out = append(out, p.Name()+" "+p.Version)
	}
	return strings.Join(out, ", ")
}

func (s *size) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "## %s of %d objects\n\n", plural(s.Clusters, "cluster"), s.Objects)
	b.WriteString("| per cluster | Darkstart | stock | stock / Darkstart |\n|---|---:|---:|---:|\n")
	n := float64(s.Clusters)
	s.row(b, "CPU seconds", "%.2f", func(u usage) float64 { return u.CPU.Seconds() / n })
	s.row(b, "wall seconds", "%.2f", func(u usage) float64 { return u.Wall.Seconds() / n })
	s.row(b, "peak memory of a process, MiB, whole fleet", "%.0f", func(u usage) float64 { return float64(u.RSS) / (1 << 20) })
	var total float64
	for _, c := range s.Stages {
		total += c.CPU
	}
	b.WriteString("\n| stage, one thing at a time | CPU seconds per cluster | share |\n|---|---:|---:|\n")
	for _, c := range s.Stages {
		fmt.Fprintf(b, "| %s | %.3f | %.0f %% |\n", c.Stage, c.CPU/n, 100*c.CPU/total)
	}
	fmt.Fprintf(b, "| together | %.3f | |\n\n", total/n)
}

// row prints the medians of both sides, and the median of the ratios of pairs,
// which is not the ratio of the medians.
func (s *size) row(b *strings.Builder, name, format string, f func(usage) float64) {
	ours := median(s.Pairs, func(p pair) float64 { return f(p.Ours) })
	stock := median(s.Pairs, func(p pair) float64 { return f(p.Stock) })
	ratio := median(s.Pairs, func(p pair) float64 { return f(p.Stock) / f(p.Ours) })
	fmt.Fprintf(b, "| %s | "+format+" | "+format+" | %.2f |\n", name, ours, stock, ratio)
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
