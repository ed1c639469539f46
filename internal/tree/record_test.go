package tree

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// ask asks a tree some question and returns everything that it said.
func ask(t *Tree, how int, name string) string {
	switch how {
	case 0:
		e, ok := t.Lookup(name)
		return fmt.Sprint(e.Mode, e.ID, ok)
	case 1:
		b, err := t.ReadFile(name)
		return fmt.Sprint(string(b), err)
	case 2:
		return fmt.Sprint(t.HasDir(name))
	case 3:
		return fmt.Sprint(t.Dirs(name))
	case 4:
		return fmt.Sprint(t.Files(name))
	case 5:
		list, err := fs.ReadDir(t.FS(), name)
		var out []string
		for _, e := range list {
			out = append(out, e.Name(), e.Type().String())
		}
		return fmt.Sprint(out, err)
	case 6:
		b, err := fs.ReadFile(t.FS(), name)
		return fmt.Sprint(string(b), err)
	case 7:
		return ask(t.Sub("a"), 5, ".") + ask(t.Sub("a"), 0, name) + ask(t.Sub("a").Sub("b"), 1, name)
	case 8:
		hits, err := t.Glob(name + "*")
		return fmt.Sprint(hits, err)
	}
	again, _ := t.Record() // recorded twice, both know
	return ask(again.Sub("b"), 3, ".") + ask(again, 1, name)
}

// TestRecordingIsComplete: a tree that confirms what was recorded answers
// everything that was asked as before; the same tree always does.
func TestRecordingIsComplete(t *testing.T) {
	confirmed, refused := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		before := files(t)
		after := maps.Clone(before)
		for range rapid.IntRange(0, 2).Draw(t, "edits") {
			for name, text := range files(t) {
				if _, err := fs.Stat(FromMap(after).FS(), name); err == nil {
					after[name] = rapid.SampledFrom([]string{text, "changed"}).Draw(t, "text")
					continue
				}
				trial := maps.Clone(after)
				trial[name] = text
				if !clashes(trial) {
					after = trial
				}
			}
			if names := slices.Sorted(maps.Keys(after)); len(names) > 0 && rapid.Bool().Draw(t, "remove") {
				delete(after, rapid.SampledFrom(names).Draw(t, "removed"))
			}
		}
		a, b := FromMap(before), FromMap(after)
		recorded, notes := a.Record()
		type question struct {
			how  int
			name string
		}
		var asked []question
		var answers []string
		for range rapid.IntRange(1, 4).Draw(t, "questions") {
			q := question{rapid.IntRange(0, 9).Draw(t, "how"), rapid.SampledFrom([]string{".", "a", "b", "a/b", "a-b", "a/a-b", "b/a0/a"}).Draw(t, "name")}
			asked, answers = append(asked, q), append(answers, ask(recorded, q.how, q.name))
		}
		if !a.Confirms(notes.Asked()) {
			t.Fatal("a tree does not confirm itself")
		}
		if !b.Confirms(notes.Asked()) {
			refused++
			return
		}
		confirmed++
		for i, q := range asked {
			if got := ask(b, q.how, q.name); got != answers[i] {
				t.Fatalf("%v was %s and is %s, and nothing was noted that says so: %v", q, answers[i], got, notes.Asked())
			}
		}
	})
	if confirmed == 0 || refused == 0 {
		t.Errorf("%d confirmed and %d refused: one side was never tried", confirmed, refused)
	}
}

func clashes(files map[string]string) bool {
	for a := range files {
		for b := range files {
			if len(b) > len(a) && b[:len(a)+1] == a+"/" {
				return true
			}
		}
	}
	return false
}

// TestRecordingIsNarrow: what was not asked may change.
func TestRecordingIsNarrow(t *testing.T) {
	a := map[string]string{"x/read": "1", "x/other": "2", "y/deep/z": "3"}
	for name, c := range map[string]struct {
		do    func(*Tree)
		edit  func(map[string]string)
		stays bool
	}{
		"another file":                {func(t *Tree) { t.Lookup("x/read") }, func(m map[string]string) { m["x/other"] = "!" }, true},
		"the file":                    {func(t *Tree) { t.Lookup("x/read") }, func(m map[string]string) { m["x/read"] = "!" }, false},
		"one that was looked for":     {func(t *Tree) { t.Lookup("x/new") }, func(m map[string]string) { m["x/new"] = "!" }, false},
		"deeper than was listed":      {func(t *Tree) { fs.ReadDir(t.FS(), "y") }, func(m map[string]string) { m["y/deep/more"] = "!" }, true}, //nolint:errcheck // asked for the note
		"beside what was listed":      {func(t *Tree) { fs.ReadDir(t.FS(), "x") }, func(m map[string]string) { m["x/more"] = "!" }, false},     //nolint:errcheck // asked for the note
		"a file below a known folder": {func(t *Tree) { t.HasDir("x") }, func(m map[string]string) { m["x/more"] = "!" }, true},
		"below what was walked":       {func(t *Tree) { t.Files("y") }, func(m map[string]string) { m["y/deep/more"] = "!" }, false},
		"through an overlay":          {func(t *Tree) { t.With("n", nil).Lookup("x/read") }, func(m map[string]string) { m["x/read"] = "!" }, false},
	} {
		recorded, notes := FromMap(a).Record()
		c.do(recorded)
		b := maps.Clone(a)
		c.edit(b)
		if got := FromMap(b).Confirms(notes.Asked()); got != c.stays {
			t.Errorf("%s: confirmed is %v", name, got)
		}
	}
	if FromMap(a).Confirms([]Asked{{Question{"weather", "x"}, ""}}) {
		t.Error("a question that nobody knows was confirmed")
	}
}
