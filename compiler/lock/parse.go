package lock

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Parse reads a lock; file is its path, for positions. Every faulty entry is
// reported; the result is nil when there is an error.
func Parse(file string, data []byte) (*File, diag.List) {
	p := &parser{file: file, data: data, dec: json.NewDecoder(bytes.NewReader(data)), out: newFile()}
	if err := p.document(); err != nil {
		p.diags.Add(p.unreadable(err))
	}
	if p.diags.HasErrors() {
		return nil, p.diags.Sorted()
	}
	return p.out, p.diags.Sorted()
}

// parser walks the tokens of a lock. encoding/json's own decoding has no
// positions, takes the last of two equal keys, and takes keys in any case.
type parser struct {
	file  string
	data  []byte
	dec   *json.Decoder
	out   *File
	diags diag.List
}

// misplaced is a fault of the form, at a byte offset.
type misplaced struct {
	offset  int64
	message string
}

func (m *misplaced) Error() string { return m.message }

func (p *parser) document() error {
	seen := false
	err := p.object("the lock", func(key string, offset int64) error {
		if key == "version" {
			seen = true
			v, at, err := p.text()
			if err == nil && v != Version {
				return &misplaced{at, fmt.Sprintf("version %q is not %q", v, Version)}
			}
			return err
		}
		k := Kind(key)
		if !slices.Contains(kinds, k) {
			return p.unknown(key, offset, []string{"version", "images", "charts", "other"})
		}
		return p.object(key, func(ref string, offset int64) error { return p.entry(k, ref, offset) })
	})
	if err != nil {
		return err
	}
	if !seen {
		return &misplaced{0, fmt.Sprintf("there is no version (want %q)", Version)}
	}
	if _, err := p.dec.Token(); !errors.Is(err, io.EOF) {
		return &misplaced{p.dec.InputOffset(), "there is more after the end of the lock"}
	}
	return nil
}

func (p *parser) entry(k Kind, ref string, offset int64) error {
	e, at := ir.LockEntry{}, offset
	err := p.object(ref, func(key string, offset int64) error {
		v, place, err := p.text()
		switch key {
		case "digest":
			e.Digest, at = digest.Digest(v), place
		case "signed":
			e.Signed = v
		case "provenance":
			e.Provenance = v
		default:
			return p.unknown(key, offset, []string{"digest", "signed", "provenance"})
		}
		return err
	})
	if err != nil {
		return err
	}
	here := p.position(offset)
	p.diags.Add(check(k, ref, e.Digest, here, p.position(at)))
	p.out.put(k, ref, e, here)
	return nil
}

func (p *parser) unknown(key string, offset int64, want []string) error {
	m := fmt.Sprintf("unknown field %q", key)
	if near := diag.Nearest(key, want); near != "" {
		m += fmt.Sprintf(", did you mean %q?", near)
	}
	return &misplaced{offset, m}
}

// object reads an object and calls field at each key, with the key's offset.
func (p *parser) object(what string, field func(key string, offset int64) error) error {
	start := p.next()
	t, err := p.dec.Token()
	if err != nil {
		return err
	}
	if t != json.Delim('{') {
		return &misplaced{start, what + " is not an object"}
	}
	seen := map[string]bool{}
	for p.dec.More() {
		offset := p.next()
		t, err := p.dec.Token()
		if err != nil {
			return err
		}
		key, _ := t.(string)
		if seen[key] {
			return &misplaced{offset, fmt.Sprintf("%q is there twice", key)}
		}
		seen[key] = true
		if err := field(key, offset); err != nil {
			return err
		}
	}
	_, err = p.dec.Token()
	return err
}

// text reads a string and returns the offset at which it starts.
func (p *parser) text() (string, int64, error) {
	offset := p.next()
	t, err := p.dec.Token()
	if err != nil {
		return "", offset, err
	}
	s, ok := t.(string)
	if !ok {
		return "", offset, &misplaced{offset, "a string is wanted here"}
	}
	return s, offset, nil
}

// next returns the offset of the next token's first byte.
func (p *parser) next() int64 {
	i := p.dec.InputOffset()
	rest := p.data[i:]
	return i + int64(len(rest)-len(bytes.TrimLeft(rest, " \t\r\n,:")))
}

func (p *parser) unreadable(err error) *diag.Diagnostic {
	at := p.dec.InputOffset()
	var m *misplaced
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &m):
		at = m.offset
	case errors.As(err, &syntax):
		at = max(0, syntax.Offset-1)
	}
	msg := err.Error()
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || syntax != nil && int(syntax.Offset) >= len(p.data) {
		msg = "it ends too early"
	}
	return diag.Errorf("LCK001", "%s cannot be read: %s", p.file, msg).
		At(p.position(at), "here").
		Fix("mend it by hand, or take it from the delivery branch and run darkstart lock --import FILE again")
}

// position turns a byte offset into line and column, and the end of the token
// there.
func (p *parser) position(offset int64) diag.Position {
	i := min(int(offset), len(p.data))
	before := p.data[:i]
	line := 1 + bytes.Count(before, []byte("\n"))
	col := i - (bytes.LastIndexByte(before, '\n') + 1) + 1
	pos := diag.Position{File: p.file, Line: line, Column: col}
	if rest := string(p.data[i:]); strings.HasPrefix(rest, `"`) {
		if j := strings.IndexAny(rest[1:], "\"\n"); j >= 0 && rest[1+j] == '"' {
			pos.EndColumn = col + j + 2
		}
	}
	return pos
}
