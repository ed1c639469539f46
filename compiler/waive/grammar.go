package waive

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// Marker begins a comment that is a waiver.
const Marker = "darkstart:waive"

// keys are what a comment may say beside its rule, in the order in which
// Format writes them.
var keys = []string{"cluster", "component", "object", "path", "node", "owner", "ticket", "expires", "reason"}

func field(w *spec.Waiver, key string) *string {
	switch key {
	case "cluster":
		return &w.Cluster
	case "component":
		return &w.Component
	case "object":
		return &w.Object
	case "path":
		return &w.Path
	case "node":
		return &w.Node
	case "owner":
		return &w.Owner
	case "ticket":
		return &w.Ticket
	case "expires":
		return &w.Expires
	}
	return &w.Reason
}

// Format writes a waiver as the text of a comment, from Marker on. readText reads
// the same waiver back.
func Format(w spec.Waiver) string {
	var b strings.Builder
	b.WriteString(Marker + " " + w.Rule)
	for _, k := range keys {
		v := *field(&w, k)
		switch {
		case v == "":
		case k == "reason" || strings.ContainsFunc(v, special):
			fmt.Fprintf(&b, " %s=%s", k, strconv.Quote(v))
		default:
			fmt.Fprintf(&b, " %s=%s", k, v)
		}
	}
	return b.String()
}

func special(r rune) bool {
	return unicode.IsSpace(r) || !unicode.IsPrint(r) || strings.ContainsRune(`"=\`, r)
}

// fault is what is wrong with a comment, and at which byte of its text.
type fault struct {
	at, end int
	message string
	help    string
}

// owner is a name, as the schema wants it in waivers/*.cue.
var owner = regexp.MustCompile(`^[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?$`)

// readText reads the text of a comment from Marker on:
//
//	darkstart:waive RULE key=value key="quoted value" …
func readText(text string) (spec.Waiver, *fault) {
	var w spec.Waiver
	p := parser{text: text, at: len(Marker)}
	seen := map[string]bool{}
	for p.skipSpace() {
		start := p.at
		word := p.word()
		key, value, pair := strings.Cut(word, "=")
		switch {
		case pair:
			v, f := p.value(start+len(key)+1, value)
			if f == nil {
				f = set(&w, seen, key, v, start, p.at)
			}
			if f != nil {
				return w, f
			}
		case w.Rule == "" && len(seen) == 0:
			w.Rule = word
		default:
			return w, &fault{start, p.at, fmt.Sprintf("%q is no key=value", word), `put a value with spaces in double quotes: reason="moves with OPS-412"`}
		}
	}
	if w.Rule == "" {
		return w, &fault{0, len(Marker), "it names no rule", "begin with the rule: " + Marker + ` PS001 owner=… expires=… reason="…"`}
	}
	return w, nil
}

func set(w *spec.Waiver, seen map[string]bool, key, value string, start, end int) *fault {
	if !slices.Contains(keys, key) {
		help := "it may say: " + strings.Join(keys, ", ")
		if near := diag.Nearest(key, keys); near != "" {
			help = fmt.Sprintf("did you mean %q? %s", near, help)
		}
		return &fault{start, start + len(key), fmt.Sprintf("%q is nothing that it may say", key), help}
	}
	if seen[key] {
		return &fault{start, end, fmt.Sprintf("%q stands twice", key), "keep one of them"}
	}
	if key == "owner" && value != "" && !owner.MatchString(value) {
		return &fault{start, end, fmt.Sprintf("owner %q is no name", value), "name the team with lower case letters, digits, \"-\" and \".\""}
	}
	seen[key] = true
	*field(w, key) = value
	return nil
}

type parser struct {
	text string
	at   int
}

// skipSpace moves to the next word and reports whether there is one.
func (p *parser) skipSpace() bool {
	rest := strings.TrimLeftFunc(p.text[p.at:], unicode.IsSpace)
	p.at = len(p.text) - len(rest)
	return rest != ""
}

func (p *parser) word() string {
	n := strings.IndexFunc(p.text[p.at:], unicode.IsSpace)
	if n < 0 {
		n = len(p.text) - p.at
	}
	p.at += n
	return p.text[p.at-n : p.at]
}

// value reads what follows "=": a word, or a quoted string that begins at
// start and may hold spaces.
func (p *parser) value(start int, word string) (string, *fault) {
	if !strings.HasPrefix(word, `"`) {
		if strings.Contains(word, `"`) {
			return "", &fault{start, p.at, "a quote stands inside a value", "put the whole value in double quotes, and write a quote inside it as \\\""}
		}
		return word, nil
	}
	quoted, err := strconv.QuotedPrefix(p.text[start:])
	if err != nil {
		return "", &fault{start, len(p.text), "a quoted value does not end", "close it with a double quote on the same line; write a quote inside it as \\\""}
	}
	p.at = start + len(quoted)
	if p.at < len(p.text) && !unicode.IsSpace(rune(p.text[p.at])) {
		return "", &fault{p.at, p.at + 1, "text follows a quoted value", "put a space after the closing quote"}
	}
	v, err := strconv.Unquote(quoted)
	if err != nil {
		return "", &fault{start, p.at, "a quoted value cannot be read", "inside quotes, write a backslash as \\\\"}
	}
	return v, nil
}
