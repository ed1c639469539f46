// Package runbook is what a runbook consists of, and the writers that put it on
// a page: Markdown for a terminal or a forge, HTML for a phone at night.
//
// There is one content model and no other: whoever compiles a runbook builds a
// Runbook, and the writers decide only how it looks. So the formats cannot
// disagree about a fact. Nothing here knows a clock, a host or a digest; a
// Runbook holds dates and never ages, and equal Runbooks give equal bytes (D2).
//
// The HTML is one file: style, diagram and the few lines of script for the copy
// buttons are inline, and its content security policy forbids every request. It
// has to open from a memory stick when the network is what is broken.
package runbook

import "strings"

// Runbook is one page: how one target comes back from one disaster, or how a
// cluster starts from nothing. The index of all runbooks is one as well.
type Runbook struct {
	// Path is relative to the artifact, without the extension.
	Path string
	Kind string // "Recovery", "Bootstrap" or "Index"
	// Title names the target, Subtitle the disaster.
	Title, Subtitle string
	Verdict         Verdict
	Lead            Text   // one sentence: what to expect
	Tiles           []Tile // the few numbers that decide
	Facts           []Fact
	Sections        []Section
}

// Tone colours what it is given to. It never carries a fact alone: the words
// beside it say the same, in print and to a screen reader too.
type Tone string

// Tones.
const (
	Plain Tone = ""
	Good  Tone = "good"
	Bad   Tone = "bad"
	Care  Tone = "care" // unknown, estimated, accepted: look twice
)

// Verdict is the badge of a runbook; the zero value is none.
type Verdict struct {
	Word string
	Tone Tone
}

// Tile is a number with what it is measured against.
type Tile struct {
	Label, Value, Note string
	Tone               Tone
}

// Fact is a labelled value.
type Fact struct {
	Label string
	Value Text
}

// Section is a titled list of blocks. ID is its anchor, unique on the page.
type Section struct {
	ID, Title string
	Blocks    []Block
}

// Block is one thing in a section: exactly one field is set.
type Block struct {
	Text    Text
	Warning Text // must not be overlooked
	Heading string
	List    []Text
	Checks  []Text // to be ticked off
	Facts   []Fact
	Table   *Table
	Command *Command
	Diagram *Diagram
	Step    *Step
}

// Table has a header and rows of the same length.
type Table struct {
	Head []string
	Rows [][]Text
}

// Command is what a person copies into a shell.
type Command struct {
	Run string
	// Where says in which cluster or folder, "" when that does not matter.
	Where string
}

// Step is one thing to do.
type Step struct {
	Number int // from 1, over the whole page
	ID     string
	Title  string
	Anchor string
	// Final marks the point of no return: there is no way back behind it.
	Final    bool
	Critical bool // on the critical path
	Facts    []Fact
	Before   []Text // to be ticked off first: preflight, approvals
	Commands []Command
	// Verify is how to see that it worked; Expect what has to be seen.
	Verify *Verify
	// Rollback is a sentence or a command; both empty: none is declared.
	Rollback        Text
	RollbackCommand *Command
	Notes           []Text
	Warnings        []Text
}

// Verify is a check with its expected result.
type Verify struct {
	Do      string
	Command *Command
	Expect  string
}

// Text is a line of words, code and links.
type Text []Span

// Span is a piece of Text in one style.
type Span struct {
	Words string
	Style Style
	Href  string // of a Link: relative to the page, or an anchor
}

// Style of a Span.
type Style int

// Styles.
const (
	Words Style = iota
	Code
	Strong
	Link
)

// T makes a Text of words.
func T(words string) Text { return Text{{Words: words}} }

// C makes a Text of code.
func C(code string) Text { return Text{{Words: code, Style: Code}} }

// B makes a Text of strong words.
func B(words string) Text { return Text{{Words: words, Style: Strong}} }

// L makes a Text that is a link.
func L(words, href string) Text { return Text{{Words: words, Style: Link, Href: href}} }

// Join puts texts together as they are.
func Join(ts ...Text) Text {
	var out Text
	for _, t := range ts {
		out = append(out, t...)
	}
	return out
}

// List puts texts together with ", " between them.
func List(ts ...Text) Text {
	var out Text
	for i, t := range ts {
		if i > 0 {
			out = append(out, Span{Words: ", "})
		}
		out = append(out, t...)
	}
	return out
}

// Codes is List of code.
func Codes(names []string) Text {
	ts := make([]Text, 0, len(names))
	for _, n := range names {
		ts = append(ts, C(n))
	}
	return List(ts...)
}

// String is the text without styles.
func (t Text) String() string {
	var b strings.Builder
	for _, s := range t {
		b.WriteString(s.Words)
	}
	return b.String()
}

// Add appends blocks.
func (s *Section) Add(bs ...Block) { s.Blocks = append(s.Blocks, bs...) }
