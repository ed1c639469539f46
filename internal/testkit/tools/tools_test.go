package tools

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestBuild guards the whole path with a small program, twice: the second call
// must return the same file untouched.
func TestBuild(t *testing.T) {
	base := t.TempDir()
	const module, version, pkg = "golang.org/x/mod", "v0.30.0", "golang.org/x/mod/gosumcheck"
	if _, err := build(t.Context(), base, module, version, pkg+"/nosuch"); err == nil {
		t.Error("a package that does not exist was built")
	}
	bin, err := build(t.Context(), base, module, version, pkg)
	if err != nil {
		Missing(t, "%v", err)
	}
	before, err := os.Stat(bin)
	if err != nil {
		t.Fatal(err)
	}
	again, err := build(t.Context(), base, module, version, pkg)
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
		if got := name(pkg); got != want {
			t.Errorf("name(%s) = %s, want %s", pkg, got, want)
		}
	}
}
