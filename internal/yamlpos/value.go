package yamlpos

import (
	"encoding/base64"
	"fmt"
	"math"
	"strings"

	"go.yaml.in/yaml/v3"
)

// walker turns syntax trees into values, counting what they cost.
type walker struct {
	limits   Limits
	values   int // in the text
	expanded int // through aliases, in this document
	inAlias  int
	open     map[*yaml.Node]bool // anchors being expanded
}

func (w *walker) document(index int, doc *yaml.Node) (*Document, *Problem) {
	if doc.Kind != yaml.DocumentNode || len(doc.Content) == 0 {
		return nil, nil
	}
	root := doc.Content[0]
	if root.Kind == yaml.ScalarNode && root.ShortTag() == "!!null" {
		return nil, nil
	}
	w.expanded, w.inAlias, w.open = 0, 0, map[*yaml.Node]bool{}
	v, p := w.value(root, 0)
	if p != nil {
		return nil, p
	}
	return &Document{Index: index, Line: root.Line, Column: root.Column, Value: v, root: root}, nil
}

func problem(k Kind, n *yaml.Node, format string, args ...any) *Problem {
	return &Problem{Kind: k, Line: n.Line, Column: n.Column, Message: fmt.Sprintf(format, args...)}
}

// count charges one value to the text, or to the aliases of the document.
func (w *walker) count(n *yaml.Node, depth int) *Problem {
	if depth > w.limits.Depth {
		return problem(Depth, n, "nested deeper than %d levels", w.limits.Depth)
	}
	if w.inAlias > 0 {
		if w.expanded++; w.expanded > w.limits.Expansion {
			return problem(Alias, n, "aliases expand to more than %d values", w.limits.Expansion)
		}
		return nil
	}
	if w.values++; w.values > w.limits.Values {
		return problem(Values, n, "more than %d values in one file", w.limits.Values)
	}
	return nil
}

func (w *walker) value(n *yaml.Node, depth int) (any, *Problem) {
	if p := w.count(n, depth); p != nil {
		return nil, p
	}
	switch n.Kind {
	case yaml.AliasNode:
		return w.alias(n, depth)
	case yaml.MappingNode:
		return w.mapping(n, depth)
	case yaml.SequenceNode:
		if p := knownTag(n, "!!seq"); p != nil {
			return nil, p
		}
		out := make([]any, 0, len(n.Content))
		for _, c := range n.Content {
			v, p := w.value(c, depth+1)
			if p != nil {
				return nil, p
			}
			out = append(out, v)
		}
		return out, nil
	}
	return scalar(n)
}

func (w *walker) alias(n *yaml.Node, depth int) (any, *Problem) {
	if w.open[n.Alias] {
		return nil, problem(Alias, n, "anchor %q contains itself", n.Value)
	}
	w.open[n.Alias] = true
	w.inAlias++
	v, p := w.value(n.Alias, depth+1)
	w.inAlias--
	delete(w.open, n.Alias)
	if p != nil && p.Kind == Alias {
		p.Line, p.Column = n.Line, n.Column
	}
	return v, p
}

func knownTag(n *yaml.Node, want string) *Problem {
	if n.Style&yaml.TaggedStyle != 0 && n.ShortTag() != want {
		return problem(Tag, n, "tag %s is not known to Kubernetes", n.Tag)
	}
	return nil
}

func (w *walker) mapping(n *yaml.Node, depth int) (any, *Problem) {
	if p := knownTag(n, "!!map"); p != nil {
		return nil, p
	}
	out := make(map[string]any, len(n.Content)/2)
	lines := make(map[string]int, len(n.Content)/2)
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if isMerge(k) {
			merges = append(merges, v)
			continue
		}
		key, p := keyOf(k)
		if p != nil {
			return nil, p
		}
		if first, twice := lines[key]; twice {
			p := problem(Duplicate, k, "key %q stands twice in one mapping", key)
			p.Other = first
			return nil, p
		}
		lines[key] = k.Line
		val, p := w.value(v, depth+1)
		if p != nil {
			return nil, p
		}
		out[key] = val
	}
	for _, m := range merges {
		if p := w.merge(out, m, depth); p != nil {
			return nil, p
		}
	}
	return out, nil
}

func isMerge(k *yaml.Node) bool {
	return k.Kind == yaml.ScalarNode && k.Value == "<<" && k.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0
}

// merge adds what a merge key names; a key of the mapping itself wins, and of
// several merged mappings the first one that has it.
func (w *walker) merge(into map[string]any, n *yaml.Node, depth int) *Problem {
	v, p := w.value(n, depth+1)
	if p != nil {
		return p
	}
	sources, ok := v.([]any)
	if !ok {
		sources = []any{v}
	}
	for _, s := range sources {
		m, ok := s.(map[string]any)
		if !ok {
			return problem(KeyType, n, "a merge key takes a mapping or a list of mappings")
		}
		for k, e := range m {
			if _, own := into[k]; !own {
				into[k] = e
			}
		}
	}
	return nil
}

// keyOf accepts keys that every reader takes for the same string. kubectl
// reads on: as "true": and 80: as "80":, kustomize does not; such a key must
// be quoted.
func keyOf(k *yaml.Node) (string, *Problem) {
	if k.Kind == yaml.AliasNode && k.Alias.Kind == yaml.ScalarNode {
		k = k.Alias
	}
	if k.Kind != yaml.ScalarNode {
		return "", problem(KeyType, k, "a mapping or list stands where a key must")
	}
	v, p := scalar(k)
	if p != nil {
		return "", p
	}
	s, ok := v.(string)
	if !ok {
		return "", problem(KeyType, k, "key %s is read as %s, not as a string", k.Value, describe(v))
	}
	return s, nil
}

func describe(v any) string {
	switch v.(type) {
	case bool:
		return "a boolean"
	case nil:
		return "null"
	}
	return "a number"
}

// scalar gives a scalar the value that kubectl gives it.
func scalar(n *yaml.Node) (any, *Problem) {
	tag := ""
	if n.Style&yaml.TaggedStyle != 0 {
		tag = n.ShortTag()
	}
	switch tag {
	case "":
		if n.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
			return n.Value, nil
		}
	case "!!str", "!":
		return n.Value, nil
	case "!!binary":
		b, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(n.Value), ""))
		if err != nil {
			return nil, problem(Scalar, n, "!!binary value is not base64")
		}
		return string(b), nil
	case "!!bool", "!!int", "!!float", "!!null", "!!timestamp":
	default:
		return nil, problem(Tag, n, "tag %s is not known to Kubernetes", n.Tag)
	}
	v := resolve(n.Value)
	if f, ok := v.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
		return nil, problem(Scalar, n, "%s is a number that JSON cannot hold", n.Value)
	}
	return v, tagged(n, tag, &v)
}

// tagged checks an explicit tag against what the text resolves to.
func tagged(n *yaml.Node, tag string, v *any) *Problem {
	ok := true
	switch tag {
	case "!!bool":
		_, ok = (*v).(bool)
	case "!!int":
		_, ok = (*v).(int64)
	case "!!null":
		ok = *v == nil
	case "!!float":
		_, isInt := (*v).(int64)
		_, isFloat := (*v).(float64)
		ok = isInt || isFloat
	}
	if !ok {
		return problem(Tag, n, "%q is not a %s", n.Value, tag)
	}
	return nil
}
