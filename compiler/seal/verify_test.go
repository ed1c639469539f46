package seal

import (
	"context"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// TestVerifyHistory: serial floor, chain and expiry, each from every source of
// knowledge, and what the report says when there is none.
func TestVerifyHistory(t *testing.T) {
	signer := keys(t, Ed25519, RoleRelease)
	tr := trust(t, signer)
	first := mustSeal(t, content("eu"), released(1))
	record := released(2)
	record.Previous = first.Digest()
	b := mustSeal(t, content("eu"), record)
	_, l := signed(t, b, signer)
	one, two := first.Recorded(), b.Recorded()
	forked, three := two, two
	forked.Manifest, three.Serial = digest.Of(nil), 3
	now := func(s string) time.Time {
		at, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return at
	}
	for name, c := range map[string]struct {
		config VerifyConfig
		want   string // error codes
		facts  string // name=status
	}{
		"nothing known":    {VerifyConfig{}, "", "rollback=not checked|chain=not checked|expiry=not checked"},
		"strict":           {VerifyConfig{Strict: true}, "SIG011 SIG011", "rollback=not checked|expiry=not checked"},
		"strict and known": {VerifyConfig{Strict: true, MinSerial: 2, Now: now("2026-12-01T00:00:00Z")}, "", "rollback=proven|expiry=proven"},
		"min serial":       {VerifyConfig{MinSerial: 2}, "", "rollback=proven|chain=not checked"},
		"below min serial": {VerifyConfig{MinSerial: 3}, "SIG008", "rollback=refused"},
		"recorded":         {VerifyConfig{Recorded: []ir.Recorded{one, two}}, "", "rollback=proven|chain=proven"},
		"newer recorded":   {VerifyConfig{Recorded: []ir.Recorded{one, two, three}}, "SIG008", "rollback=refused|chain=proven"},
		"forked":           {VerifyConfig{Recorded: []ir.Recorded{one, forked}}, "SIG009", "chain=refused"},
		"next":             {VerifyConfig{State: &State{Serial: 1, Manifest: first.Digest()}}, "", "rollback=proven|chain=proven"},
		"other history":    {VerifyConfig{State: &State{Serial: 1, Manifest: digest.Of(nil)}}, "SIG009", "rollback=proven|chain=refused"},
		"seen":             {VerifyConfig{State: &State{Serial: 2, Manifest: b.Digest()}}, "", "rollback=proven|chain=proven"},
		"seen as another":  {VerifyConfig{State: &State{Serial: 2, Manifest: digest.Of(nil)}}, "SIG009", "chain=refused"},
		"seen newer":       {VerifyConfig{State: &State{Serial: 9, Manifest: digest.Of(nil)}, MinSerial: 1}, "SIG008", "rollback=refused"},
		"last moment":      {VerifyConfig{Now: now("2027-02-20T10:00:00Z")}, "", "expiry=proven"},
		"expired":          {VerifyConfig{Now: now("2027-02-20T10:00:01Z")}, "SIG010", "expiry=refused"},
		"disaster":         {VerifyConfig{Now: now("2027-02-20T10:00:01Z"), AllowExpired: true}, "", "expiry=accepted"},
	} {
		t.Run(name, func(t *testing.T) {
			r, diags, err := Verify(t.Context(), l, "eu", tr, &c.config)
			if err != nil {
				t.Fatal(err)
			}
			if got := codes(diags); got != c.want || (r.Bundle == nil) != (c.want != "") {
				t.Errorf("want %q, got %q\n%s", c.want, got, diags)
			}
			var facts []string
			for _, f := range r.Facts {
				facts = append(facts, f.Name+"="+string(f.Status))
			}
			for _, want := range strings.Split(c.facts, "|") {
				if !slices.Contains(facts, want) {
					t.Errorf("want the fact %q, got %q", want, facts)
				}
			}
			for _, d := range diags {
				if d.Severity == diag.Error && len(d.Help) == 0 {
					t.Errorf("%s has no fix", d.Code)
				}
			}
		})
	}
	r, diags, err := Verify(t.Context(), l, string(b.Digest()), tr, &VerifyConfig{Now: now("2027-03-01T00:00:00Z"), AllowExpired: true})
	if err != nil || !strings.Contains(diags.String(), "warning[SIG010]") || r.State() != (State{Serial: 2, Manifest: b.Digest(), Stream: "main", NotAfter: "2027-02-20T10:00:00Z"}) {
		t.Errorf("an expired bundle is not let through loudly: %v\n%s", err, diags)
	}
	if got := r.NotChecked(); !slices.Equal(got, []string{"artifact", "attestations", "rollback", "chain", "waivers"}) {
		t.Errorf("not checked: %q", got)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}

// TestVerifyWaivers: what a release relied on is judged at the time of the
// verification, as the guardrails judge it.
func TestVerifyWaivers(t *testing.T) {
	signer := keys(t, Ed25519, RoleRelease)
	tr := trust(t, signer)
	at := func(s string) time.Time {
		x, err := time.Parse(time.RFC3339, s)
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	relied := []ir.RecordedWaiver{
		{Expires: "2026-12-31", ID: "components/web/namespace.yaml:3", Owner: "platform", Rule: "PS001"},
		{Expires: "2027-01-15", ID: "web", Owner: "shop", Rule: "SC001", Ticket: "OPS-1"},
	}
	for name, c := range map[string]struct {
		waivers []ir.RecordedWaiver
		config  VerifyConfig
		want    string
		status  Status
	}{
		"of before":              {nil, VerifyConfig{Now: at("2026-12-01T00:00:00Z")}, "", StatusNotChecked},
		"of before, for auditor": {nil, VerifyConfig{NoWaivers: true}, "SIG014", StatusNotChecked},
		"none":                   {[]ir.RecordedWaiver{}, VerifyConfig{NoWaivers: true}, "", StatusProven},
		"they hold":              {relied, VerifyConfig{Now: at("2026-12-31T23:59:59Z")}, "", StatusProven},
		"one expired":            {relied, VerifyConfig{Now: at("2027-01-01T00:00:00Z")}, "SIG013", StatusRefused},
		"in a disaster":          {relied, VerifyConfig{Now: at("2027-01-01T00:00:00Z"), AllowExpired: true}, "", StatusAccepted},
		"for an auditor":         {relied, VerifyConfig{Now: at("2026-12-01T00:00:00Z"), NoWaivers: true, AllowExpired: true}, "SIG014", StatusRefused},
		"no time":                {relied, VerifyConfig{}, "", StatusNotChecked},
	} {
		t.Run(name, func(t *testing.T) {
			record := released(1)
			record.Waivers = c.waivers
			_, l := signed(t, mustSeal(t, content("eu"), record), signer)
			r, diags, err := Verify(t.Context(), l, "eu", tr, &c.config)
			if err != nil {
				t.Fatal(err)
			}
			if got := codes(diags); got != c.want || (r.Bundle == nil) != (c.want != "") || !reflect.DeepEqual(r.Waivers, c.waivers) {
				t.Errorf("want %q, got %q, waivers %+v\n%s", c.want, got, r.Waivers, diags)
			}
			i := slices.IndexFunc(r.Facts, func(f Fact) bool { return f.Name == "waivers" })
			if i < 0 || r.Facts[i].Status != c.status {
				t.Errorf("want %q, got %+v", c.status, r.Facts)
			}
			if c.config.AllowExpired && c.want == "" && !strings.Contains(diags.String(), "warning[SIG013]") {
				t.Error("an expired waiver is let through silently")
			}
		})
	}
	for name, w := range map[string]ir.RecordedWaiver{
		"no date": {Expires: "soon", ID: "w", Owner: "o", Rule: "r"}, "no owner": {Expires: "2027-01-01", ID: "w", Rule: "r"},
		"escape": {Expires: "2027-01-01", ID: "w\x1b[2J", Owner: "o", Rule: "r"},
	} {
		record := released(1)
		record.Waivers = []ir.RecordedWaiver{w}
		if b, diags, err := Seal(t.Context(), content("eu"), record, nil); b != nil || err != nil || codes(diags) != "SEA008" {
			t.Errorf("%s: %v %s", name, err, diags)
		}
	}
}

// TestNoTrustNoVerdict: without a release key nothing is verified, by no way.
func TestNoTrustNoVerdict(t *testing.T) {
	release, attest := keys(t, Ed25519, RoleRelease), keys(t, Ed25519, RoleAttest)
	both := *release.Public()
	both.Role = RoleAttest
	for name, c := range map[string]struct {
		keys []Trusted
		want string
	}{
		"no key":             {nil, "SIG004"},
		"attest key only":    {[]Trusted{attest.Public()}, "SIG004"},
		"one key, two roles": {[]Trusted{release.Public(), &both}, "SIG006"},
	} {
		if tr, diags := NewTrust(c.keys...); tr != nil || codes(diags) != c.want {
			t.Errorf("%s: %s", name, diags)
		}
	}
	_, l := signed(t, mustSeal(t, content("eu"), released(1)), release)
	if _, _, err := Verify(t.Context(), l, "eu", nil, nil); err == nil {
		t.Error("verified without a policy")
	}
	if r, diags, err := Verify(t.Context(), l, "us", trust(t, release), nil); err != nil || r != nil || codes(diags) != "SEA012" {
		t.Errorf("an artifact that is not there: %v %s", err, diags)
	}
	only := *release.Public()
	only.Streams = []string{"lab"}
	tr, _ := NewTrust(&only)
	if _, diags, err := Verify(t.Context(), l, "eu", tr, nil); err != nil || codes(diags) != "SIG004" {
		t.Errorf("a key of another stream vouches: %v %s", err, diags)
	}
}

// TestFlood: whoever can write to the registry cannot hide a statement behind
// a thousand others.
func TestFlood(t *testing.T) {
	signer := keys(t, Ed25519, RoleRelease)
	b := mustSeal(t, content("eu"), released(1))
	sig, _, err := Sign(t.Context(), b, signer)
	if err != nil {
		t.Fatal(err)
	}
	m := repaired(b, sig, "", nil)
	for i := range 2 {
		m.referrers = slices.Repeat(m.referrers[:1], maxReferrers+i)
		_, diags, err := Verify(t.Context(), m, "eu", trust(t, signer), nil)
		if want := []string{"", "SEA005"}[i]; err != nil || codes(diags) != want {
			t.Errorf("%d statements: want %q, got %v %s", len(m.referrers), want, err, diags)
		}
	}
}

// TestSignRefuses: a release key signs releases, and nothing else signs them.
func TestSignRefuses(t *testing.T) {
	candidate := mustSeal(t, content("eu"), ir.Record{Stream: "main", MinCompiler: "0.1.0"})
	release := mustSeal(t, content("eu"), released(1))
	broken := *release
	broken.Tar = digest.Of(nil)
	if s, diags, err := Sign(t.Context(), candidate, keys(t, Ed25519, RoleRelease)); s != nil || err != nil || codes(diags) != "SIG007" {
		t.Errorf("a candidate: %v %s", err, diags)
	}
	if s, diags, err := Sign(t.Context(), release, keys(t, Ed25519, RoleAttest)); s != nil || err != nil || codes(diags) != "SIG006" {
		t.Errorf("an attest key: %v %s", err, diags)
	}
	if s, _, err := Sign(t.Context(), &broken, keys(t, Ed25519, RoleRelease)); s != nil || err == nil {
		t.Error("a bundle that contradicts itself was signed")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if b, _, err := Seal(ctx, content("eu"), released(1), nil); b != nil || err == nil {
		t.Error("sealing goes on after it was cancelled")
	}
}

// TestRotation: a bundle that is signed by the old and the new key verifies
// under either, and signing again with Ed25519 changes no byte.
func TestRotation(t *testing.T) {
	before, after := keys(t, ECDSAP256, RoleRelease), keys(t, Ed25519, RoleRelease)
	b := mustSeal(t, content("eu"), released(1))
	_, l := signed(t, b, before)
	var index []byte
	for range 2 {
		sig, _, err := Sign(t.Context(), b, after)
		if err != nil {
			t.Fatal(err)
		}
		if err := Attach(t.Context(), l, sig); err != nil {
			t.Fatal(err)
		}
		list, err := l.List()
		if err != nil {
			t.Fatal(err)
		}
		now, _ := json.Marshal(list)
		if index != nil && string(index) != string(now) {
			t.Error("attaching the same signature again changed the layout")
		}
		index = now
	}
	for _, tr := range []*Trust{trust(t, before), trust(t, after), trust(t, before, after)} {
		r, diags, err := Verify(t.Context(), l, "eu", tr, nil)
		if err != nil || codes(diags) != "" || len(r.Seen) != 2 {
			t.Errorf("%v %s", err, diags)
		}
	}
}
