package git

import (
	"os"
	"path"
	"path/filepath"
	"strings"
)

// ignores answers which untracked files git would not add (gitignore(5)).
type ignores struct {
	root   string // absolute
	fold   bool
	files  map[string][]ignoreLine // by folder, lines of its .gitignore
	shared []ignoreLine            // core.excludesFile, then .git/info/exclude
	dirs   map[string]bool         // folders already judged
}

type ignoreLine struct {
	pattern
	negate bool
}

func (r *Repo) ignores() *ignores {
	g := &ignores{root: r.worktree, fold: r.cfg.ignoreCase, files: map[string][]ignoreLine{}, dirs: map[string]bool{"": false}}
	if r.cfg.excludes != "" {
		g.shared = parseIgnore(readSmall(r.cfg.excludes), "", g.fold)
	}
	g.shared = append(g.shared, parseIgnore(readSmall(filepath.Join(r.common, "info", "exclude")), "", g.fold)...)
	return g
}

// readSmall reads a rule file. As git does, it does not follow links, and it
// reads nothing from what is not a file.
func readSmall(name string) string {
	fi, err := os.Lstat(name)
	if err != nil || !fi.Mode().IsRegular() || fi.Size() > 10<<20 {
		return ""
	}
	b, err := os.ReadFile(name)
	if err != nil {
		return ""
	}
	return string(b)
}

func parseIgnore(text, base string, fold bool) []ignoreLine {
	var out []ignoreLine
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = trimUnescaped(strings.TrimSuffix(line, "\r"))
		if line == "" || line[0] == '#' {
			continue
		}
		glob, negate := strings.CutPrefix(line, "!")
		if p, ok := newPattern(glob, base, fold); ok {
			out = append(out, ignoreLine{pattern: p, negate: negate})
		}
	}
	return out
}

// trimUnescaped cuts trailing spaces, except one after a backslash.
func trimUnescaped(s string) string {
	t := strings.TrimRight(s, " ")
	if t != s && (len(t)-len(strings.TrimRight(t, `\`)))%2 == 1 {
		return s[:len(t)+1]
	}
	return t
}

// ignored reports whether an untracked path, from the root, is ignored. What
// lies below an ignored folder is, whatever later lines say.
func (g *ignores) ignored(name string, isDir bool) bool {
	if dir := path.Dir(name); dir != "." && g.dir(dir) {
		return true
	}
	return g.own(name, isDir)
}

func (g *ignores) dir(name string) bool {
	if v, ok := g.dirs[name]; ok {
		return v
	}
	v := g.ignored(name, true)
	g.dirs[name] = v
	return v
}

// own judges by the last matching line of the nearest file that has one.
func (g *ignores) own(name string, isDir bool) bool {
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if dir == "." {
			dir = ""
		}
		if v, ok := lastMatch(g.lines(dir), name, isDir); ok {
			return v
		}
		if dir == "" {
			break
		}
	}
	v, _ := lastMatch(g.shared, name, isDir)
	return v
}

func (g *ignores) lines(dir string) []ignoreLine {
	ls, ok := g.files[dir]
	if !ok {
		ls = parseIgnore(readSmall(filepath.Join(g.root, filepath.FromSlash(dir), ".gitignore")), dir, g.fold)
		g.files[dir] = ls
	}
	return ls
}

func lastMatch(ls []ignoreLine, name string, isDir bool) (ignored, matched bool) {
	for i := len(ls) - 1; i >= 0; i-- {
		if ls[i].match(name, isDir) {
			return !ls[i].negate, true
		}
	}
	return false, false
}
