// Package release keeps the records of what was released: the files
// releases/<stream>.json, which only ever grow (DESIGN §7).
//
// A release is content plus its record. Content is a pure function of a git
// tree; the record says which serial of which artifact it became, when, from
// which revision, and what came before. The records are committed to the
// delivery branch, and the push that is a fast-forward is the lock: two
// parallel releases cannot both take the next serial.
//
// Everything here is a function over values. Which files are read, where the
// result is written and what sealing does is the caller's; an artifact's bytes
// reach this package only as digests.
package release

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// Version of the file format. Readers refuse another major version.
const Version = "darkstart.dev/releases/v1"

// Records is one releases/<stream>.json. It is immutable; Append returns a new
// one. Fields stand in the order of their JSON names.
type Records struct {
	// Artifacts has the entries of each artifact, by ascending serial. The
	// artifacts of a cluster that is gone stay: entries are never removed.
	Artifacts map[string][]ir.Recorded `json:"artifacts"`
	// Releases are in the order in which they were made.
	Releases []Release `json:"releases"`
	Stream   string    `json:"stream"`
	Version  string    `json:"version"`

	file string
	text []byte           // as parsed; places are counted only when one is printed
	at   map[string]int64 // JSON pointer to offset in text
}

// Release is one state of a whole stream: which serial of each artifact
// belongs together.
type Release struct {
	Artifacts map[string]int `json:"artifacts"` // name to serial
	// Hotfix lists the artifacts that a hotfix was made for, sorted: publish
	// pins them whatever their ring. No other release has any.
	Hotfix   []string `json:"hotfix,omitempty"`
	ID       string   `json:"id"` // "<stream>-<number>", counting from 1
	Revision string   `json:"revision"`
}

// File returns the path of a stream's records in a fleet repository.
func File(stream string) string { return "releases/" + stream + ".json" }

// New returns the records of a stream that has released nothing.
func New(stream string) *Records {
	return &Records{Artifacts: map[string][]ir.Recorded{}, Releases: []Release{}, Stream: stream, Version: Version, file: File(stream)}
}

// Encode returns the file's bytes: indented JSON with sorted keys, equal for
// equal records.
func (r *Records) Encode() ([]byte, error) { return object.Encode(r) }

// Last returns the newest entry of an artifact.
func (r *Records) Last(artifact string) (ir.Recorded, bool) {
	es := r.Artifacts[artifact]
	if len(es) == 0 {
		return ir.Recorded{}, false
	}
	return es[len(es)-1], true
}

// Entry returns the entry of an artifact with that serial.
func (r *Records) Entry(artifact string, serial int) (ir.Recorded, bool) {
	for _, e := range r.Artifacts[artifact] {
		if e.Serial == serial {
			return e, true
		}
	}
	return ir.Recorded{}, false
}

// Release returns the release of that id; "" is the newest.
func (r *Records) Release(id string) (Release, bool) {
	for _, x := range slices.Backward(r.Releases) {
		if id == "" || x.ID == id {
			return x, true
		}
	}
	return Release{}, false
}

// Candidate is an artifact that was compiled and may or may not be new.
type Candidate struct {
	Artifact string
	// Revision is the commit that has the content, for a renewal of what was
	// made of an older one; "" is that of Options.
	Revision string
	// Draft makes the content. It is called once, and what it returns is dropped
	// before many others are called: contents are large. It may be called from
	// several goroutines. A draft without Seal leaves the candidate out: whoever
	// made it knows why.
	Draft func() (Draft, error)
}

// Draft is the content of a candidate.
type Draft struct {
	Content digest.Digest
	// Seal packs the content with a record and returns the digests of the
	// result. It is called once, and must be pure.
	Seal func(ir.Record) (manifest, tar digest.Digest, err error)
}

// Each drafts candidates, as many at once as there are processors, and calls
// f with each draft that there is, from several goroutines.
func Each(cs []Candidate, f func(i int, c *Candidate, d Draft) error) error {
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for i := range cs {
		g.Go(func() error {
			d, err := cs[i].Draft()
			if err != nil || d.Seal == nil {
				return err
			}
			return f(i, &cs[i], d)
		})
	}
	return g.Wait()
}

// Options of Append.
type Options struct {
	// Revision is the commit that the candidates were compiled from. Its Time
	// becomes the time of issue: a release holds no clock (D2).
	Revision ir.Revision
	// ValidFor limits how long new entries are valid; 0 is for ever.
	ValidFor plans.Duration
	// MinCompiler is the oldest compiler that can read what is sealed now.
	MinCompiler string
	// Renew makes a new entry of every candidate, changed or not.
	Renew bool
	// History is the records of all streams. An artifact that was of another
	// one goes on with its serials. Nil is prior alone.
	History History
	// Partial keeps the artifacts that are not among the candidates as the last
	// release has them: a hotfix of some clusters. Otherwise they leave the
	// stream.
	Partial bool
	// Waivers returns those that an artifact's verdict relied on. Nil records
	// that there were none.
	Waivers func(artifact string) []ir.RecordedWaiver
}

// Recorded is what one candidate became.
type Recorded struct {
	Artifact string
	// Record is what to seal the content with, to get the recorded bytes.
	Record ir.Record
	Entry  ir.Recorded
	// New is false when the content was recorded before and keeps its release.
	New bool
}

// Append records candidates and returns the new records, and for each
// candidate, sorted by artifact, the record that it is sealed with. Unchanged
// content keeps its entry; a changed artifact gets exactly one new entry, with
// the next serial; content that returns to an older state is new as well. When
// no artifact is new and none left the stream, prior is returned as it is.
func Append(prior *Records, candidates []Candidate, o Options) (*Records, []Recorded, diag.List, error) {
	if d := checkRevision(prior, o.Revision); d != nil {
		return nil, nil, diag.List{d}, nil
	}
	current := map[string]int{}
	var hotfix []string
	if last, ok := prior.Release(""); ok && o.Partial {
		maps.Copy(current, last.Artifacts)
	}
	cs := slices.Clone(candidates)
	slices.SortFunc(cs, func(a, b Candidate) int { return strings.Compare(a.Artifact, b.Artifact) })
	for i := 1; i < len(cs); i++ {
		if cs[i-1].Artifact == cs[i].Artifact {
			return nil, nil, nil, fmt.Errorf("release: artifact %q was compiled twice", cs[i].Artifact)
		}
	}
	recorded, found := make([]Recorded, len(cs)), make([]*diag.Diagnostic, len(cs))
	err := Each(cs, func(i int, c *Candidate, d Draft) (err error) {
		recorded[i], found[i], err = prior.record(c, d, o)
		return err
	})
	if err != nil {
		return nil, nil, nil, err
	}
	var diags diag.List
	if diags.Add(found...); diags.HasErrors() {
		return nil, nil, diags.Sorted(), nil
	}
	next := prior.clone()
	out := slices.DeleteFunc(recorded, func(r Recorded) bool { return r.Artifact == "" }) // left out
	for _, r := range out {
		current[r.Artifact] = r.Entry.Serial
		if o.Partial {
			hotfix = append(hotfix, r.Artifact)
		}
		if r.New {
			next.Artifacts[r.Artifact] = append(slices.Clip(next.Artifacts[r.Artifact]), r.Entry)
		}
	}
	if last, ok := prior.Release(""); ok && maps.Equal(last.Artifacts, current) {
		return prior, out, nil, nil
	}
	next.Releases = append(next.Releases, Release{
		Artifacts: current, Hotfix: hotfix, Revision: o.Revision.Commit,
		ID: fmt.Sprintf("%s-%d", prior.Stream, len(prior.Releases)+1),
	})
	return next, out, nil, nil
}

// record finds or makes the entry of one candidate.
func (r *Records) record(c *Candidate, d Draft, o Options) (Recorded, *diag.Diagnostic, error) {
	last, here := r.Last(c.Artifact)
	if _, e, ok := o.History.Last(c.Artifact); ok && e.Serial > last.Serial {
		last, here = e, false // it comes, or comes back, from another stream
	}
	if here && last.Content == d.Content && !o.Renew {
		return r.again(c, d, last)
	}
	e := ir.Recorded{
		Content: d.Content, Issued: o.Revision.Time, MinCompiler: o.MinCompiler,
		NotAfter: notAfter(o), Previous: last.Manifest, Revision: cmp.Or(c.Revision, o.Revision.Commit),
		Serial: last.Serial + 1, Waivers: []ir.RecordedWaiver{},
	}
	if o.Waivers != nil {
		e.Waivers = o.Waivers(c.Artifact)
	}
	record := e.Record(r.Stream, c.Artifact)
	var err error
	if e.Manifest, e.Tar, err = d.Seal(record); err != nil {
		return Recorded{}, nil, err
	}
	return Recorded{Artifact: c.Artifact, Record: record, Entry: e, New: true}, nil, nil
}

// again seals unchanged content with its recorded record. Other bytes than the
// recorded ones would be a second artifact under one serial.
func (r *Records) again(c *Candidate, d Draft, e ir.Recorded) (Recorded, *diag.Diagnostic, error) {
	record := e.Record(r.Stream, c.Artifact)
	manifest, tar, err := d.Seal(record)
	if err != nil {
		return Recorded{}, nil, err
	}
	if manifest != e.Manifest || tar != e.Tar {
		return Recorded{}, diag.Errorf("REL005", "serial %d of %q cannot be made again: it is recorded as %s, and this compiler seals %s", e.Serial, c.Artifact, e.Manifest, manifest).
			At(r.position(entryPointer(c.Artifact, r.Artifacts[c.Artifact], e.Serial)), "recorded here").
			Fix("compile with the version that made the release").
			Fix("or give the content a new serial with this version: `darkstart release --renew`"), nil
	}
	return Recorded{Artifact: c.Artifact, Record: record, Entry: e}, nil, nil
}

func checkRevision(r *Records, rev ir.Revision) *diag.Diagnostic {
	t, err := time.Parse(time.RFC3339, rev.Time)
	if rev.Kind == "commit" && rev.Commit != "" && err == nil && t.UTC().Format(time.RFC3339) == rev.Time {
		return nil
	}
	kind := rev.Kind
	if kind == "" {
		kind = "unknown"
	}
	return diag.Errorf("REL004", "stream %q cannot release from a tree of kind %s: a release names the commit that it was compiled from", r.Stream, kind).
		Fix("commit, and run `darkstart release` on the delivery branch")
}

func notAfter(o Options) string {
	if o.ValidFor <= 0 {
		return ""
	}
	t, _ := time.Parse(time.RFC3339, o.Revision.Time) // checkRevision has parsed it
	return t.Add(time.Duration(o.ValidFor) * time.Millisecond).UTC().Truncate(time.Second).Format(time.RFC3339)
}

// clone copies what Append changes; entries are values.
func (r *Records) clone() *Records {
	c := *r
	c.Artifacts = maps.Clone(r.Artifacts)
	if c.Artifacts == nil {
		c.Artifacts = map[string][]ir.Recorded{}
	}
	c.Releases = slices.Clip(slices.Clone(r.Releases))
	return &c
}

// Equal reports whether both encode to the same bytes.
func (r *Records) Equal(s *Records) bool {
	a, errA := r.Encode()
	b, errB := s.Encode()
	return errA == nil && errB == nil && bytes.Equal(a, b)
}
