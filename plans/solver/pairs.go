package solver

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/plans"
)

// harshness orders modes by how little survives them: a pair of scenarios of
// different modes is solved in the harsher one.
var harshness = []plans.Mode{
	plans.Overload, plans.BadChange, plans.Partition, plans.Down, plans.Lost, plans.Deleted, plans.Compromised,
}

// pairs fails single-domain scenarios two at a time: impact and
// recoverability only. What one of the two already loses is not told again.
func (g *graph) pairs(ctx context.Context, all []*plans.Scenario, cfg *Config) (*plans.Pairs, error) {
	var singles []*plans.Scenario
	for _, s := range all {
		if s.Class == "" && len(s.Domains) == 1 && len(s.Nodes) == 0 {
			singles = append(singles, s)
		}
	}
	alone := make([][]int32, len(singles))
	for i, s := range singles {
		alone[i] = g.judgedStuck(s)
	}
	rows := make([][]plans.Pair, len(singles))
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(cfg.parallel())
	for i := range singles {
		eg.Go(func() error {
			for j := i + 1; j < len(singles); j++ {
				if err := ctx.Err(); err != nil {
					return err
				}
				stuck := g.judgedStuck(both(singles[i], singles[j]))
				stuck = slices.DeleteFunc(stuck, func(u int32) bool { return slices.Contains(alone[i], u) || slices.Contains(alone[j], u) })
				if len(stuck) > 0 {
					rows[i] = append(rows[i], plans.Pair{A: singles[i].ID, B: singles[j].ID, Stuck: g.names(stuck)})
				}
			}
			return nil
		})
	}
	if err := eg.Wait(); err != nil {
		return nil, err
	}
	return &plans.Pairs{Solved: len(singles) * (len(singles) - 1) / 2, Losses: slices.Concat(rows...)}, nil
}

func both(a, b *plans.Scenario) *plans.Scenario {
	mode := a.Mode
	if slices.Index(harshness, b.Mode) > slices.Index(harshness, mode) {
		mode = b.Mode
	}
	return &plans.Scenario{ID: a.ID + "+" + b.ID, Domains: []string{a.Domains[0], b.Domains[0]}, Mode: mode}
}

// judgedStuck lists the judged nodes that a scenario takes for good.
func (g *graph) judgedStuck(s *plans.Scenario) []int32 {
	r := newRise(newWorld(g, s, false, nil), false, riseOptions{})
	var out []int32
	for _, u := range g.judged {
		if !r.in[u] {
			out = append(out, u)
		}
	}
	return out
}
