package tools

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// small is a program that builds in seconds.
var small = Program{"golang.org/x/mod", "v0.30.0", "golang.org/x/mod/gosumcheck"}

// TestNothingIsBuiltUnasked guards a user's machine: a test run finds what is
// there and says how to get the rest.
func TestNothingIsBuiltUnasked(t *testing.T) {
	base := t.TempDir()
	env := map[string]string{}
	getenv := func(k string) string { return env[k] }
	if _, err := find(t.Context(), base, small, getenv); err == nil || !strings.Contains(err.Error(), "make tools") {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadDir(base); err != nil || len(left) > 0 {
		t.Errorf("it left %v, %v", left, err)
	}
	bin := small.path(base)
	if err := os.MkdirAll(filepath.Dir(bin), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(bin, nil, 0o755); err != nil {
		t.Fatal(err)
	}
	if got, err := find(t.Context(), base, small, getenv); err != nil || got != bin {
		t.Errorf("got %q, %v; want the cached program", got, err)
	}
	absent := Program{"golang.org/x/mod", "v0.30.0", "golang.org/x/mod/nosuch"}
	for k, v := range map[string]string{"CI": "true", "DARKSTART_BUILD_TOOLS": "1"} {
		env = map[string]string{k: v}
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // so that it asks the go command, which does not start
		if _, err := find(ctx, base, absent, getenv); err == nil || errors.Is(err, errAbsent) {
			t.Errorf("%s=%s does not ask for a build: %v", k, v, err)
		}
	}
}

// TestBuild guards the whole path with a small program, twice: the second call
// must return the same file untouched.
func TestBuild(t *testing.T) {
	if os.Getenv("CI") != "true" && os.Getenv("DARKSTART_BUILD_TOOLS") != "1" {
		t.Skip("builds from the module proxy: set DARKSTART_BUILD_TOOLS=1")
	}
	base := t.TempDir()
	absent := Program{small.Module, small.Version, small.Package + "/nosuch"}
	if _, err := build(t.Context(), base, absent); err == nil {
		t.Error("a package that does not exist was built")
	}
	bin, err := build(t.Context(), base, small)
	if err != nil {
		Missing(t, "%v", err)
	}
	before, err := os.Stat(bin)
	if err != nil {
		t.Fatal(err)
	}
	again, err := build(t.Context(), base, small)
	if err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(again); err != nil || !os.SameFile(before, after) {
		t.Errorf("second call built again: %v", err)
	}
	if out, _ := exec.Command(bin).CombinedOutput(); !strings.Contains(string(out), "usage: gosumcheck") {
		t.Errorf("the program does not run: %s", out)
	}
	dst := filepath.Join(t.TempDir(), "copy")
	if err := Copy(dst, bin); err != nil {
		t.Fatal(err)
	}
	if out, _ := exec.Command(dst).CombinedOutput(); !strings.Contains(string(out), "usage: gosumcheck") {
		t.Errorf("the copy does not run: %s", out)
	}
}

func TestName(t *testing.T) {
	for pkg, want := range map[string]string{
		"sigs.k8s.io/kustomize/kustomize/v5":       "kustomize",
		"github.com/sigstore/cosign/v3/cmd/cosign": "cosign",
		"helm.sh/helm/v4/cmd/helm":                 "helm",
		"example.com/v":                            "v",
	} {
		if got := (Program{Package: pkg}).Name(); got != want {
			t.Errorf("%s: name %s, want %s", pkg, got, want)
		}
	}
}
