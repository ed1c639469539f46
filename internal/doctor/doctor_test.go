package doctor

import (
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// healthy is a machine and a repository with nothing to say about.
func healthy() *Snapshot {
	return &Snapshot{
		Now: now, Version: "0.2.0", Credentials: "readable",
		Tools: []Tool{{Name: "git", Path: "/usr/bin/git", Version: "2.47.1"}},
		Flags: []string{"DARKSTART_NOW", "DARKSTART_OUTPUT"},
		Repo: &Repo{
			AutoCRLF: "false", Head: now.Add(-time.Hour), HookConfigured: true, HookInstalled: true,
			Owners: "CODEOWNERS", OwnersText: "/waivers/ @a\n/releases/ @b\n/recovery/ @c\n",
		},
		Fleet: &Fleet{
			SchemaVendored: true, Language: "v0.17.0", MaxLanguage: "v0.17", Lock: true, DistIgnored: true, KeysIgnored: true,
			Policies: 1, Tests: 1, MinCompiler: "0.1.0",
		},
	}
}

func TestHealthy(t *testing.T) {
	rs := Examine(healthy())
	for _, r := range rs {
		if r.Status != OK {
			t.Errorf("%+v", r)
		}
	}
	if len(rs) < 15 || Worst(rs) != OK {
		t.Errorf("%d checks spoke: %+v", len(rs), rs)
	}
}

// TestChecks changes one thing of a healthy snapshot at a time: exactly the
// named check says so, and what to do.
func TestChecks(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range []struct {
		check   string
		status  Status
		message string
		change  func(*Snapshot)
	}{
		{"git", Warn, "not on the PATH", func(s *Snapshot) { s.Tools = nil }},
		{"variables", Warn, "DARKSTART_NWO is set, and no flag", func(s *Snapshot) { s.Variables = []string{"DARKSTART_NWO"} }},
		{"variables", Info, "set: DARKSTART_NOW", func(s *Snapshot) { s.Variables = []string{"DARKSTART_NOW"} }},
		{"variables", Info, "honoured: NO_COLOR", func(s *Snapshot) { s.Quirks = []string{"NO_COLOR"} }},
		{"proxy", Info, "HTTPS_PROXY", func(s *Snapshot) { s.Proxies = []string{"HTTPS_PROXY"} }},
		{"tools", Info, "found: flux 2.7.0", func(s *Snapshot) { s.Tools = append(s.Tools, Tool{Name: "flux", Path: "/f", Version: "2.7.0"}) }},
		{"tools", Info, "not found, and not needed to compile: cosign (signatures)", func(s *Snapshot) { s.Tools = append(s.Tools, Tool{Name: "cosign", For: "signatures"}) }},
		{"credentials", Info, "anonymously", func(s *Snapshot) { s.Credentials = "" }},
		{"credentials", Warn, "cannot be read: no JSON", func(s *Snapshot) { s.Credentials = "no JSON" }},
		{"repository", Warn, "no commit", func(s *Snapshot) { s.Repo.Head = time.Time{} }},
		{"clock", Warn, "1h0m0s behind the last commit", func(s *Snapshot) { s.Repo.Head = now.Add(time.Hour) }},
		{"clock", Info, "40 days old", func(s *Snapshot) { s.Repo.Head = now.Add(-40 * 24 * time.Hour) }},
		{"clone", Warn, "shallow", func(s *Snapshot) { s.Repo.Shallow = true }},
		{"clone", Warn, "partial", func(s *Snapshot) { s.Repo.Partial = true }},
		{"line endings", Warn, "autocrlf", func(s *Snapshot) { s.Repo.AutoCRLF = "true" }},
		{"file names", Warn, "differ only by case: A and a", func(s *Snapshot) { s.Repo.Collisions = []string{"A and a"} }},
		{"file names", Warn, "does not tell upper from lower case", func(s *Snapshot) { s.Repo.FoldsCase = true }},
		{"fleet", Fail, "submodule", func(s *Snapshot) {
			s.Fleet.Unread, s.Fleet.UnreadFix = "a submodule is in the fleet", []string{"copy it in"}
		}},
		{"fleet", Fail, "does not compile: no such field", func(s *Snapshot) { s.Fleet.Broken = "no such field" }},
		{"fleet", Warn, "cannot be written", func(s *Snapshot) { s.Fleet.Writable = "read-only file system" }},
		{"module", Fail, "wants CUE v0.18.0", func(s *Snapshot) { s.Fleet.Language = "v0.18.0" }},
		{"schema", Warn, "not this darkstart's", func(s *Snapshot) { s.Fleet.SchemaStale = true }},
		{"schema", Info, "not vendored", func(s *Snapshot) { s.Fleet.SchemaVendored = false }},
		{"lock", Warn, "no darkstart.lock", func(s *Snapshot) { s.Fleet.Lock = false }},
		{"lock", Warn, "out of date: 1 images are in no lock (web:1)", func(s *Snapshot) { s.Fleet.Unlocked = []string{"web:1"} }},
		{"lock", Fail, "cannot be read: cut off", func(s *Snapshot) { s.Fleet.LockProblem = "cut off" }},
		{"policies", Warn, "no test", func(s *Snapshot) { s.Fleet.Tests = 0 }},
		{"records", Fail, "damaged", func(s *Snapshot) { s.Fleet.RecordProblem = "serial 3 follows serial 1" }},
		{"records", Warn, "releases/main.json differ from HEAD", func(s *Snapshot) { s.Fleet.Uncommitted = []string{"releases/main.json"} }},
		{"version", Fail, "want 0.10.0 or newer", func(s *Snapshot) { s.Fleet.MinCompiler = "0.10.0" }},
		{"ignored files", Warn, "/dist/", func(s *Snapshot) { s.Fleet.DistIgnored = false }},
		{"ignored files", Warn, "*.key", func(s *Snapshot) { s.Fleet.KeysIgnored = false }},
		{"keys", Fail, "are in git: keys/release.key", func(s *Snapshot) { s.Repo.TrackedKeys = []string{"keys/release.key"} }},
		{"keys", Warn, "can read keys/release.key", func(s *Snapshot) { s.Repo.LooseKeys = []string{"keys/release.key"} }},
		{"code owners", Warn, "no CODEOWNERS", func(s *Snapshot) { s.Repo.Owners = "" }},
		{"code owners", Warn, "names nobody for /recovery/", func(s *Snapshot) { s.Repo.OwnersText = "/waivers/ @a\n/releases/ @b\n/recovery/\n" }},
		{"code owners", Warn, "@example", func(s *Snapshot) { s.Repo.OwnersText = "* @example/all\n" }},
		{"code owners", Info, "approved by the owners of their files", func(s *Snapshot) { s.Fleet.WaiverComments = true }},
		{"pre-commit", Warn, "no hook is installed", func(s *Snapshot) { s.Repo.HookInstalled = false }},
		{"schedule", Warn, "nightly.yml runs darkstart on a schedule without --now", func(s *Snapshot) { s.Repo.Scheduled = []string{"nightly.yml"} }},
	} {
		s := healthy()
		c.change(s)
		found := false
		for _, r := range Examine(s) {
			switch {
			case r.Check == c.check && r.Status == c.status && strings.Contains(r.Message, c.message):
				found = true
			case r.Status != OK:
				t.Errorf("%s: another check speaks: %+v", c.message, r)
			}
			if (r.Status == Warn || r.Status == Fail) && len(r.Fix) == 0 {
				t.Errorf("%s says nothing to do: %+v", c.message, r)
			}
		}
		if !found {
			t.Errorf("%s does not say %q: %+v", c.check, c.message, Examine(s))
		}
		seen[c.check] = true
	}
	for _, c := range table() {
		if !seen[c.name] {
			t.Errorf("nothing shows what %q finds", c.name)
		}
	}
}

// Whatever is missing, no check falls over it.
func TestPartialSnapshots(t *testing.T) {
	none := Examine(&Snapshot{Problem: "not a repository", Advice: []string{"git init"}})
	if Worst(none) != Fail {
		t.Errorf("%+v", none)
	}
	s := healthy()
	s.Fleet = nil
	if rs := Examine(s); Worst(rs) != Fail || !strings.Contains(rs[len(rs)-1].Check+rs[len(rs)-2].Check, "pre-commit") {
		t.Errorf("%+v", rs)
	}
	s = healthy()
	s.Repo.Bare = true
	if rs := Examine(s); Worst(rs) != Info {
		t.Errorf("%+v", rs)
	}
}

func TestOwned(t *testing.T) {
	for _, c := range []struct {
		text string
		want bool
	}{
		{"/fleet/waivers/ @a", true},
		{"/fleet/ @a", true},
		{"* @a", true},
		{"waivers/ @a", true},
		{"/waivers/ @a", false},
		{"# /fleet/waivers/ @a", false},
		{"* @a\n/fleet/waivers/ # nobody", false},
		{"[Section]\n/fleet/waivers @a", true},
		{"", false},
	} {
		if got := owned(c.text, "/fleet/waivers/"); got != c.want {
			t.Errorf("%q: %v", c.text, got)
		}
	}
}
