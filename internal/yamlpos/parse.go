package yamlpos

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
)

// Document is one YAML document that is not empty.
type Document struct {
	// Index counts the documents of the text from 0, empty ones included.
	Index int
	// Line and Column are where its first value begins.
	Line, Column int
	// Value has the types of encoding/json, with int64 for integers: see Value.
	Value any

	root *yaml.Node
}

// File is a parsed text. It is immutable and safe for concurrent use.
type File struct {
	Documents []Document

	*Text
}

// Parse reads every document of a text. The first problem ends it: what stands
// before the problem is not returned, because nobody should act on half a file.
func Parse(source []byte, limits Limits) (*File, *Problem) { return NewText(source).Parse(limits) }

// Parse is the function of that name.
func (t *Text) Parse(limits Limits) (*File, *Problem) {
	source := t.source
	limits = limits.withDefaults()
	if p := checkBytes(source, limits); p != nil {
		return nil, p
	}
	f := &File{Text: t}
	dec := yaml.NewDecoder(bytes.NewReader(source))
	w := &walker{limits: limits}
	for index := 0; ; index++ {
		var doc yaml.Node
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return f, nil
		}
		if err != nil {
			return nil, syntaxProblem(source, err)
		}
		d, p := w.document(index, &doc)
		if p != nil {
			return nil, p
		}
		if d == nil {
			continue
		}
		if len(f.Documents) == limits.Documents {
			return nil, &Problem{Kind: Documents, Line: d.Line, Message: fmt.Sprintf("more than %d documents in one file", limits.Documents)}
		}
		f.Documents = append(f.Documents, *d)
	}
}

func checkBytes(source []byte, limits Limits) *Problem {
	if len(source) > limits.Bytes {
		return &Problem{Kind: Size, Line: 1, Message: fmt.Sprintf("the file has %d bytes, more than %d", len(source), limits.Bytes)}
	}
	if i := bytes.IndexByte(source, 0); i >= 0 {
		return problemAt(Encoding, source, i, "a NUL byte")
	}
	if utf8.Valid(source) {
		return nil
	}
	for i := 0; i < len(source); {
		r, n := utf8.DecodeRune(source[i:])
		if r == utf8.RuneError && n == 1 {
			return problemAt(Encoding, source, i, fmt.Sprintf("byte 0x%02x is not UTF-8", source[i]))
		}
		i += n
	}
	return nil
}

func problemAt(k Kind, source []byte, offset int, message string) *Problem {
	before := source[:offset]
	return &Problem{
		Kind: k, Message: message,
		Line:   1 + bytes.Count(before, []byte("\n")),
		Column: offset - bytes.LastIndexByte(before, '\n'),
	}
}

var errorLine = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)

// syntaxProblem turns the library's error into a position. Its line is the one
// where the scanner stopped; a tab in the indentation there is the reason.
func syntaxProblem(source []byte, err error) *Problem {
	p := &Problem{Kind: Syntax, Line: 1, Message: strings.TrimPrefix(err.Error(), "yaml: ")}
	if m := errorLine.FindStringSubmatch(strings.ReplaceAll(err.Error(), "\n", " ")); m != nil {
		if n, convErr := strconv.Atoi(m[1]); convErr == nil {
			p.Line = n
		}
		p.Message = m[2]
	}
	if strings.Contains(p.Message, "exceeded max depth") {
		p.Kind = Depth
	}
	lines := bytes.Split(source, []byte("\n"))
	for _, n := range []int{p.Line, p.Line + 1} { // the library counts some lines from 0
		if n > len(lines) {
			break
		}
		text := lines[n-1]
		indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]
		if i := bytes.IndexByte(indent, '\t'); i >= 0 {
			return &Problem{Kind: Tab, Line: n, Column: i + 1, Message: "a tab in the indentation"}
		}
	}
	return p
}
