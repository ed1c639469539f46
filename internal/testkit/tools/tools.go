// Package tools finds the stock programs that tests hold Darkstart against:
// cosign, kustomize, cue, helm, conftest, actionlint and two registries, at
// fixed versions.
//
// A claim like "stock cosign verifies this artifact" is worth something only
// when the stock program runs. Each one is built in a module of its own, from
// exactly the versions its authors chose, so that nothing of it reaches our
// go.mod, and is kept outside the tree: a cosign costs CPU minutes, a second
// run costs nothing.
//
// Because of that cost a test builds nothing that nobody asked for. `make
// tools` builds all programs; so does a test run with CI=true or
// DARKSTART_BUILD_TOOLS=1. Otherwise a program that is not there is a visible
// skip, and with CI=true one that cannot be built is a failure: a gate that
// skips is no gate.
package tools

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var building sync.Map // directory to *sync.Mutex, so that parallel tests build once

// Path returns the path of a stock program. One that is not there skips the
// test, or fails it when CI=true.
func Path(t testing.TB, p Program) string {
	t.Helper()
	base, err := Dir()
	if err != nil {
		t.Fatal(err)
	}
	bin, err := find(t.Context(), base, p, os.Getenv)
	if err != nil {
		Missing(t, "%s@%s: %v", p.Package, p.Version, err)
	}
	return bin
}

// Find is Path for programs that are no tests.
func Find(ctx context.Context, p Program) (string, error) {
	base, err := Dir()
	if err != nil {
		return "", err
	}
	return find(ctx, base, p, os.Getenv)
}

// Build returns the path of a program and builds it if it is not there. Any
// number of goroutines and processes may ask for the same one at once.
func Build(ctx context.Context, p Program) (string, error) {
	base, err := Dir()
	if err != nil {
		return "", err
	}
	return build(ctx, base, p)
}

// errAbsent says what to do about a program that nobody asked to build.
var errAbsent = errors.New("is not built here: run `make tools` once, or set DARKSTART_BUILD_TOOLS=1")

func find(ctx context.Context, base string, p Program, getenv func(string) string) (string, error) {
	if getenv("CI") == "true" || getenv("DARKSTART_BUILD_TOOLS") == "1" {
		return build(ctx, base, p)
	}
	bin := p.path(base)
	if !built(bin) {
		return "", errAbsent
	}
	return bin, nil
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

func built(bin string) bool {
	st, err := os.Stat(bin)
	return err == nil && st.Mode().IsRegular()
}

func build(ctx context.Context, base string, p Program) (string, error) {
	bin := p.path(base)
	dir := filepath.Dir(bin)
	m, _ := building.LoadOrStore(dir, &sync.Mutex{})
	mu := m.(*sync.Mutex)
	mu.Lock()
	defer mu.Unlock()
	if built(bin) {
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
	if built(bin) { // another process was faster
		return bin, nil
	}
	work, err := os.MkdirTemp(dir, "build-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(work)
	if err := wrapper(ctx, work, p); err != nil {
		return "", err
	}
	tmp := filepath.Join(work, p.Name())
	if _, err := run(ctx, work, "build", "-mod=mod", "-trimpath", "-ldflags=-s -w", "-o", tmp, p.Package); err != nil {
		return "", err
	}
	return bin, os.Rename(tmp, bin)
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
func wrapper(ctx context.Context, dir string, p Program) error {
	out, err := run(ctx, dir, "mod", "download", "-json", p.Module+"@"+p.Version)
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
	fmt.Fprintf(&b, "module example.invalid/tool\n\ngo %s\n\nrequire %s %s\n", m.Go, p.Module, p.Version)
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
	src := fmt.Sprintf("//go:build tools\n\npackage tool\n\nimport _ %q\n", p.Package)
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
