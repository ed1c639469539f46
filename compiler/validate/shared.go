package validate

import (
	"context"
	"encoding/json"
	"math"
	"reflect"
	"slices"
	"strconv"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// What clusters share is judged once. An object is a base that many clusters
// have, and a few edits of its own: labels, a namespace, an image. Where the
// schema takes the base, and looks at nothing of what the edits touch but its
// type, it takes the object. Everything else is judged whole, and so are the
// rules outside of schemas (metadata, scope, workloads), for every object.

// base is what the schema of a checker says about the base of objects. It holds
// on to the base, so that the address it is found by stays the base's own.
type base struct {
	content map[string]any
	once    sync.Once
	passes  bool
}

// passes reports whether the schema finds nothing in an object, from what it
// said about the base. False means that nobody knows.
func (c *checker) passes(ctx context.Context, o *object.Object) bool {
	if o.Sole || slices.ContainsFunc(o.Edits, func(e object.Edit) bool { return !c.indifferent(o.Base, &e) }) {
		return false
	}
	slot, _ := c.bases.LoadOrStore(address(o.Base), &base{content: o.Base})
	b := slot.(*base)
	b.once.Do(func() {
		found := c.found(ctx, b.content)
		b.passes = len(found.unknown)+len(found.errors)+len(found.rules) == 0
	})
	return b.passes
}

// address tells maps apart.
func address(m map[string]any) uintptr { return reflect.ValueOf(m).Pointer() }

// indifferent reports whether an edit cannot change what the schema says about
// a content that it takes: what the edit writes has the type that the schema
// wants there, its place is one that the schema knows, and no rule looks at it.
func (c *checker) indifferent(content map[string]any, e *object.Edit) bool {
	if !c.builtin && len(e.Path) > 1 && e.Path[0] == "metadata" {
		return c.indifferentMetadata(content, e)
	}
	var v any = content
	s := c.structural
	for i, step := range e.Path {
		if !passive(s) {
			return false
		}
		switch x := v.(type) {
		case map[string]any:
			s, v = property(s, step), x[step]
		case []any:
			n, err := strconv.Atoi(step)
			if err != nil || n < 0 || n >= len(x) || i+1 < len(e.Path) && slices.Contains(s.XListMapKeys, e.Path[i+1]) {
				return false
			}
			s, v = s.Items, x[n]
		default:
			return false
		}
		if s == nil {
			return false
		}
	}
	if e.Merge {
		return mergesTexts(s, v, e.Value)
	}
	return takes(s, e.Value)
}

// indifferentMetadata is indifferent for the metadata of a custom resource. Its
// schema can restrict the two kinds of name and nothing else, and its rules see
// no more; the form of labels, annotations and namespace is judged elsewhere.
func (c *checker) indifferentMetadata(content map[string]any, e *object.Edit) bool {
	if v := c.structural.ValueValidation; v != nil && !plain(v) {
		return false
	}
	for name := range c.structural.Properties["metadata"].Properties {
		if name != "name" && name != "generateName" {
			return false
		}
	}
	meta, _ := content["metadata"].(map[string]any)
	if meta == nil || len(e.Path) != 2 {
		return false
	}
	switch e.Path[1] {
	case "labels", "annotations":
		v := meta[e.Path[1]]
		_, ok := v.(map[string]any)
		return e.Merge && (ok || v == nil) && texts(e.Value)
	case "namespace":
		_, ok := e.Value.(string)
		return ok && !e.Merge
	}
	return false
}

// property is the schema of a field, nil where the schema does not know it.
func property(s *schema.Structural, name string) *schema.Structural {
	if p, ok := s.Properties[name]; ok {
		return &p
	}
	if s.AdditionalProperties != nil {
		return s.AdditionalProperties.Structural
	}
	return nil
}

// passive reports whether a schema says nothing about a value by what stands
// inside of it.
func passive(s *schema.Structural) bool {
	return len(s.XValidations) == 0 && !s.XEmbeddedResource && !s.XPreserveUnknownFields &&
		(s.XListType == nil || *s.XListType != "set") &&
		(s.ValueValidation == nil || plain(s.ValueValidation))
}

// plain reports whether a schema demands no more of a value than that it has some
// fields and so many items: an edit takes none away, and adds no item.
func plain(v *schema.ValueValidation) bool {
	rest := *v
	rest.Required, rest.MinItems, rest.MaxItems, rest.MinProperties = nil, nil, nil, nil
	return reflect.ValueOf(rest).IsZero()
}

// mergesTexts reports whether a schema wants texts, and no certain ones, in a
// map to which some are added.
func mergesTexts(s *schema.Structural, there, added any) bool {
	if _, ok := there.(map[string]any); !ok && there != nil {
		return false
	}
	if s.Type != "object" || !passive(s) || len(s.Properties) > 0 || s.AdditionalProperties == nil || s.AdditionalProperties.Structural == nil {
		return false
	}
	return takes(s.AdditionalProperties.Structural, "") && texts(added)
}

// texts reports whether v is a map of texts.
func texts(v any) bool {
	m, ok := v.(map[string]any)
	for _, e := range m {
		if _, text := e.(string); !text {
			return false
		}
	}
	return ok
}

// takes reports whether a schema wants the type of a value, whatever its content.
func takes(s *schema.Structural, v any) bool {
	if len(s.XValidations) > 0 || s.XIntOrString {
		return false
	}
	var rest schema.ValueValidation
	if s.ValueValidation != nil {
		rest = *s.ValueValidation
	}
	switch v := v.(type) {
	case string:
		return s.Type == "string" && reflect.ValueOf(rest).IsZero()
	case int64:
		if rest.Format == "int32" && v >= math.MinInt32 && v <= math.MaxInt32 {
			rest.Format = ""
		}
		return s.Type == "integer" && reflect.ValueOf(rest).IsZero()
	}
	return false
}

// definitionID is what a CustomResourceDefinition is known by without a look at
// its content: the base, and the edits that its reader can see.
type definitionID struct {
	base  uintptr
	edits string
}

func definitionOf(o *object.Object) (definitionID, error) {
	seen := slices.DeleteFunc(slices.Clone(o.Edits), func(e object.Edit) bool {
		return e.Merge && slices.Equal(e.Path, []string{"metadata", "labels"})
	})
	b, err := json.Marshal(seen)
	return definitionID{address(o.Base), string(b)}, err
}
