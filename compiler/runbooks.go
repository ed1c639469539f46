package compiler

import (
	"github.com/darkstart-dev/darkstart/compiler/emit"
	"github.com/darkstart-dev/darkstart/compiler/emit/runbook"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Runbook is one compiled runbook in both formats.
type Runbook struct {
	Scenario string // "" for the index
	Target   string // service or store; "" for a bootstrap and the index
	Cluster  string // of a bootstrap
	// Path is relative, without extension; that of a bootstrap is relative to
	// its cluster's artifact, every other one to the fleet's.
	Path     string
	Markdown []byte
	HTML     []byte
}

// NamedObjects counts the objects that the commands of all runbooks name, by
// what the rendered inventory says about them.
type NamedObjects = emit.Tally

// Runbooks writes the runbooks of a planned fleet that choose keeps; nil keeps
// all. The diagnostics are about all of them.
func Runbooks(res *Result, choose func(*Runbook) bool) ([]Runbook, NamedObjects, diag.List, error) {
	pages, tally, ds := emit.Runbooks(res.Fleet, res.Plan)
	var out []Runbook
	for _, p := range pages {
		r := Runbook{Scenario: p.Scenario, Target: p.Target, Cluster: p.Cluster, Path: p.Path}
		if choose != nil && !choose(&r) {
			continue
		}
		var err error
		if r.HTML, err = runbook.HTML(p.Runbook); err != nil {
			return nil, tally, nil, err
		}
		r.Markdown = runbook.AppendMarkdown(nil, p.Runbook)
		out = append(out, r)
	}
	return out, tally, ds, nil
}

// CheckRunbooks says which commands of the runbooks name what cannot exist.
func CheckRunbooks(res *Result) (diag.List, error) {
	_, _, ds, err := Runbooks(res, func(*Runbook) bool { return false })
	return ds, err
}
