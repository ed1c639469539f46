package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// changed is the file of the example fleet that is changed.
const changed = "components/shop/deployment.yaml"

// example measures what a developer waits for: a check of the index of the
// example fleet with one changed file, as the pre-commit hook runs it, and the
// same against HEAD, as a pull request runs it. What was checked before is cached.
func (b *bench) example(ctx context.Context) error {
	dir, env, err := b.cached()
	if err != nil {
		return err
	}
	fleet := filepath.Join(b.tmp, "example")
	if err := os.CopyFS(fleet, os.DirFS(filepath.Join(b.root, "testdata", "fleets", "example"))); err != nil {
		return err
	}
	for _, args := range [][]string{
		{"init", "-q"},
		{"add", "-A"},
		{"-c", "user.name=bench", "-c", "user.email=bench@example.com", "commit", "-q", "-m", "fleet"},
	} {
		if _, err := output(ctx, fleet, "git", args...); err != nil {
			return err
		}
	}
	name := filepath.Join(fleet, filepath.FromSlash(changed))
	src, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	before := string(src)
	const from = "replicas: 3"
	if !strings.Contains(before, from) {
		return fmt.Errorf("%s has no %q to change", name, from)
	}
	for _, m := range []struct {
		measure string
		more    []string
	}{{mExample, nil}, {mExampleBase, []string{"--base", "HEAD"}}} {
		check := command{dir: fleet, env: env, judges: true, args: append([]string{b.darkstart, "check", "--staged", "--quiet"}, m.more...)}
		r := record{Measure: m.measure}
		for i := -1; i < max(b.runs, 5); i++ {
			to := fmt.Sprintf("replicas: %d", 10*len(m.more)+i+4) // none was checked before
			if err := os.WriteFile(name, []byte(strings.Replace(before, from, to, 1)), 0o644); err != nil {
				return err
			}
			if _, err := output(ctx, fleet, "git", "add", "-A"); err != nil {
				return err
			}
			u, err := measure(ctx, b.meter, check)
			if err != nil {
				return err
			}
			if i >= 0 {
				r.Runs = append(r.Runs, pair{Ours: u})
			}
		}
		b.say("%s: %.2f wall s", m.measure, median(r.Runs, pair.wall))
		b.record(r)
	}
	return os.RemoveAll(dir)
}
