package release

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// candidate seals by hashing content and record: what the real one does, as
// far as this package can see.
func candidate(artifact, content string) Candidate {
	c := digest.Of([]byte(content))
	return drafted(artifact, Draft{Content: c, Seal: func(r ir.Record) (manifest, tar digest.Digest, err error) {
		b, err := object.Encode(r)
		if r.Artifact != artifact || r.Correlation != c.Short() {
			err = fmt.Errorf("sealed %q with the record of %q", artifact, r.Artifact)
		}
		return digest.Of(append(b, content...)), digest.Of([]byte("tar" + content)), err
	}})
}

func drafted(artifact string, d Draft) Candidate {
	return Candidate{Artifact: artifact, Draft: func() (Draft, error) { return d, nil }}
}

func candidates(state map[string]string) []Candidate {
	var out []Candidate
	for a, content := range state { // Append sorts
		out = append(out, candidate(a, content))
	}
	return out
}

func options(n int) Options {
	return Options{
		Revision:    ir.Revision{Kind: "commit", Commit: fmt.Sprintf("%040x", n), Time: fmt.Sprintf("2026-11-22T10:%02d:00Z", n%60)},
		MinCompiler: "0.1.0", ValidFor: 90 * plans.Day,
	}
}

func appendAll(t interface{ Fatalf(string, ...any) }, r *Records, state map[string]string, o Options) (*Records, []Recorded) {
	next, out, diags, err := Append(r, candidates(state), o)
	if err != nil || diags.HasErrors() {
		t.Fatalf("append: %v\n%s", err, diags)
	}
	return next, out
}

// TestHistory walks one stream through the release flow of DESIGN §7 and
// guards the file's bytes.
func TestHistory(t *testing.T) {
	r := New("main")
	r, out := appendAll(t, r, map[string]string{"eu": "1", "us": "1", "fleet": "f"}, options(1))
	if !slices.Equal(serials(out), []int{1, 1, 1}) || out[0].Entry.Previous != "" || out[0].Entry.NotAfter != "2027-02-20T10:01:00Z" {
		t.Errorf("first release: %+v", out)
	}
	first, _ := r.Last("eu")

	r, out = appendAll(t, r, map[string]string{"eu": "2", "us": "1", "fleet": "f"}, options(2))
	if !slices.Equal(serials(out), []int{2, 1, 1}) || !out[0].New || out[1].New || out[0].Entry.Previous != first.Manifest {
		t.Errorf("one change: %+v", out)
	}
	// Going back is a new entry with old content.
	r, out = appendAll(t, r, map[string]string{"eu": "1", "us": "1", "fleet": "f"}, options(3))
	if e := out[0].Entry; e.Serial != 3 || e.Content != first.Content || e.Manifest == first.Manifest {
		t.Errorf("revert: %+v", e)
	}
	// A hotfix of one cluster leaves the others as they are.
	hotfix := options(4)
	hotfix.Partial = true
	r, _ = appendAll(t, r, map[string]string{"us": "hot"}, hotfix)
	if last, _ := r.Release(""); !maps.Equal(last.Artifacts, map[string]int{"eu": 3, "us": 2, "fleet": 1}) || !slices.Equal(last.Hotfix, []string{"us"}) {
		t.Errorf("hotfix: %+v", last)
	}
	// A renewal gives unchanged content a new serial.
	renew := options(5)
	renew.Renew = true
	renew.Waivers = func(artifact string) []ir.RecordedWaiver {
		if artifact != "eu" {
			return []ir.RecordedWaiver{}
		}
		return []ir.RecordedWaiver{{Expires: "2027-02-01", ID: "agent", Owner: "platform", Rule: "PS001", Ticket: "OPS-412"}}
	}
	r, out = appendAll(t, r, map[string]string{"eu": "1", "us": "hot", "fleet": "f"}, renew)
	if !slices.Equal(serials(out), []int{4, 2, 3}) {
		t.Errorf("renewal: %+v", out)
	}
	// A cluster that is gone leaves the release, and keeps its history.
	r, _ = appendAll(t, r, map[string]string{"eu": "1", "fleet": "f"}, options(6))
	if last, _ := r.Release(""); last.ID != "main-6" || len(last.Artifacts) != 2 || len(r.Artifacts["us"]) != 3 {
		t.Errorf("removal: %+v", last)
	}
	golden(t, "testdata/history.json", r)
}

// Records of before waivers were recorded are read as they are, written again
// as they are, and go on: what is unchanged keeps its entry without them.
func TestBeforeWaivers(t *testing.T) {
	text, err := os.ReadFile("testdata/before-waivers.json")
	if err != nil {
		t.Fatal(err)
	}
	r, diags := Parse("releases/main.json", text)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	if again, err := r.Encode(); err != nil || !bytes.Equal(again, text) {
		t.Errorf("old records are written differently: %v", err)
	}
	next, out := appendAll(t, r, map[string]string{"eu": "1", "fleet": "new"}, options(9))
	if out[0].New || out[0].Record.Waivers != nil || !out[1].New || out[1].Record.Waivers == nil {
		t.Errorf("an old entry is not kept, or a new one does not say that it relies on no waiver: %+v", out)
	}
	if ds := CheckAppendOnly(r, next); len(ds) > 0 {
		t.Error(ds)
	}
}

func serials(out []Recorded) []int {
	var s []int
	for _, x := range out {
		s = append(s, x.Entry.Serial)
	}
	return s
}

func golden(t *testing.T, name string, r *Records) {
	t.Helper()
	got, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile(name, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

// TestProperties: for any series of states, unchanged content adds nothing and
// re-emits its recorded record, each change adds exactly one entry, history is
// only ever appended to, and files read back as what was written.
func TestProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := New("main")
		state := map[string]string{}
		for n := range rapid.IntRange(1, 8).Draw(t, "releases") {
			for _, a := range rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "d"}), 0, 3).Draw(t, "changed") {
				state[a] = rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, "content")
			}
			changed := 0
			for a, content := range state {
				if last, ok := r.Last(a); !ok || last.Content != digest.Of([]byte(content)) {
					changed++
				}
			}
			before := r
			var out []Recorded
			r, out = appendAll(t, before, state, options(n))
			if added := count(r) - count(before); added != changed {
				t.Fatalf("%d artifacts changed, %d entries were added", changed, added)
			}
			if diags := CheckAppendOnly(before, r); len(diags) > 0 {
				t.Fatalf("history was edited:\n%s", diags)
			}
			again, kept := appendAll(t, r, state, options(n+100))
			if again != r {
				t.Fatalf("releasing the same content again made a new release")
			}
			for i := range kept {
				if kept[i].New || !reflect.DeepEqual(kept[i].Record, out[i].Record) || !reflect.DeepEqual(kept[i].Entry, out[i].Entry) {
					t.Fatalf("%q is not re-emitted as recorded: %+v, %+v", kept[i].Artifact, kept[i], out[i])
				}
			}
			roundTrip(t, r)
		}
	})
}

func count(r *Records) (n int) {
	for _, es := range r.Artifacts {
		n += len(es)
	}
	return n
}

func roundTrip(t *rapid.T, r *Records) {
	b, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, diags := Parse("releases/main.json", b)
	if diags.HasErrors() {
		t.Fatalf("%s", diags)
	}
	if !again.Equal(r) {
		t.Fatalf("read back differently:\n%s", b)
	}
}

// TestRefused: what Append must not do.
func TestRefused(t *testing.T) {
	r, _ := appendAll(t, New("main"), map[string]string{"eu": "1"}, options(1))
	b, _ := r.Encode()
	r, diags := Parse("releases/main.json", b)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	drift := drafted("eu", Draft{Content: digest.Of([]byte("1")), Seal: func(ir.Record) (digest.Digest, digest.Digest, error) {
		return digest.Of([]byte("other")), "", nil
	}})
	_, _, diags, err := Append(r, []Candidate{drift}, options(2))
	if err != nil || !strings.Contains(diags.String(), "REL005") || diags[0].Primary().Line != 4 {
		t.Errorf("other bytes under a recorded serial: %v %s", err, diags)
	}
	for _, kind := range []string{"index", "worktree", ""} {
		o := options(1)
		o.Revision.Kind = kind
		if _, _, diags, _ := Append(New("main"), candidates(map[string]string{"eu": "1"}), o); !strings.Contains(diags.String(), "REL004") {
			t.Errorf("kind %q: %s", kind, diags)
		}
	}
	if _, _, _, err := Append(New("main"), []Candidate{candidate("eu", "1"), candidate("eu", "2")}, options(1)); err == nil {
		t.Error("one artifact was released twice at once")
	}
}

// TestAppendOnly edits a history in every way and expects each to be found,
// where it was made.
func TestAppendOnly(t *testing.T) {
	text, err := os.ReadFile("testdata/history.json")
	if err != nil {
		t.Fatal(err)
	}
	read := func() *Records {
		r, diags := Parse("releases/main.json", text)
		if diags.HasErrors() {
			t.Fatal(diags)
		}
		return r
	}
	base := read()
	for name, c := range map[string]struct {
		edit func(*Records)
		want string
	}{
		"unchanged":       {func(*Records) {}, ""},
		"entry removed":   {func(r *Records) { r.Artifacts["eu"] = r.Artifacts["eu"][:2] }, `serial 3 of "eu" was removed`},
		"artifact gone":   {func(r *Records) { delete(r.Artifacts, "us") }, `serial 1 of "us" was removed`},
		"entry changed":   {func(r *Records) { r.Artifacts["eu"][1].NotAfter = "" }, `serial 2 of "eu" was changed`},
		"waiver changed":  {func(r *Records) { r.Artifacts["eu"][3].Waivers[0].Expires = "2028-02-01" }, `serial 4 of "eu" was changed`},
		"waivers dropped": {func(r *Records) { r.Artifacts["eu"][0].Waivers = nil }, `serial 1 of "eu" was changed`},
		"release removed": {func(r *Records) { r.Releases = r.Releases[:5] }, `release "main-6" was removed`},
		"release changed": {func(r *Records) { r.Releases[0].Artifacts["eu"] = 2 }, `release "main-1" was changed`},
		"hotfix changed":  {func(r *Records) { r.Releases[3].Hotfix = nil }, `release "main-4" was changed`},
	} {
		head := read()
		c.edit(head)
		got := CheckAppendOnly(base, head)
		if (c.want == "") != (len(got) == 0) || !strings.Contains(got.String(), c.want) {
			t.Errorf("%s: want %q, got:\n%s", name, c.want, got)
		}
		for _, d := range got {
			if d.Primary().Line == 0 || len(d.Help) == 0 {
				t.Errorf("%s: no place or no fix: %s", name, got)
			}
		}
	}
	if got := CheckAppendOnly(base, nil); len(got) != 1 {
		t.Errorf("a removed file: %s", got)
	}
	if got := CheckAppendOnly(nil, base); len(got) != 0 {
		t.Errorf("a new file: %s", got)
	}
}

// TestParseRefuses: each fault has its code and the line where it stands.
func TestParseRefuses(t *testing.T) {
	text, err := os.ReadFile("testdata/history.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		old, new string
		want     string // code and line
	}{
		"syntax":          {`"releases": [`, `"releases": [,`, "REL001 (releases/main.json:"},
		"cut off":         {"}\n  ],\n  \"stream\"", "", "REL001 (releases/main.json:"},
		"unknown field":   {`"stream": "main"`, `"streem": "main"`, "REL001 (releases/main.json"},
		"field twice":     {`"stream": "main",`, `"stream": "main", "stream": "main",`, "REL001 (releases/main.json:"},
		"other case":      {`"stream": "main"`, `"Stream": "main"`, "REL002 (releases/main.json:1"},
		"wrong type":      {`"serial": 1,`, `"serial": "1",`, "REL001 (releases/main.json:11"},
		"serial skipped":  {`"serial": 2,`, `"serial": 7,`, "REL002 (releases/main.json:2"},
		"other stream":    {`"stream": "main"`, `"stream": "test"`, "REL002 (releases/main.json:"},
		"version":         {Version, "darkstart.dev/releases/v9", "REL002 (releases/main.json:"},
		"bad digest":      {`"tar": "sha256:`, `"tar": "sha255:`, "REL002 (releases/main.json:12"},
		"bad time":        {`"issued": "2026-11-22T10:01:00Z"`, `"issued": "yesterday"`, "REL002 (releases/main.json:6"},
		"hotfix of none":  {"\"hotfix\": [\n        \"us\"", "\"hotfix\": [\n        \"as\"", "REL002 (releases/main.json:"},
		"unknown serial":  {`"us": 3`, `"us": 9`, "REL002 (releases/main.json:"},
		"release renamed": {`"id": "main-2"`, `"id": "main-9"`, "REL002 (releases/main.json:"},
		"waiver no date":  {`"expires": "2027-02-01"`, `"expires": "soon"`, "REL002 (releases/main.json:"},
		"waiver of none":  {`"owner": "platform"`, `"owner": ""`, "REL002 (releases/main.json:"},
		"text behind":     {"}\n", "}\n{}\n", ""},
	} {
		bad := bytes.Replace(text, []byte(c.old), []byte(c.new), 1)
		if name == "text behind" {
			bad, c.want = append(slices.Clone(text), "{}"...), "REL001 (releases/main.json:"
		}
		if bytes.Equal(bad, text) {
			t.Errorf("%s: nothing was replaced", name)
		}
		r, diags := Parse("releases/main.json", bad)
		var got []string
		for _, d := range diags {
			got = append(got, fmt.Sprintf("%s (%s)", d.Code, d.Primary()))
		}
		if r != nil || len(got) == 0 || !strings.HasPrefix(got[0], c.want) {
			t.Errorf("%s: want %s, got %v\n%s", name, c.want, got, diags)
		}
	}
}

func TestStreams(t *testing.T) {
	clusters := []string{"eu", "us", "staging"}
	for name, c := range map[string]struct {
		declared map[string][]string
		want     string
	}{
		"none":         {nil, "main=eu,fleet,staging,us"},
		"two":          {map[string][]string{"main": {"us", "eu"}, "lab": {"staging"}}, "lab=staging main=eu,fleet,us"},
		"without main": {map[string][]string{"prod": {"us", "eu"}, "lab": {"staging"}}, "lab=fleet,staging prod=eu,us"},
		"left out":     {map[string][]string{"main": {"us", "eu"}}, `cluster "staging" is in no stream`},
		"twice":        {map[string][]string{"main": {"us", "eu", "staging"}, "lab": {"us"}}, `cluster "us" is in the streams "lab" and "main"`},
		"unknown":      {map[string][]string{"main": {"us", "eu", "stagin", "staging"}}, `"stagin", which is not a cluster`},
	} {
		streams, diags := Streams(c.declared, clusters, nil)
		var got []string
		for _, s := range streams {
			got = append(got, s.Name+"="+strings.Join(s.Artifacts, ","))
		}
		if out := strings.Join(got, " ") + diags.String(); !strings.Contains(out, c.want) {
			t.Errorf("%s: want %s, got %s", name, c.want, out)
		}
		for _, d := range diags {
			if len(d.Help) == 0 {
				t.Errorf("%s: no fix: %s", name, d.Message)
			}
		}
	}
}

// FuzzParse: whatever is accepted is consistent, and is written back as it is.
func FuzzParse(f *testing.F) {
	text, err := os.ReadFile("testdata/history.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Add([]byte(`{"version":"` + Version + `","stream":"main","artifacts":{},"releases":[]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, diags := Parse("releases/main.json", b)
		if r == nil {
			if !diags.HasErrors() {
				t.Fatal("refused without a reason")
			}
			return
		}
		out, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		again, diags := Parse("releases/main.json", out)
		if diags.HasErrors() || !again.Equal(r) || len(CheckAppendOnly(r, again)) > 0 {
			t.Fatalf("not a fixed point: %s\n%s", diags, out)
		}
	})
}

// TestCodes guards `darkstart explain`.
func TestCodes(t *testing.T) {
	var src []byte
	for _, f := range []string{"release.go", "parse.go", "history.go", "stream.go"} {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		src = append(src, b...)
	}
	used := map[string]int{}
	for _, c := range regexp.MustCompile(`"(REL\d{3})"`).FindAllStringSubmatch(string(src), -1) {
		used[c[1]]++ // once in Codes, and at least once where it is used
	}
	for _, e := range Codes {
		if used[e.Code] < 2 || e.Severity != diag.Error || e.Why == "" || e.Fix == "" {
			t.Errorf("%s is never used, or not documented", e.Code)
		}
		delete(used, e.Code)
	}
	if len(used) > 0 {
		t.Errorf("not documented: %v", used)
	}
}
