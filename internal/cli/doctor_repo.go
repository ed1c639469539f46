package cli

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/darkstart-dev/darkstart/internal/doctor"
)

// repository looks at the repository, and at the fleet when there is one.
func (p *probe) repository() error {
	in := &input{dir: p.dir, quiet: true}
	s, err := in.open(p.ctx, p.inv)
	if err != nil {
		return err
	}
	if s.repo == nil {
		p.s.Problem, p.s.Advice = "no repository", nil
		if len(s.diags) > 0 {
			p.s.Problem, p.s.Advice = s.diags[0].Message, s.diags[0].Help
		}
		return nil
	}
	f := s.repo.Facts()
	r := &doctor.Repo{
		Bare: s.repo.Bare(), Shallow: f.Shallow, Partial: f.Partial, AutoCRLF: f.AutoCRLF, IgnoreCase: f.IgnoreCase,
	}
	p.s.Repo = r
	if h, err := s.repo.Head(p.ctx); err == nil {
		r.Head, _ = time.Parse(time.RFC3339, h.Time)
	}
	if r.Bare {
		return p.fleet(in, s)
	}
	names, err := s.repo.Tracked()
	if err != nil {
		return err
	}
	root := s.repo.Root()
	r.Attributes = slices.ContainsFunc(names, func(n string) bool { return path.Base(n) == ".gitattributes" })
	r.Collisions = collisions(names)
	r.FoldsCase = foldsCase(root, names)
	p.keys(root, s.fleet, names)
	r.HookConfigured = mentions(filepath.Join(root, ".pre-commit-config.yaml"))
	_, err = os.Stat(filepath.Join(f.Hooks, "pre-commit"))
	r.HookInstalled = err == nil
	r.Owners, r.OwnersText = ownersFile(root)
	r.Scheduled = scheduled(root)
	return p.fleet(in, s)
}

// collisions returns the names that another one equals but for its case.
func collisions(names []string) []string {
	seen := map[string]string{}
	var out []string
	for _, n := range names {
		fold := strings.ToLower(n)
		if other, ok := seen[fold]; ok && other != n {
			out = append(out, other+" and "+n)
		}
		seen[fold] = n
	}
	return out
}

// foldsCase asks the disk for a file under its name in the other case.
func foldsCase(root string, names []string) bool {
	for _, n := range names {
		up := strings.ToUpper(n)
		if up == n || slices.Contains(names, up) {
			continue
		}
		a, errA := os.Stat(filepath.Join(root, filepath.FromSlash(n)))
		b, errB := os.Stat(filepath.Join(root, filepath.FromSlash(up)))
		return errA == nil && errB == nil && os.SameFile(a, b)
	}
	return false
}

// keys looks for private keys: those in git, and those that others can read.
func (p *probe) keys(root, fleet string, names []string) {
	private := func(file string) bool {
		fi, err := os.Stat(file)
		if err != nil || !fi.Mode().IsRegular() || fi.Size() > 1<<16 {
			return false
		}
		b, err := os.ReadFile(file)
		return err == nil && bytes.Contains(b, []byte("PRIVATE KEY-----"))
	}
	for _, n := range names {
		ext := path.Ext(n)
		if (ext == ".key" || ext == ".pem") && private(filepath.Join(root, filepath.FromSlash(n))) {
			p.s.Repo.TrackedKeys = append(p.s.Repo.TrackedKeys, n)
		}
	}
	for _, pattern := range []string{"*.key", "*/*.key"} {
		found, _ := filepath.Glob(filepath.Join(root, filepath.FromSlash(fleet), pattern))
		for _, file := range found {
			if fi, err := os.Stat(file); err == nil && fi.Mode().Perm()&0o077 != 0 && private(file) {
				p.s.Repo.LooseKeys = append(p.s.Repo.LooseKeys, shown(file))
			}
		}
	}
}

// mentions reports whether a file names darkstart.
func mentions(file string) bool {
	b, err := os.ReadFile(file)
	return err == nil && bytes.Contains(b, []byte("darkstart"))
}

// ownersFile returns the file that a forge reads: the first in its order.
func ownersFile(root string) (name, text string) {
	for _, n := range []string{".github/CODEOWNERS", "CODEOWNERS", ".gitlab/CODEOWNERS", "docs/CODEOWNERS"} {
		b, err := os.ReadFile(filepath.Join(root, filepath.FromSlash(n)))
		if err == nil {
			return n, string(b)
		}
	}
	return "", ""
}

// scheduled returns the CI files that run darkstart on a schedule and give it
// no time. It reads text, not workflows: a hint, not a proof.
func scheduled(root string) []string {
	var files, out []string
	for _, pattern := range []string{".github/workflows/*.yml", ".github/workflows/*.yaml", ".gitlab-ci.yml"} {
		found, _ := filepath.Glob(filepath.Join(root, filepath.FromSlash(pattern)))
		files = append(files, found...)
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if errors.Is(err, fs.ErrNotExist) || err != nil {
			continue
		}
		has := func(s string) bool { return bytes.Contains(b, []byte(s)) }
		if has("darkstart") && has("schedule") && !has("--now") && !has("DARKSTART_NOW") && !has("now:") {
			rel, err := filepath.Rel(root, f)
			if err != nil {
				rel = f
			}
			out = append(out, filepath.ToSlash(rel))
		}
	}
	return out
}
