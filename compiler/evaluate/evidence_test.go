package evaluate

import (
	"context"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/tree"
	"github.com/darkstart-dev/darkstart/plans"
	"github.com/darkstart-dev/darkstart/schemas"
)

// TestEvidence: good records are units, sorted, with positions of their own,
// beside bad ones that are refused one by one.
func TestEvidence(t *testing.T) {
	_, files := archive(t, "testdata/evidence.txtar")
	us, ds := evaluateFiles(t, files, &Config{})
	var names []string
	for _, u := range us.Evidence {
		names = append(names, u.Name)
	}
	if got := strings.Join(names, " "); got != "2026/q3 good" {
		t.Fatalf("records %q", got)
	}
	q3, good := us.Evidence[0], us.Evidence[1]
	if p := q3.Pos.First("/followUps/0/owner"); p.String() != "evidence/2026/q3.json:6:50" {
		t.Errorf("position of the owner: %s", p)
	}
	if d := good.Spec.Steps["restore"]; len(d) != 1 || d[0] != 12*plans.Minute {
		t.Errorf("steps %v", good.Spec.Steps)
	}
	if len(good.Files) != 1 || good.Files[0] != "evidence/good.json" {
		t.Errorf("files %v", good.Files)
	}
	for _, d := range ds {
		if d.Severity == diag.Error && !strings.HasPrefix(d.Labels[0].File, "evidence/") {
			t.Errorf("%s points at %s", d.Code, d.Labels[0].File)
		}
	}
}

// FuzzEvidence: whatever stands in a record, it is read or refused.
func FuzzEvidence(f *testing.F) {
	for _, s := range []string{`{"procedure":"p","date":"2026-10-04","result":"passed","scenario":"s"}`, `{"a":{"b":[]}}`, `[]`, `{"a":1,"a":2}`, "{\"\\ud800\":0}", `1e999999`, "null"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, src string) {
		us, ds, err := Evaluate(context.Background(), tree.FromMap(map[string]string{
			moduleFile:                "module: \"example.com/fleet@v0\"\nlanguage: version: \"v0.17.0\"\n",
			"clusters/eu/cluster.cue": "package clusters\nkubernetes: \"1.36\"\n",
			"evidence/a.json":         src,
		}), &Config{Schemas: schemas.FS, MaxFile: 1 << 12, MaxNesting: 200})
		if err != nil {
			t.Fatal(err)
		}
		if (len(us.Evidence) == 1) == ds.HasErrors() {
			t.Errorf("%d records and %s", len(us.Evidence), ds)
		}
		for _, d := range ds {
			wellFormed(t, d)
		}
	})
}
