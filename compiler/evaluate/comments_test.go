package evaluate

import (
	"fmt"
	"strings"
	"testing"
)

func TestComments(t *testing.T) {
	const word = "mark:word"
	for _, c := range []struct{ src, want string }{
		{"package x\n\n// W\na: 1\n", "4-4"},
		{"package x\n\na: 1 // W\n", "3-3"},
		{"package x\n\n// W\na: {\n\tb: 1\n\tc: [\n\t\t1,\n\t]\n}\n", "4-9"},
		{"package x\n\na: {\n\tb: 1 // W\n\t// W\n\tc: {\n\t\td: 1\n\t}\n}\n", "4-4 6-8"},
		{"package x\n\na: \"// W\"\nb: \"\"\"\n\t// W\n\t\"\"\"\n", ""},
		{"// W\npackage x\n\na: 1\n", "2-5 all"},
		{"package x\n\na: [\n\t// W\n\t{b: 1,\n\tc: 2},\n]\n", "5-6"},
		{"package x\n\n// see W\na: 1\n", ""},
		{"package x\n\na: {\n", ""},
	} {
		src := []byte(strings.ReplaceAll(c.src, "W", word))
		cs, extent := Comments("x.cue", src, word)
		var got []string
		for _, x := range cs {
			if !strings.HasPrefix(string(src[x.Text:x.End]), word) || !strings.HasPrefix(string(src[x.Start:]), "//") {
				t.Errorf("%q: a comment that is none: %+v", c.src, x)
			}
			n := strings.Count(string(src[:x.Start]), "\n") + 1
			if strings.TrimSpace(strings.Split(string(src), "\n")[n-1][:2]) == "//" || strings.HasPrefix(strings.TrimSpace(strings.Split(string(src), "\n")[n-1]), "//") {
				n++
			}
			last, all := extent(n)
			s := fmt.Sprintf("%d-%d", n, last)
			if all {
				s += " all"
			}
			got = append(got, s)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q: want %q, got %q", c.src, c.want, got)
		}
	}
}

func TestFields(t *testing.T) {
	for _, c := range []struct{ src, want string }{
		{"package waivers\n\n// doc\nwaivers: \"a\": {\n\trule: \"X\"\n}\n", "// doc\nwaivers: \"a\": {\n\trule: \"X\"\n}"},
		{"package waivers\n\nwaivers: {\n\t// one\n\ta: rule: \"X\" // two\n\tb: rule: \"Y\"\n}\n", "// one\n\ta: rule: \"X\" // two"},
		{"package waivers\n\nwaivers: a: rule: \"X\"\nwaivers: a: owner: \"o\"\n", "waivers: a: rule: \"X\"|waivers: a: owner: \"o\""},
		{"package waivers\n\nwaivers: {a: {rule: \"X\"}, b: {rule: \"Y\"}}\n", "a: {rule: \"X\"}"},
		{"package waivers\n\nwaivers: {for n in [\"a\"] {(n): rule: \"X\"}}\n", ""},
		{"package waivers\n\nwaivers: [string]: owner: \"o\"\n", ""},
	} {
		var got []string
		for _, r := range Fields("w.cue", []byte(c.src), "waivers", "a") {
			got = append(got, c.src[r[0]:r[1]])
		}
		if s := strings.Join(got, "|"); s != c.want {
			t.Errorf("%q: want %q, got %q", c.src, c.want, s)
		}
	}
}

func TestAddEntry(t *testing.T) {
	fields := []Pair{{"rule", "PS001"}, {"reason", "says \"so\""}}
	for _, c := range []struct{ src, want string }{
		{"", "package waivers\n\nwaivers: \"b\": {\n\trule:   \"PS001\"\n\treason: \"says \\\"so\\\"\"\n}\n"},
		{"package waivers\n", "package waivers\n\nwaivers: \"b\": {\n\trule:   \"PS001\"\n\treason: \"says \\\"so\\\"\"\n}\n"},
		{"package waivers\n\nwaivers: {\n\ta: rule: \"X\"\n}\n", "package waivers\n\nwaivers: {\n\ta: rule: \"X\"\n\t\"b\": {\n\t\trule:   \"PS001\"\n\t\treason: \"says \\\"so\\\"\"\n\t}\n}\n"},
	} {
		e, err := AddEntry("w.cue", []byte(c.src), "waivers", "waivers", "b", fields)
		if err != nil {
			t.Fatal(err)
		}
		at := 0
		for range e.Line - 1 {
			at += strings.IndexByte(c.src[at:], '\n') + 1
		}
		if got := c.src[:at+e.Column-1] + e.New + c.src[at+e.Column-1:]; got != c.want {
			t.Errorf("%q: want %q, got %q", c.src, c.want, got)
		}
	}
}
