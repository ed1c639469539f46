package seal

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestPlugin: a key that a program on PATH keeps signs what any other key
// signs, by sigstore's plugin protocol; what goes wrong says so and how to go
// on. The program is built here, of sigstore's own half of the protocol.
func TestPlugin(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("PATH is set up for Unix")
	}
	bin := t.TempDir()
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "sigstore-kms-darkstarttest"), "./testdata/kmsplugin")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the plugin: %v\n%s", err, out)
	}
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	keyDir := t.TempDir()
	t.Setenv("DARKSTART_TEST_KEYS", keyDir)
	src := KeySource{ReadFile: os.ReadFile, Remote: true}
	for name, c := range map[string]struct{ ref, code, says string }{
		"P-256":             {"darkstarttest://p256", "", ""},
		"Ed25519":           {"darkstarttest://ed25519", "", ""},
		"P-384":             {"darkstarttest://p384", "SIG003", "P-384"},
		"no such key":       {"darkstarttest://nobody", "SIG054", "no key"},
		"babbles":           {"darkstarttest://babble", "SIG054", "parsing plugin response"},
		"no such program":   {"nowhere://k", "SIG053", "sigstore-kms-nowhere"},
		"a path for a name": {"../x://k", "SIG053", "sigstore-kms-"},
	} {
		t.Run(name, func(t *testing.T) {
			s, diags, err := LoadSigner(t.Context(), c.ref, RoleRelease, src, password)
			if err != nil || codes(diags) != c.code || (s == nil) != (c.code != "") || !strings.Contains(allOf(diags), c.says) {
				t.Fatalf("want %q, got %v %s", c.code, err, diags)
			}
			if s == nil {
				return
			}
			b := mustSeal(t, content("eu"), released(1))
			_, l := signed(t, b, s)
			// Verified by nothing but the public key, as text.
			k, diags := LoadPublicKey("p", RoleRelease, KeySource{ReadFile: func(string) ([]byte, error) { return s.Public().PEM(), nil }})
			if k == nil {
				t.Fatal(diags)
			}
			tr, diags := NewTrust(k)
			if tr == nil {
				t.Fatal(diags)
			}
			if r, diags, err := Verify(t.Context(), l, "eu", tr, nil); err != nil || r.Bundle == nil {
				t.Errorf("%v %s", err, diags)
			}
			attest, _, err := LoadSigner(t.Context(), c.ref, RoleAttest, src, password)
			if err != nil {
				t.Fatal(err)
			}
			if tr, diags := NewTrust(s.Trusted(), attest.Trusted()); tr != nil || codes(diags) != "SIG006" {
				t.Errorf("one key of a service in two roles: %s", diags)
			}
			if diags := tr.Permits(attest, "main"); codes(diags) != "SIG006" {
				t.Errorf("the release key signs attestations: %s", diags)
			}
			if sig, diags, err := Sign(t.Context(), b, attest); sig != nil || err != nil || codes(diags) != "SIG006" {
				t.Errorf("an attest key of a service signs a release: %v %s", err, diags)
			}
		})
	}
	if s, diags, err := LoadSigner(t.Context(), "darkstarttest://p256", RoleRelease, KeySource{}, password); s != nil || err != nil || codes(diags) != "SIG053" {
		t.Errorf("a service is asked where none may be: %v %s", err, diags)
	}
	// A service that signs with another key than it names is found out before
	// anything leaves.
	s, diags, err := LoadSigner(t.Context(), "darkstarttest://liar", RoleRelease, src, password)
	if s == nil {
		t.Fatalf("%v %s", err, diags)
	}
	if sig, _, err := Sign(t.Context(), mustSeal(t, content("eu"), released(1)), s); sig != nil || err == nil || !strings.Contains(err.Error(), "does not verify") {
		t.Errorf("a signature by another key was handed out: %v", err)
	}
}
