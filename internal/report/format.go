package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"slices"
)

// Format writes a finished result. It sees nothing but the result (STYLE
// habit 7) and the options it was built with.
type Format func(w io.Writer, r *Result) error

// Formats returns the formats by the names that -o takes.
func Formats(o Options) map[string]Format {
	return map[string]Format{
		"json":     JSON,
		"github":   GitHub,
		"html":     HTML,
		"gitlab":   GitLab,
		"sarif":    SARIF,
		"markdown": Markdown,
		"junit":    JUnit,
		"text":     func(w io.Writer, r *Result) error { return Text(w, r, o) },
	}
}

// FormatNames returns the names of all formats, sorted.
func FormatNames() []string { return slices.Sorted(maps.Keys(Formats(Options{}))) }

// JSON writes the result, indented, without escaping for HTML, with one
// newline at its end. Equal results give equal bytes.
func JSON(w io.Writer, r *Result) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(r); err != nil {
		return err
	}
	_, err := w.Write(b.Bytes())
	return err
}

// Parse reads a result that was kept, whole: what follows it is an error.
func Parse(b []byte) (*Result, error) {
	if !json.Valid(b) {
		return nil, errors.New("read result: not one JSON value: is it cut off?")
	}
	return Decode(bytes.NewReader(b))
}

// Path returns a file as the repository knows it, from its root.
func (r *Result) Path(file string) string { return path.Join(r.Root, file) }

// Decode reads what JSON wrote. Another version is refused: a reader that
// guesses would report a result as better than it is.
func Decode(rd io.Reader) (*Result, error) {
	var r Result
	if err := json.NewDecoder(rd).Decode(&r); err != nil {
		return nil, fmt.Errorf("read result: %w", err)
	}
	if r.Version != Version {
		return nil, fmt.Errorf("read result: version %q is not %q", r.Version, Version)
	}
	return &r, nil
}
