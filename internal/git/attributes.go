package git

import (
	"path"
	"path/filepath"
	"strings"
)

// attributes answers gitattributes(5).
type attributes struct {
	fold   bool
	read   func(name string) string // a .gitattributes by its path, "" when absent
	files  map[string][]attrLine    // by folder
	info   []attrLine               // .git/info/attributes: highest
	user   []attrLine               // core.attributesFile: lowest
	macros map[string][]attr
}

type attrLine struct {
	pattern
	attrs []attr
}

const attributesFile = ".gitattributes"

// attr is one name and value: "true", "false", "" for unspecified, or text.
type attr struct{ name, value string }

func (r *Repo) attributes(read func(name string) string) *attributes {
	a := &attributes{fold: r.cfg.ignoreCase, read: read, files: map[string][]attrLine{}}
	a.macros = map[string][]attr{"binary": {{"diff", "false"}, {"merge", "false"}, {"text", "false"}}}
	if r.cfg.attributes != "" {
		a.user = a.parse(readSmall(r.cfg.attributes), "", true)
	}
	a.lines("")
	a.info = a.parse(readSmall(filepath.Join(r.common, "info", "attributes")), "", true)
	return a
}

// of returns the attributes of a path from the root.
func (a *attributes) of(name string) map[string]string {
	out := map[string]string{}
	a.fill(out, a.info, name)
	for dir := path.Dir(name); ; dir = path.Dir(dir) {
		if dir == "." {
			dir = ""
		}
		a.fill(out, a.lines(dir), name)
		if dir == "" {
			break
		}
	}
	a.fill(out, a.user, name)
	return out
}

// fill sets what is not decided yet; lines are read from the last, which wins.
func (a *attributes) fill(out map[string]string, ls []attrLine, name string) {
	for i := len(ls) - 1; i >= 0; i-- {
		if ls[i].match(name, false) {
			a.set(out, ls[i].attrs, 0)
		}
	}
}

func (a *attributes) set(out map[string]string, as []attr, depth int) {
	for i := len(as) - 1; i >= 0; i-- {
		if _, done := out[as[i].name]; done {
			continue
		}
		out[as[i].name] = as[i].value
		if m, ok := a.macros[as[i].name]; ok && as[i].value == "true" && depth < 8 {
			a.set(out, m, depth+1)
		}
	}
}

func (a *attributes) lines(dir string) []attrLine {
	ls, ok := a.files[dir]
	if !ok {
		ls = a.parse(a.read(path.Join(dir, attributesFile)), dir, dir == "")
		a.files[dir] = ls
	}
	return ls
}

func (a *attributes) parse(text, base string, macros bool) []attrLine {
	var out []attrLine
	for line := range strings.SplitSeq(strings.TrimPrefix(text, "\ufeff"), "\n") {
		line = strings.TrimLeft(line, " \t\r")
		if line == "" || line[0] == '#' {
			continue
		}
		glob, rest := splitAttr(line)
		as := parseAttrs(rest)
		if name, ok := strings.CutPrefix(glob, "[attr]"); ok {
			if macros {
				a.macros[name] = as
			}
			continue
		}
		// A negative line is an error to git, which skips it.
		if p, ok := newPattern(glob, base, a.fold); ok && glob[0] != '!' && !p.dirOnly {
			out = append(out, attrLine{pattern: p, attrs: as})
		}
	}
	return out
}

// splitAttr cuts the glob, which may be quoted as in C, from the attributes.
func splitAttr(line string) (glob, rest string) {
	if line[0] == '"' {
		if g, n, ok := unquote(line); ok {
			return g, line[n:]
		}
	}
	if i := strings.IndexAny(line, " \t\r"); i >= 0 {
		return line[:i], line[i:]
	}
	return line, ""
}

// unquote reads a C-quoted string at the start of s and its length.
func unquote(s string) (string, int, bool) {
	var b []byte
	for i := 1; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '"':
			return string(b), i + 1, len(b) > 0
		case c != '\\':
			b = append(b, c)
			continue
		}
		if i++; i == len(s) {
			break
		}
		if j := strings.IndexByte(`abfnrtv"\`, s[i]); j >= 0 {
			b = append(b, "\a\b\f\n\r\t\v\"\\"[j])
			continue
		}
		if i+2 >= len(s) || strings.Trim(s[i:i+3], "01234567") != "" || s[i] > '3' {
			return "", 0, false
		}
		b = append(b, (s[i]-'0')<<6|(s[i+1]-'0')<<3|(s[i+2]-'0'))
		i += 2
	}
	return "", 0, false
}

func parseAttrs(s string) []attr {
	var out []attr
	for f := range strings.FieldsFuncSeq(s, func(r rune) bool { return strings.ContainsRune(" \t\r", r) }) {
		name, value, has := strings.Cut(f, "=")
		switch {
		case has:
		case f[0] == '-':
			name, value = f[1:], "false"
		case f[0] == '!':
			name, value = f[1:], ""
		default:
			value = "true"
		}
		out = append(out, attr{name, value})
	}
	return out
}
