package seal

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/secure-systems-lab/go-securesystemslib/encrypted"
)

// TestKeys: what is written is read again; what cannot be read says why.
func TestKeys(t *testing.T) {
	t.Parallel()
	pair, err := GenerateKeyPair(ECDSAP256, password)
	if err != nil {
		t.Fatal(err)
	}
	damaged := bytes.Replace(pair.Private, []byte("\nEyJ"), []byte("\nAyJ"), 1)
	damaged = bytes.Replace(damaged, []byte("\neyJ"), []byte("\nAyJ"), 1)
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{
		"good.key": pair.Private, "good.pub": pair.Public, "empty": nil, "text": []byte("hello\n"), "damaged.key": damaged,
		"rsa.key": private(t, rsaKey), "rsa.pub": public(t, &rsaKey.PublicKey), "p384.key": private(t, p384), "p384.pub": public(t, &p384.PublicKey),
		"two.pub": append(bytes.Clone(pair.Public), pair.Public...), "plain.key": plain(t, p384),
		"cosign1.key": bytes.ReplaceAll(pair.Private, []byte("SIGSTORE"), []byte("COSIGN")),
		"junk.pub":    pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: []byte("x")}),
	}
	src := KeySource{
		ReadFile: func(name string) ([]byte, error) {
			if name == "secret" {
				return nil, fs.ErrPermission
			}
			if b, ok := files[name]; ok {
				return b, nil
			}
			return nil, fs.ErrNotExist
		},
		Getenv: func(name string) string {
			return string(files[map[string]string{"KEY": "good.key", "PUB": "good.pub"}[name]])
		},
	}
	for ref, want := range map[string]string{
		"good.key": "", "env://KEY": "", "cosign1.key": "", "missing": "SIG001", "secret": "SIG001", "env://NONE": "SIG001", "awskms://x": "SIG053",
		"empty": "SIG001", "text": "SIG001", "good.pub": "SIG001", "plain.key": "SIG001", "damaged.key": "SIG002", "rsa.key": "SIG003", "p384.key": "SIG003",
	} {
		s, diags, err := LoadSigner(t.Context(), ref, RoleRelease, src, password)
		if err != nil || codes(diags) != want || (s == nil) != (want != "") {
			t.Errorf("private %s: want %q, got %v %s", ref, want, err, diags)
		}
		for _, d := range diags {
			if len(d.Help) == 0 {
				t.Errorf("private %s: no fix", ref)
			}
		}
		if s != nil && !bytes.Equal(s.Public().PEM(), pair.Public) {
			t.Errorf("private %s: another public key", ref)
		}
	}
	for ref, want := range map[string]string{
		"good.pub": "", "env://PUB": "", "missing": "SIG001", "text": "SIG001", "good.key": "SIG001", "two.pub": "SIG001", "junk.pub": "SIG001",
		"rsa.pub": "SIG003", "p384.pub": "SIG003",
	} {
		k, diags := LoadPublicKey(ref, RoleRelease, src)
		if codes(diags) != want || (k == nil) != (want != "") {
			t.Errorf("public %s: want %q, got %s", ref, want, diags)
		}
	}
	wrong := func() ([]byte, error) { return []byte("wrong"), nil }
	if s, diags, err := LoadSigner(t.Context(), "good.key", RoleRelease, src, wrong); s != nil || err != nil || codes(diags) != "SIG002" {
		t.Errorf("wrong password: %v %s", err, diags)
	}
	broken := errors.New("no terminal")
	if _, _, err := LoadSigner(t.Context(), "good.key", RoleRelease, src, func() ([]byte, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Errorf("no password: %v", err)
	}
	files["attest.key"] = pair.For(RoleAttest).Private
	if s, diags, err := LoadSigner(t.Context(), "attest.key", RoleRelease, src, password); s != nil || err != nil || codes(diags) != "SIG006" {
		t.Errorf("a key that was made to attest: %v %s", err, diags)
	}
	for mode, want := range map[fs.FileMode]string{0o600: "", 0o400: "", 0o640: "SIG055", 0o604: "SIG055"} {
		src.Mode = func(string) (fs.FileMode, error) { return mode, nil }
		s, diags, err := LoadSigner(t.Context(), "attest.key", RoleAttest, src, password)
		if s == nil || err != nil || strings.Contains(diags.String(), "warning[SIG055]") != (want != "") || diags.HasErrors() {
			t.Errorf("mode %o: %v %s", mode, err, diags)
		}
	}
	if _, err := GenerateKeyPair("rsa", password); err == nil {
		t.Error("an unknown algorithm made a key")
	}
}

func private(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	pass, _ := password()
	box, err := encrypted.Encrypt(der, pass)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPrivate, Bytes: box})
}

func plain(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func public(t *testing.T, key any) []byte {
	t.Helper()
	der, err := x509.MarshalPKIXPublicKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: pemPublic, Bytes: der})
}

// TestCosignKeys: cosign's key pairs work here, and ours work there.
func TestCosignKeys(t *testing.T) {
	t.Parallel()
	c := newCosign(t)
	if out, err := c.run("generate-key-pair", "--output-key-prefix", "theirs"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	src := KeySource{ReadFile: func(name string) ([]byte, error) { return os.ReadFile(filepath.Join(c.dir, name)) }}
	s, diags, err := LoadSigner(t.Context(), "theirs.key", RoleRelease, src, password)
	if err != nil || s == nil {
		t.Fatalf("%v %s", err, diags)
	}
	k, diags := LoadPublicKey("theirs.pub", RoleRelease, src)
	if k == nil || k.ID != s.Public().ID {
		t.Fatalf("cosign's public key: %s", diags)
	}
	_, l := signed(t, mustSeal(t, content("eu"), released(1)), s)
	tr, diags := NewTrust(k)
	if tr == nil {
		t.Fatal(diags)
	}
	if _, diags, err := Verify(t.Context(), l, "eu", tr, nil); err != nil || codes(diags) != "" {
		t.Errorf("signed with cosign's key: %v %s", err, diags)
	}
	for _, a := range []Algorithm{ECDSAP256, Ed25519} {
		pair, err := GenerateKeyPair(a, password)
		if err != nil {
			t.Fatal(err)
		}
		name := writeFile(t, c.dir, "ours-"+string(a)+".key", pair.For(RoleRelease).Private)
		out, err := c.run("public-key", "--key", name)
		if err != nil || !bytes.Contains(out, bytes.TrimSpace(pair.Public)) {
			t.Errorf("%s: cosign reads our key as: %v\n%s", a, err, out)
		}
	}
}

// TestCosignSigns: what stock cosign signs, we verify as strictly as our own.
func TestCosignSigns(t *testing.T) {
	t.Parallel()
	c := newCosign(t)
	config := filepath.Join(c.dir, "signing-config.json")
	if out, err := c.run("signing-config", "create", "--out", config); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	signer := keys(t, ECDSAP256, RoleRelease)
	pair, err := GenerateKeyPair(ECDSAP256, password)
	if err != nil {
		t.Fatal(err)
	}
	key := writeFile(t, c.dir, "k.key", pair.Private)
	src := KeySource{ReadFile: func(string) ([]byte, error) { return pair.Public, nil }}
	k, diags := LoadPublicKey("k.pub", RoleRelease, src)
	if k == nil {
		t.Fatal(diags)
	}
	b := mustSeal(t, content("eu"), released(1))
	_, l := signed(t, b, signer) // by a key that is not trusted below
	for _, api := range []bool{true, false} {
		repo := serve(t, api) + "/fleet/eu"
		push(t, l, "eu", repo)
		tr, diags := NewTrust(k)
		if tr == nil {
			t.Fatal(diags)
		}
		from := open(t, repo)
		if _, diags, err := Verify(t.Context(), from, "eu", tr, nil); err != nil || codes(diags) != "SIG004" {
			t.Errorf("before: %v %s", err, diags)
		}
		if out, err := c.run("sign", "-y", "--key", key, "--signing-config", config, "--trusted-root", c.root, repo+"@"+string(b.Digest())); err != nil {
			t.Fatalf("cosign sign: %v\n%s", err, out)
		}
		r, diags, err := Verify(t.Context(), from, "eu", tr, nil)
		if err != nil || codes(diags) != "" || len(r.Seen) != 2 {
			t.Errorf("after: %v %s", err, diags)
		}
	}
}
