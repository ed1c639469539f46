package compiler_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/internal/diag"
)

// TestCatalogue holds what `darkstart explain` prints to its promise: each code
// once, and a reader learns what it means, why it matters and what to do.
func TestCatalogue(t *testing.T) {
	entries, err := compiler.Catalogue()
	if err != nil {
		t.Fatal(err)
	}
	code := regexp.MustCompile(`^(SRC|LCK|EVL|RND|OBJ|LNK|GRD|PLN|EMT|SEA|SIG|REL|PUB|SHD|CLI|SC|BS|PS|DR|OP)[0-9]{3}$`)
	families := map[string]int{}
	for i, e := range entries {
		if m := code.FindStringSubmatch(e.Code); m == nil {
			t.Errorf("%q is not a code", e.Code)
		} else {
			families[m[1]]++
		}
		if i > 0 && entries[i-1].Code >= e.Code {
			t.Errorf("%s stands after %s: twice, or out of order", e.Code, entries[i-1].Code)
		}
		for _, problem := range readable(e) {
			t.Errorf("%s: %s", e.Code, problem)
		}
	}
	for _, family := range []string{"SRC", "LCK", "EVL", "RND", "OBJ", "LNK", "GRD", "PLN", "EMT", "SEA", "SIG", "REL", "CLI", "SC", "BS", "PS"} {
		if families[family] == 0 {
			t.Errorf("no code of the family %s is in the catalogue", family)
		}
	}
}

// readable returns what is missing in the text of an entry: a title is a clause,
// as a message is; why is at least one sentence; a fix says what to do to what.
func readable(e diag.Entry) []string {
	var out []string
	if e.Title == "" || strings.HasSuffix(e.Title, ".") || strings.Contains(e.Title, "\n") {
		out = append(out, "the title is no clause: "+e.Title)
	}
	if e.Severity < diag.Note || e.Severity > diag.Error {
		out = append(out, "severity "+e.Severity.String())
	}
	if why := strings.TrimSpace(e.Why); len(strings.Fields(why)) < 3 || !strings.ContainsAny(why[len(why)-1:], ".!?`)") {
		out = append(out, "why is no sentence: "+e.Why)
	}
	if len(strings.Fields(e.Fix)) < 2 {
		out = append(out, "the fix says too little: "+e.Fix)
	}
	return out
}

// TestReadableBites: an entry that says too little is found.
func TestReadableBites(t *testing.T) {
	good := diag.Entry{Code: "SRC001", Title: "a link leaves the tree", Severity: diag.Error, Why: "Input must be in git.", Fix: "Copy the file into the repository."}
	if got := readable(good); len(got) != 0 {
		t.Errorf("a good entry is refused: %q", got)
	}
	for _, spoil := range []func(*diag.Entry){
		func(e *diag.Entry) { e.Title = "" },
		func(e *diag.Entry) { e.Title += "." },
		func(e *diag.Entry) { e.Title = "a\nb" },
		func(e *diag.Entry) { e.Why = "" },
		func(e *diag.Entry) { e.Why = "because it is so" },
		func(e *diag.Entry) { e.Fix = "Do." },
		func(e *diag.Entry) { e.Severity = 9 },
	} {
		e := good
		spoil(&e)
		if len(readable(e)) != 1 {
			t.Errorf("%+v: found %q", e, readable(e))
		}
	}
}
