package emit

import (
	"fmt"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// stop is where a release waits until a human lets it go on.
type stop struct {
	phase    string
	approval *plans.Approval
	wave     int // from 1
	parts    []*ir.Part
	// behind covers everything that waits here. What was approved stays so for
	// as long as it does not change.
	behind digest.Digest
}

// stops returns where a release waits: of each phase that declares an approval,
// at the parts of its first step. All that comes later waits for them, since
// each step depends on the one before. A seed phase is applied by hand, and its
// approval is that of its runbook.
func stops(c *ir.Linked, o *order) []*stop {
	var out []*stop
	for _, ph := range approved(c) {
		for _, w := range o.waves {
			s := &stop{phase: ph.Name, approval: ph.Approval, wave: w.number}
			for _, part := range w.parts {
				if o.phase[part] == ph.Name {
					s.parts = append(s.parts, part)
				}
			}
			if len(s.parts) > 0 {
				s.behind = behind(o, s)
				out = append(out, s)
				break
			}
		}
	}
	slices.SortStableFunc(out, func(a, b *stop) int { return a.wave - b.wave })
	return out
}

// approved lists the phases that an engine applies and a human approves.
func approved(c *ir.Linked) []spec.Phase {
	var out []spec.Phase
	for _, ph := range c.Unit.Spec.Phases {
		seed := c.Unit.Spec.Delivery == nil || slices.Contains(c.Unit.Spec.Delivery.Seed, ph.Name)
		if ph.Approval != nil && !seed {
			out = append(out, ph)
		}
	}
	return out
}

// behind is the digest of the objects that wait at a stop. Their order is no
// part of it: a new wave in front of them changes nothing there.
func behind(o *order, s *stop) digest.Digest {
	parts := slices.Clone(s.parts)
	for _, w := range o.waves {
		if w.number > s.wave {
			parts = append(parts, w.parts...)
		}
	}
	slices.SortFunc(parts, func(a, b *ir.Part) int { return strings.Compare(a.ID(), b.ID()) })
	var b strings.Builder
	for _, part := range parts {
		b.WriteString(part.ID() + "\n")
		for _, obj := range part.Objects {
			enc, err := obj.Encode()
			if err != nil { // what was rendered always encodes
				panic(err)
			}
			b.Write(enc)
		}
	}
	return digest.Of([]byte(b.String()))
}

// open reports whether a stop lets a release go on: it is approved now, or the
// object that stands for it in the files of the pin before was let go on with
// the same behind it.
func (s *stop) open(pin Pin, before []ir.File, file, name string, held func(map[string]any) bool) bool {
	if pin.Approve {
		return true
	}
	for _, o := range documentsIn(before, file) {
		if object.String(o, "metadata", "name") == name && object.String(o, "metadata", "annotations", annotationBehind) == string(s.behind) {
			return !held(o)
		}
	}
	return false
}

// note is the annotation of what waits: who decides, and how to go on.
func (s *stop) note(cluster string) string {
	return fmt.Sprintf("%s approves phase %s; to go on: darkstart promote --to %s --approve, then commit and push", s.approval.Role, s.phase, cluster)
}
