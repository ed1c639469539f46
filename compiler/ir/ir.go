// Package ir holds the nouns that pass between the stages of the compiler.
//
//	tree.Tree ─evaluate→ Units ─render→ Rendered ─link→ Fleet ─plan→ plans.Plan
//	        Fleet + Plan ─emit→ Artifacts ─seal→ Bundle
//
// Values are immutable once a stage has returned them: stages run in parallel
// and share them. Nothing here knows a stage; a stage never imports a stage.
package ir

import (
	"bytes"
	"io"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/plans"
)

// Revision says where the input came from. It reaches records, attestations
// and now, never content (D2, D13).
type Revision struct {
	Commit string // full hex id; "" for an uncommitted tree of an empty repository
	Tree   string // tree id of the fleet folder, "" for index and working tree
	Kind   string // "commit", "index" or "worktree"
	// Time is the committer time in RFC 3339, UTC: the default of now.
	Time string
}

// Pointer joins reference tokens into a JSON pointer.
func Pointer(tokens ...string) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteByte('/')
		b.WriteString(strings.ReplaceAll(strings.ReplaceAll(t, "~", "~0"), "/", "~1"))
	}
	return b.String()
}

// Unit is one translation unit (D3): evaluated alone.
type Unit[T any] struct {
	// Name is the cluster's folder name, or "fleet", "recovery", "project",
	// "waivers".
	Name string
	// Dir is the folder, relative to the fleet root.
	Dir  string
	Spec T
	// JSON is the whole evaluated value, canonical: rules read it as `spec`.
	JSON []byte
	Pos  Positions
	// Files were read to evaluate the unit, sorted.
	Files []string
	// ID names everything that the unit was made of: units with equal IDs are
	// equal. "" when nothing is kept between compiles.
	ID string
}

// Units is a fleet repository evaluated. Fields are nil for absent folders
// (D15), Clusters is sorted by name.
type Units struct {
	Project  *Unit[spec.Project]
	Fleet    *Unit[spec.Fleet]
	Recovery *Unit[spec.Recovery]
	Waivers  *Unit[spec.Waivers]
	Clusters []*Unit[spec.Cluster]
	// Trust is trust.cue. It says who may sign a release, and reaches no content.
	Trust *Unit[spec.Trust]
	// Evidence is the records of evidence/, one unit a file, sorted by name:
	// the path below evidence/ without ".json".
	Evidence []*Unit[spec.Evidence]
}

// Cluster returns the unit of that name, or nil.
func (u *Units) Cluster(name string) *Unit[spec.Cluster] {
	i, ok := slices.BinarySearchFunc(u.Clusters, name, func(c *Unit[spec.Cluster], name string) int { return strings.Compare(c.Name, name) })
	if !ok {
		return nil
	}
	return u.Clusters[i]
}

// Rendered is the objects of one cluster.
type Rendered struct {
	Cluster    string
	Components []RenderedComponent // sorted by name
}

// RenderedComponent is the objects of one component, sorted by key.
type RenderedComponent struct {
	Name string
	// ID names everything that the source was rendered from, "" when nothing is
	// kept between compiles. What the cluster's own settings made of it depends
	// on the cluster's unit too.
	ID      string
	Objects []*object.Object
	// Images maps every image reference to the objects that use it.
	Images []Image
	// Tests are the chart's test hooks: they join the test ladder and are
	// never applied with Objects.
	Tests []*object.Object
	// Impure names functions of a chart that answer something else each time:
	// they were called, and no object shows it.
	Impure []string
	// Charts lists the chart that the source is and its subcharts, by name; nil
	// for another kind of source.
	Charts []Chart
	// Renamed lists the Jobs whose names got a content hash (DESIGN §7): a gate
	// that names one by its written name means the new one.
	Renamed []Rename
}

// Rename is an object that is written under one key and applied under another.
type Rename struct {
	From, To object.Key
}

// Chart is a Helm chart that objects were rendered from.
type Chart struct {
	Name, Version string
	AppVersion    string // of what the chart installs; "" when it does not say
	// Path is where it lies in the fleet, a folder or an archive; a subchart has
	// that of its parent.
	Path string
	Sub  bool
	// Digest is that of an archive, Hash the digest.Dir of a folder. A subchart
	// has neither: its parent's covers it.
	Digest digest.Digest
	Hash   string
}

// Image is one image reference in an object.
type Image struct {
	Ref    string // as written
	Object object.Key
	Path   string // JSON pointer in the object
}

// PartName is one of the ordering units of a component (D14).
type PartName string

// The parts in their natural order. Extras are "extras/<component>"; Helm's
// pre- and post-hooks become parts before and after run. Access holds
// definitions in Namespaces of another component, where Namespaces of several
// components hold each other's definitions: they come after all of those.
const (
	PartDefs   PartName = "defs"
	PartAccess PartName = "access"
	PartPre    PartName = "pre"
	PartRun    PartName = "run"
	PartPost   PartName = "post"
	PartHooks  PartName = "hooks"
	PartOwn    PartName = "own"
)

// PartExtras names the part of objects whose kind p defines or intercepts.
func PartExtras(p string) PartName { return PartName("extras/" + p) }

// Part is a set of objects that are applied together.
type Part struct {
	Component string
	Name      PartName
	// Node is the id in the fleet graph: "C/comp" for run, else "C/comp@part".
	Node    string
	Phase   string
	Objects []*object.Object // sorted by key
	// Gates that hold before what follows the part, in their declared order and
	// under the names that objects are applied with (RenderedComponent.Renamed).
	// A gate on what is made at run time belongs to run.
	Gates []spec.Gate
}

// ID returns "component/part", the folder below parts/ in a bundle.
func (p *Part) ID() string { return p.Component + "/" + string(p.Name) }

// Linked is one cluster after linking.
type Linked struct {
	Name  string
	Unit  *Unit[spec.Cluster]
	Parts []*Part // sorted by ID
	// Phases in order; one named "all" when none is declared.
	Phases []spec.Phase
	// Seed lists the phases applied before an engine exists.
	Seed []string
}

// Fleet is the linked program: everything joined by name.
type Fleet struct {
	Units    *Units
	Clusters []*Linked // sorted by name
	Model    *plans.Model
	Facts    Facts
}

// Cluster returns the linked cluster of that name, or nil.
func (f *Fleet) Cluster(name string) *Linked {
	i, ok := slices.BinarySearchFunc(f.Clusters, name, func(c *Linked, name string) int { return strings.Compare(c.Name, name) })
	if !ok {
		return nil
	}
	return f.Clusters[i]
}

// RuleResult counts what one rule did. A rule that evaluated nothing is never
// "passed" (D6).
type RuleResult struct {
	ID        string `json:"id"`
	Title     string `json:"title,omitempty"`
	Evaluated int    `json:"evaluated"` // inputs the rule was applied to
	Findings  int    `json:"findings"`
	Waived    int    `json:"waived"`
	// Excepted inputs were let pass by an exception of the policy itself.
	Excepted int `json:"excepted,omitempty"`
	// Skipped says why a rule did not apply ("" when it did).
	Skipped string `json:"skipped,omitempty"`
}

// Verdict is what the guardrails say about a fleet.
type Verdict struct {
	Rules    []RuleResult // sorted by ID
	Findings diag.List    // sorted; waived ones included
	// Waivers holds every waiver that was judged: those of waivers/ by name, then
	// those beside lines, by place. None when waivers were not to count.
	Waivers []WaiverResult
	// PolicyDigest covers every policy that was evaluated.
	PolicyDigest digest.Digest
	// NotEvaluated says that a policy set which the user named judged nothing:
	// the job was not done, whatever else was found (DESIGN §11).
	NotEvaluated bool
}

// File is one file of an artifact.
type File struct {
	Path string // slash-separated, relative
	Data []byte
}

// Artifact is the content of one bundle before it is sealed: a cluster's, or
// the fleet's.
type Artifact struct {
	Name string // cluster name, or "fleet"
	// Write makes the files, one after the other in any order: each is written to
	// what create returns for it, before the next is created. So not even one file
	// has to be in memory as a whole: those of a large artifact would fill it, and
	// those of all clusters do. It may be called again, and makes the same files.
	Write func(create func(path string) io.Writer) error
	// MadeFrom names everything that the files are made from: artifacts of a name
	// with equal lists are equal. Nil when that is not known.
	MadeFrom []string
}

// Files returns all files at once, byte-sorted by path.
func (a *Artifact) Files() ([]File, error) {
	var paths []string
	var texts []*bytes.Buffer
	err := a.Write(func(path string) io.Writer {
		paths, texts = append(paths, path), append(texts, new(bytes.Buffer))
		return texts[len(texts)-1]
	})
	out := make([]File, len(paths))
	for i, path := range paths {
		out[i] = File{path, texts[i].Bytes()}
	}
	slices.SortFunc(out, func(a, b File) int { return strings.Compare(a.Path, b.Path) })
	return out, err
}

// Content writes the files of an artifact that is in memory.
func Content(files []File) func(create func(path string) io.Writer) error {
	return func(create func(path string) io.Writer) error {
		for _, f := range files {
			if _, err := create(f.Path).Write(f.Data); err != nil {
				return err
			}
		}
		return nil
	}
}

// FleetArtifact is the name of the artifact with runbooks and recovery plans.
const FleetArtifact = "fleet"

// Lock is darkstart.lock: digests of everything that is not in git.
type Lock struct {
	Version string               `json:"version"`
	Images  map[string]LockEntry `json:"images,omitempty"` // reference to entry
	Charts  map[string]LockEntry `json:"charts,omitempty"`
	Other   map[string]LockEntry `json:"other,omitempty"`
}

// LockEntry is one pinned thing.
type LockEntry struct {
	Digest digest.Digest `json:"digest"`
	// Signed says what lock found in the registry: "cosign", "none", or ""
	// when it was imported and nothing was looked up.
	Signed     string `json:"signed,omitempty"`
	Provenance string `json:"provenance,omitempty"`
	// At is where the entry is written, zero when it is not yet.
	At diag.Position `json:"-"`
}

// Facts are what the linker noticed and the guardrails judge: they are data
// for Rego, not verdicts.
type Facts struct {
	Dangling       []Dangling      `json:"dangling"`
	Contradictions []Contradiction `json:"contradictions"`
}

// Dangling is an edge that points at nothing, or at a node of a kind that
// cannot satisfy it. Declared ones are BS001, derived ones are unknown.
type Dangling struct {
	Node    string         `json:"node"` // who needs it
	Set     string         `json:"set"`  // run, start, operate, observe, by, from, …
	Name    string         `json:"name"` // as written
	Nearest string         `json:"nearest,omitempty"`
	Kind    string         `json:"kind,omitempty"` // the inadmissible kind, "" when it does not exist
	Derived bool           `json:"derived,omitempty"`
	Why     *plans.Because `json:"why,omitempty"`
}

// Contradiction is a declared phase that an edge forbids (BS003).
type Contradiction struct {
	Cluster    string       `json:"cluster"`
	Component  string       `json:"component"`
	Phase      string       `json:"phase"`
	Needs      string       `json:"needs"` // component or part that comes later
	NeedsPhase string       `json:"needsPhase"`
	Path       []plans.Edge `json:"path"`
	// Webhook is set when the edge is an interception by a fail-closed webhook.
	Webhook string `json:"webhook,omitempty"`
}

// Validation counts what the object schemas judged (D6).
type Validation struct {
	Evaluated int `json:"evaluated"`
	// NotEvaluated lists "group/version Kind" without a schema, with the number
	// of objects, sorted.
	NotEvaluated []Uncovered `json:"notEvaluated,omitempty"`
}

// Uncovered is a kind without a schema.
type Uncovered struct {
	Kind    string `json:"kind"`
	Objects int    `json:"objects"`
}
