package doctor

import (
	"fmt"

	"golang.org/x/mod/semver"
)

func fleet(s *Snapshot) []Result {
	if s.Repo == nil {
		return nil
	}
	f := s.Fleet
	switch {
	case f == nil:
		return one(Fail, "no fleet here or above: no cue.mod/module.cue", "darkstart init, or name the fleet's folder with -C")
	case f.Unread != "":
		return one(Fail, f.Unread, f.UnreadFix...)
	case f.Broken != "":
		return one(Fail, "the fleet does not compile: "+f.Broken, append(f.BrokenFix, "darkstart check shows every place")...)
	}
	out := one(OK, "the fleet in "+orRoot(f.Dir)+" evaluates and renders")
	if f.Writable != "" {
		out = append(out, one(Warn, "the folder cannot be written: "+f.Writable, "compile with --out DIR somewhere else")...)
	}
	return out
}

func orRoot(dir string) string {
	if dir == "" {
		return "the repository's root"
	}
	return dir
}

func module(s *Snapshot) []Result {
	f := s.Fleet
	switch {
	case f == nil || f.Language == "" || !semver.IsValid(f.Language):
		return nil // the fleet does not compile then, and that is said
	case semver.Compare(semver.MajorMinor(f.Language), semver.MajorMinor(f.MaxLanguage)) > 0:
		return one(Fail, fmt.Sprintf("cue.mod/module.cue wants CUE %s, and this darkstart reads up to %s", f.Language, f.MaxLanguage),
			"update darkstart, or lower language: version")
	}
	return one(OK, "CUE language "+f.Language)
}

func schema(s *Snapshot) []Result {
	switch f := s.Fleet; {
	case f == nil:
		return nil
	case f.SchemaStale:
		return one(Warn, "the vendored schema is not this darkstart's: editors and `cue vet` judge by another", "darkstart schema vendor")
	case !f.SchemaVendored:
		return one(Info, "the schema is not vendored; editors and stock `cue vet` need it: darkstart schema vendor")
	}
	return one(OK, "the vendored schema is this darkstart's")
}

func lock(s *Snapshot) []Result {
	switch f := s.Fleet; {
	case f == nil:
		return nil
	case f.LockProblem != "":
		return one(Fail, "darkstart.lock cannot be read: "+f.LockProblem, "git checkout -- darkstart.lock, or make it again: darkstart lock")
	case !f.Lock:
		return one(Warn, "no darkstart.lock: nothing pins images, charts and schemas", "darkstart lock")
	case len(f.Unlocked) > 0:
		return one(Warn, fmt.Sprintf("darkstart.lock is out of date: %d images are in no lock (%s)", len(f.Unlocked), few(f.Unlocked)), "darkstart lock")
	}
	return one(OK, "darkstart.lock has every image")
}

func policies(s *Snapshot) []Result {
	switch f := s.Fleet; {
	case f == nil || f.Policies == 0:
		return nil
	case f.Tests == 0:
		return one(Warn, fmt.Sprintf("policies/ holds %d Rego files and no test: nobody knows that they fire", f.Policies), "write FILE_test.rego, and run darkstart test")
	default:
		return one(OK, fmt.Sprintf("policies/ holds %d Rego files and %d of tests; functions that reach a network or a clock are refused (darkstart test)", f.Policies, f.Tests))
	}
}

func records(s *Snapshot) []Result {
	switch f := s.Fleet; {
	case f == nil:
		return nil
	case f.RecordProblem != "":
		return one(Fail, "release records are damaged: "+f.RecordProblem, "take them from the delivery branch: git checkout BRANCH -- releases")
	case len(f.Uncommitted) > 0:
		return one(Warn, few(f.Uncommitted)+" differ from HEAD: a release that is not committed is none, and another would take its serials",
			"git add releases && git commit, and push")
	}
	return nil
}

// version compares with what made the records: an older compiler cannot make
// or judge their bundles.
func version(s *Snapshot) []Result {
	f := s.Fleet
	if f == nil || f.MinCompiler == "" {
		return one(OK, "darkstart "+s.Version)
	}
	if semver.Compare("v"+s.Version, "v"+f.MinCompiler) < 0 {
		return one(Fail, fmt.Sprintf("this is darkstart %s, and the release records want %s or newer", s.Version, f.MinCompiler), "update darkstart")
	}
	return one(OK, fmt.Sprintf("darkstart %s; the release records want %s or newer", s.Version, f.MinCompiler))
}

func ignored(s *Snapshot) []Result {
	f := s.Fleet
	if f == nil || s.Repo.Bare {
		return nil
	}
	var lack []string
	if !f.DistIgnored {
		lack = append(lack, "/dist/")
	}
	if !f.KeysIgnored {
		lack = append(lack, "*.key")
	}
	if len(lack) > 0 {
		return one(Warn, ".gitignore lacks "+few(lack)+": output or private keys can get into a commit", "add the lines to .gitignore")
	}
	return one(OK, ".gitignore leaves out dist/ and private keys")
}
