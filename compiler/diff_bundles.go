package compiler

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/diff"
	"github.com/darkstart-dev/darkstart/compiler/emit"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// Compared is one side of a comparison, from wherever it was read.
type Compared struct {
	diff.Side
	// Clusters are those that the side has, sorted; Bundles is set when it was
	// read from bundles, which need not be all of a fleet.
	Clusters []string
	Bundles  bool
	// Recoveries is false when its plan has bootstraps alone.
	Recoveries bool
}

// ComparedFleet is a compiled fleet as a side.
func ComparedFleet(name string, res *Result) *Compared {
	c := &Compared{Side: *Side(name, res), Recoveries: true}
	for _, l := range res.Fleet.Clusters {
		c.Clusters = append(c.Clusters, l.Name)
	}
	return c
}

// ComparedBundles is the content of bundles as a side, by artifact. An error
// names the file that is not what a bundle holds.
func ComparedBundles(name string, files map[string][]ir.File) (*Compared, error) {
	c := &Compared{Bundles: true}
	c.Name = name
	var scenarios []plans.Recovery
	for _, artifact := range sortedNames(files) {
		p := &plans.Plan{}
		if err := readJSON(artifact, files[artifact], "meta/plan.json", p); err != nil {
			return nil, err
		}
		scenarios = append(scenarios, p.Scenarios...)
		if artifact == ir.FleetArtifact {
			c.Recoveries = true
			continue
		}
		c.Clusters = append(c.Clusters, artifact)
		items, err := bundleItems(artifact, files[artifact], phases(artifact, p))
		if err != nil {
			return nil, err
		}
		c.Items = append(c.Items, items...)
	}
	slices.SortStableFunc(scenarios, func(a, b plans.Recovery) int { return cmp.Compare(a.Scenario.ID, b.Scenario.ID) })
	c.Plan = &plans.Plan{Version: plans.Version, Scenarios: scenarios}
	return c, nil
}

func sortedNames(m map[string][]ir.File) []string {
	out := make([]string, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	slices.Sort(out)
	return out
}

// bundleItems reads the objects that the inventory of a bundle lists.
func bundleItems(artifact string, files []ir.File, phases map[string]string) ([]diff.Item, error) {
	var inv struct {
		Objects []struct {
			Part, File string
			Keep       bool
		}
	}
	if err := readJSON(artifact, files, "meta/inventory.json", &inv); err != nil {
		return nil, err
	}
	out := make([]diff.Item, 0, len(inv.Objects))
	for _, i := range inv.Objects {
		var content map[string]any
		if err := readJSON(artifact, files, i.File, &content); err != nil {
			return nil, err
		}
		object.Normalize(content)
		o := object.New(content, object.Origin{})
		component, part, _ := strings.Cut(i.Part, "/")
		out = append(out, diff.Item{
			Cluster: artifact, Component: component, Part: i.Part, Phase: phases[i.Part], Object: o, Kept: i.Keep, Orphaned: emit.Orphaned(ir.PartName(part)),
			// What a store holds is kept, and so is what holds data; a definition
			// or a Namespace is kept and does not.
			Stateful: stateful(o.Group(), o.Kind) || i.Keep && !ir.Keeps(o.Key()),
		})
	}
	return out, nil
}

// phases finds the phase of every part in the bootstrap that a bundle holds: its
// steps restore the parts, "C/component" for run and "C/component@part" else.
func phases(cluster string, p *plans.Plan) map[string]string {
	out := map[string]string{}
	for _, r := range p.Scenarios {
		for _, w := range r.Waves {
			for _, s := range w.Steps {
				for _, node := range s.Restores {
					name, ok := strings.CutPrefix(node, cluster+"/")
					component, part, defs := strings.Cut(name, "@")
					if !defs {
						part = string(ir.PartRun)
					}
					if ok && component != "" && s.Phase != "" {
						out[component+"/"+part] = s.Phase
					}
				}
			}
		}
	}
	return out
}

func readJSON(artifact string, files []ir.File, name string, v any) error {
	i := slices.IndexFunc(files, func(f ir.File) bool { return f.Path == name })
	if i < 0 {
		return fmt.Errorf("bundle %s has no %s", artifact, name)
	}
	dec := json.NewDecoder(bytes.NewReader(files[i].Data))
	dec.UseNumber()
	if err := dec.Decode(v); err != nil {
		return fmt.Errorf("bundle %s: %s: %w", artifact, name, err)
	}
	return nil
}

// Compare says what differs between two sides. Bundles need not be of a whole
// fleet: what only one side can tell is not compared, and the delta says so.
func Compare(ctx context.Context, base, head *Compared) (*ir.Delta, error) {
	b, h := base.Side, head.Side
	var notes []string
	if base.Bundles || head.Bundles {
		var common []string
		for _, c := range base.Clusters {
			if slices.Contains(head.Clusters, c) {
				common = append(common, c)
			}
		}
		notes = append(notes, onlyIn(base, common, head.Name)...)
		notes = append(notes, onlyIn(head, common, base.Name)...)
		b.Items, h.Items = within(b.Items, common), within(h.Items, common)
		whole := base.Recoveries && head.Recoveries
		if !whole {
			notes = append(notes, "recoveries: a side has no bundle of the fleet, so that only bootstraps are compared")
		}
		b.Plan, h.Plan = known(b.Plan, common, whole), known(h.Plan, common, whole)
	}
	d, _, err := diff.Diff(ctx, &b, &h, &diff.Config{})
	if err != nil {
		return nil, err
	}
	d.NotCompared = append(d.NotCompared, notes...)
	return d, nil
}

func onlyIn(c *Compared, common []string, other string) []string {
	var out []string
	for _, name := range c.Clusters {
		if !slices.Contains(common, name) {
			out = append(out, fmt.Sprintf("cluster %s: it is not in %s", name, other))
		}
	}
	return out
}

func within(items []diff.Item, clusters []string) []diff.Item {
	return slices.DeleteFunc(slices.Clone(items), func(i diff.Item) bool { return !slices.Contains(clusters, i.Cluster) })
}

// known keeps the scenarios that both sides can have. A bundle holds its own
// bootstrap and nothing about other clusters.
func known(p *plans.Plan, clusters []string, recoveries bool) *plans.Plan {
	out := *p
	out.Scenarios = slices.DeleteFunc(slices.Clone(p.Scenarios), func(r plans.Recovery) bool {
		if r.Scenario.Class != "bootstrap" {
			return !recoveries
		}
		c, ok := strings.CutPrefix(r.Scenario.ID, "bootstrap/")
		return ok && !slices.Contains(clusters, c)
	})
	return &out
}

// ReadRecord reads the release record among the files of a bundle.
func ReadRecord(files []ir.File, r *ir.Record) error {
	if err := readJSON("record", files, "meta/bundle.json", r); err != nil {
		return err
	}
	if r.Artifact == "" {
		return errors.New("meta/bundle.json names no artifact")
	}
	return nil
}
