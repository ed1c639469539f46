package attest

import (
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

func bundle() Bundle {
	return Bundle{
		Manifest: digest.Of([]byte("manifest")), Repository: "registry.example:5000/fleet/eu-west-1",
		Record: ir.Record{
			Artifact: "eu-west-1", Correlation: "0123456789ab", Issued: "2026-11-22T10:00:00Z", MinCompiler: "0.1.0",
			NotAfter: "2027-02-20T10:00:00Z", Previous: digest.Of([]byte("previous")), Revision: strings.Repeat("ab", 20), Serial: 2, Stream: "main",
			Waivers: []ir.RecordedWaiver{{Expires: "2027-01-01", ID: "w", Owner: "o", Rule: "SC001"}},
		},
	}
}

func run() Run {
	return Run{Builder: "https://ci.example/fleet", Compiler: "0.1.0", CompilerCommit: strings.Repeat("ef", 20), Now: "2026-11-22T10:00:00Z"}
}

func inputs() Inputs {
	return Inputs{
		Revision: ir.Revision{Commit: strings.Repeat("ab", 20), Tree: strings.Repeat("cd", 20)}, Source: "git+https://git.example/fleet",
		Schemas: strings.Repeat("01", 32), Kubernetes: strings.Repeat("02", 32), Policies: digest.Of([]byte("policies")),
		Lock: &ir.Lock{
			Images: map[string]ir.LockEntry{
				"b.example/y:2": {Digest: digest.Of([]byte("y"))}, "nginx": {Digest: digest.Of([]byte("x")), Signed: "none", Provenance: "none"},
			},
			Charts: map[string]ir.LockEntry{"chart": {Digest: digest.Of([]byte("c"))}},
			Other:  map[string]ir.LockEntry{"tool": {Digest: digest.Of([]byte("t"))}},
		},
	}
}

func passing() *ir.Verdict {
	waived := diag.Errorf("SC001", "no digest")
	waived.Waived = &diag.Waived{ID: "w"}
	return &ir.Verdict{
		PolicyDigest: digest.Of([]byte("policies")), Findings: diag.List{waived, diag.Warningf("OP001", "nobody")},
		Rules: []ir.RuleResult{{ID: "SC001", Title: "images have digests", Evaluated: 3, Waived: 1}, {ID: "SC002", Skipped: "found nothing to judge"}},
	}
}

func made(t testing.TB) []*Predicate {
	t.Helper()
	p, err := NewProvenance(bundle(), inputs(), run())
	if err != nil {
		t.Fatal(err)
	}
	s, err := NewSummary(bundle(), passing(), run())
	if err != nil {
		t.Fatal(err)
	}
	return []*Predicate{p, s}
}

// golden is every byte of the two predicates: docs/attestations.md shows them,
// and a change of one is a change of the format.
var golden = []string{
	`{"buildDefinition":{"buildType":"https://darkstart.dev/buildtypes/release/v1","externalParameters":{"artifact":"eu-west-1","correlation":"0123456789ab","issued":"2026-11-22T10:00:00Z","minCompiler":"0.1.0","notAfter":"2027-02-20T10:00:00Z","now":"2026-11-22T10:00:00Z",` +
		`"previous":"` + string(digest.Of([]byte("previous"))) + `","revision":"abababababababababababababababababababab","serial":2,"stream":"main","waivers":[{"expires":"2027-01-01","id":"w","owner":"o","rule":"SC001"}]},"resolvedDependencies":[` +
		`{"digest":{"gitCommit":"abababababababababababababababababababab"},"name":"source","uri":"git+https://git.example/fleet@abababababababababababababababababababab"},` +
		`{"digest":{"gitTree":"cdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcdcd"},"name":"fleet"},` +
		`{"digest":{"gitCommit":"efefefefefefefefefefefefefefefefefefefef"},"name":"compiler","uri":"pkg:golang/github.com/darkstart-dev/darkstart@v0.1.0"},` +
		`{"digest":{"sha256":"` + digest.Of([]byte("policies")).Hex() + `"},"name":"policies","uri":"https://darkstart.dev/policies/v1"},` +
		`{"digest":{"dirHash":"0101010101010101010101010101010101010101010101010101010101010101"},"name":"schemas"},` +
		`{"digest":{"dirHash":"0202020202020202020202020202020202020202020202020202020202020202"},"name":"kubernetes-schemas"},` +
		`{"digest":{"sha256":"` + digest.Of([]byte("y")).Hex() + `"},"name":"b.example/y:2","uri":"pkg:oci/y@sha256%3A` + digest.Of([]byte("y")).Hex() + `?repository_url=b.example/y&tag=2"},` +
		`{"annotations":{"provenance":"none","signed":"none"},"digest":{"sha256":"` + digest.Of([]byte("x")).Hex() + `"},"name":"nginx","uri":"pkg:oci/nginx@sha256%3A` + digest.Of([]byte("x")).Hex() + `?repository_url=docker.io/library/nginx"},` +
		`{"digest":{"sha256":"` + digest.Of([]byte("c")).Hex() + `"},"name":"chart"},{"digest":{"sha256":"` + digest.Of([]byte("t")).Hex() + `"},"name":"tool"}]},` +
		`"runDetails":{"builder":{"id":"https://ci.example/fleet","version":{"darkstart":"0.1.0"}},"metadata":{"invocationId":"main/eu-west-1/2"}}}`,
	`{"darkstart_rules":[{"evaluated":3,"findings":0,"id":"SC001","waived":1},{"evaluated":0,"findings":0,"id":"SC002","skipped":"found nothing to judge","waived":0}],` +
		`"policy":{"digest":{"sha256":"` + digest.Of([]byte("policies")).Hex() + `"},"uri":"https://darkstart.dev/policies/v1"},` +
		`"resourceUri":"pkg:oci/eu-west-1@sha256%3A` + digest.Of([]byte("manifest")).Hex() + `?repository_url=registry.example:5000/fleet/eu-west-1",` +
		`"timeVerified":"2026-11-22T10:00:00Z","verificationResult":"PASSED","verifiedLevels":["DARKSTART_GUARDRAILS_V1"],"verifier":{"id":"https://ci.example/fleet","version":{"darkstart":"0.1.0"}}}`,
}

func TestGolden(t *testing.T) {
	for i, p := range made(t)[:2] {
		if string(p.JSON) != golden[i] {
			t.Errorf("%s:\n got %s\nwant %s", p.Type, p.JSON, golden[i])
		}
	}
}

// TestReadBack: what is made is read as it was meant.
func TestReadBack(t *testing.T) {
	ps := made(t)
	c, err := Read(Provenance, ps[0].JSON)
	if err != nil || c.Builder != "https://ci.example/fleet" || c.Commit != strings.Repeat("ab", 20) || c.BuildType != BuildType || c.Contradicts(bundle().Record) != "" {
		t.Errorf("%+v, %v, %s", c, err, c.Contradicts(bundle().Record))
	}
	s, err := Read(Summary, ps[1].JSON)
	if err != nil || s.Result != Passed || s.Policy != digest.Of([]byte("policies")) || s.Time.Format("2006") != "2026" || s.Verifier != "https://ci.example/fleet" {
		t.Errorf("%+v, %v", s, err)
	}
	if c, err := Read("https://example.org/scan", []byte("no JSON")); err != nil || c.Known {
		t.Errorf("an unknown type was read: %+v %v", c, err)
	}
}

// TestContradicts: a provenance that is true of another release is not true of
// this one, whatever field tells them apart.
func TestContradicts(t *testing.T) {
	c, err := Read(Provenance, made(t)[0].JSON)
	if err != nil {
		t.Fatal(err)
	}
	for field, edit := range map[string]func(*ir.Record){
		"artifact": func(r *ir.Record) { r.Artifact = "x" }, "stream": func(r *ir.Record) { r.Stream = "x" },
		"serial": func(r *ir.Record) { r.Serial = 3 }, "revision": func(r *ir.Record) { r.Revision = "x" },
		"previous": func(r *ir.Record) { r.Previous = "" }, "issued": func(r *ir.Record) { r.Issued = "x" },
		"notAfter": func(r *ir.Record) { r.NotAfter = "" }, "correlation": func(r *ir.Record) { r.Correlation = "x" },
		"minCompiler": func(r *ir.Record) { r.MinCompiler = "x" }, "waivers": func(r *ir.Record) { r.Waivers = []ir.RecordedWaiver{} },
	} {
		r := bundle().Record
		edit(&r)
		if got := c.Contradicts(r); !strings.HasPrefix(got, "it names "+field) {
			t.Errorf("another %s: %q", field, got)
		}
	}
	// Whoever else's provenance says nothing about the record.
	foreign, err := Read(Provenance, []byte(strings.Replace(golden[0], BuildType, "https://example.org/build", 1)))
	if err != nil || foreign.Contradicts(ir.Record{}) != "" {
		t.Errorf("%v %s", err, foreign.Contradicts(ir.Record{}))
	}
}

// TestRefused: predicates that their published definition, or two parsers,
// would not agree on.
func TestRefused(t *testing.T) {
	deep := strings.Repeat("[", 70) + strings.Repeat("]", 70)
	for _, x := range []struct{ kind, old, new, want string }{
		{Provenance, `{"buildDefinition"`, `{"a":1,"a":1,"buildDefinition"`, "in one object"},
		{Provenance, `{"buildDefinition"`, `{"BuildDefinition":{},"buildDefinition"`, `"BuildDefinition" and "buildDefinition"`},
		{Provenance, `"serial":2`, `"serial":2,"\u0073erial":3`, "in one object"},
		{Provenance, `"serial":2`, `"serial":` + deep, "nested more than"},
		{Provenance, `"main"`, "\"\xff\"", "UTF-8"},
		{Provenance, `"runDetails"`, `"ran"`, "runDetails required"},
		{Provenance, `"buildType"`, `"type"`, "buildType required"},
		{Provenance, `"externalParameters"`, `"parameters"`, "externalParameters required"},
		{Provenance, `"id":"https://ci.example/fleet"`, `"name":"x"`, "builder.id required"},
		{Provenance, `"id":"https://ci.example/fleet"`, `"id":"fleet"`, "no absolute URI"},
		{Provenance, `"gitCommit":"ab`, `"gitCommit":"zz`, "hex"},
		{Provenance, `"gitCommit":"ab`, `"gitCommit":"`, "length"},
		{Provenance, `"serial":2`, `"serial":2}`, "behind the JSON value"},
		{Summary, `"PASSED"`, `"passed"`, "want PASSED or FAILED"},
		{Summary, `"verificationResult":"PASSED",`, ``, "want PASSED or FAILED"},
		{Summary, `"verificationResult":"PASSED"`, `"verificationResult":"FAILED","verificationResult":"PASSED"`, "in one object"},
		{Summary, `"verificationResult":"PASSED"`, `"verificationReſult":"FAILED","verificationResult":"PASSED"`, "in one object"},
		{Summary, `"verificationResult":"PASSED"`, `"verification_result":"FAILED","verificationResult":"PASSED"`, "duplicate"},
		{Summary, `"verificationResult":"PASSED"`, `"verificationResult":true`, "invalid value"},
		{Summary, `"policy"`, `"policies"`, "policy required"},
		{Summary, `"sha256":"`, `"sha256":"00`, "not a digest"},
		{Summary, `"resourceUri"`, `"resource"`, "resourceUri required"},
		{Summary, `["DARKSTART_GUARDRAILS_V1"]`, `[]`, "verifiedLevels required"},
		{Summary, `"id":"https://ci.example/fleet"`, `"id":""`, "verifier.id required"},
		{Summary, `"2026-11-22T10:00:00Z"`, `"yesterday"`, "Timestamp"},
	} {
		text := golden[0]
		if x.kind == Summary {
			text = golden[1]
		}
		if !strings.Contains(text, x.old) {
			t.Fatalf("%s is not there", x.old)
		}
		c, err := Read(x.kind, []byte(strings.Replace(text, x.old, x.new, 1)))
		if err == nil || c != nil || !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s for %s: %v, want %q", x.new[:min(60, len(x.new))], x.old, err, x.want)
		}
	}
	if _, err := Read(Summary, []byte(golden[1]+"{}")); err == nil {
		t.Error("a second value was read over")
	}
	if _, err := Read(Summary, []byte(strings.Replace(golden[1], "{", `{"later":{"x":[1,null]},`, 1))); err != nil {
		t.Errorf("a field of a later version is refused: %v", err)
	}
}

// TestCheckStatement: the envelope's payload is a statement of in-toto.
func TestCheckStatement(t *testing.T) {
	good := `{"_type":"https://in-toto.io/Statement/v1","predicate":{},"predicateType":"x","subject":[{"digest":{"sha256":"` + digest.Of(nil).Hex() + `"}}]}`
	if err := CheckStatement([]byte(good)); err != nil {
		t.Fatal(err)
	}
	for old, new := range map[string]string{
		"Statement/v1": "Statement/v2", `"predicate":{},`: ``, `"x"`: `""`, `[{"digest"`: `[{"digests"`, `"subject"`: `"Subject"`,
		`"sha256":"e`: `"sha256":"`, `"_type"`: `"_type":"","_type"`,
	} {
		if err := CheckStatement([]byte(strings.Replace(good, old, new, 1))); err == nil {
			t.Errorf("%s for %s is let through", new, old)
		}
	}
}

func TestImageURL(t *testing.T) {
	d := digest.Of(nil)
	for ref, want := range map[string]string{
		"nginx:1.27":                      "pkg:oci/nginx@sha256%3A" + d.Hex() + "?repository_url=docker.io/library/nginx&tag=1.27",
		"localhost:5000/a/B@sha256:00":    "pkg:oci/b@sha256%3A" + d.Hex() + "?repository_url=localhost:5000/a/B",
		"registry.example/x/y:v1+a":       "pkg:oci/y@sha256%3A" + d.Hex() + "?repository_url=registry.example/x/y&tag=v1%2Ba",
		"registry.example/x/y z&tag=evil": "pkg:oci/y+z%26tag%3Devil@sha256%3A" + d.Hex() + "?repository_url=registry.example/x/y+z%26tag%3Devil",
	} {
		if got := ImageURL(ref, d); got != want {
			t.Errorf("%s:\n got %s\nwant %s", ref, got, want)
		}
	}
	if got := ImageURL("nginx", ""); got != "pkg:oci/nginx?repository_url=docker.io/library/nginx" {
		t.Error(got)
	}
}
