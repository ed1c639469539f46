package programs

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGoMod guards the wrapper's go.mod: Go ignores the replaces of a
// dependency, so they are repeated, and local ones become published modules.
func TestGoMod(t *testing.T) {
	var m modFile
	err := json.Unmarshal([]byte(`{"Go": "1.26.0", "Exclude": [{"Path": "x.example/bad", "Version": "v1.0.0"}], "Replace": [
		{"Old": {"Path": "k8s.io/api"}, "New": {"Path": "./staging/src/k8s.io/api"}},
		{"Old": {"Path": "x.example/a", "Version": "v1.0.0"}, "New": {"Path": "x.example/fork", "Version": "v1.0.1"}}]}`), &m)
	if err != nil {
		t.Fatal(err)
	}
	p := Program{Name: "p", Version: "v1.2.3", Module: "x.example/m", Package: "x.example/m/cmd/p"}
	const fork, local, bad = "replace x.example/a v1.0.0 => x.example/fork v1.0.1\n", "replace k8s.io/api => k8s.io/api v0.2.3\n", "exclude x.example/bad v1.0.0\n"
	plain := p.goMod(m)
	p.Stub = "cmd/p/file"
	stub := p.goMod(m)
	p.Stub = ""
	p.Staging = "v0.2.3"
	staged := p.goMod(m)
	for text, want := range map[string]map[string]bool{
		plain:  {"go 1.26.0\n": true, "require x.example/m v1.2.3\n": true, fork: true, bad: true, "k8s.io/api": false},
		staged: {fork: true, bad: true, local: true},
		stub:   {fork: true, "replace x.example/m => ../src\n": true},
	} {
		for s, there := range want {
			if strings.Contains(text, s) != there {
				t.Errorf("%q in %q: want %v", s, text, there)
			}
		}
	}
}

// TestAbsent guards the message that a user without the programs reads.
func TestAbsent(t *testing.T) {
	base := t.TempDir()
	for _, p := range All() {
		if _, err := p.Path(base); !errors.Is(err, ErrAbsent) || !strings.Contains(err.Error(), p.Name) {
			t.Errorf("%s: %v", p.Name, err)
		}
	}
}

// TestCopyDir guards assets: a folder that a new version no longer has must
// end the build, not leave a control plane without definitions.
func TestCopyDir(t *testing.T) {
	src, dst := t.TempDir(), filepath.Join(t.TempDir(), "a", "b")
	if err := copyDir(dst, src); err == nil {
		t.Error("an empty folder is no asset")
	}
	if err := copyDir(dst, filepath.Join(src, "nosuch")); err == nil {
		t.Error("no folder is no asset")
	}
	if err := os.MkdirAll(filepath.Join(src, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(src, "sub", "f"), []byte("x"), 0o444); err != nil {
		t.Fatal(err)
	}
	if err := copyDir(dst, src); err != nil {
		t.Fatal(err)
	}
	if b, err := os.ReadFile(filepath.Join(dst, "sub", "f")); err != nil || string(b) != "x" {
		t.Errorf("%q, %v", b, err)
	}
}

// TestStubbed guards the copy of a module that lacks a file.
func TestStubbed(t *testing.T) {
	src, dst := t.TempDir(), filepath.Join(t.TempDir(), "src")
	if err := os.WriteFile(filepath.Join(src, "main.go"), []byte("package main"), 0o444); err != nil {
		t.Fatal(err)
	}
	if got, err := stubbed(dst, src, "a/b.yaml"); err != nil || got != dst {
		t.Fatal(got, err)
	}
	for _, f := range []string{"main.go", "a/b.yaml"} {
		if _, err := os.Stat(filepath.Join(dst, f)); err != nil {
			t.Error(err)
		}
	}
}
