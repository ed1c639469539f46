package release

import (
	"maps"
	"reflect"
	"slices"
	"strconv"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

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
	return a.ID == b.ID && a.Revision == b.Revision && maps.Equal(a.Artifacts, b.Artifacts)
}

func changed(format string, args ...any) *diag.Diagnostic {
	return diag.Errorf("REL003", format, args...).
		Note("release records only grow: clusters refuse an older release by its serial").
		Fix("restore the file from the base branch and run `darkstart release` again; going back is a new entry with old content")
}
