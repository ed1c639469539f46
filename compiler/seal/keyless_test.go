package seal

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/sigstore/sigstore-go/pkg/root"

	"github.com/darkstart-dev/darkstart/internal/testkit/sigstore"
)

const (
	somebody = "release@fleet.example"
	issuer   = "https://token.forge.example"
)

func keylessSigner(t testing.TB, d *sigstore.Deployment, role Role, r *TrustedRoot) (*Signer, error) {
	s, diags, err := LoadKeyless(t.Context(), KeylessConfig{
		Role: role, Token: sigstore.IDToken(somebody, issuer), Fulcio: d.Fulcio, Rekor: d.Rekor, Timestamp: d.TSA, Root: r,
	})
	if err == nil && s == nil {
		err = errors.New(diags.String())
	}
	return s, err
}

func trustedRoot(t testing.TB, d *sigstore.Deployment, without ...string) *TrustedRoot {
	t.Helper()
	r, diags := ParseTrustedRoot("trusted_root.json", d.TrustedRoot(without...))
	if r == nil {
		t.Fatal(diags)
	}
	return r
}

func mustKnow(t testing.TB, c IdentityConfig) *Identity {
	t.Helper()
	i, diags := NewIdentity(c)
	if i == nil {
		t.Fatal(diags)
	}
	return i
}

// TestKeyless: signed under a certificate of a deployment of one's own, and
// verified by who signed; every other name, issuer and deployment is refused.
func TestKeyless(t *testing.T) {
	d, other := sigstore.New(t), sigstore.New(t)
	r := trustedRoot(t, d)
	d.Fails = 1 // a service that comes back
	s, err := keylessSigner(t, d, RoleRelease, r)
	if err != nil {
		t.Fatal(err)
	}
	_, l := signed(t, mustSeal(t, content("eu"), released(1)), s)
	for name, c := range map[string]struct {
		who  IdentityConfig
		says string // "": trusted
	}{
		"exactly":            {IdentityConfig{Issuer: issuer, Subject: somebody, Root: r}, ""},
		"patterns":           {IdentityConfig{IssuerPattern: `https://token\..*`, SubjectPattern: `[a-z]+@fleet\.example`, Root: r}, ""},
		"of the stream":      {IdentityConfig{Issuer: issuer, Subject: somebody, Root: r, Streams: []string{"main"}}, ""},
		"of another stream":  {IdentityConfig{Issuer: issuer, Subject: somebody, Root: r, Streams: []string{"lab"}}, "no trusted key or identity"},
		"another subject":    {IdentityConfig{Issuer: issuer, Subject: "root@fleet.example", Root: r}, "expected SAN value"},
		"another issuer":     {IdentityConfig{Issuer: "https://evil.example", Subject: somebody, Root: r}, "expected issuer value"},
		"a pattern in part":  {IdentityConfig{Issuer: issuer, SubjectPattern: `release@fleet`, Root: r}, "expected SAN value to match"},
		"part of alternates": {IdentityConfig{Issuer: issuer, SubjectPattern: `x|release@fleet`, Root: r}, "expected SAN value to match"},
		"another deployment": {IdentityConfig{Issuer: issuer, Subject: somebody, Root: trustedRoot(t, other)}, "log"},
		"another authority":  {IdentityConfig{Issuer: issuer, Subject: somebody, Root: trustedRoot(t, other, "ct", "rekor")}, "timestamp"},
	} {
		t.Run(name, func(t *testing.T) {
			c.who.Role = RoleRelease
			tr, diags := NewTrust(mustKnow(t, c.who))
			if tr == nil {
				t.Fatal(diags)
			}
			rep, diags, err := Verify(t.Context(), l, "eu", tr, nil)
			if err != nil {
				t.Fatal(err)
			}
			switch {
			case c.says == "" && (rep.Bundle == nil || rep.Seen[0].Identity != somebody+" by "+issuer):
				t.Errorf("not trusted: %s", diags)
			case c.says != "" && (codes(diags) != "SIG004" || !strings.Contains(allOf(diags), c.says)):
				t.Errorf("want SIG004 and %q, got %s", c.says, diags)
			}
		})
	}
	// Whoever fits both roles is trusted in none.
	tr, diags := NewTrust(mustKnow(t, IdentityConfig{Role: RoleRelease, Issuer: issuer, Subject: somebody, Root: r}),
		mustKnow(t, IdentityConfig{Role: RoleAttest, Issuer: issuer, SubjectPattern: `.*@fleet\.example`, Root: r}))
	if tr == nil {
		t.Fatal(diags)
	}
	if _, diags, err := Verify(t.Context(), l, "eu", tr, nil); err != nil || !strings.Contains(codes(diags), "SIG006") {
		t.Errorf("an identity in two roles: %v %s", err, diags)
	}
}

// TestKeylessHostile: services that lie are found out before a signature leaves,
// and by whoever verifies.
func TestKeylessHostile(t *testing.T) {
	for name, c := range map[string]struct {
		lie  func(*sigstore.Deployment)
		says string
	}{
		"bad SCT":                 {func(d *sigstore.Deployment) { d.BadSCT = true }, "signed certificate timestamp"},
		"bad entry timestamp":     {func(d *sigstore.Deployment) { d.BadSET = true }, "not enough verified log entries"},
		"bad inclusion proof":     {func(d *sigstore.Deployment) { d.BadProof = true }, "log inclusion"},
		"certificate of the past": {func(d *sigstore.Deployment) { d.IssuedAt = func() time.Time { return time.Now().Add(-time.Hour) } }, "certificate"},
		"certificate to come":     {func(d *sigstore.Deployment) { d.IssuedAt = func() time.Time { return time.Now().Add(time.Hour) } }, "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			d := sigstore.New(t)
			c.lie(d)
			s, err := keylessSigner(t, d, RoleRelease, trustedRoot(t, d))
			if err != nil {
				t.Fatal(err)
			}
			b := mustSeal(t, content("eu"), released(1))
			if sig, _, err := Sign(t.Context(), b, s); sig != nil || err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("handed out; want %q, got %v", c.says, err)
			}
			raw, err := s.sign(t.Context(), newStatement(b.Digest(), PredicateSign, []byte("{}")))
			if err != nil {
				return // the client found it out by itself
			}
			tr := &Trust{parties: []Trusted{s.Trusted()}}
			if seen := tr.judge(raw, b.Digest(), ""); seen.Status != StatusIgnored || !strings.Contains(seen.Reason, c.says) {
				t.Errorf("believed: %+v", seen)
			}
		})
	}
	d := sigstore.New(t)
	s, err := keylessSigner(t, d, RoleRelease, trustedRoot(t, d, "ct", "rekor"))
	if err != nil {
		t.Fatal(err)
	}
	b := mustSeal(t, content("eu"), released(1))
	s.keyless.c.Rekor, s.keyless.c.Timestamp = "", ""
	if sig, _, err := Sign(t.Context(), b, s); sig != nil || err == nil || !strings.Contains(err.Error(), "timestamp") {
		t.Errorf("a signature without a time: %v", err)
	}
	d.Refuses = 401
	if _, err := keylessSigner(t, d, RoleRelease, trustedRoot(t, d)); err == nil || !strings.Contains(err.Error(), "401") || strings.Contains(err.Error(), sigstore.IDToken(somebody, issuer)) {
		t.Errorf("a refused token, and it must not be printed: %v", err)
	}
}

// TestKeylessIncomplete: what is missing is named; nothing is guessed.
func TestKeylessIncomplete(t *testing.T) {
	d := sigstore.New(t)
	r := trustedRoot(t, d)
	good := KeylessConfig{Role: RoleRelease, Token: "a.b.c", Fulcio: d.Fulcio, Rekor: d.Rekor, Root: r}
	for want, edit := range map[string]func(*KeylessConfig){
		"--fulcio-url":     func(c *KeylessConfig) { c.Fulcio = "" },
		"--trusted-root":   func(c *KeylessConfig) { c.Root = nil },
		"--timestamp-url":  func(c *KeylessConfig) { c.Rekor = "" },
		"--identity-token": func(c *KeylessConfig) { c.Token = "not a token" },
	} {
		c := good
		edit(&c)
		if s, diags, err := LoadKeyless(t.Context(), c); s != nil || err != nil || codes(diags) != "SIG052" || !strings.Contains(allOf(diags), want) {
			t.Errorf("%s: %v %s", want, err, diags)
		}
	}
	for name, c := range map[string]IdentityConfig{
		"no issuer": {Role: RoleRelease, Subject: "a", Root: r}, "no subject": {Role: RoleRelease, Issuer: "a", Root: r},
		"both": {Role: RoleRelease, Issuer: "a", Subject: "a", SubjectPattern: "a", Root: r}, "no root": {Role: RoleRelease, Issuer: "a", Subject: "a"},
		"no role": {Issuer: "a", Subject: "a", Root: r}, "no pattern": {Role: RoleRelease, Issuer: "a", SubjectPattern: "a)|(b", Root: r},
	} {
		if i, diags := NewIdentity(c); i != nil || codes(diags) != "SIG051" {
			t.Errorf("%s: %s", name, diags)
		}
	}
	empty, err := root.NewTrustedRoot(root.TrustedRootMediaType01, nil, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	nothing, err := empty.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"nothing": string(nothing), "not JSON": "x", "another document": "{}"} {
		if r, diags := ParseTrustedRoot("r", []byte(text)); r != nil || codes(diags) != "SIG050" {
			t.Errorf("%s: %s", name, diags)
		}
	}
}
