package emit

import (
	"fmt"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/emit/runbook"
	"github.com/darkstart-dev/darkstart/plans"
)

// indexPath is the entry page of the fleet's artifact.
const indexPath = "runbooks/index"

// outline is what the index shows of a page.
func outline(p *Page) Page {
	out := *p
	out.Runbook = &runbook.Runbook{Path: p.Path, Tiles: p.Tiles, Facts: p.Facts[:min(len(p.Facts), 1)]}
	return out
}

// index lists every runbook of the fleet, by disaster.
func (l *library) index(pages []Page) Page {
	rb := &runbook.Runbook{Path: indexPath, Kind: "Index", Title: "Runbooks"}
	boots := &runbook.Table{Head: []string{"Cluster", "Owner", "Verdict", "Takes"}}
	var sections []runbook.Section
	scenarios, recoveries := 0, 0
	for i := range pages {
		p := &pages[i]
		if p.Cluster != "" {
			owner := l.f.Cluster(p.Cluster).Unit.Spec.Owner
			boots.Rows = append(boots.Rows, []runbook.Text{runbook.C(p.Cluster), runbook.T(owner), runbook.T(string(p.Verdict)), runbook.T(p.Tiles[0].Value)})
			continue
		}
		if i == 0 || pages[i-1].Scenario != p.Scenario {
			scenarios++
			sections = append(sections, runbook.Section{
				ID: fmt.Sprintf("s%d", scenarios), Title: p.Scenario,
				Blocks: []runbook.Block{{Text: p.Facts[0].Value}, {Table: &runbook.Table{Head: []string{"Runbook", "Verdict", "Back after", "Data lost", "Last matching drill"}}}},
			})
		}
		recoveries++
		t := sections[len(sections)-1].Blocks[1].Table
		t.Rows = append(t.Rows, []runbook.Text{
			runbook.L(p.Target, strings.TrimPrefix(p.Path, "runbooks/")+".html"), word(p.Verdict),
			runbook.T(p.Tiles[0].Value), runbook.T(p.Tiles[1].Value), runbook.T(p.Tiles[2].Value),
		})
	}
	rb.Lead = runbook.T(fmt.Sprintf("%s for %s, and the bootstrap of %s.", count(recoveries, "recovery runbook"), count(scenarios, "disaster"), count(len(boots.Rows), "cluster")))
	rb.Sections = append(rb.Sections, sections...)
	if boots.Rows != nil {
		rb.Sections = append(rb.Sections, runbook.Section{ID: "bootstrap", Title: "Clusters from nothing", Blocks: []runbook.Block{
			{Text: runbook.Join(runbook.T("Each cluster's own bundle carries its page as "), runbook.C("runbooks/bootstrap.html"), runbook.T(" and "), runbook.C("runbooks/bootstrap.md"), runbook.T("."))},
			{Table: boots},
		}})
	}
	return Page{Runbook: rb}
}

// word is a verdict that stands out when it is not good.
func word(v plans.Verdict) runbook.Text {
	if v == plans.Proven {
		return runbook.T(string(v))
	}
	return runbook.B(string(v))
}
