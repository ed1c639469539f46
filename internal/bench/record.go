package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
)

// What is measured. Each is a record of its own, so that one can be measured
// again without the others.
const (
	mCold         = "cold"          // release: nothing is cached
	mGrowth       = "growth"        // release, beside ten of a tenth of the clusters
	mWarm         = "warm"          // compile again, nothing changed
	mSame         = "same"          // check again, nothing changed
	mOne          = "one"           // compile, a component of one cluster changed
	mStagedOne    = "staged-one"    // check --staged of the same change
	mStagedShared = "staged-shared" // check --staged, a component of all clusters changed
	mShards       = "shards"        // one process, and 16 of them with assemble: the same digests, or it fails
	mStages       = "stages"        // what each stage costs, nothing cached
	mStagesWarm   = "stages-warm"   // the same, nothing changed
	mExample      = "example"       // check --staged of the example fleet, one file changed
	mExampleBase  = "example-base"  // the same with --base HEAD
	mMicro        = "micro"         // Go benchmarks
)

// record is one thing that was measured on one fleet.
type record struct {
	Measure  string `json:"measure"`
	Variant  int    `json:"variant,omitempty"`
	Clusters int    `json:"clusters,omitempty"`
	// Stock is how many of the clusters, the first ones, the stock programs
	// worked on.
	Stock   int `json:"stock,omitempty"`
	Objects int `json:"objects,omitempty"` // in a cluster

	// What was measured, where, and what else the machine did.
	Commit   string `json:"commit"`
	Machine  string `json:"machine"`
	Programs string `json:"programs,omitempty"` // versions of the stock programs
	Note     string `json:"note,omitempty"`

	Runs   []pair      `json:"runs,omitempty"`
	Stages []stageCost `json:"stages,omitempty"`
	Lines  []string    `json:"lines,omitempty"` // of go test -bench
}

// pair is one run of Darkstart, and beside it, where the measure has them, one
// of the stock programs and one of the floor.
type pair struct {
	Ours     usage            `json:"darkstart"`
	Stock    *usage           `json:"stock,omitempty"`
	Programs map[string]usage `json:"programs,omitempty"` // parts of Stock, or of 16 shards
	Floor    []step           `json:"floor,omitempty"`
	// Tenths are ten runs of fleets of a tenth of the clusters, around ours.
	Tenths []usage `json:"tenths,omitempty"`
}

// step is what floor prints: CPU seconds of the whole fleet.
type step struct {
	Step string
	CPU  float64
}

// floor is what nobody can save of the whole fleet.
func (p pair) floor() float64 {
	var sum float64
	for _, s := range p.Floor {
		sum += s.CPU
	}
	return sum
}

func (p pair) String() string {
	text := fmt.Sprintf("darkstart %.2f CPU s, %.2f wall s, %.0f MiB", p.Ours.CPU, p.Ours.Wall, p.Ours.MiB)
	if p.Stock != nil {
		text += fmt.Sprintf("; stock %.2f CPU s, %.2f wall s", p.Stock.CPU, p.Stock.Wall)
	}
	return text
}

// growth is what a cluster costs, to what it costs in a fleet of a tenth.
func (p pair) growth() float64 {
	return p.Ours.CPU / sum(p.Tenths, func(u usage) float64 { return u.CPU })
}

func sum(all []usage, of func(usage) float64) (out float64) {
	for _, u := range all {
		out += of(u)
	}
	return out
}

func (p pair) cpu() float64  { return p.Ours.CPU }
func (p pair) wall() float64 { return p.Ours.Wall }
func (p pair) mib() float64  { return p.Ours.MiB }

// order is that of the page.
func (r *record) order() int {
	return slices.Index([]string{mCold, mGrowth, mWarm, mSame, mOne, mStagedOne, mStagedShared, mShards, mStages, mStagesWarm, mExample, mExampleBase, mMicro}, r.Measure)
}

func (r *record) same(o *record) bool {
	return r.Measure == o.Measure && r.Variant == o.Variant && r.Clusters == o.Clusters && r.Stock == o.Stock
}

// records are all that was measured, sorted: docs/benchmarks.json.
type records []*record

func load(name string) (records, error) {
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var rs records
	if err == nil {
		err = json.Unmarshal(b, &rs)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return rs, nil
}

func (rs records) save(name string) error {
	b, err := json.MarshalIndent(rs, "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(name, append(b, '\n'), 0o644)
}

// with puts records in the place of those of the same thing.
func (rs records) with(more ...*record) records {
	for _, r := range more {
		rs = append(slices.DeleteFunc(rs, r.same), r)
	}
	slices.SortFunc(rs, func(a, b *record) int {
		return cmp.Or(cmp.Compare(a.Variant, b.Variant), cmp.Compare(a.Clusters, b.Clusters), cmp.Compare(a.order(), b.order()), cmp.Compare(a.Stock, b.Stock))
	})
	return rs
}

// find returns the record of a measure on a fleet, nil when there is none; of
// several, that for which the stock programs did most.
func (rs records) find(measure string, variant, clusters int) *record {
	var out *record
	for _, r := range rs {
		if r.Measure == measure && r.Variant == variant && r.Clusters == clusters {
			out = r
		}
	}
	return out
}

// machine says what the figures are worth elsewhere.
func machine() string {
	return fmt.Sprintf("%d cores%s, %s/%s, %s", runtime.NumCPU(), model(), runtime.GOOS, runtime.GOARCH, runtime.Version())
}

// model is the processor's name, where the system says it.
func model() string {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(name) == "model name" {
			return " of " + strings.TrimSpace(value)
		}
	}
	return ""
}
