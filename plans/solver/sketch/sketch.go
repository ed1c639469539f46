// Package sketch reads records of the incident corpus and translates their
// sketches into the model of the solver.
//
// A sketch is a minimal encoding of a real outage: point durations, labels
// for what a full fleet would compute. The translation is driven by the data
// alone; it knows no incident. Where the sketch language is silent it is read
// in favour of the sketch: recovery goes outside the failed domains, a
// procedure of which no drill is mentioned was drilled, a capped action stops.
package sketch

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"

	"go.yaml.in/yaml/v3"
)

// Record is one incident: a sketch, what a correct solver reports about it,
// and for some what no longer holds after a fix.
type Record struct {
	ID       string   `yaml:"id"`
	Sketch   Sketch   `yaml:"-"`
	Expected []string `yaml:"defect_class"` // must be reported
	Also     []string `yaml:"also"`         // may be reported besides
	Fix      *Fix     `yaml:"-"`
}

// Fix is an overlay after which the named classes are gone.
type Fix struct {
	Sketch  Sketch // with the overlay merged in
	Removes []string
}

// Read reads a list of records.
func Read(r io.Reader) ([]Record, error) {
	var raw []struct {
		Record `yaml:",inline"`
		Spec   map[string]any `yaml:"spec_sketch"`
		Fix    *struct {
			Overlay map[string]any `yaml:"overlay"`
			Removes []string       `yaml:"removes"`
		} `yaml:"fix"`
	}
	if err := yaml.NewDecoder(r).Decode(&raw); err != nil {
		return nil, err
	}
	var out []Record
	for _, x := range raw {
		rec := x.Record
		if err := convert(x.Spec, &rec.Sketch); err != nil {
			return nil, fmt.Errorf("%s: %w", rec.ID, err)
		}
		if x.Fix != nil {
			rec.Fix = &Fix{Removes: x.Fix.Removes}
			if err := convert(merge(x.Spec, x.Fix.Overlay), &rec.Fix.Sketch); err != nil {
				return nil, fmt.Errorf("%s, after the fix: %w", rec.ID, err)
			}
		}
		out = append(out, rec)
	}
	return out, nil
}

// merge lays b over a: maps are merged, null removes, anything else replaces.
func merge(a, b map[string]any) map[string]any {
	out := maps.Clone(a)
	if out == nil {
		out = map[string]any{}
	}
	for k, v := range b {
		below, isMap := out[k].(map[string]any)
		above, both := v.(map[string]any)
		switch {
		case v == nil:
			delete(out, k)
		case isMap && both:
			out[k] = merge(below, above)
		case both:
			out[k] = merge(nil, above)
		default:
			out[k] = v
		}
	}
	return out
}

func convert(in map[string]any, out any) error {
	b, err := yaml.Marshal(in)
	if err != nil {
		return err
	}
	return yaml.NewDecoder(bytes.NewReader(b)).Decode(out)
}

// Sketch is the language of TAXONOMY.md, section 4.
type Sketch struct {
	Domains map[string]List       `yaml:"domains"`
	Nodes   map[string]Node       `yaml:"nodes"`
	People  map[string]People     `yaml:"people"`
	Creds   map[string]Credential `yaml:"creds"`
	Procs   map[string]Procedure  `yaml:"procs"`
	Acts    map[string]Action     `yaml:"acts"`
	Pins    []map[string]any      `yaml:"pins"`
	Fail    struct {
		Domains []string `yaml:"domains"`
		Nodes   []string `yaml:"nodes"`
		Mode    string   `yaml:"mode"`
	} `yaml:"fail"`
}

// Node of a sketch.
type Node struct {
	At        *Places            `yaml:"at"`
	Quorum    int                `yaml:"q"`
	Run       any                `yaml:"run"`
	Start     any                `yaml:"start"`
	Access    any                `yaml:"access"`
	Observe   any                `yaml:"observe"`
	Load      float64            `yaml:"load"`
	Surge     float64            `yaml:"surge"`
	Cap       map[string]float64 `yaml:"cap"`
	RTO       string             `yaml:"rto"`
	RPO       string             `yaml:"rpo"`
	Data      bool               `yaml:"data"`
	Copies    map[string]string  `yaml:"copies"`
	Backups   map[string]Backup  `yaml:"backups"`
	Singleton bool               `yaml:"singleton"`
}

// Backup of a node's data.
type Backup struct {
	At      Places `yaml:"at"`
	Every   string `yaml:"every"`
	Tested  string `yaml:"tested"`
	OK      *bool  `yaml:"ok"`
	Restore string `yaml:"restore"`
}

// People who execute steps.
type People struct {
	N     int `yaml:"n"`
	Need  int `yaml:"need"`
	Needs any `yaml:"needs"`
}

// Credential that a step may need.
type Credential struct {
	At     *Places `yaml:"at"`
	Expiry string  `yaml:"expiry"`
}

// Procedure that restores nodes with its last step.
type Procedure struct {
	Restores []string        `yaml:"restores"`
	Drilled  string          `yaml:"drilled"`
	Runbook  string          `yaml:"runbook"`
	Steps    map[string]Step `yaml:"steps"`
}

// Step of a procedure; its duration is T × ceil(Units / Parallel).
type Step struct {
	T            string `yaml:"t"`
	Units        int    `yaml:"units"`
	Parallel     int    `yaml:"par"`
	By           string `yaml:"by"`
	Needs        any    `yaml:"needs"`
	After        List   `yaml:"after"`
	Irreversible bool   `yaml:"irreversible"`
	Approval     string `yaml:"approval"`
	Guard        string `yaml:"guard"`
}

// Action that may itself break things.
type Action struct {
	Targets      List   `yaml:"targets"`
	Scope        string `yaml:"scope"`
	Auto         bool   `yaml:"auto"`
	Guard        string `yaml:"guard"`
	Irreversible bool   `yaml:"irreversible"`
	Approval     string `yaml:"approval"`
	Rollback     string `yaml:"rollback"`
	Crosses      string `yaml:"crosses"`
}

// List is a list of names, or one name.
type List []string

// UnmarshalYAML reads either form.
func (l *List) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*l = List{n.Value}
		return nil
	}
	return n.Decode((*[]string)(l))
}

// Places is a list of replicas, or one: each a domain, or a list of domains.
type Places []List

// UnmarshalYAML reads any of the forms.
func (p *Places) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*p = Places{{n.Value}}
		return nil
	}
	return n.Decode((*[]List)(p))
}

func keys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }
