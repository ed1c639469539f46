package ir

import (
	"slices"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/plans"
)

// DeltaVersion of the printed form. Fields may be added to it; a reader refuses
// another version.
const DeltaVersion = "darkstart.dev/delta/v1"

// Delta is what changes between two compiled fleets: what an engine would do,
// and what becomes of recovery. It is ordered and has no map.
type Delta struct {
	Version string `json:"version"`
	// Base and Head name the sides, as they were asked for.
	Base string `json:"base"`
	Head string `json:"head"`
	// Objects are those that differ, by cluster and key; never null.
	Objects []ObjectChange `json:"objects"`
	// Cells are the cells of the matrix that moved; never null. Compared is
	// false when a side has no plan: then nothing is known about them.
	Cells    []plans.CellChange `json:"cells"`
	Compared bool               `json:"compared"`
	// Hidden counts the fields that are noise. What has no other change is no
	// difference.
	Hidden []Hidden `json:"hidden,omitempty"`
	// NotCompared says, a line each, what else could not be compared and why (D6).
	NotCompared []string `json:"notCompared,omitempty"`
	// Tools are the recovery tools whose version differs, and Procedures those
	// whose closure differs (DESIGN §5.7); by name.
	Tools      []ToolChange `json:"tools,omitempty"`
	Procedures []string     `json:"procedures,omitempty"`
}

// Empty reports whether nothing differs that means something.
func (d *Delta) Empty() bool {
	return len(d.Cells) == 0 && !slices.ContainsFunc(d.Objects, func(c ObjectChange) bool { return !c.Quiet() })
}

// ToolChange is a recovery tool in another version.
type ToolChange struct {
	Tool   string `json:"tool"`
	Before string `json:"before"`
	After  string `json:"after"`
}

// Actions of an ObjectChange.
const (
	Added   = "added"
	Changed = "changed"
	Removed = "removed"
	// Renamed is the same object under another name: equal or nearly equal.
	Renamed = "renamed"
	// Moved is the same object in another part, phase or cluster; its content
	// may have changed too.
	Moved = "moved"
)

// ObjectChange is one object that differs.
type ObjectChange struct {
	Action string `json:"action"`
	Place
	// From is where a renamed or moved object was.
	From *Place `json:"from,omitempty"`
	// Fields that differ, by path. Those of an added or removed object are not
	// listed.
	Fields  []FieldChange `json:"fields,omitempty"`
	Dangers []Danger      `json:"dangers,omitempty"`
	// Stateful objects hold data, or are held by a store.
	Stateful bool `json:"stateful,omitempty"`
	// Pruned is set for a removed object that the engine deletes; without it
	// the object stays in the cluster and nobody manages it.
	Pruned bool `json:"pruned,omitempty"`
	// At is where the object is written: in the head, or in the base when it
	// was removed.
	At []diag.Position `json:"at,omitempty"`
}

// Hidden counts fields by why they are noise.
type Hidden struct {
	Reason string `json:"reason"`
	Fields int    `json:"fields"`
}

// Quiet reports whether nothing but noise differs.
func (c *ObjectChange) Quiet() bool {
	return c.Action == Changed && !slices.ContainsFunc(c.Fields, func(f FieldChange) bool { return f.Noise == "" })
}

// Grave reports whether DR007 asks for a waiver.
func (c *ObjectChange) Grave() bool {
	return slices.ContainsFunc(c.Dangers, func(d Danger) bool {
		return d.Kind != RBACWidening && d.Kind != ImageChange && (d.Kind != Prune || c.Stateful)
	})
}

// Place is where an object stands.
type Place struct {
	Cluster   string     `json:"cluster"`
	Component string     `json:"component,omitempty"`
	Part      string     `json:"part,omitempty"`
	Phase     string     `json:"phase,omitempty"`
	Key       object.Key `json:"key"`
	// Object is Key as findings and waivers write it.
	Object string `json:"object"`
}

// FieldChange is one field that differs.
type FieldChange struct {
	// Path is a JSON pointer into the object of the head, or of the base where
	// the head does not have the field. Where is the same for people: items of
	// a list are named by what identifies them.
	Path  string `json:"path"`
	Where string `json:"where"`
	// Before and After are the values; null when absent, and for the values of
	// a Secret, of which only Masked is said.
	Before any  `json:"before"`
	After  any  `json:"after"`
	Masked bool `json:"masked,omitempty"`
	// Immutable fields cannot be changed in place.
	Immutable bool `json:"immutable,omitempty"`
	// Noise is why the change says nothing about what runs: a checksum, the
	// version label of a chart, an annotation of ours; "" for a real change.
	Noise string `json:"noise,omitempty"`
}

// Kinds of Danger; they are stable API.
const (
	StatefulDeletion = "stateful-deletion"
	NamespaceRemoval = "namespace-removal"
	CRDRemoval       = "crd-removal"
	ImmutableField   = "immutable-field"
	RePhase          = "re-phase"
	Prune            = "prune"
	RBACWidening     = "rbac-widening"
	ImageChange      = "image-change"
)

// Danger is why somebody should look at a change.
type Danger struct {
	Kind string `json:"kind"`
	// Text is one clause, lower case, no full stop.
	Text string `json:"text"`
	Path string `json:"path,omitempty"` // JSON pointer, "" for the whole object
}
