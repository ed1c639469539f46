package release

import (
	"cmp"
	"maps"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// History is the records of every stream of a fleet, by ascending name. The
// serials of an artifact are one sequence, whichever streams it was released in:
// a cluster compares serials, and knows nothing of streams.
type History []*Records

// ParseAll reads the records of all streams: files of releases/ with their
// paths from the root of the fleet. What is no .json file is no record.
func ParseAll(files []ir.File) (History, diag.List) {
	var out History
	var diags diag.List
	for _, f := range files {
		if path.Ext(f.Path) != ".json" {
			continue
		}
		r, ds := Parse(f.Path, f.Data)
		if diags.Add(ds...); r != nil {
			out = append(out, r)
		}
	}
	slices.SortFunc(out, func(a, b *Records) int { return strings.Compare(a.Stream, b.Stream) })
	return out, diags
}

// Of returns the records of a stream; one without any has released nothing.
func (h History) Of(stream string) *Records {
	for _, r := range h {
		if r.Stream == stream {
			return r
		}
	}
	return New(stream)
}

// Entries returns the entries of an artifact in all streams, by ascending
// serial.
func (h History) Entries(artifact string) []ir.Recorded {
	var out []ir.Recorded
	for _, r := range h {
		out = append(out, r.Artifacts[artifact]...)
	}
	slices.SortStableFunc(out, func(a, b ir.Recorded) int { return cmp.Compare(a.Serial, b.Serial) })
	return out
}

// Last returns the newest entry of an artifact in any stream, and the stream,
// which is the one that the artifact is of.
func (h History) Last(artifact string) (stream string, last ir.Recorded, ok bool) {
	for _, r := range h {
		if e, found := r.Last(artifact); found && e.Serial > last.Serial {
			stream, last, ok = r.Stream, e, true
		}
	}
	return stream, last, ok
}

// Renewed returns the newest entry of an artifact and those before it that it
// renews, the newest first: entries in a row that have one content.
func (h History) Renewed(artifact string) []ir.Recorded {
	all := h.Entries(artifact)
	slices.Reverse(all)
	for i, e := range all {
		if e.Content != all[0].Content {
			return all[:i]
		}
	}
	return all
}

// Hotfixed reports whether the newest content of an artifact was released as a
// hotfix of it, renewed since or not.
func (h History) Hotfixed(artifact string) bool {
	newest := h.Renewed(artifact)
	for _, r := range h {
		for _, x := range r.Releases {
			if slices.Contains(x.Hotfix, artifact) && slices.ContainsFunc(newest, func(e ir.Recorded) bool { return e.Serial == x.Artifacts[artifact] }) {
				return true
			}
		}
	}
	return false
}

// Check judges what no stream can see alone: that the serials of each artifact
// are one unbroken sequence over all streams.
func (h History) Check() diag.List {
	var diags diag.List
	names := map[string]bool{}
	for _, r := range h {
		for a := range r.Artifacts {
			names[a] = true
		}
	}
	for _, a := range slices.Sorted(maps.Keys(names)) {
		diags.Add(h.check(a))
	}
	return diags.Sorted()
}

// check finds the first place where the sequence of an artifact is broken.
func (h History) check(artifact string) *diag.Diagnostic {
	var before ir.Recorded
	for _, e := range h.Entries(artifact) {
		if e.Serial == before.Serial+1 && e.Previous == before.Manifest {
			before = e
			continue
		}
		d := diag.Errorf("REL002", "serial %d of %q follows serial %d over all streams, which is recorded as %q", e.Serial, artifact, before.Serial, before.Manifest)
		if e.Serial == before.Serial {
			d = diag.Errorf("REL002", "serial %d of %q is recorded twice, in two streams", e.Serial, artifact)
		}
		for _, r := range h {
			for i, x := range r.Artifacts[artifact] {
				if x.Manifest == e.Manifest && x.Serial == e.Serial || e.Serial == before.Serial && x.Serial == e.Serial {
					d.At(r.position(ir.Pointer("artifacts", artifact, strconv.Itoa(i))), "in stream %q", r.Stream)
				}
			}
		}
		return d.Note("an artifact that moves to another stream goes on with the next serial there").
			Fix("take the files of releases/ from the delivery branch again; those of a stream that is gone stay too")
	}
	return nil
}

// CheckAppendOnly compares two versions of one stream's records and reports
// every entry or release of base that head lost or changed. Serials are what
// clusters refuse rollbacks by, so history is never edited. A nil base is a
// stream that is new; a nil head is a file that was removed.
func CheckAppendOnly(base, head *Records) diag.List {
	var diags diag.List
	if base == nil {
		return nil
	}
	if head == nil {
		if len(base.Releases) > 0 {
			diags.Add(changed("the records of stream %q were removed", base.Stream).At(diag.Position{File: base.file}, "it holds %d releases", len(base.Releases)))
		}
		return diags
	}
	for _, artifact := range slices.Sorted(maps.Keys(base.Artifacts)) {
		diags.Add(entries(base, head, artifact)...)
	}
	for i, x := range base.Releases {
		at := ir.Pointer("releases", strconv.Itoa(i))
		switch {
		case i >= len(head.Releases):
			diags.Add(changed("release %q was removed", x.ID).At(head.position("/releases"), "the list ends with %d releases", len(head.Releases)))
		case !sameRelease(head.Releases[i], x):
			diags.Add(changed("release %q was changed", x.ID).At(head.position(at), "recorded differently before"))
		}
	}
	return diags.Sorted()
}

func entries(base, head *Records, artifact string) diag.List {
	var diags diag.List
	for i, e := range base.Artifacts[artifact] {
		at := ir.Pointer("artifacts", artifact)
		now := head.Artifacts[artifact]
		switch {
		case i >= len(now):
			if _, ok := head.at[at]; !ok {
				at = "/artifacts"
			}
			diags.Add(changed("serial %d of %q was removed", e.Serial, artifact).At(head.position(at), "%d entries are left", len(now)))
		case !reflect.DeepEqual(now[i], e):
			diags.Add(changed("serial %d of %q was changed", e.Serial, artifact).
				At(head.position(at+"/"+strconv.Itoa(i)), "recorded before as manifest %s", e.Manifest))
		}
	}
	return diags
}

func sameRelease(a, b Release) bool {
	return a.ID == b.ID && a.Revision == b.Revision && maps.Equal(a.Artifacts, b.Artifacts) && slices.Equal(a.Hotfix, b.Hotfix)
}

func changed(format string, args ...any) *diag.Diagnostic {
	return diag.Errorf("REL003", format, args...).
		Note("release records only grow: clusters refuse an older release by its serial").
		Fix("restore the file from the base branch and run `darkstart release` again; going back is a new entry with old content")
}
