package tree

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
)

// Ask is a kind of question that a tree answers.
type Ask string

// What can be asked, and what the answer is.
const (
	AskFile  Ask = "file"  // mode and id of a file; "" when there is none
	AskDir   Ask = "dir"   // whether any file lies below
	AskDirs  Ask = "dirs"  // the names of the directories directly below
	AskList  Ask = "list"  // what lies directly below: names, and mode and id of files
	AskFiles Ask = "files" // every file below, with mode and id
)

// Question is one thing that was asked, about a name of the recorded tree.
type Question struct {
	Ask  Ask    `json:"ask"`
	Name string `json:"name"`
}

// Asked is a question and the answer it had.
type Asked struct {
	Question
	Answer string `json:"answer"`
}

// Recording holds what a computation asked a tree, also what it looked for and
// did not find: a tree that gives the same answers gives the computation the
// same input (DESIGN §10). It is safe for concurrent use.
type Recording struct {
	tree  *Tree // as it was before it was recorded
	outer *Recording
	mu    sync.Mutex
	seen  map[Question]string
}

// Record returns the same tree, and what notes down everything that it is
// asked from then on. A tree that is recorded already tells both.
func (t *Tree) Record() (*Tree, *Recording) {
	r := &Recording{tree: t, outer: t.notes, seen: map[Question]string{}}
	return &Tree{entries: t.entries, open: t.open, notes: r, base: ""}, r
}

// Asked returns every question once with its answer, sorted.
func (r *Recording) Asked() []Asked {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Asked, 0, len(r.seen))
	for q, a := range r.seen {
		out = append(out, Asked{q, a})
	}
	slices.SortFunc(out, func(a, b Asked) int {
		if c := strings.Compare(a.Name, b.Name); c != 0 {
			return c
		}
		return strings.Compare(string(a.Ask), string(b.Ask))
	})
	return out
}

// Confirms reports whether the tree gives every answer again.
func (t *Tree) Confirms(asked []Asked) bool {
	for _, a := range asked {
		if t.answer(a.Question) != a.Answer {
			return false
		}
	}
	return true
}

func (t *Tree) note(ask Ask, name string) {
	if t.notes != nil {
		t.notes.note(Question{ask, path.Join(t.base, name)})
	}
}

func (r *Recording) note(q Question) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.seen[q]; ok {
		return
	}
	r.seen[q] = r.tree.answer(q)
	if r.outer != nil {
		r.outer.note(Question{q.Ask, path.Join(r.tree.base, q.Name)})
	}
}

// answer asks without a note.
func (t *Tree) answer(q Question) string {
	switch q.Ask {
	case AskFile:
		e, ok := t.lookup(q.Name)
		if !ok {
			return ""
		}
		return fmt.Sprintf("%o %s", e.Mode, e.ID)
	case AskDir:
		return fmt.Sprint(t.hasDir(q.Name))
	}
	h := sha256.New()
	switch q.Ask {
	case AskDirs:
		for _, d := range t.dirs(q.Name) {
			line(h, d)
		}
	case AskList:
		for _, d := range t.dirs(q.Name) {
			line(h, d)
		}
		for _, e := range t.direct(q.Name) {
			line(h, e.Path, fmt.Sprintf("%o", e.Mode), string(e.ID))
		}
	case AskFiles:
		for _, e := range t.files(q.Name) {
			line(h, e.Path, fmt.Sprintf("%o", e.Mode), string(e.ID))
		}
	default:
		return "unknown question" // of another version: no tree confirms it
	}
	return hex.EncodeToString(h.Sum(nil))
}

// line writes fields that no other fields write too: a name holds no NUL.
func line(w io.Writer, fields ...string) {
	io.WriteString(w, strings.Join(fields, "\x00")+"\x00\x00") //nolint:errcheck // a hash takes everything
}
