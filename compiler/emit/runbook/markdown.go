package runbook

import (
	"bytes"
	"fmt"
	"strings"
	"unicode"
)

// AppendMarkdown appends to b the page in the flavour that forges and terminals
// agree on: headings, lists, tables, fences, and a Mermaid diagram.
func AppendMarkdown(b []byte, r *Runbook) []byte {
	m := &markdown{*bytes.NewBuffer(b)}
	m.line("# %s", plain(r.heading()))
	if r.Verdict.Word != "" {
		m.line("**%s** · %s", plain(strings.ToUpper(r.Verdict.Word)), m.text(r.Lead))
	} else if len(r.Lead) > 0 {
		m.line("%s", m.text(r.Lead))
	}
	if len(r.Tiles)+len(r.Facts) > 0 {
		m.header(r)
	}
	for _, s := range r.Sections {
		m.line("## %s", plain(s.Title))
		for i := range s.Blocks {
			m.block(&s.Blocks[i])
		}
	}
	return append(bytes.TrimRight(m.Bytes(), "\n"), '\n')
}

// heading is the title of the page in one line.
func (r *Runbook) heading() string {
	if r.Subtitle == "" {
		return r.Title
	}
	return r.Title + " " + r.Subtitle
}

type markdown struct{ bytes.Buffer }

// line writes a paragraph.
func (m *markdown) line(format string, args ...any) {
	fmt.Fprintf(m, format, args...)
	m.WriteString("\n\n")
}

func (m *markdown) header(r *Runbook) {
	m.WriteString("| | |\n|---|---|\n")
	for _, t := range r.Tiles {
		value := "**" + plain(t.Value) + "**"
		if t.Note != "" {
			value += " · " + plain(t.Note)
		}
		fmt.Fprintf(m, "| %s | %s |\n", plain(t.Label), value)
	}
	m.factRows(r.Facts)
	m.WriteByte('\n')
}

func (m *markdown) factRows(fs []Fact) {
	for _, f := range fs {
		fmt.Fprintf(m, "| %s | %s |\n", plain(f.Label), m.cell(f.Value))
	}
}

func (m *markdown) block(b *Block) {
	switch {
	case b.Text != nil:
		m.line("%s", m.text(b.Text))
	case b.Warning != nil:
		m.line("> **Careful:** %s", m.text(b.Warning))
	case b.Heading != "":
		m.line("### %s", plain(b.Heading))
	case b.List != nil:
		m.list("- ", b.List)
	case b.Checks != nil:
		m.list("- [ ] ", b.Checks)
	case b.Facts != nil:
		m.WriteString("| | |\n|---|---|\n")
		m.factRows(b.Facts)
		m.WriteByte('\n')
	case b.Table != nil:
		m.table(b.Table)
	case b.Command != nil:
		m.fence(b.Command)
	case b.Diagram != nil:
		m.line("```mermaid\n%s```", b.Diagram.Mermaid())
	case b.Step != nil:
		m.step(b.Step)
	}
}

func (m *markdown) list(mark string, items []Text) {
	for _, t := range items {
		fmt.Fprintf(m, "%s%s\n", mark, m.text(t))
	}
	m.WriteByte('\n')
}

func (m *markdown) table(t *Table) {
	heads := make([]string, 0, len(t.Head))
	for _, h := range t.Head {
		heads = append(heads, plain(h))
	}
	fmt.Fprintf(m, "| %s |\n|%s\n", strings.Join(heads, " | "), strings.Repeat("---|", len(heads)))
	for _, r := range t.Rows {
		cells := make([]string, 0, len(r))
		for _, c := range r {
			cells = append(cells, m.cell(c))
		}
		fmt.Fprintf(m, "| %s |\n", strings.Join(cells, " | "))
	}
	m.WriteByte('\n')
}

// fence is longer than any run of backticks inside.
func (m *markdown) fence(c *Command) {
	mark := "```"
	for strings.Contains(c.Run, mark) {
		mark += "`"
	}
	m.line("%ssh\n%s\n%s", mark, strings.TrimRight(c.Run, "\n"), mark)
}

func (m *markdown) step(s *Step) {
	m.line("#### %d. %s", s.Number, plain(s.Title))
	if s.Final {
		m.line("> **POINT OF NO RETURN:** what this step does cannot be undone.")
	}
	for _, w := range s.Warnings {
		m.line("> **Careful:** %s", m.text(w))
	}
	facts := make([]Text, 0, len(s.Facts))
	for _, f := range s.Facts {
		facts = append(facts, Join(B(f.Label+":"), T(" "), f.Value))
	}
	if len(facts) > 0 {
		m.list("- ", facts)
	}
	if len(s.Before) > 0 {
		m.line("Before:")
		m.list("- [ ] ", s.Before)
	}
	for i := range s.Commands {
		m.fence(&s.Commands[i])
	}
	m.verify(s.Verify)
	switch {
	case s.RollbackCommand != nil:
		m.line("Rollback:")
		m.fence(s.RollbackCommand)
	case len(s.Rollback) > 0:
		m.line("Rollback: %s", m.text(s.Rollback))
	}
	if len(s.Notes) > 0 {
		m.list("- ", s.Notes)
	}
}

func (m *markdown) verify(v *Verify) {
	if v == nil {
		return
	}
	words := "Verify"
	if v.Do != "" {
		words += ": " + plain(v.Do)
	}
	if v.Expect != "" {
		words += " → expect **" + plain(v.Expect) + "**"
	}
	m.line("%s", words)
	if v.Command != nil {
		m.fence(v.Command)
	}
}

// cell is text that may stand in a table.
func (m *markdown) cell(t Text) string {
	var b strings.Builder
	for _, s := range t {
		words := m.text(Text{s})
		if s.Style == Code {
			words = strings.ReplaceAll(words, "|", `\|`)
		}
		b.WriteString(words)
	}
	return b.String()
}

func (m *markdown) text(t Text) string {
	var b strings.Builder
	for _, s := range t {
		switch s.Style {
		case Code:
			b.WriteString(codeSpan(s.Words))
		case Strong:
			b.WriteString("**" + plain(s.Words) + "**")
		case Link:
			if strings.HasPrefix(s.Href, "#") { // forges make their own anchors
				b.WriteString(plain(s.Words))
				continue
			}
			b.WriteString("[" + plain(s.Words) + "](" + sibling(s.Href) + ")")
		default:
			b.WriteString(plain(s.Words))
		}
	}
	return b.String()
}

// sibling turns a link between pages into one between Markdown files.
func sibling(href string) string {
	if base, ok := strings.CutSuffix(href, ".html"); ok && !strings.Contains(href, "://") {
		return base + ".md"
	}
	return href
}

// codeSpan uses a fence that is longer than any run of backticks inside.
func codeSpan(s string) string {
	s = strings.ReplaceAll(s, "\n", " ")
	mark := "`"
	for strings.Contains(s, mark) {
		mark += "`"
	}
	if len(mark) > 1 || strings.HasPrefix(s, "`") || strings.HasSuffix(s, "`") {
		s = " " + s + " "
	}
	return mark + s + mark
}

// plain escapes what Markdown would take for markup. An underscore or an
// asterisk between letters is none.
func plain(s string) string {
	var b strings.Builder
	rs := []rune(strings.ReplaceAll(s, "\n", " "))
	for i, r := range rs {
		switch r {
		case '\\', '`', '[', ']', '<', '|', '*':
			b.WriteByte('\\')
		case '_':
			if i == 0 || i == len(rs)-1 || !wordRune(rs[i-1]) || !wordRune(rs[i+1]) {
				b.WriteByte('\\')
			}
		}
		b.WriteRune(r)
	}
	return b.String()
}

func wordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
