package compiler

import (
	"context"
	"slices"
	"strings"
	"sync"

	"github.com/darkstart-dev/darkstart/compiler/emit"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/release"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// Version is the compiler's own version. It stands in release records
// (minCompiler) and never in content.
const Version = "0.1.0"

// Bundles is the artifacts of a fleet sealed, with the records they belong to.
type Bundles struct {
	Sealed []*seal.Bundle // sorted by artifact
	// Streams holds the records of each stream: as they were, and as a release
	// leaves them.
	Streams []StreamRecords
	// New lists the artifacts that a release adds an entry for, sorted.
	New []string
}

// StreamRecords is the history of one stream.
type StreamRecords struct {
	Stream release.Stream
	Before *release.Records
	After  *release.Records
}

// Bundle returns the bundle of an artifact, or nil.
func (b *Bundles) Bundle(artifact string) *seal.Bundle {
	i := slices.IndexFunc(b.Sealed, func(x *seal.Bundle) bool { return x.Record.Artifact == artifact })
	if i < 0 {
		return nil
	}
	return b.Sealed[i]
}

// Commit says what a release records.
type Commit struct {
	// Records is the tree of the delivery branch, which has the release records
	// and is not always what is released (a hotfix). Nil is the released tree.
	Records *tree.Tree
	// Only limits the release to these artifacts; the others stay as the last
	// release has them. Nil means all.
	Only []string
	// Stage is where layers are kept as soon as they are sealed, when no cache
	// keeps them; nil keeps them in memory.
	Stage *oci.Stage
}

// Seal packs the artifacts of a finished compile. Their layers are in the cache
// of the compile, else on the stage, or with nil in memory. Content that is recorded in the tree's releases/
// gets its recorded release again, byte for byte. Other content is a candidate
// with serial 0.
func Seal(ctx context.Context, t *tree.Tree, res *Result, rev ir.Revision, stage *oci.Stage) (*Bundles, diag.List, error) {
	return bundles(ctx, t, res, rev, nil, stage)
}

// Release is Seal that records: content that is not the newest of its artifact
// becomes a new entry with the next serial.
func Release(ctx context.Context, t *tree.Tree, res *Result, rev ir.Revision, commit *Commit) (*Bundles, diag.List, error) {
	return bundles(ctx, t, res, rev, commit, commit.Stage)
}

func bundles(ctx context.Context, t *tree.Tree, res *Result, rev ir.Revision, commit *Commit, stage *oci.Stage) (*Bundles, diag.List, error) {
	streams, diags := streamsOf(res)
	out := &Bundles{}
	if commit != nil && commit.Records != nil {
		t = commit.Records
	}
	history, ds := History(t)
	if diags.Add(ds...); diags.HasErrors() {
		return nil, diags.Sorted(), nil
	}
	for _, s := range streams {
		if commit != nil && commit.Only != nil {
			s.Artifacts = slices.DeleteFunc(s.Artifacts, func(a string) bool { return !slices.Contains(commit.Only, a) })
			if len(s.Artifacts) == 0 {
				continue
			}
		}
		b := newBundler(ctx, res, rev, stage, out)
		b.stream, b.before, b.opt.History = s, history.Of(s.Name), history
		ds, err := b.seal(res, commit)
		if err != nil {
			return nil, nil, err
		}
		diags.Add(ds...)
	}
	if diags.HasErrors() {
		return nil, diags.Sorted(), nil
	}
	return out.sorted(), diags.Sorted(), nil
}

func (b *Bundles) sorted() *Bundles {
	slices.SortFunc(b.Sealed, func(a, b *seal.Bundle) int { return strings.Compare(a.Record.Artifact, b.Record.Artifact) })
	slices.Sort(b.New)
	return b
}

// streamsOf assigns the artifacts that were compiled to streams. A compile
// limited to some clusters has no fleet artifact worth keeping: its plans would
// speak of half a fleet.
func streamsOf(res *Result) ([]release.Stream, diag.List) {
	streams, diags := declaredStreams(res)
	for i := range streams {
		streams[i].Artifacts = slices.DeleteFunc(streams[i].Artifacts, func(a string) bool {
			return slices.Contains(res.Skipped, a) || a == ir.FleetArtifact && len(res.Skipped) > 0
		})
	}
	return streams, diags
}

// declaredStreams assigns every artifact of the fleet to its stream.
func declaredStreams(res *Result) ([]release.Stream, diag.List) {
	var declared map[string][]string
	at := func(string) diag.Position { return diag.Position{} }
	if p := res.Units.Project; p != nil {
		declared = p.Spec.Streams
		at = func(s string) diag.Position { return p.Pos.First(ir.Pointer("streams", s)) }
	}
	var names []string
	for _, c := range res.Units.Clusters {
		names = append(names, c.Name)
	}
	return release.Streams(declared, names, at)
}

// History reads the release records of a fleet, of all streams.
func History(t *tree.Tree) (release.History, diag.List) {
	var files []ir.File
	for _, e := range t.Files("releases") {
		b, err := t.ReadFile(e.Path)
		if d, ok := diag.From(err); ok {
			return nil, diag.List{d}
		}
		if err != nil {
			return nil, diag.List{diag.Errorf("REL001", "%s cannot be read: %v", e.Path, err).Fix("restore it from git: `git checkout -- %s`", e.Path)}
		}
		files = append(files, ir.File{Path: e.Path, Data: b})
	}
	h, diags := release.ParseAll(files)
	if !diags.HasErrors() {
		diags.Add(h.Check()...)
	}
	return h, diags
}

// bundler seals one stream.
type bundler struct {
	ctx    context.Context
	out    *Bundles
	stream release.Stream
	before *release.Records
	opt    release.Options

	stage *oci.Stage // nil for memory

	from  map[string]*Result // what each candidate was taken from
	mu    sync.Mutex
	made  []*seal.Bundle // what the candidates became
	diags diag.List      // about the files of candidates
}

// newBundler seals what a project compiles to, for a release of that revision.
func newBundler(ctx context.Context, res *Result, rev ir.Revision, stage *oci.Stage, out *Bundles) *bundler {
	b := &bundler{ctx: ctx, out: out, stage: stage, from: map[string]*Result{}}
	b.opt = release.Options{Revision: rev, MinCompiler: Version, Waivers: b.waivers}
	if p := res.Units.Project; p != nil {
		b.opt.ValidFor = p.Spec.Releases.ValidFor
	}
	return b
}

func (b *bundler) seal(res *Result, commit *Commit) (diag.List, error) {
	var candidates []release.Candidate
	for _, name := range b.stream.Artifacts {
		if c := b.candidate(res, name); c != nil {
			candidates = append(candidates, *c)
		}
	}
	if commit == nil {
		return b.finish(b.before, nil, b.recorded(candidates))
	}
	b.opt.Partial = commit.Only != nil
	return b.append(candidates)
}

// append records candidates as a new release.
func (b *bundler) append(cs []release.Candidate) (diag.List, error) {
	after, entries, ds, err := release.Append(b.before, cs, b.opt)
	for _, e := range entries {
		if e.New {
			b.out.New = append(b.out.New, e.Artifact)
		}
	}
	return b.finish(after, ds, err)
}

func (b *bundler) finish(after *release.Records, ds diag.List, err error) (diag.List, error) {
	b.out.Sealed = append(b.out.Sealed, b.made...)
	b.out.Streams = append(b.out.Streams, StreamRecords{b.stream, b.before, after})
	return append(b.diags, ds...), err
}

// candidate is an artifact of a compile, nil where there is none. What is wrong
// with its files is collected, not returned.
func (b *bundler) candidate(res *Result, name string) *release.Candidate {
	a := artifactOf(res, name)
	if a == nil {
		return nil
	}
	b.from[name] = res
	return &release.Candidate{Artifact: name, Draft: func() (release.Draft, error) {
		x := &sealing{artifact: a, kept: res.kept, about: b.about}
		content, err := x.content()
		if err != nil || content == "" {
			return release.Draft{}, err
		}
		return release.Draft{Content: content, Seal: func(r ir.Record) (digest.Digest, digest.Digest, error) {
			sealed, err := x.seal(b.ctx, r, b.stage)
			if err != nil || sealed == nil {
				return "", "", err
			}
			b.keep(res, sealed)
			return sealed.Digest(), sealed.Tar, nil
		}}, nil
	}}
}

func (b *bundler) about(ds diag.List) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.diags.Add(ds...)
}

func (b *bundler) keep(res *Result, sealed *seal.Bundle) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.made = append(b.made, sealed)
	res.event("seal", sealed.Record.Artifact, len(b.out.Sealed)+len(b.made), len(res.Artifacts))
}

func artifactOf(res *Result, name string) *ir.Artifact {
	i := slices.IndexFunc(res.Artifacts, func(a *ir.Artifact) bool { return a.Name == name })
	if i < 0 {
		return nil
	}
	return res.Artifacts[i]
}

// waivers returns those that the verdict on an artifact relied on.
func (b *bundler) waivers(artifact string) []ir.RecordedWaiver {
	res := b.from[artifact]
	if res == nil || res.Verdict == nil {
		return ir.RecordedWaivers(nil, artifact)
	}
	return ir.RecordedWaivers(res.Verdict.Waivers, artifact)
}

// recorded seals unchanged content with its recorded release and the rest as
// candidates.
func (b *bundler) recorded(cs []release.Candidate) error {
	return release.Each(cs, func(_ int, c *release.Candidate, d release.Draft) error {
		record := ir.Record{Artifact: c.Artifact, Correlation: d.Content.Short(), Stream: b.stream.Name, MinCompiler: Version}
		if of, last, ok := b.opt.History.Last(c.Artifact); ok && of == b.stream.Name && last.Content == d.Content {
			record = last.Record(b.stream.Name, c.Artifact)
		}
		_, _, err := d.Seal(record)
		return err
	})
}

// Pinned returns the files that pin a cluster so far, with paths below its own
// folder; none for a cluster that was never pinned. They tell what an engine
// has still to prune, and what was approved. A nil Pinned knows none.
type Pinned func(cluster string) ([]ir.File, error)

func (p Pinned) of(cluster string) ([]ir.File, error) {
	if p == nil {
		return nil, nil
	}
	return p(cluster)
}

// Pins returns the objects that pin the engines of a cluster to its bundle in a
// registry ("oci://host/path", without the artifact's name), with paths below
// the cluster's own folder.
func Pins(res *Result, registry string, b *seal.Bundle, before Pinned) ([]ir.File, diag.List, error) {
	return pin(res, registry, b.Record.Artifact, b.Recorded(), before, false)
}

// pin makes the deploy objects of one cluster, pinned to a release in a registry.
func pin(res *Result, registry, cluster string, e ir.Recorded, before Pinned, approve bool) ([]ir.File, diag.List, error) {
	files, err := before.of(cluster)
	if err != nil {
		return nil, nil, err
	}
	p := emit.Pin{
		Repository: strings.TrimSuffix(registry, "/") + "/" + cluster, Manifest: e.Manifest, Serial: e.Serial, Correlation: e.Content.Short(), Approve: approve,
	}
	if res.Units.Project != nil {
		p.Secrets = res.Units.Project.Spec.Releases.Secrets
	}
	return emit.Deploy(res.Fleet, res.Plan, cluster, p, files)
}

// ApplicationSets returns the sets of all rings that have anything pinned, with
// paths below deploy/; none unless the project asks for them.
func ApplicationSets(res *Result, pins Pinned) ([]ir.File, error) {
	if res.Units == nil || res.Units.Project == nil || !res.Units.Project.Spec.Releases.ApplicationSets {
		return nil, nil
	}
	rings := res.Units.Project.Spec.Rings
	if len(rings) == 0 {
		rings = [][]string{nil}
		for _, c := range res.Units.Clusters {
			rings[0] = append(rings[0], c.Name)
		}
	}
	var out []ir.File
	for i, ring := range rings {
		files := map[string][]ir.File{}
		for _, c := range ring {
			list, err := pins.of(c)
			if err != nil {
				return nil, err
			}
			files[c] = list
		}
		f, err := emit.ApplicationSets(i+1, files)
		if err != nil {
			return nil, err
		}
		if f != nil {
			out = append(out, *f)
		}
	}
	return out, nil
}
