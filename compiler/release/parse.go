package release

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// maxDepth bounds the nesting of a records file; the format needs 6.
const maxDepth = 16

// Parse reads releases/<stream>.json; file is its path, for positions. Records
// that contradict themselves are refused, with the place of each fault.
func Parse(file string, data []byte) (*Records, diag.List) {
	at, err := offsets(data)
	if err != nil {
		return nil, diag.List{unreadable(file, data, err)}
	}
	r := &Records{file: file, text: data, at: at}
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(r); err != nil {
		return nil, diag.List{unreadable(file, data, err)}
	}
	if r.Artifacts == nil {
		r.Artifacts = map[string][]ir.Recorded{}
	}
	if r.Releases == nil {
		r.Releases = []Release{}
	}
	c := checker{r: r}
	c.check()
	if !c.diags.HasErrors() && !sameForm(r, data) {
		c.bad("", "the records are not in the form that `darkstart release` writes (order of fields, or their case)")
	}
	if c.diags.HasErrors() {
		return nil, c.diags.Sorted()
	}
	return r, nil
}

// sameForm compares data with what Encode writes, up to white space. It closes
// what encoding/json lets through, such as "Serial" for "serial".
func sameForm(r *Records, data []byte) bool {
	again, err := r.Encode()
	if err != nil {
		return false
	}
	var a, b bytes.Buffer
	return json.Compact(&a, data) == nil && json.Compact(&b, again) == nil && bytes.Equal(a.Bytes(), b.Bytes())
}

func unreadable(file string, data []byte, err error) *diag.Diagnostic {
	d := diag.Errorf("REL001", "release records cannot be read: %v", err).
		Fix("take the file from the delivery branch again (`git checkout BRANCH -- %s`); merge by releasing again, never by hand", file)
	p := diag.Position{File: file}
	var syntax *json.SyntaxError
	var place *placeError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		p = position(file, data, syntax.Offset-1)
	case errors.As(err, &place):
		p = position(file, data, place.offset)
	case errors.As(err, &kind):
		p = position(file, data, kind.Offset-1)
	}
	return d.At(p, "here")
}

func (r *Records) position(pointer string) diag.Position {
	if offset, ok := r.at[pointer]; ok {
		return position(r.file, r.text, offset)
	}
	return diag.Position{File: r.file}
}

func entryPointer(artifact string, es []ir.Recorded, serial int) string {
	i := slices.IndexFunc(es, func(e ir.Recorded) bool { return e.Serial == serial })
	return ir.Pointer("artifacts", artifact, strconv.Itoa(i))
}

// checker finds what a records file may not say.
type checker struct {
	r     *Records
	diags diag.List
}

func (c *checker) bad(pointer, format string, args ...any) {
	c.diags.Add(diag.Errorf("REL002", format, args...).
		At(c.r.position(pointer), "here").
		Fix("take the file from the delivery branch again; records are written by `darkstart release` and never edited"))
}

var name = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?$`)

func (c *checker) check() {
	if c.r.Version != Version {
		c.bad("/version", "release records of version %q cannot be read (want %s)", c.r.Version, Version)
		return
	}
	if !name.MatchString(c.r.Stream) || File(c.r.Stream) != c.r.file && c.r.file != "" {
		c.bad("/stream", "%s holds the records of stream %q", c.r.file, c.r.Stream)
	}
	for artifact, es := range c.r.Artifacts { // diagnostics are sorted later
		if !name.MatchString(artifact) {
			c.bad(ir.Pointer("artifacts", artifact), "artifact %q is not a name (letters, digits, . _ -)", artifact)
		}
		for i, e := range es {
			c.entry(artifact, i, e)
		}
	}
	for i, x := range c.r.Releases {
		c.release(i, x)
	}
}

func (c *checker) entry(artifact string, i int, e ir.Recorded) {
	at := ir.Pointer("artifacts", artifact, strconv.Itoa(i))
	var before ir.Recorded
	if i > 0 {
		before = c.r.Artifacts[artifact][i-1]
	}
	// A gap is an artifact that was of another stream meanwhile: History.Check
	// looks for what fills it.
	switch next := e.Serial == before.Serial+1; {
	case e.Serial <= before.Serial:
		c.bad(at+"/serial", "serial %d of %q follows serial %d", e.Serial, artifact, before.Serial)
	case next && e.Previous != before.Manifest:
		c.bad(at+"/previous", "serial %d of %q names %q as its predecessor, which is recorded as %q", e.Serial, artifact, e.Previous, before.Manifest)
	case !next && (e.Previous == "" || e.Previous == before.Manifest):
		c.bad(at+"/serial", "serial %d of %q follows serial %d, which is recorded as %q", e.Serial, artifact, before.Serial, before.Manifest)
	}
	for field, d := range map[string]digest.Digest{"content": e.Content, "manifest": e.Manifest, "tar": e.Tar, "previous": e.Previous} {
		if field == "previous" && d == "" {
			continue
		}
		if _, err := digest.Parse(string(d)); err != nil {
			c.bad(at+"/"+field, "%s of serial %d of %q: %v", field, e.Serial, artifact, err)
		}
	}
	for field, v := range map[string]string{"issued": e.Issued, "notAfter": e.NotAfter} {
		t, err := time.Parse(time.RFC3339, v)
		if (v != "" || field == "issued") && (err != nil || t.UTC().Format(time.RFC3339) != v) {
			c.bad(at+"/"+field, "%s %q of serial %d of %q is not a time in RFC 3339, UTC", field, v, e.Serial, artifact)
		}
	}
	for i, w := range e.Waivers {
		c.waiver(at+"/waivers/"+strconv.Itoa(i), w)
		if i > 0 && e.Waivers[i-1].ID >= w.ID {
			c.bad(at+"/waivers", "the waivers of serial %d of %q are not sorted by id, each once", e.Serial, artifact)
		}
	}
	if e.Revision == "" || e.MinCompiler == "" {
		c.bad(at, "serial %d of %q has no revision or no minCompiler", e.Serial, artifact)
	}
}

func (c *checker) waiver(at string, w ir.RecordedWaiver) {
	if w.ID == "" || w.Rule == "" || w.Owner == "" {
		c.bad(at, "a recorded waiver has no id, no rule or no owner")
	}
	if _, err := spec.WaiverEnd(w.Expires); err != nil {
		c.bad(at+"/expires", "waiver %q expires %q, which is no date", w.ID, w.Expires)
	}
}

func (c *checker) release(i int, x Release) {
	at := ir.Pointer("releases", strconv.Itoa(i))
	if want := fmt.Sprintf("%s-%d", c.r.Stream, i+1); x.ID != want {
		c.bad(at+"/id", "release %q stands where %q belongs", x.ID, want)
	}
	if x.Revision == "" {
		c.bad(at, "release %q has no revision", x.ID)
	}
	for j, artifact := range x.Hotfix {
		if _, ok := x.Artifacts[artifact]; !ok || j > 0 && x.Hotfix[j-1] >= artifact {
			c.bad(at+"/hotfix", "the hotfix of release %q names %q, which it does not hold, or not in order, each once", x.ID, artifact)
		}
	}
	for artifact, serial := range x.Artifacts {
		if _, ok := c.r.Entry(artifact, serial); !ok {
			c.bad(at+ir.Pointer("artifacts", artifact), "release %q holds serial %d of %q, which is not recorded", x.ID, serial, artifact)
		}
	}
}

// placeError is a fault that encoding/json accepts.
type placeError struct {
	offset int64
	what   string
}

func (e *placeError) Error() string { return e.what }

// offsets walks the JSON text once and notes where each value starts. It
// refuses repeated names, which would let two readers see two histories.
func offsets(data []byte) (map[string]int64, error) {
	w := walker{data: data, at: map[string]int64{}, dec: json.NewDecoder(bytes.NewReader(data))}
	w.dec.UseNumber()
	if err := w.value("", 0); err != nil {
		return nil, err
	}
	if _, err := w.dec.Token(); err != io.EOF {
		return nil, &placeError{w.dec.InputOffset(), "text follows the end of the JSON value"}
	}
	return w.at, nil
}

type walker struct {
	data []byte
	dec  *json.Decoder
	at   map[string]int64
}

func (w *walker) value(pointer string, depth int) error {
	start := w.next()
	w.at[pointer] = start
	if depth > maxDepth {
		return &placeError{start, "values are nested too deeply"}
	}
	tok, err := w.dec.Token()
	if err == io.EOF {
		return &placeError{start, "the file ends in the middle of a value"}
	}
	if err != nil {
		return err
	}
	switch tok {
	case json.Delim('{'):
		return w.object(pointer, depth)
	case json.Delim('['):
		return w.list(pointer, depth)
	}
	return nil
}

func (w *walker) object(pointer string, depth int) error {
	seen := map[string]bool{}
	for w.dec.More() {
		start := w.next()
		tok, err := w.dec.Token()
		if err != nil {
			return err
		}
		key, _ := tok.(string)
		if seen[key] {
			return &placeError{start, fmt.Sprintf("field %q stands twice in one object", key)}
		}
		seen[key] = true
		if err := w.value(pointer+ir.Pointer(key), depth+1); err != nil {
			return err
		}
	}
	_, err := w.dec.Token()
	return err
}

func (w *walker) list(pointer string, depth int) error {
	for i := 0; w.dec.More(); i++ {
		if err := w.value(pointer+"/"+strconv.Itoa(i), depth+1); err != nil {
			return err
		}
	}
	_, err := w.dec.Token()
	return err
}

// next is the offset of the next token: the decoder stops behind the last one.
func (w *walker) next() int64 {
	off := w.dec.InputOffset()
	for off < int64(len(w.data)) && bytes.IndexByte([]byte(" \t\r\n,:"), w.data[off]) >= 0 {
		off++
	}
	return off
}

// position counts line and column of a byte offset.
func position(file string, data []byte, offset int64) diag.Position {
	before := data[:max(0, min(offset, int64(len(data))))]
	return diag.Position{
		File: file,
		Line: bytes.Count(before, []byte("\n")) + 1, Column: len(before) - bytes.LastIndexByte(before, '\n'),
	}
}
