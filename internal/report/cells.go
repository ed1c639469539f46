package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/clipperhouse/uax29/v2/graphemes"
	"github.com/mattn/go-runewidth"
)

// widths does not depend on the locale, as the package's default would (D2).
var widths = runewidth.Condition{StrictEmojiNeutral: true}

const tab = "    "

// cell is one character as a terminal shows it.
type cell struct {
	text  string // safe to print
	width int    // columns; 0 for what combines with the one before
	at    int    // byte offset in the source line
}

// cells splits a source line into what a terminal shows. Tabs become four
// spaces, so that marks under the line align in any terminal; what a terminal
// would obey instead of show is spelled out.
func cells(line string) []cell {
	out := make([]cell, 0, len(line))
	for it := graphemes.FromString(line); it.Next(); {
		at := it.Start()
		switch g := it.Value(); {
		case g == "\t":
			out = append(out, cell{tab, len(tab), at})
		case safe(g):
			out = append(out, cell{g, widths.StringWidth(g), at})
		default:
			for i, r := range g {
				_, n := utf8.DecodeRuneInString(g[i:])
				s := spell(r, g[i:i+n])
				out = append(out, cell{s, widths.StringWidth(s), at + i})
			}
		}
	}
	return out
}

// safe reports whether a terminal shows s and does nothing else.
func safe(s string) bool {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && n == 1 || !shown(r) {
			return false
		}
		i += n
	}
	return true
}

// shown excludes controls, and the format characters that reorder or hide
// text: a comment that reads like code is an old trick (CVE-2021-42574). The
// joiner stays: families and flags are made with it.
func shown(r rune) bool {
	if r == '\u200d' || r == '\ufe0f' {
		return true
	}
	return !unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Cs)
}

// spell shows a character that must not be printed.
func spell(r rune, raw string) string {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return "\ufffd"
	case shown(r):
		return raw
	case r < 0x20:
		return string(rune(0x2400) + r) // Unicode's pictures of controls: ␛
	case r == 0x7f:
		return "␡"
	}
	return fmt.Sprintf("<U+%04X>", r)
}

// clean makes text from anywhere safe to print on one line.
func clean(s string) string {
	if safe(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == '\t' {
			b.WriteString(tab)
		} else {
			b.WriteString(spell(r, s[i:i+n]))
		}
		i += n
	}
	return b.String()
}

// paragraphs splits text at its line ends and makes each line safe.
func paragraphs(s string) []string {
	ls := strings.Split(strings.TrimRight(s, "\r\n"), "\n")
	for i, l := range ls {
		ls[i] = clean(strings.TrimRight(l, "\r"))
	}
	return ls
}

// column returns the display column, from 0, of a byte offset in a line.
func column(cs []cell, at int) int {
	col := 0
	for _, c := range cs {
		if c.at >= at {
			return col
		}
		if c.at+1 > at { // inside a character
			return col
		}
		col += c.width
	}
	return col
}
