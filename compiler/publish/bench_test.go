package publish_test

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/publish"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/testkit/registry"
)

// BenchmarkPublish publishes 100 clusters of half a megabyte each to a registry
// in the same process: all of them, nothing new, and one changed cluster.
// "sent-bytes" is what a registry over a network would be sent.
func BenchmarkPublish(b *testing.B) {
	f := newFixture(b, 1)
	f.bundles = nil
	for n := range 100 {
		f.addLarge(b, fmt.Sprintf("cluster-%02d", n), 1, uint64(n))
	}
	push := func(b *testing.B, host string) {
		b.Helper()
		r, ds, err := publish.Push(b.Context(), f.items(b, host), nil)
		if r == nil {
			b.Fatal(ds, err)
		}
		b.ReportMetric(float64(r.Sent), "sent-bytes")
		b.ReportMetric(float64(r.New), "new-bundles")
	}
	b.Run("all", func(b *testing.B) {
		for b.Loop() {
			b.StopTimer()
			host := registry.Serve(b, registry.Handler(true))
			b.StartTimer()
			push(b, host)
		}
	})
	host := registry.Serve(b, registry.Handler(true))
	push(b, host)
	b.Run("nothing", func(b *testing.B) {
		for b.Loop() {
			push(b, host)
		}
	})
	b.Run("one", func(b *testing.B) {
		for n := 2; b.Loop(); n++ {
			b.StopTimer()
			f.bundles = f.bundles[:99]
			delete(f.claims, "cluster-99")
			f.addLarge(b, "cluster-99", n, uint64(1000+n))
			b.StartTimer()
			push(b, host)
		}
	})
}

// addLarge adds a bundle of a megabyte that compresses to half of it.
func (f *fixture) addLarge(t testing.TB, name string, serial int, seed uint64) {
	t.Helper()
	rng := rand.New(rand.NewPCG(seed, 1))
	raw := make([]byte, 1<<19)
	for i := range raw {
		raw[i] = byte(rng.Uint32())
	}
	r := ir.Record{
		Artifact: name, Stream: "main", Serial: serial, Issued: "2026-11-20T12:00:00Z",
		Revision: "0123456789abcdef0123456789abcdef01234567", MinCompiler: "0.1.0", Waivers: []ir.RecordedWaiver{},
	}
	if serial > 1 {
		r.Previous = digest.Of([]byte("before"))
	}
	a := &ir.Artifact{Name: name, Write: ir.Content([]ir.File{{Path: "runbooks/r.md", Data: []byte(hex.EncodeToString(raw))}})}
	b, ds, err := seal.Seal(t.Context(), a, r, nil)
	if err != nil || ds.HasErrors() {
		t.Fatal(err, ds)
	}
	f.bundles = append(f.bundles, b)
	f.claims[name] = append(f.claims[name], claim(b, "provenance"), claim(b, "verdict"))
	f.sign(t, b)
}
