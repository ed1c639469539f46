package report

import (
	"fmt"

	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// maxChange is how many dangers, and how many cells, the text of a check shows;
// `darkstart diff` shows all.
const maxChange = 6

// change says what the change since the base does: to objects, to recovery, and
// to findings.
func (p *printer) change(r *Result) {
	if r.Base == nil {
		return
	}
	if r.Diff != nil {
		p.printf("%s %s\n", p.paint(bold, "since "+clean(r.Base.Ref)+":"), deltaSummary(r.Diff))
		p.dangers(r.Diff)
		cells, later := judgedCells(r.Diff)
		for i, c := range cells {
			if !p.Verbose && i == maxChange {
				p.printf("  and %s: darkstart diff\n", count(len(cells)-i, "more cell"))
				break
			}
			p.printf("  %s\n", clean(c.String()))
		}
		if len(later) > 0 {
			p.printf("  %s with another time and the same verdict: darkstart diff\n", count(len(later), "cell"))
		}
	}
	p.printf("%s\n\n", clean(r.Base.said()))
}

func (p *printer) dangers(d *ir.Delta) {
	gs, shown := deltaGroups(d, false), 0
	for i := range gs {
		for _, x := range gs[i].Dangers {
			if shown++; !p.Verbose && shown > maxChange {
				continue
			}
			p.printf("  %s %s in %s: %s\n", p.paint(yellow, x.Kind), clean(gs[i].Object), clean(gs[i].where()), clean(short(x.Text)))
		}
	}
	if !p.Verbose && shown > maxChange {
		p.printf("  and %s: darkstart diff\n", count(shown-maxChange, "more mark"))
	}
}

// said is one line about the findings of a base.
func (b *Base) said() string {
	switch {
	case b.NotCompared != "":
		return "nothing could be compared with " + b.Ref + ", so every finding counts: " + b.NotCompared
	case b.Old == 0 && len(b.Fixed) == 0:
		return fmt.Sprintf("every finding is new: %s has none of them", b.Ref)
	case b.All:
		return fmt.Sprintf("%s of them that %s has too, all counted (--all); %d fixed", count(b.Old, "finding"), b.Ref, len(b.Fixed))
	}
	return fmt.Sprintf("%s that %s has too and that do not count (--all counts them); %d fixed", count(b.Old, "finding"), b.Ref, len(b.Fixed))
}
