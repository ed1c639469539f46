package git

import (
	"fmt"
	"regexp"
	"strings"
)

// pattern is one line's glob of .gitignore or .gitattributes. Both files match
// by git's wildmatch, which is neither path.Match nor go-git's matcher: `**`,
// classes such as [[:digit:]], [!a] and escapes differ, and bytes are matched,
// not characters.
type pattern struct {
	base    string // folder of the file that holds the line, "" for the root
	name    bool   // without a slash: matches the last component at any depth
	dirOnly bool
	literal string // set when there is nothing to expand
	re      *regexp.Regexp
	fold    bool
}

// newPattern compiles a glob whose leading "!" was already cut. A glob that
// can match nothing, such as one with an open bracket, gives false.
func newPattern(glob, base string, fold bool) (pattern, bool) {
	p := pattern{base: base, fold: fold}
	glob, p.dirOnly = strings.CutSuffix(glob, "/")
	p.name = !strings.Contains(glob, "/")
	glob = strings.TrimPrefix(glob, "/")
	if glob == "" {
		return p, false
	}
	if !strings.ContainsAny(glob, `*?[\`) {
		p.literal = lower(glob, fold)
		return p, true
	}
	expr, ok := wildmatch(lower(glob, fold), !p.name, fold)
	if !ok {
		return p, false
	}
	re, err := regexp.Compile(expr)
	p.re = re
	return p, err == nil
}

// match reports whether the glob matches name, a path from the repository's
// root.
func (p *pattern) match(name string, isDir bool) bool {
	if p.dirOnly && !isDir {
		return false
	}
	if p.base != "" {
		rest, ok := strings.CutPrefix(name, p.base+"/")
		if !ok {
			return false
		}
		name = rest
	}
	if p.name {
		name = name[strings.LastIndexByte(name, '/')+1:]
	}
	name = lower(name, p.fold)
	if p.re == nil {
		return name == p.literal
	}
	return p.re.MatchString(latin(name))
}

// lower folds ASCII only, as core.ignoreCase does.
func lower(s string, fold bool) string {
	if !fold {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if c >= 'A' && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// latin maps each byte to the character of that number, so that a regular
// expression, which matches characters, matches bytes.
func latin(s string) string {
	for i := range len(s) {
		if s[i] >= 0x80 {
			rs := make([]rune, len(s))
			for i := range len(s) {
				rs[i] = rune(s[i])
			}
			return string(rs)
		}
	}
	return s
}

// wildmatch translates a glob. With slashes, only `**` between slashes (or at
// an end) crosses them; Go's expressions run in linear time on any glob.
func wildmatch(glob string, slashes, fold bool) (string, bool) {
	one, many := `[^/]`, `[^/]*`
	if !slashes {
		one, many = `.`, `.*`
	}
	var b strings.Builder
	b.WriteString(`(?s)\A`)
	for i := 0; i < len(glob); {
		switch c := glob[i]; c {
		case '?':
			b.WriteString(one)
			i++
		case '*':
			j := i + len(glob[i:]) - len(strings.TrimLeft(glob[i:], "*"))
			free := slashes && j-i == 2 && (i == 0 || glob[i-1] == '/') && (j == len(glob) || glob[j] == '/')
			switch {
			case free && j < len(glob):
				b.WriteString(`(?:.*/)?`)
				j++
			case free:
				b.WriteString(`.*`)
			default:
				b.WriteString(many)
			}
			i = j
		case '[':
			n, ok := class(&b, glob[i:], slashes, fold)
			if !ok {
				return "", false
			}
			i += n
		case '\\':
			if i++; i == len(glob) {
				return "", false
			}
			fallthrough
		default:
			b.WriteString(regexp.QuoteMeta(latin(glob[i : i+1])))
			i++
		}
	}
	b.WriteString(`\z`)
	return b.String(), true
}

// class translates a bracket expression at the start of s and returns its
// length. It becomes the set of bytes that it matches.
func class(b *strings.Builder, s string, slashes, fold bool) (int, bool) {
	i, negate := 1, false
	if i < len(s) && (s[i] == '!' || s[i] == '^') {
		i, negate = i+1, true
	}
	var set [256]bool
	for first := true; ; first = false {
		if i >= len(s) {
			return 0, false
		}
		if s[i] == ']' && !first {
			break
		}
		if strings.HasPrefix(s[i:], "[:") {
			end := strings.Index(s[i:], ":]")
			if end < 0 || !posix(&set, s[i+2:i+end], fold) {
				return 0, false
			}
			i += end + 2
			continue
		}
		lo, n, ok := member(s[i:])
		if !ok {
			return 0, false
		}
		i += n
		hi := lo
		if i+1 < len(s) && s[i] == '-' && s[i+1] != ']' {
			if hi, n, ok = member(s[i+1:]); !ok {
				return 0, false
			}
			i += 1 + n
		}
		for c := int(lo); c <= int(hi); c++ {
			set[c] = true
			if fold && c >= 'A' && c <= 'Z' {
				set[c+'a'-'A'] = true
			}
		}
	}
	b.WriteByte('[')
	for c := range set {
		if set[c] != negate && !(slashes && c == '/') {
			fmt.Fprintf(b, `\x{%x}`, c)
		}
	}
	if b.String()[b.Len()-1] == '[' {
		return 0, false // an empty set matches nothing
	}
	b.WriteByte(']')
	return i + 1, true
}

// member reads one byte of a bracket expression, which may be escaped.
func member(s string) (byte, int, bool) {
	if s == "" || s == `\` {
		return 0, 0, false
	}
	if s[0] == '\\' {
		return s[1], 2, true
	}
	return s[0], 1, true
}

var posixClasses = map[string]func(c byte) bool{
	"alpha": func(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' },
	"digit": func(c byte) bool { return c >= '0' && c <= '9' },
	"alnum": func(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' },
	"upper": func(c byte) bool { return c >= 'A' && c <= 'Z' },
	"lower": func(c byte) bool { return c >= 'a' && c <= 'z' },
	"space": func(c byte) bool { return c == ' ' || c >= '\t' && c <= '\r' },
	"blank": func(c byte) bool { return c == ' ' || c == '\t' },
	"cntrl": func(c byte) bool { return c < ' ' || c == 0x7f },
	"graph": func(c byte) bool { return c > ' ' && c < 0x7f },
	"print": func(c byte) bool { return c >= ' ' && c < 0x7f },
	"punct": func(c byte) bool {
		return c > ' ' && c < 0x7f && strings.IndexByte(`!"#$%&'()*+,-./:;<=>?@[\]^_{|}~`+"`", c) >= 0
	},
	"xdigit": func(c byte) bool { return c >= '0' && c <= '9' || c|0x20 >= 'a' && c|0x20 <= 'f' },
}

func posix(set *[256]bool, name string, fold bool) bool {
	in, ok := posixClasses[name]
	if !ok {
		return false
	}
	for c := range 128 {
		set[c] = set[c] || in(byte(c)) || fold && name == "upper" && c >= 'a' && c <= 'z'
	}
	return true
}
