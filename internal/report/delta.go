package report

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/pmezard/go-difflib/difflib"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

// DeltaJSON writes a delta as it is, indented, with one newline at its end.
func DeltaJSON(w io.Writer, d *ir.Delta) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(d); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// signs mark actions the way Terraform does.
var signs = map[string]string{ir.Added: "+", ir.Changed: "~", ir.Removed: "-", ir.Renamed: "±", ir.Moved: "±"}

// deltaGroup is one change, in all the clusters where it is the same.
type deltaGroup struct {
	*ir.ObjectChange
	clusters []string
	grave    bool
}

// deltaGroups joins what is the same in several clusters, and puts what loses
// something first, then other marks, then the rest in its order. What is only
// noise is left out unless all is asked for.
func deltaGroups(d *ir.Delta, all bool) []deltaGroup {
	var out []deltaGroup
	at := map[string]int{}
	for i := range d.Objects {
		c := &d.Objects[i]
		if c.Quiet() && !all {
			continue
		}
		k := sameChange(*c)
		if j, ok := at[k]; ok {
			out[j].clusters = append(out[j].clusters, c.Cluster)
			continue
		}
		at[k] = len(out)
		out = append(out, deltaGroup{c, []string{c.Cluster}, c.Grave()})
	}
	slices.SortStableFunc(out, func(a, b deltaGroup) int { return cmp.Compare(a.rank(), b.rank()) })
	return out
}

func (g *deltaGroup) rank() int {
	switch {
	case g.grave:
		return 0
	case len(g.Dangers) > 0:
		return 1
	}
	return 2
}

// sameChange is everything about a change but its cluster.
func sameChange(c ir.ObjectChange) string {
	if c.From != nil && c.From.Cluster == c.Cluster {
		from := *c.From
		from.Cluster, c.From = "", &from
	}
	c.Cluster, c.At = "", nil
	b, err := json.Marshal(c)
	if err != nil {
		return c.Object // values of JSON always encode
	}
	return string(b)
}

// where says in which clusters and which part a change is.
func (g *deltaGroup) where() string {
	names := strings.Join(g.clusters, ", ")
	if len(g.clusters) > 3 {
		names = fmt.Sprintf("%s and %d more clusters", strings.Join(g.clusters[:2], ", "), len(g.clusters)-2)
	}
	if g.Phase == "" || g.Phase == "all" {
		return names + " " + g.Part
	}
	return names + " " + g.Part + " (" + g.Phase + ")"
}

// origin says what a renamed or moved object was; only what is different.
func (g *deltaGroup) origin() string {
	if g.From == nil {
		return ""
	}
	var parts []string
	if g.From.Object != g.Object {
		parts = append(parts, g.From.Object)
	}
	if g.From.Cluster != g.Cluster {
		parts = append(parts, "cluster "+g.From.Cluster)
	}
	if g.From.Part != g.Part {
		parts = append(parts, "part "+g.From.Part)
	}
	if g.From.Phase != g.Phase && g.From.Phase != "" && g.Phase != "" {
		parts = append(parts, "phase "+g.From.Phase)
	}
	return strings.Join(parts, ", ")
}

// effect says what an engine does with an object that is gone.
func (g *deltaGroup) effect() string {
	switch {
	case g.Action != ir.Removed || len(g.Dangers) > 0: // a danger says it
		return ""
	case g.Pruned:
		return "the engine deletes it"
	}
	return "the engine leaves it, and nothing manages it any more"
}

// fieldDiff is one field as lines; each starts with "-", "+", or " ".
type fieldDiff struct {
	Where string
	Note  string // immutable, hidden, why it is noise
	Lines []string
}

// fields writes the changed fields. Texts of several lines become hunks.
func (g *deltaGroup) fields(all bool) []fieldDiff {
	var out []fieldDiff
	for _, f := range g.Fields {
		if f.Noise != "" && !all {
			continue
		}
		if !all && slices.ContainsFunc(g.Dangers, func(x ir.Danger) bool { return x.Kind == ir.ImageChange && x.Path == f.Path }) {
			continue // the danger says it
		}
		d := fieldDiff{Where: clean(f.Where), Note: f.Noise}
		switch {
		case f.Masked:
			d.Note = "the value of a Secret is not shown"
		case deltaMultiline(f.Before) || deltaMultiline(f.After):
			d.Lines = deltaHunks(f.Before, f.After)
		default:
			if f.Before != nil {
				d.Lines = append(d.Lines, "-"+deltaInline(f.Before))
			}
			if f.After != nil {
				d.Lines = append(d.Lines, "+"+deltaInline(f.After))
			}
		}
		if f.Immutable {
			d.Note = "cannot be changed in place"
		}
		out = append(out, d)
	}
	return out
}

func deltaMultiline(v any) bool {
	s, ok := v.(string)
	return ok && strings.Contains(strings.TrimRight(s, "\n"), "\n")
}

// deltaHunks is a unified diff without its header; the library does the work.
func deltaHunks(before, after any) []string {
	b, _ := before.(string)
	a, _ := after.(string)
	text, err := difflib.GetUnifiedDiffString(difflib.UnifiedDiff{A: deltaLines(b), B: deltaLines(a), Context: 2})
	if err != nil {
		return nil // it writes to memory
	}
	var out []string
	for l := range strings.SplitSeq(strings.TrimRight(text, "\n"), "\n") {
		if l != "" {
			out = append(out, l[:1]+clean(strings.TrimRight(l[1:], "\r")))
		}
	}
	return out
}

func deltaLines(s string) []string {
	if s == "" {
		return nil
	}
	return difflib.SplitLines(strings.TrimSuffix(s, "\n"))
}

// deltaInline is a value on one line, safe to print.
func deltaInline(v any) string {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return clean(fmt.Sprint(v))
	}
	return clean(strings.TrimRight(b.String(), "\n"))
}

// deltaSummary is the last line: what there is, and what is not shown.
func deltaSummary(d *ir.Delta) string {
	if d.Empty() {
		return strings.Join(append([]string{"no difference"}, notShown(d)...), "; ")
	}
	var parts []string
	tally := map[string]int{}
	grave, marked := 0, 0
	for i := range d.Objects {
		c := &d.Objects[i]
		if c.Quiet() {
			continue
		}
		tally[c.Action]++
		switch {
		case c.Grave():
			grave++
		case len(c.Dangers) > 0:
			marked++
		}
	}
	for _, a := range []string{ir.Added, ir.Changed, ir.Removed, ir.Renamed, ir.Moved} {
		if tally[a] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", tally[a], a))
		}
	}
	if len(parts) == 0 {
		parts = []string{"no object differs"}
	}
	out := []string{strings.Join(parts, ", ")}
	if grave > 0 {
		out = append(out, fmt.Sprintf("%d need a waiver for DR007", grave))
	}
	if marked > 0 {
		out = append(out, fmt.Sprintf("%d to look at", marked))
	}
	if n := len(d.Cells); n > 0 {
		out = append(out, fmt.Sprintf("%s of the matrix moved", count(n, "cell")))
	}
	return strings.Join(append(out, notShown(d)...), "; ")
}

func notShown(d *ir.Delta) []string {
	n := 0
	for _, h := range d.Hidden {
		n += h.Fields
	}
	if n == 0 {
		return nil
	}
	return []string{count(n, "field") + " hidden that mean nothing to a cluster"}
}

var fullDigest = regexp.MustCompile(`(sha256:[0-9a-f]{12})[0-9a-f]{52}`)

// short writes digests as people compare them.
func short(s string) string { return fullDigest.ReplaceAllString(s, "$1") }

// judgedCells tells the cells whose verdict moved from those of which only the
// times did.
func judgedCells(d *ir.Delta) (verdict, times []plans.CellChange) {
	for _, c := range d.Cells {
		if c.Before != nil && c.After != nil && c.Before.Verdict == c.After.Verdict {
			times = append(times, c)
		} else {
			verdict = append(verdict, c)
		}
	}
	return verdict, times
}

// deltaCells puts the cells whose verdict moved before those of which only the
// times did.
func deltaCells(d *ir.Delta) []plans.CellChange {
	out := slices.Clone(d.Cells)
	settled := func(c plans.CellChange) int {
		if c.Before != nil && c.After != nil && c.Before.Verdict == c.After.Verdict {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(out, func(a, b plans.CellChange) int { return cmp.Compare(settled(a), settled(b)) })
	return out
}

// deltaMissing lists what could not be compared.
func deltaMissing(d *ir.Delta) []string {
	var out []string
	if !d.Compared {
		out = append(out, "recoverability: a side has no plan")
	}
	return append(out, d.NotCompared...)
}

// deltaPlace is where the change is written.
func deltaPlace(at []diag.Position) string {
	if len(at) == 0 {
		return ""
	}
	return at[0].String()
}

// Unified writes how a file changes, as `git diff` and patch read it.
func Unified(name string, before, after []byte) (string, error) {
	return difflib.GetUnifiedDiffString(difflib.UnifiedDiff{
		A: difflib.SplitLines(string(before)), B: difflib.SplitLines(string(after)), FromFile: "a/" + name, ToFile: "b/" + name, Context: 3,
	})
}
