// Package tools builds the stock programs that tests hold Darkstart against:
// cosign, kustomize, cue, helm, conftest and whatever else is on the module
// proxy.
//
// A claim like "stock cosign verifies this artifact" is worth something only
// when the stock program runs. Each one is built in a module of its own, from
// exactly the versions its authors chose, so that nothing of it reaches our
// go.mod, and is kept outside the tree: a cosign costs CPU minutes, a second
// run costs nothing. On a user's machine a program that cannot be built is a
// visible skip; with CI=true it is a failure, because a gate that skips is no
// gate.
package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var building sync.Map // directory to *sync.Mutex, so that parallel tests build once

// Build returns the path of the program pkg of module@version, building it on
// first use. For cosign: Build(t, "github.com/sigstore/cosign/v3", "v3.1.3",
// "github.com/sigstore/cosign/v3/cmd/cosign"). A program that cannot be built
// skips the test, or fails it when CI=true.
func Build(t testing.TB, module, version, pkg string) string {
	t.Helper()
	base, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	bin, err := build(t.Context(), base, module, version, pkg)
	if err != nil {
		Missing(t, "%s@%s: %v", pkg, version, err)
	}
	return bin
}

// Missing skips the test, or fails it when CI=true: a check that did not run
// must not look like one that passed.
func Missing(t testing.TB, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatalf("needed with CI=true: "+format, args...)
	}
	t.Skipf(format, args...)
}

// Dir is where programs are kept: $XDG_CACHE_HOME/darkstart-test-tools, or the
// same folder below the user's cache directory.
func Dir() (string, error) {
	base, err := os.UserCacheDir() // honours XDG_CACHE_HOME
	if err != nil {
		return "", err
	}
	return filepath.Join(base, "darkstart-test-tools"), nil
}

func build(ctx context.Context, base, module, version, pkg string) (string, error) {
	dir := filepath.Join(base, strings.ReplaceAll(strings.TrimPrefix(pkg, "github.com/"), "/", "_")+"@"+version)
	bin := filepath.Join(dir, name(pkg))
	m, _ := building.LoadOrStore(dir, &sync.Mutex{})
	mu := m.(*sync.Mutex)
	mu.Lock()
	defer mu.Unlock()
	if st, err := os.Stat(bin); err == nil && st.Mode().IsRegular() {
		return bin, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	unlock, err := lock(ctx, filepath.Join(dir, "lock"))
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(bin); err == nil { // another process was faster
		return bin, nil
	}
	work, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := wrapper(ctx, work, module, version, pkg); err != nil {
		return "", err
	}
	tmp := filepath.Join(work, name(pkg))
	if _, err := run(ctx, work, "build", "-mod=mod", "-trimpath", "-ldflags=-s -w", "-o", tmp, pkg); err != nil {
		return "", err
	}
	return bin, os.Rename(tmp, bin)
}

// name is the program's name: the last element of the package that is not a
// major version.
func name(pkg string) string {
	base := path.Base(pkg)
	if len(base) > 1 && base[0] == 'v' && strings.Trim(base[1:], "0123456789") == "" {
		base = path.Base(path.Dir(pkg))
	}
	return base
}

// modFile is what `go mod edit -json` says, as far as a wrapper needs it.
type modFile struct {
	Go      string
	Replace []struct {
		Old, New struct{ Path, Version string }
	}
	Exclude []struct{ Path, Version string }
}

// wrapper writes a module that requires only module@version and repeats its
// go directive, replaces and excludes, which Go ignores in dependencies.
// Replaces by a local folder are dropped: their modules are published too.
func wrapper(ctx context.Context, dir, module, version, pkg string) error {
	out, err := run(ctx, dir, "mod", "download", "-json", module+"@"+version)
	if err != nil {
		return err
	}
	var dl struct{ GoMod string }
	if err := json.Unmarshal(out, &dl); err != nil {
		return err
	}
	if out, err = run(ctx, dir, "mod", "edit", "-json", dl.GoMod); err != nil {
		return err
	}
	var m modFile
	if err := json.Unmarshal(out, &m); err != nil {
		return err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "module example.invalid/tool\n\ngo %s\n\nrequire %s %s\n", m.Go, module, version)
	for _, r := range m.Replace {
		if !strings.HasPrefix(r.New.Path, ".") {
			fmt.Fprintf(&b, "replace %s %s => %s %s\n", r.Old.Path, r.Old.Version, r.New.Path, r.New.Version)
		}
	}
	for _, e := range m.Exclude {
		fmt.Fprintf(&b, "exclude %s %s\n", e.Path, e.Version)
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(b.String()), 0o644); err != nil {
		return err
	}
	src := fmt.Sprintf("//go:build tools\n\npackage tool\n\nimport _ %q\n", pkg)
	return os.WriteFile(filepath.Join(dir, "tool.go"), []byte(src), 0o644)
}

// run calls the go command outside any workspace, without cgo so that the
// program runs anywhere.
func run(ctx context.Context, dir string, args ...string) ([]byte, error) {
	cmd := exec.CommandContext(ctx, "go", args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=", "CGO_ENABLED=0", "GOTOOLCHAIN=auto")
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return nil, fmt.Errorf("go %s: %w\n%s", strings.Join(args[:min(2, len(args))], " "), err, tail(exit.Stderr))
	}
	return out, err
}

// tail keeps the last kilobyte, where the go command says what went wrong.
func tail(b []byte) []byte { return b[max(0, len(b)-1024):] }

// Copy writes the program to dst with the executable bit; for tests that lay
// out a PATH of their own.
func Copy(dst, bin string) error {
	in, err := os.Open(bin)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(dst, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		return errors.Join(err, out.Close())
	}
	return out.Close()
}
