package report

import (
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// group is findings that say the same about different things.
type group struct {
	lead *diag.Diagnostic
	more []*diag.Diagnostic
}

// leastGroup is the size from which alike findings are shown as one: two are
// still easier to read as two.
const leastGroup = 3

// groups joins what has the same code and message shape. The order is that of
// the first member.
func groups(ds diag.List) []group {
	byKey := map[string][]*diag.Diagnostic{}
	var keys []string
	for _, d := range ds {
		k := d.Severity.String() + "\x00" + d.Code + "\x00" + shape(d)
		if byKey[k] == nil {
			keys = append(keys, k)
		}
		byKey[k] = append(byKey[k], d)
	}
	var out []group
	for _, k := range keys {
		m := byKey[k]
		if len(m) >= leastGroup {
			out = append(out, group{m[0], m[1:]})
			continue
		}
		for _, d := range m {
			out = append(out, group{lead: d})
		}
	}
	return out
}

// shape is a message without what it is about: quoted names, paths, numbers,
// and the names of its subject.
func shape(d *diag.Diagnostic) string {
	s := d.Message
	for _, n := range []string{d.Subject.Object, d.Subject.Node, d.Subject.Component, d.Subject.Cluster} {
		if n != "" {
			s = replaceWord(s, n)
		}
	}
	return general(s)
}

// general leaves out what is quoted, and words that are paths, places, numbers
// or have one in them.
func general(s string) string {
	var b strings.Builder
	for s != "" {
		n := quoted(s, "\"`")
		if n == 0 {
			if n = strings.IndexByte(s, ' '); n < 0 {
				n = len(s)
			}
			if !strings.ContainsAny(s[:n], "/@:.0123456789") {
				// to where something quoted may begin, or past the space
				plain := min(len(s), n+1)
				if q := strings.IndexAny(s[1:plain], "\"`"); q >= 0 {
					plain = 1 + q
				}
				b.WriteString(s[:plain])
				s = s[plain:]
				continue
			}
		}
		b.WriteString("…")
		s = s[n:]
	}
	return b.String()
}

// replaceWord replaces name where it stands alone: a cluster named "a" is not
// in "backup".
func replaceWord(s, name string) string {
	var b strings.Builder
	for {
		i := strings.Index(s, name)
		if i < 0 {
			return b.String() + s
		}
		end := i + len(name)
		b.WriteString(s[:i])
		if (i == 0 || !letter(s[i-1])) && (end == len(s) || !letter(s[end])) {
			b.WriteString("…")
		} else {
			b.WriteString(name)
		}
		s = s[end:]
	}
}

func letter(c byte) bool {
	return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c >= 0x80
}

// where names a diagnostic in a list: its place, else what it is about.
func where(d *diag.Diagnostic) string {
	if p := d.Primary(); !p.IsZero() {
		return clean(p.String())
	}
	return clean(subject(d.Subject))
}

func subject(s diag.Subject) string {
	var out []string
	for _, f := range []struct{ kind, name string }{
		{"cluster", s.Cluster}, {"component", s.Component}, {"object", s.Object}, {"node", s.Node}, {"at", s.Path},
	} {
		if f.name != "" {
			out = append(out, f.kind+" "+f.name)
		}
	}
	return strings.Join(out, ", ")
}
