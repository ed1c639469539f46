package seal

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal/attest"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// beside is what lies beside a trust policy.
func beside(t testing.TB, files map[string][]byte) KeySource {
	t.Helper()
	return KeySource{ReadFile: func(name string) ([]byte, error) {
		if b, ok := files[name]; ok {
			return b, nil
		}
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}}
}

func policyOf(t testing.TB, s spec.Trust, files map[string][]byte) (*Policy, diag.List) {
	t.Helper()
	u := &ir.Unit[spec.Trust]{Dir: "trust.cue", Spec: s, Pos: ir.PositionsOf(map[string][]diag.Position{"": {{File: "trust.cue", Line: 1}}})}
	return NewPolicy(u, []byte("text"), beside(t, files))
}

// TestPolicyMistakes: each mistake has its code, says what is wrong, has a place
// and a fix.
func TestPolicyMistakes(t *testing.T) {
	pair, err := GenerateKeyPair(ECDSAP256, func() ([]byte, error) { return nil, nil })
	if err != nil {
		t.Fatal(err)
	}
	a, b := keys(t, ECDSAP256, RoleRelease), keys(t, ECDSAP256, RoleAttest)
	files := map[string][]byte{"a.pub": a.Public().PEM(), "b.pub": b.Public().PEM(), "a.key": pair.Private, "root.json": []byte("{}")}
	key := func(file string, streams ...string) spec.Signatory {
		return spec.Signatory{Key: file, Streams: streams}
	}
	who := &spec.TrustedIdentity{Subject: "me@example.com", Issuer: "https://issuer.example"}
	type all = map[string]spec.Signatory
	type streams = map[string]spec.TrustedStream
	for name, c := range map[string]struct {
		t    spec.Trust
		want string // codes
		says string
	}{
		"no such file":          {spec.Trust{Release: all{"main": key("c.pub")}}, "SIG001", `key "c.pub" cannot be read: there is no such file`},
		"a private key":         {spec.Trust{Release: all{"main": key("a.key")}}, "SIG001", "rotate it"},
		"two roles":             {spec.Trust{Release: all{"main": key("a.pub")}, Attest: all{"build": key("a.pub")}}, "SIG006", `"main" is trusted both to release and to attest|"build" is trusted both`},
		"identity without root": {spec.Trust{Release: all{"ci": {Identity: who}}}, "SIG051", "no trusted root"},
		"no such root":          {spec.Trust{Release: all{"ci": {Identity: who}}, TrustedRoot: "none.json"}, "SIG050", `"none.json" cannot be read: there is no such file`},
		"no root":               {spec.Trust{Release: all{"ci": {Identity: who}, "cd": {Identity: who}}, TrustedRoot: "root.json"}, "SIG050", "cannot be used"},
		"a stream nobody signs": {spec.Trust{Release: all{"main": key("a.pub", "prod")}, Streams: streams{"prod": {Artifacts: []string{"eu"}}, "lab": {Artifacts: []string{"lab"}}}}, "SIG057", `nobody may sign releases of stream "lab"`},
		"attested, not signed":  {spec.Trust{Release: all{"main": key("a.pub", "prod")}, Attest: all{"build": key("b.pub", "lab")}, Streams: streams{"prod": {Artifacts: []string{"eu"}}, "lab": {Artifacts: []string{"lab"}}}}, "SIG057", `stream "lab"`},
		"artifacts open":        {spec.Trust{Release: all{"main": key("a.pub", "prod")}}, "SIG057", `nothing says which artifacts are of stream "prod"`},
		"artifact of two":       {spec.Trust{Release: all{"main": key("a.pub")}, Streams: streams{"lab": {Artifacts: []string{"eu"}}, "prod": {Artifacts: []string{"us", "eu"}}}}, "SIG057", `artifact "eu" is of the streams "lab" and "prod"`},
		"demanded of nobody":    {spec.Trust{Release: all{"main": key("a.pub")}, Require: []string{"sbom"}}, "SIG057", "sbom is required, and nobody may state it"},
		"policies of no vsa":    {spec.Trust{Release: all{"main": key("a.pub")}, Policies: []string{string(digest.Of(nil))}}, "SIG057", "no vsa is required"},
		"builders of nothing":   {spec.Trust{Release: all{"main": key("a.pub")}, Attest: all{"build": key("b.pub")}, Require: []string{"vsa"}, Builders: []string{"https://ci.example"}}, "SIG057", "no provenance is required"},
		"nobody":                {spec.Trust{}, "SIG004", "no release key"},
	} {
		p, diags := policyOf(t, c.t, files)
		if p != nil || codes(diags) != c.want {
			t.Errorf("%s: want %s, got %v %s", name, c.want, p, diags)
			continue
		}
		ok := false
		for _, s := range strings.Split(c.says, "|") {
			ok = ok || strings.Contains(allOf(diags), s)
		}
		if d := diags[0]; !ok || len(d.Help) == 0 || name != "nobody" && d.Primary().File != "trust.cue" {
			t.Errorf("%s: want %q with a place and a fix, got %s", name, c.says, allOf(diags))
		}
	}
}

// TestPolicyDemands: what is demanded of a stream is what it says itself, else
// what the file says of all, else what is usual.
func TestPolicyDemands(t *testing.T) {
	a, b := keys(t, ECDSAP256, RoleRelease), keys(t, ECDSAP256, RoleAttest)
	files := map[string][]byte{"a.pub": a.Public().PEM(), "b.pub": b.Public().PEM()}
	mine, other := digest.Of([]byte("policies")), digest.Of([]byte("others"))
	p, diags := policyOf(t, spec.Trust{
		Release: map[string]spec.Signatory{"main": {Key: "a.pub"}}, Attest: map[string]spec.Signatory{"build": {Key: "b.pub", Streams: []string{"prod", "lab", "open"}}},
		MaxAge: plans.Duration(30 * 24 * time.Hour / time.Millisecond), Policies: []string{string(mine)}, Builders: []string{"https://ci.example"},
		Streams: map[string]spec.TrustedStream{
			"prod": {Artifacts: []string{"fleet", "eu-*"}, Require: []string{"provenance", "vsa", "sbom"}, MaxAge: plans.Duration(time.Hour / time.Millisecond), Policies: []string{string(other)}},
			"lab":  {Artifacts: []string{"lab"}},
			"open": {Artifacts: []string{"open"}, Require: []string{}},
			"none": {Artifacts: []string{"none"}},
		},
	}, files)
	if p == nil {
		t.Fatal(diags)
	}
	for stream, want := range map[string]string{
		"prod": fmt.Sprintf("1h0m0s %s[][https://ci.example] %s[%s][] %s[][]", attest.Provenance, attest.Summary, other, attest.CycloneDX),
		"lab":  fmt.Sprintf("720h0m0s %s[][https://ci.example] %s[%s][]", attest.Provenance, attest.Summary, mine),
		"open": "720h0m0s", // it says that nothing is demanded
		"none": "720h0m0s", // nobody may attest in it
	} {
		d := p.Demands(stream)
		got := d.MaxAge.String()
		for _, r := range d.Attestations {
			got += fmt.Sprintf(" %s%v%v", r.Predicate, r.Policies, r.Builders)
		}
		if got != want {
			t.Errorf("%s: want %s, got %s", stream, want, got)
		}
	}
	if ds := p.Fits(map[string][]string{"prod": {"eu-1", "fleet"}, "lab": {"lab"}, "open": {"open"}, "none": {"none"}}); len(ds) > 0 {
		t.Error(ds)
	}
	ds := p.Fits(map[string][]string{"prod": {"eu-1", "fleet", "lab"}, "lap": {"us"}, "open": {"open"}, "none": {"none"}})
	for _, want := range []string{`artifact "lab" is of stream "prod" in the fleet, and of lab here`, `artifact "us" is of stream "lap" in the fleet, and of none here`, `the fleet has no stream "lab"`} {
		if !strings.Contains(ds.String(), want) {
			t.Errorf("want %s, got %s", want, ds)
		}
	}
}

// TestStreamsOfKeys: a key of one stream signs for no other, whatever a bundle
// says of itself.
func TestStreamsOfKeys(t *testing.T) {
	prod, lab := keys(t, ECDSAP256, RoleRelease), keys(t, ECDSAP256, RoleRelease)
	files := map[string][]byte{"prod.pub": prod.Public().PEM(), "lab.pub": lab.Public().PEM()}
	p, diags := policyOf(t, spec.Trust{
		Release: map[string]spec.Signatory{"prod": {Key: "prod.pub", Streams: []string{"prod"}}, "lab": {Key: "lab.pub", Streams: []string{"lab"}}},
		Streams: map[string]spec.TrustedStream{"prod": {Artifacts: []string{"eu"}}, "lab": {Artifacts: []string{"lab"}}},
	}, files)
	if p == nil {
		t.Fatal(diags)
	}
	of := func(stream string) ir.Record {
		r := released(1)
		r.Stream = stream
		return r
	}
	for name, c := range map[string]struct {
		stream string
		by     *Signer
		want   string
		says   string
	}{
		"as it should be":       {"prod", prod, "", ""},
		"the key of the lab":    {"prod", lab, "SIG004", `lab counts for lab, and this is of stream prod`},
		"a stream of its own":   {"lab", lab, "SIG041", `"eu" is of stream prod for the trust policy, and this bundle is of stream "lab"`},
		"a stream of nobody":    {"other", prod, "SIG004 SIG041", "this bundle is of stream"},
		"the other's key there": {"lab", prod, "SIG004 SIG041", ""},
	} {
		_, l := signed(t, mustSeal(t, content("eu"), of(c.stream)), c.by)
		r, diags, err := Verify(t.Context(), l, "eu", p.Trust, nil)
		if err != nil {
			t.Fatal(err)
		}
		if codes(diags) != c.want || !strings.Contains(allOf(diags), c.says) || (r.Bundle != nil) != (c.want == "") {
			t.Errorf("%s: want %q %q, got %s", name, c.want, c.says, allOf(diags))
		}
	}
	// What nobody lists is of no stream.
	_, l := signed(t, mustSeal(t, content("us"), of("prod")), prod)
	if _, diags, _ := Verify(t.Context(), l, "us", p.Trust, nil); codes(diags) != "SIG041" {
		t.Errorf("an artifact that nobody lists: %s", diags)
	}
	// Before anything is signed.
	for _, c := range []struct {
		s            *Signer
		stream, want string
	}{{prod, "prod", ""}, {lab, "lab", ""}, {lab, "prod", "SIG056"}, {keys(t, ECDSAP256, RoleRelease), "lab", "SIG056"}} {
		if diags := p.Permits(c.s, c.stream); codes(diags) != c.want {
			t.Errorf("%s in %s: want %q, got %s", c.s.public.ID.Short(), c.stream, c.want, diags)
		}
	}
}

// TestAge: what is older than the policy takes is refused, or accepted loudly;
// what nobody can judge is not young.
func TestAge(t *testing.T) {
	s := keys(t, ECDSAP256, RoleRelease)
	_, l := signed(t, mustSeal(t, content("eu"), released(1)), s)
	issued := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	day := 24 * time.Hour
	for name, c := range map[string]struct {
		c          VerifyConfig
		want, fact string
	}{
		"no limit":    {VerifyConfig{Now: issued.Add(60 * day)}, "", ""},
		"young":       {VerifyConfig{Now: issued.Add(30 * day), MaxAge: 30 * day}, "", "proven"},
		"old":         {VerifyConfig{Now: issued.Add(30*day + 1), MaxAge: 30 * day}, "SIG015", "refused"},
		"accepted":    {VerifyConfig{Now: issued.Add(31 * day), MaxAge: 30 * day, AllowExpired: true}, "", "accepted"},
		"no time":     {VerifyConfig{MaxAge: 30 * day}, "SIG015", "refused"},
		"no time, ok": {VerifyConfig{MaxAge: 30 * day, AllowExpired: true}, "SIG015", "refused"},
		"clock back":  {VerifyConfig{Now: issued, MaxAge: 30 * day, State: &State{Serial: 1, Verified: "2027-01-01T00:00:00Z"}}, "SIG015", "refused"},
		"by stream": {VerifyConfig{Now: issued.Add(31 * day), Demand: func(stream string) Demands {
			return map[string]Demands{"main": {MaxAge: 30 * day}}[stream]
		}}, "SIG015", "refused"},
	} {
		if c.c.State != nil {
			b, _, _ := Load(t.Context(), l, "eu", Limits{})
			c.c.State.Manifest = b.Digest()
		}
		r, diags, err := Verify(t.Context(), l, "eu", trust(t, s), &c.c)
		if err != nil {
			t.Fatal(err)
		}
		fact := ""
		for _, f := range r.Facts {
			if f.Name == "age" {
				fact = string(f.Status)
			}
		}
		loud := len(diags) == 1 && diags[0].Code == "SIG015" && diags[0].Severity == diag.Warning
		if codes(diags) != c.want || fact != c.fact || fact == "accepted" && !loud {
			t.Errorf("%s: want %q %q, got %q %s", name, c.want, c.fact, fact, diags)
		}
	}
}

// TestMoved: the records say which stream an artifact is of, before what is
// remembered does; and a bundle of its old stream is no longer one.
func TestMoved(t *testing.T) {
	s := keys(t, ECDSAP256, RoleRelease)
	first := released(1)
	first.Stream = "lab"
	b1 := mustSeal(t, content("eu"), first)
	second := released(2)
	second.Stream, second.Previous = "prod", b1.Digest()
	b2 := mustSeal(t, content("eu"), second)
	_, l := signed(t, b2, s)
	one := ir.Recorded{Serial: 1, Manifest: b1.Digest()}
	two := ir.Recorded{Serial: 2, Manifest: b2.Digest(), Previous: b1.Digest()}
	state := &State{Serial: 1, Manifest: b1.Digest(), Stream: "lab"}
	for name, c := range map[string]struct {
		known Known
		want  string
	}{
		"nothing known":        {Known{}, ""},
		"only remembered":      {Known{State: state}, "SIG041"},
		"recorded there":       {Known{Stream: "prod", Recorded: []ir.Recorded{one, two}, State: state}, ""},
		"recorded elsewhere":   {Known{Stream: "lab", Recorded: []ir.Recorded{one}}, "SIG041"},
		"moved on once more":   {Known{Stream: "lab", Recorded: []ir.Recorded{one, two, {Serial: 3}}}, "SIG008 SIG041"},
		"another predecessor":  {Known{Stream: "prod", Recorded: []ir.Recorded{{Serial: 1, Manifest: digest.Of(nil)}, two}}, "SIG009"},
		"remembered, recorded": {Known{Stream: "prod", Recorded: []ir.Recorded{one, two}, State: &State{Serial: 9, Stream: "lab"}}, "SIG008"},
	} {
		_, diags, err := Verify(t.Context(), l, "eu", trust(t, s), &VerifyConfig{Known: func(string) Known { return c.known }})
		if err != nil || codes(diags) != c.want {
			t.Errorf("%s: want %q, got %v %s", name, c.want, err, diags)
		}
	}
}
