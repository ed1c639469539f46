package guard_test

import (
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/guard"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	kit "github.com/darkstart-dev/darkstart/internal/testkit/corpus"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/policies"
	"github.com/darkstart-dev/darkstart/schemas"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// BenchmarkAgainstOPA judges a fleet of ten clusters over the corpus with all
// rules, a user's policies among them where that is said, and has OPA alone evaluate the same prepared queries on the same
// input, in turn. Times are processor time of the whole process, and medians.
func BenchmarkAgainstOPA(b *testing.B) {
	in := corpusFleet(b, 10)
	b.Run("builtin", func(b *testing.B) { againstOPA(b, in) })
	own := *in
	own.Tree = tree.FromMap(stockPolicies(b))
	b.Run("with-own", func(b *testing.B) { againstOPA(b, &own) })
}

// stockPolicies are those that the bench has conftest judge by.
func stockPolicies(b *testing.B) map[string]string {
	files, err := filepath.Glob("../../internal/bench/policy/*.rego")
	if err != nil || len(files) == 0 {
		b.Fatalf("no policies: %v", err)
	}
	out := map[string]string{}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			b.Fatal(err)
		}
		out["policies/"+filepath.Base(f)] = string(text)
	}
	return out
}

func againstOPA(b *testing.B, in *guard.Input) {
	p, err := guard.Prepare(b.Context(), policies.FS)
	if err != nil {
		b.Fatal(err)
	}
	cfg := &guard.Config{Prepared: p, Parallel: 1}
	alone, err := guard.Alone(b.Context(), in, cfg)
	if err != nil {
		b.Fatal(err)
	}
	judge := func() error {
		_, _, err := guard.Guard(b.Context(), in, cfg)
		return err
	}
	if err := judge(); err != nil { // the detectors of secrets are compiled once for a process
		b.Fatal(err)
	}
	var ours, opa, ratios []float64
	for b.Loop() {
		g, o := processor(b, judge), processor(b, alone)
		ours, opa, ratios = append(ours, g), append(opa, o), append(ratios, g/o)
	}
	b.ReportMetric(middle(ours), "guard-cpu-ms")
	b.ReportMetric(middle(opa), "opa-cpu-ms")
	b.ReportMetric(middle(ratios), "guard/opa")
}

func corpusFleet(b *testing.B, clusters int) *guard.Input {
	wd, err := os.Getwd()
	if err != nil {
		b.Fatal(err)
	}
	dir := kit.Dir(wd)
	if dir == "" {
		b.Skip("the manifest corpus is not here")
	}
	files, err := kit.Fleet(dir, kit.Options{Clusters: clusters, Kubernetes: "1.36"})
	if err != nil {
		b.Fatal(err)
	}
	text := map[string]string{}
	for name, f := range files {
		text[name] = string(f)
	}
	t := tree.FromMap(text)
	res, err := compiler.Compile(b.Context(), &compiler.Config{
		Tree: t, Revision: ir.Revision{Time: "2026-11-20T12:00:00Z"}, Until: compiler.ToPlan,
		Schemas: schemas.FS, Kubernetes: kubernetes.FS, Policies: policies.FS,
	})
	if err != nil || res.Plan == nil {
		b.Fatalf("%v\n%s", err, res.Diagnostics)
	}
	return &guard.Input{
		Fleet: res.Fleet, Rendered: res.Rendered, Plan: res.Plan, Lock: res.Lock, Tree: t,
		Now: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC),
	}
}

// middle returns the median.
func middle(xs []float64) float64 {
	slices.Sort(xs)
	return xs[len(xs)/2]
}

// processor returns the milliseconds of processor time that f took, the
// collector's included; what earlier work left behind is collected first.
func processor(b *testing.B, f func() error) float64 {
	b.Helper()
	runtime.GC()
	before := usage(b)
	if err := f(); err != nil {
		b.Fatal(err)
	}
	return float64((usage(b) - before).Microseconds()) / 1000
}

func usage(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
