package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// hook is what a developer waits for: a check of the index of the example
// fleet with one changed file, as the pre-commit hook runs it, and the same
// against HEAD, as a pull request runs it.
type hook struct{ Staged, Base []usage }

// changed is the file of the example fleet that is changed.
const changed = "components/shop/deployment.yaml"

func (b *bench) hook(ctx context.Context, runs int) (*hook, error) {
	fleet := filepath.Join(b.tmp, "example")
	if err := os.CopyFS(fleet, os.DirFS(filepath.Join(b.root, "testdata", "fleets", "example"))); err != nil {
		return nil, err
	}
	if err := b.commit(ctx, fleet); err != nil {
		return nil, err
	}
	if err := edit(filepath.Join(fleet, filepath.FromSlash(changed))); err != nil {
		return nil, err
	}
	if _, err := output(ctx, fleet, "git", "add", "-A"); err != nil {
		return nil, err
	}
	h := &hook{}
	for i := -1; i < runs; i++ {
		staged, err := b.check(ctx, fleet)
		if err != nil {
			return nil, err
		}
		base, err := b.check(ctx, fleet, "--base", "HEAD")
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(b.log, "example fleet, run %d of %d: check --staged %s, with --base HEAD %s\n", i+1, runs, staged.Wall.Round(time.Millisecond), base.Wall.Round(time.Millisecond))
		if i >= 0 {
			h.Staged, h.Base = append(h.Staged, staged), append(h.Base, base)
		}
	}
	return h, nil
}

func (b *bench) check(ctx context.Context, fleet string, more ...string) (usage, error) {
	return measure(ctx, command{dir: fleet, args: append([]string{b.darkstart, "check", "--staged", "--quiet"}, more...), judges: true})
}

// commit makes a repository of a folder.
func (b *bench) commit(ctx context.Context, dir string) error {
	for _, args := range [][]string{
		{"init", "-q"},
		{"add", "-A"},
		{"-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "-q", "-m", "fleet"},
	} {
		if _, err := output(ctx, dir, "git", args...); err != nil {
			return err
		}
	}
	return nil
}

// edit changes a label of a manifest, so that objects differ and nothing breaks.
func edit(name string) error {
	src, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	const from = "metadata:"
	if !strings.Contains(string(src), from) {
		return fmt.Errorf("%s has no metadata to change", name)
	}
	return os.WriteFile(name, []byte(strings.Replace(string(src), from, "# changed\n"+from, 1)), 0o644)
}

func (h *hook) markdown(b *strings.Builder) {
	b.WriteString("## The example fleet, one changed file staged\n\n| command | wall seconds | CPU seconds |\n|---|---:|---:|\n")
	for _, row := range []struct {
		name string
		runs []usage
	}{{"check --staged", h.Staged}, {"check --staged --base HEAD", h.Base}} {
		fmt.Fprintf(b, "| `%s` | %.2f | %.2f |\n", row.name,
			median(row.runs, usage.wall), median(row.runs, usage.cpu))
	}
	b.WriteString("\n")
}
