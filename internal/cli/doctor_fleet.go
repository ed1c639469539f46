package cli

import (
	"errors"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/mod/semver"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/lock"
	"github.com/darkstart-dev/darkstart/compiler/release"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/doctor"
)

// maxLanguage is the newest CUE that this build reads (go.mod).
const maxLanguage = "v0.17"

var languageLine = regexp.MustCompile(`version:\s*"(v[0-9][^"]*)"`)

// fleet looks at the fleet folder. It is compiled up to its objects: that is
// what tells a fleet that works, and which images a lock lacks.
func (p *probe) fleet(in *input, s *session) error {
	if s.tree == nil && !s.diags.HasErrors() {
		return nil
	}
	f := &doctor.Fleet{Dir: s.fleet, MaxLanguage: maxLanguage, WaiverComments: true}
	if s.diags.HasErrors() {
		d := s.diags.Sorted()[0]
		f.Unread, f.UnreadFix = d.Message+placed(d), d.Help
		p.s.Fleet = f
		return nil
	}
	if _, ok := s.tree.Lookup(marker); !ok {
		return nil
	}
	p.s.Fleet = f
	if !s.repo.Bare() {
		f.DistIgnored = s.repo.Ignored(path.Join(s.fleet, "dist", "oci", "index.json"))
		f.KeysIgnored = s.repo.Ignored(path.Join(s.fleet, "keys", "release.key")) && s.repo.Ignored(path.Join(s.fleet, "release.key"))
		f.Writable = writable(s.root())
	}
	if b, err := s.tree.ReadFile(marker); err == nil {
		if m := languageLine.FindSubmatch(b); m != nil {
			f.Language = string(m[1])
		}
	}
	for _, e := range s.tree.Files("policies") {
		switch {
		case strings.HasSuffix(e.Path, "_test.rego"):
			f.Tests++
		case path.Ext(e.Path) == ".rego":
			f.Policies++
		}
	}
	if err := p.compiled(in, s, f); err != nil {
		return err
	}
	return p.released(s, f)
}

// compiled fills in what only a compile can tell.
func (p *probe) compiled(in *input, s *session, f *doctor.Fleet) error {
	res, err := in.compile(p.ctx, p.inv, s, compiler.ToObjects, false)
	if err != nil {
		return err
	}
	f.SchemaVendored = s.tree.HasDir("cue.mod/pkg/darkstart.dev/schema")
	f.SchemaStale = slices.ContainsFunc(res.Diagnostics, func(d *diag.Diagnostic) bool { return d.Code == "EVL040" })
	_, f.Lock = s.tree.Lookup(lock.Name)
	for _, d := range res.Diagnostics {
		switch {
		case d.Severity < diag.Error:
		case strings.HasPrefix(d.Code, "LCK") && f.LockProblem == "":
			f.LockProblem = d.Message + placed(d)
		case f.Broken == "":
			f.Broken, f.BrokenFix = d.Message+placed(d), d.Help
		}
	}
	if u := res.Units; u != nil && u.Project != nil && u.Project.Spec.Guardrails.WaiverComments != nil {
		f.WaiverComments = *u.Project.Spec.Guardrails.WaiverComments
	}
	seen := map[string]bool{}
	for _, r := range res.Rendered {
		for _, c := range r.Components {
			for _, i := range c.Images {
				locked := res.Lock != nil && res.Lock.Images[i.Ref].Digest != ""
				if !locked && !strings.Contains(i.Ref, "@sha256:") && !seen[i.Ref] {
					seen[i.Ref] = true
					f.Unlocked = append(f.Unlocked, i.Ref)
				}
			}
		}
	}
	slices.Sort(f.Unlocked)
	return nil
}

// released compares the records with those of HEAD.
func (p *probe) released(s *session, f *doctor.Fleet) error {
	for _, e := range s.tree.Files("releases") {
		if path.Ext(e.Path) != ".json" {
			continue
		}
		b, err := s.tree.ReadFile(e.Path)
		if err != nil {
			return err
		}
		r, ds := release.Parse(e.Path, b)
		if ds.HasErrors() {
			f.RecordProblem = ds[0].Message + placed(ds[0])
			continue
		}
		for _, es := range r.Artifacts {
			for _, x := range es {
				if f.MinCompiler == "" || semver.Compare("v"+x.MinCompiler, "v"+f.MinCompiler) > 0 {
					f.MinCompiler = x.MinCompiler
				}
			}
		}
		p.uncommitted(s, f, e.Path, r)
	}
	return nil
}

func (p *probe) uncommitted(s *session, f *doctor.Fleet, file string, now *release.Records) {
	b, err := s.repo.ReadAt(p.ctx, "HEAD", path.Join(s.fleet, file))
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			f.Uncommitted = append(f.Uncommitted, file)
		}
		return
	}
	head, ds := release.Parse(file, b)
	switch {
	case ds.HasErrors():
		f.RecordProblem = "HEAD: " + ds[0].Message
	case release.CheckAppendOnly(head, now).HasErrors():
		f.RecordProblem = release.CheckAppendOnly(head, now)[0].Message
	case !head.Equal(now):
		f.Uncommitted = append(f.Uncommitted, file)
	}
}

func placed(d *diag.Diagnostic) string {
	if p := d.Primary(); !p.IsZero() {
		return " (" + p.String() + ")"
	}
	return ""
}

// writable says why a folder cannot be written, "" when it can. The file that
// it makes is gone before it returns.
func writable(dir string) string {
	t, err := os.CreateTemp(dir, ".darkstart-doctor-*")
	if err != nil {
		return err.Error()
	}
	t.Close()
	if err := os.Remove(filepath.Clean(t.Name())); err != nil {
		return err.Error()
	}
	return ""
}
