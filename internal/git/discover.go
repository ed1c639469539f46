package git

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// places are the folders of a repository, absolute.
type places struct {
	gitDir, common, worktree string
}

// discover walks from abs to the root as git does: in each folder first .git,
// then the folder itself as a bare repository. go-git looks only for .git and
// therefore takes a bare repository below another one for the outer one.
func discover(abs, shown string) (places, error) {
	for dir := abs; ; dir = filepath.Dir(dir) {
		p, found, err := probe(dir)
		if err != nil || found {
			return p, err
		}
		if dir == filepath.Dir(dir) {
			break
		}
	}
	return places{}, diag.Errorf("SRC001", "%s is not in a git repository", shown).
		Note("a fleet is compiled from git: a commit, the index or the working tree of a repository").
		Fix("make it one: git init && git add -A").
		Fix("or name a folder inside a repository with -C DIR").Err()
}

func probe(dir string) (places, bool, error) {
	dot := filepath.Join(dir, ".git")
	switch fi, err := os.Stat(dot); {
	case err == nil && fi.IsDir():
		if isGitDir(dot) {
			return withCommon(places{gitDir: dot, worktree: dir})
		}
	case err == nil && fi.Mode().IsRegular():
		target, err := gitFile(dot)
		if err != nil {
			return places{}, false, err
		}
		return withCommon(places{gitDir: target, worktree: dir})
	case err != nil && !os.IsNotExist(err):
		return places{}, false, err
	}
	if isGitDir(dir) {
		p := places{gitDir: dir}
		if filepath.Base(dir) == ".git" {
			p.worktree = filepath.Dir(dir)
		}
		return withCommon(p)
	}
	return places{}, false, nil
}

// isGitDir applies git's own test: HEAD, objects and refs.
func isGitDir(dir string) bool {
	if _, err := os.Lstat(filepath.Join(dir, "HEAD")); err != nil {
		return false
	}
	if _, err := os.Stat(filepath.Join(dir, "commondir")); err == nil {
		return true
	}
	for _, sub := range []string{"objects", "refs"} {
		if fi, err := os.Stat(filepath.Join(dir, sub)); err != nil || !fi.IsDir() {
			return false
		}
	}
	return true
}

// gitFile follows a .git file, which linked worktrees and submodules have.
func gitFile(name string) (string, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return "", err
	}
	target, ok := strings.CutPrefix(strings.TrimRight(string(b), "\r\n"), "gitdir: ")
	if ok && !filepath.IsAbs(target) {
		target = filepath.Join(filepath.Dir(name), target)
	}
	if !ok || !isGitDir(target) {
		return "", diag.Errorf("SRC001", "%s does not point at a git repository", name).
			Note("the main repository of this worktree was moved or removed").
			Fix("repair the link from the main repository: git worktree repair %s", filepath.Dir(name)).Err()
	}
	return filepath.Clean(target), nil
}

func withCommon(p places) (places, bool, error) {
	p.common = p.gitDir
	b, err := os.ReadFile(filepath.Join(p.gitDir, "commondir"))
	if os.IsNotExist(err) {
		return p, true, nil
	}
	if err != nil {
		return p, false, err
	}
	c := strings.TrimSpace(string(b))
	if !filepath.IsAbs(c) {
		c = filepath.Join(p.gitDir, c)
	}
	p.common = filepath.Clean(c)
	if !isGitDir(p.common) {
		return p, false, diag.Errorf("SRC001", "the main repository of this worktree, %s, is gone", p.common).
			Fix("repair the link from the main repository: git worktree repair").Err()
	}
	if p.worktree == "" { // opened inside .git/worktrees/<name>
		if b, err := os.ReadFile(filepath.Join(p.gitDir, "gitdir")); err == nil {
			p.worktree = filepath.Dir(strings.TrimSpace(string(b)))
		}
	}
	return p, true, nil
}

// indexFile honours GIT_INDEX_FILE only below this repository: `git commit -a`
// points its hooks at a temporary index there, and a variable left over from
// the hook of another repository must not be believed.
func indexFile(p places, getenv func(string) string) string {
	def := filepath.Join(p.gitDir, "index")
	f := getenv("GIT_INDEX_FILE")
	if f == "" {
		return def
	}
	if !filepath.IsAbs(f) {
		f = filepath.Join(p.worktree, f)
	}
	real, err := filepath.EvalSymlinks(f)
	if err != nil || !inside(p.gitDir, real) {
		return def
	}
	return real
}
