// Package object is a rendered Kubernetes object as plain Go data (D4).
//
// Values are those of encoding/json after numbers were normalised: map[string]any,
// []any, string, bool, int64, float64 and nil. Objects are immutable once
// rendered: several clusters may share one.
package object

import (
	"cmp"
	"encoding/json"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/diag"
)

// Key identifies an object inside one cluster. The version is left out: the
// same object may be written in several.
type Key struct {
	Group     string `json:"group,omitempty"`
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
}

// String returns "group/Kind/namespace/name"; the core group and the absent
// namespace are left out, so a Namespace is "Namespace/prod".
func (k Key) String() string {
	parts := make([]string, 0, 4)
	for _, p := range []string{k.Group, k.Kind, k.Namespace, k.Name} {
		if p != "" {
			parts = append(parts, p)
		}
	}
	return strings.Join(parts, "/")
}

// Compare orders keys by namespace, group, kind and name.
func (k Key) Compare(l Key) int {
	return cmp.Or(
		cmp.Compare(k.Namespace, l.Namespace),
		cmp.Compare(k.Group, l.Group),
		cmp.Compare(k.Kind, l.Kind),
		cmp.Compare(k.Name, l.Name),
	)
}

// Origin says where an object was written.
type Origin struct {
	// Pos is the first line of the document that produced the object.
	Pos diag.Position
	// Document counts YAML documents in that file, from 0.
	Document int
	// Within is the JSON pointer of the object in its document: "/items/2" when
	// it was an item of a List, else "".
	Within string
	// Exact is false when a transformer or template stands between the file
	// and the object, so that a JSON path has no line of its own there.
	Exact bool
}

// Hook is the Helm hook of an object, nil for ordinary objects.
type Hook struct {
	Events []string // pre-install, post-upgrade, …; sorted
	Weight int
}

// Object is one Kubernetes object. What it says is Base with Edits: many
// clusters share a source, and what is their own is a few settings. So a fleet
// of objects costs memory for what differs, and a content exists while somebody
// reads it.
type Object struct {
	*Source
	Namespace string
	Name      string
	Component string // whose it is, "" where that is not known
	Edits     []Edit // what stands otherwise than in Base, in their order
}

// Source is what an object was made of. Objects share it: it is never changed
// once there is a second one.
type Source struct {
	APIVersion string
	Kind       string
	Base       map[string]any
	Sole       bool // no other object has this Base: nothing is gained by keeping what is made of it
	Origin     Origin
	Hook       *Hook
}

// Group returns the API group, "" for core.
func (o *Object) Group() string {
	g, _, ok := strings.Cut(o.APIVersion, "/")
	if !ok {
		return ""
	}
	return g
}

// Version returns the API version without its group.
func (o *Object) Version() string {
	if _, v, ok := strings.Cut(o.APIVersion, "/"); ok {
		return v
	}
	return o.APIVersion
}

// Key returns the identity of the object in its cluster.
func (o *Object) Key() Key {
	return Key{Group: o.Group(), Kind: o.Kind, Namespace: o.Namespace, Name: o.Name}
}

// Own returns a copy of the object with a source of its own, which may be changed
// until it is shared.
func (o *Object) Own() *Object {
	out, source := *o, *o.Source
	out.Source = &source
	return &out
}

// New reads apiVersion, kind and metadata from content. It does not check
// them: a renderer does, with positions.
func New(content map[string]any, origin Origin) *Object {
	o := &Object{Source: &Source{Base: content, Origin: origin}}
	o.APIVersion, _ = content["apiVersion"].(string)
	o.Kind, _ = content["kind"].(string)
	o.Namespace = String(content, "metadata", "namespace")
	o.Name = String(content, "metadata", "name")
	return o
}

// Get walks maps by field and returns the value, or nil when a step is absent.
func Get(v any, path ...string) any {
	for _, p := range path {
		m, ok := v.(map[string]any)
		if !ok {
			return nil
		}
		v = m[p]
	}
	return v
}

// String walks maps by field and returns the string there, or "".
func String(v any, path ...string) string {
	s, _ := Get(v, path...).(string)
	return s
}

// Slice walks maps by field and returns the list there, or nil.
func Slice(v any, path ...string) []any {
	s, _ := Get(v, path...).([]any)
	return s
}

// Map walks maps by field and returns the map there, or nil.
func Map(v any, path ...string) map[string]any {
	m, _ := Get(v, path...).(map[string]any)
	return m
}

// Int walks maps by field and returns the integer there; ok is false when it
// is absent or not an integer.
func Int(v any, path ...string) (n int64, ok bool) {
	n, ok = Get(v, path...).(int64)
	return n, ok
}

// Normalize turns the output of a YAML or JSON decoder into the value types of
// this package: json.Number and all integer kinds become int64 where exact,
// else float64; map[any]any is refused by returning it unchanged.
func Normalize(v any) any {
	switch x := v.(type) {
	case map[string]any:
		for k, e := range x {
			x[k] = Normalize(e)
		}
	case []any:
		for i, e := range x {
			x[i] = Normalize(e)
		}
	case json.Number:
		if n, err := x.Int64(); err == nil {
			return n
		}
		f, _ := x.Float64()
		return Normalize(f)
	case float64:
		if x == 0 {
			return 0.0 // JSON has a negative zero; Kubernetes has no use for it
		}
	case int:
		return int64(x)
	case uint64:
		if x <= 1<<63-1 {
			return int64(x)
		}
		return float64(x)
	}
	return v
}
