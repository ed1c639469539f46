package main

import (
	"fmt"
	"strings"
)

// goal is a row of what is aimed at. Clusters is the size that it is about; the
// figure is that of this size, or else of the largest that was measured.
type goal struct {
	name, want string
	clusters   int
	measure    string
	beside     bool                               // it is about the stock programs, too
	figure     func(rs records, r *record) string // "" when the record does not have it
}

func goals() []goal {
	wall := func(_ records, r *record) string { return fmt.Sprintf("%.2f s", median(r.Runs, pair.wall)) }
	memory := func(_ records, r *record) string { return fmt.Sprintf("%.0f MiB", median(r.Runs, pair.mib)) }
	return []goal{
		{"cold, CPU, stock / Darkstart", "≥ 20", 100, mCold, true, func(_ records, r *record) string {
			if r.Stock == 0 {
				return ""
			}
			return fmt.Sprintf("%.1f", median(r.Runs, func(p pair) float64 { return r.whole(p) / p.cpu() }))
		}},
		{"cold, CPU, Darkstart / floor", "≤ 3", 100, mCold, false, func(_ records, r *record) string {
			if len(r.Runs[0].Floor) == 0 {
				return ""
			}
			return fmt.Sprintf("%.2f", median(r.Runs, overFloor))
		}},
		{"warm, one cluster changed, CPU, stock for the whole / Darkstart", "≥ 500", 100, mOne, true, func(rs records, r *record) string {
			c := rs.find(mCold, r.Variant, r.Clusters)
			if c == nil || c.Stock == 0 {
				return ""
			}
			return fmt.Sprintf("%.0f", median(c.Runs, c.whole)/median(r.Runs, pair.cpu))
		}},
		{"`check`, warm, nothing changed, wall", "≤ 1 s", 1000, mSame, false, wall},
		{"`compile`, warm, nothing changed, wall", "≤ 1 s", 1000, mWarm, false, wall},
		{"`check --staged`, a component of one cluster changed, wall", "≤ 1 s", 100, mStagedOne, false, wall},
		{"`check --staged`, a component of all clusters changed, wall", "≤ 1 s", 100, mStagedShared, false, wall},
		{"peak memory, cold", "≤ 700 MiB", 100, mCold, false, memory},
		{"peak memory, cold", "≤ 1024 MiB", 1000, mCold, false, memory},
		{"growth, cold, CPU per cluster, in fleets of 100 and 1,000", "≤ 1.1 ×", 1000, mGrowth, false, func(_ records, r *record) string {
			return fmt.Sprintf("%.2f ×", median(r.Runs, pair.growth))
		}},
		{"16 shards and `assemble`", "same digests", 100, mShards, false, func(records, *record) string { return "same digests" }},
	}
}

// whole is what the stock programs cost for all clusters, in CPU seconds: what
// they cost for those they worked on, times what is missing.
func (r *record) whole(p pair) float64 { return p.Stock.CPU * float64(r.Clusters) / float64(r.Stock) }

func overFloor(p pair) float64 { return p.cpu() / p.floor() }

// best returns the record that a goal is judged by: of those of the same fleet,
// the one for which the stock programs did most, or else that with most runs.
func (rs records) best(g goal) (best *record) {
	for _, r := range rs { // by clusters, and then by those of the stock side
		if r.Variant != 1 || r.Measure != g.measure || g.figure(rs, r) == "" {
			continue
		}
		switch {
		case best == nil, best.Clusters != g.clusters && r.Clusters > best.Clusters:
			best = r
		case r.Clusters == best.Clusters && (g.beside || len(r.Runs) > len(best.Runs)):
			best = r
		}
	}
	return best
}

// goals prints what is aimed at beside today's figures, of variant 1.
func (rs records) goals(b *strings.Builder) {
	fmt.Fprintf(b, "## Goals\n\nOf variant 1. A figure at another size than that of its goal says nothing about it yet.\n\n| measure | goal | at clusters | measured | at clusters | stock side on | runs | commit |\n|---|---|---:|---:|---:|---:|---:|---|\n")
	for _, g := range goals() {
		row := fmt.Sprintf("| %s | %s | %s | ", g.name, g.want, number(g.clusters))
		r := rs.best(g)
		if r == nil {
			b.WriteString(row + "not yet | | | | |\n")
			continue
		}
		beside := "–"
		if g.beside {
			beside = number(rs.find(mCold, 1, r.Clusters).Stock)
		}
		fmt.Fprintf(b, "%s%s | %s | %s | %d | %s |\n", row, g.figure(rs, r), number(r.Clusters), beside, len(r.Runs), r.Commit)
	}
	b.WriteString("\n")
}

// number separates thousands.
func number(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%d,%03d", n/1000, n%1000)
}
