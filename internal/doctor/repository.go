package doctor

import (
	"fmt"
	"path"
	"strings"
	"time"
)

func repository(s *Snapshot) []Result {
	switch r := s.Repo; {
	case r == nil:
		return one(Fail, s.Problem, s.Advice...)
	case r.Head.IsZero():
		return one(Warn, "the repository has no commit: no time is known to judge dates by, and nothing can be released", "git add -A && git commit")
	case r.Bare:
		return one(Info, "a bare repository: commits can be checked, nothing can be edited or released")
	}
	return one(OK, "a git repository with commits")
}

// slack is how far a clock may be off before a signature or a commit suffers.
const slack = 5 * time.Minute

func clock(s *Snapshot) []Result {
	if s.Repo == nil || s.Repo.Head.IsZero() || s.Now.IsZero() {
		return nil
	}
	if behind := s.Repo.Head.Sub(s.Now); behind > slack {
		return one(Warn, fmt.Sprintf("the clock is %s behind the last commit: verify would judge expiry by it", behind.Round(time.Minute)),
			"set the clock, or pass --now")
	}
	if age := s.Now.Sub(s.Repo.Head); age > 30*24*time.Hour {
		return one(Info, fmt.Sprintf("the last commit is %d days old: check judges dates at its time, unless --now is given", int(age.Hours()/24)))
	}
	return one(OK, "the clock is not behind the last commit")
}

func clone(s *Snapshot) []Result {
	if s.Repo == nil {
		return nil
	}
	var out []Result
	if s.Repo.Shallow {
		out = append(out, one(Warn, "the clone is shallow: --base and a hotfix need commits that it may lack",
			"git fetch --unshallow; in CI, fetch-depth: 0 (GitHub) or GIT_DEPTH: 0 (GitLab)")...)
	}
	if s.Repo.Partial {
		out = append(out, one(Warn, "the clone is partial: files of other revisions may be missing, and are never fetched",
			"git fetch --refetch --no-filter, or clone without --filter")...)
	}
	if out == nil {
		return one(OK, "the clone is complete")
	}
	return out
}

func lineEndings(s *Snapshot) []Result {
	switch {
	case s.Repo == nil || s.Repo.Bare:
		return nil
	case s.Repo.AutoCRLF == "true" && !s.Repo.Attributes:
		return one(Warn, "core.autocrlf is true: files on disk have other bytes than in git; darkstart reads them as git does, other tools do not",
			"git config core.autocrlf input, or commit a .gitattributes with: * text=auto eol=lf")
	}
	return one(OK, "files on disk have the bytes that git has")
}

func fileNames(s *Snapshot) []Result {
	r := s.Repo
	switch {
	case r == nil || r.Bare:
		return nil
	case len(r.Collisions) > 0:
		return one(Warn, "names differ only by case: "+few(r.Collisions)+"; a machine that does not tell case sees one of them", "rename one of each")
	case r.FoldsCase && !r.IgnoreCase:
		return one(Warn, "the file system does not tell upper from lower case, and git believes that it does", "git config core.ignoreCase true")
	}
	return one(OK, "no two names differ only by case")
}

func privateKeys(s *Snapshot) []Result {
	if s.Repo == nil {
		return nil
	}
	var out []Result
	if k := s.Repo.TrackedKeys; len(k) > 0 {
		out = append(out, one(Fail, "private keys are in git: "+few(k),
			"take them out (git rm --cached FILE), make new keys (darkstart keys generate), and trust the old ones no more: history keeps them")...)
	}
	if k := s.Repo.LooseKeys; len(k) > 0 {
		out = append(out, one(Warn, "others on this machine can read "+few(k), "chmod 600 "+strings.Join(k, " "))...)
	}
	if out == nil {
		return one(OK, "no private key is in git or open to others")
	}
	return out
}

// owners looks for the folders that guard the fleet in CODEOWNERS.
func owners(s *Snapshot) []Result {
	if s.Repo == nil || s.Fleet == nil {
		return nil
	}
	var want []string
	for _, d := range []string{"waivers", "releases", "recovery"} {
		want = append(want, "/"+path.Join(s.Fleet.Dir, d)+"/")
	}
	lines := strings.Join(want, " @YOUR-TEAM; ") + " @YOUR-TEAM"
	if s.Repo.Owners == "" {
		return one(Warn, "no CODEOWNERS: whoever may merge may waive, release and change recovery",
			"write one with "+lines+", and let the forge require their review")
	}
	var lack []string
	for _, w := range want {
		if !owned(s.Repo.OwnersText, w) {
			lack = append(lack, w)
		}
	}
	switch {
	case len(lack) > 0:
		return one(Warn, s.Repo.Owners+" names nobody for "+few(lack), "add a line for each, and let the forge require their review")
	case strings.Contains(s.Repo.OwnersText, "@example/"):
		return one(Warn, s.Repo.Owners+" still names @example teams, which the forge does not know", "put your own teams in")
	case s.Fleet.WaiverComments:
		return one(Info, s.Repo.Owners+" guards waivers/; waivers as comments are approved by the owners of their files (guardrails: waiverComments: false refuses them)")
	}
	return one(OK, s.Repo.Owners+" names owners for waivers, releases and recovery")
}

// owned reports whether a line names somebody for a folder or what holds it.
// The last line that matches counts, as in git's own files.
func owned(text, dir string) bool {
	found := false
	for l := range strings.Lines(text) {
		l, _, _ = strings.Cut(l, "#")
		f := strings.Fields(l)
		if len(f) == 0 || strings.HasPrefix(f[0], "[") {
			continue
		}
		p := "/" + strings.Trim(f[0], "/*") + "/"
		if p == "//" || strings.HasPrefix(dir, p) || !strings.HasPrefix(f[0], "/") && strings.HasSuffix(dir, p) {
			found = len(f) > 1
		}
	}
	return found
}

func hook(s *Snapshot) []Result {
	switch {
	case s.Repo == nil || !s.Repo.HookConfigured:
		return nil
	case !s.Repo.HookInstalled:
		return one(Warn, ".pre-commit-config.yaml names darkstart, and no hook is installed: nothing runs at a commit", "pre-commit install")
	}
	return one(OK, "the pre-commit hook is installed")
}

func schedule(s *Snapshot) []Result {
	if s.Repo == nil || len(s.Repo.Scheduled) == 0 {
		return nil
	}
	return one(Warn, few(s.Repo.Scheduled)+" runs darkstart on a schedule without --now: it judges dates at the last commit, and sees nothing expire",
		`pass --now "$(date -u +%FT%TZ)" there`)
}
