package lock

import (
	"bytes"
	"regexp"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Import reads digests from a file that was made elsewhere:
//
//	REF@sha256:…                 as an image field has it, or crane prints it
//	REF sha256:…                 two columns, also with a tab
//	REPOSITORY TAG DIGEST …      docker images --digests, with its header
//	{"version": …, "images": …}  another darkstart.lock
//
// Lines that are empty or start with # are skipped. Every faulty line is
// reported; the result is nil when there is an error.
func Import(file string, data []byte) (*File, diag.List) {
	data = bytes.TrimPrefix(data, []byte("\ufeff"))
	if trimmed := bytes.TrimSpace(data); len(trimmed) > 0 && trimmed[0] == '{' {
		f, ds := Parse(file, data)
		if f != nil && len(f.Lock.Images)+len(f.Lock.Charts)+len(f.Lock.Other) == 0 {
			return nil, diag.List{nothing(file)}
		}
		return f, ds
	}
	m := &importer{file: file, out: newFile()}
	for line := range strings.Lines(string(data)) {
		m.line++
		m.take(strings.TrimRight(line, "\r\n"))
	}
	if len(m.out.Lock.Images) == 0 && !m.diags.HasErrors() {
		m.diags.Add(nothing(file))
	}
	if m.diags.HasErrors() {
		return nil, m.diags.Sorted()
	}
	return m.out, m.diags.Sorted()
}

func nothing(file string) *diag.Diagnostic {
	return diag.Errorf("LCK005", "%s has no digest to import", file).
		At(diag.Position{File: file}, "").
		Fix("give lines REF@sha256:… or REF sha256:…, the output of docker images --digests, or a darkstart.lock")
}

type importer struct {
	file  string
	line  int
	table bool // below the header of docker images --digests
	out   *File
	diags diag.List
}

var word = regexp.MustCompile(`[^ \t]+`)

func (m *importer) take(line string) {
	at := word.FindAllStringIndex(line, -1)
	if len(at) == 0 || line[at[0][0]] == '#' {
		return
	}
	text := func(i int) string { return line[at[i][0]:at[i][1]] }
	switch {
	case len(at) >= 3 && text(0) == "REPOSITORY" && text(1) == "TAG" && text(2) == "DIGEST":
		m.table = true
	case m.table && len(at) >= 3:
		m.row(text(0), text(1), text(2), at)
	case len(at) == 1 && strings.Contains(line, "@"):
		ref, d, _ := strings.Cut(text(0), "@")
		split := at[0][0] + len(ref)
		m.add(ref, d, []int{at[0][0], split}, []int{split + 1, at[0][1]})
	case len(at) == 2:
		m.pair(text(0), text(1), at)
	default:
		m.diags.Add(diag.Errorf("LCK002", "this line has no digest").
			At(m.position([]int{at[0][0], at[len(at)-1][1]}), "want REF@sha256:… or REF sha256:…").
			Fix("write one reference with its digest on each line; comments start with #"))
	}
}

// pair takes "REF DIGEST", where REF may have the same digest in it already.
func (m *importer) pair(ref, d string, at [][]int) {
	name, in, ok := strings.Cut(ref, "@")
	if ok && in != d {
		m.diags.Add(conflict(name, digest.Digest(in), digest.Digest(d), m.position(at[1]), m.position(at[0])))
		return
	}
	m.add(name, d, at[0], at[1])
}

func (m *importer) row(repository, tag, d string, at [][]int) {
	ref := repository
	if tag != "<none>" {
		ref += ":" + tag
	}
	if d == "<none>" || repository == "<none>" {
		m.diags.Add(diag.Warningf("LCK006", "%s has no digest and is not locked", ref).
			At(m.position(at[2]), "never pushed to a registry").
			Fix("push it and list it again, or leave the line out"))
		return
	}
	m.add(ref, d, at[0], at[2])
}

func (m *importer) add(ref, d string, atRef, atDigest []int) {
	here := m.position(atRef)
	if x := check(Images, ref, digest.Digest(d), here, m.position(atDigest)); x != nil {
		m.diags.Add(x)
		return
	}
	if have, ok := m.out.Lock.Images[ref]; ok && have.Digest != digest.Digest(d) {
		m.diags.Add(conflict(ref, have.Digest, digest.Digest(d), m.position(atDigest), m.out.At(Images, ref)))
		return
	}
	m.out.put(Images, ref, ir.LockEntry{Digest: digest.Digest(d)}, here)
}

func (m *importer) position(span []int) diag.Position {
	return diag.Position{File: m.file, Line: m.line, Column: span[0] + 1, EndColumn: span[1] + 1}
}
