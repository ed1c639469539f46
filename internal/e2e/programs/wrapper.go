package programs

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// modFile is what `go mod edit -json` says, as far as a wrapper needs it.
type modFile struct {
	Go      string
	Replace []struct {
		Old, New struct{ Path, Version string }
	}
	Exclude []struct{ Path, Version string }
}

// wrapper writes a module that requires only the program's module and repeats
// its go directive, replaces and excludes, which Go ignores in dependencies.
// It returns the folder of the unpacked module.
func wrapper(ctx context.Context, dir string, p Program) (string, error) {
	out, err := run(ctx, dir, "mod", "download", "-json", p.Module+"@"+p.Version)
	if err != nil {
		return "", err
	}
	var dl struct{ GoMod, Dir string }
	if err := json.Unmarshal(out, &dl); err != nil {
		return "", err
	}
	if out, err = run(ctx, dir, "mod", "edit", "-json", dl.GoMod); err != nil {
		return "", err
	}
	var m modFile
	if err := json.Unmarshal(out, &m); err != nil {
		return "", err
	}
	if p.Stub != "" {
		if dl.Dir, err = stubbed(filepath.Join(filepath.Dir(dir), "src"), dl.Dir, p.Stub); err != nil {
			return "", err
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte(p.goMod(m)), 0o644); err != nil {
		return "", err
	}
	src := fmt.Sprintf("//go:build tools\n\npackage program\n\nimport _ %q\n", p.Package)
	return dl.Dir, os.WriteFile(filepath.Join(dir, "program.go"), []byte(src), 0o644)
}

// stubbed copies a module and adds the file that it lacks: the module cache
// takes no additions.
func stubbed(dst, src, file string) (string, error) {
	if err := copyDir(dst, src); err != nil {
		return "", err
	}
	file = filepath.Join(dst, file)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return "", err
	}
	return dst, os.WriteFile(file, []byte("# not in the module\n"), 0o644)
}

// goMod is the wrapper's go.mod. A replace by a local folder becomes the
// published module: of the version that Staging names, or of whatever version
// the module requires.
func (p Program) goMod(m modFile) string {
	var b strings.Builder
	fmt.Fprintf(&b, "module example.invalid/program\n\ngo %s\n\nrequire %s %s\n", m.Go, p.Module, p.Version)
	if p.Stub != "" {
		fmt.Fprintf(&b, "replace %s => ../src\n", p.Module)
	}
	for _, r := range m.Replace {
		switch local := strings.HasPrefix(r.New.Path, "."); {
		case !local:
			fmt.Fprintf(&b, "replace %s %s => %s %s\n", r.Old.Path, r.Old.Version, r.New.Path, r.New.Version)
		case p.Staging != "":
			fmt.Fprintf(&b, "replace %s => %[1]s %s\n", r.Old.Path, p.Staging)
		}
	}
	for _, e := range m.Exclude {
		fmt.Fprintf(&b, "exclude %s %s\n", e.Path, e.Version)
	}
	return b.String()
}

func (p Program) ldflags() string {
	flags := []string{"-s", "-w"}
	for _, name := range slices.Sorted(maps.Keys(p.Stamp)) {
		flags = append(flags, "-X", name+"="+p.Stamp[name])
	}
	return strings.Join(flags, " ")
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
		stderr := exit.Stderr[max(0, len(exit.Stderr)-2048):] // where the go command says what went wrong
		return nil, fmt.Errorf("go %s: %w\n%s%s", strings.Join(args[:min(2, len(args))], " "), err, out, stderr)
	}
	return out, err
}
