package kustomize

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	jsonpatch "gopkg.in/evanphx/json-patch.v4"
	"sigs.k8s.io/kustomize/api/filters/patchstrategicmerge"
	"sigs.k8s.io/kustomize/api/types"
	"sigs.k8s.io/kustomize/kyaml/resid"
	kyaml "sigs.k8s.io/kustomize/kyaml/yaml"

	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// Patch is an entry of `patches`, ready to be applied to rendered objects one by
// one. It selects and merges with the libraries that `kustomize build` selects
// and merges with, and needs no run of it. It is safe for concurrent use.
//
// Two things differ. A target names objects as they are rendered, and not as
// the base of a base named them before it put a prefix there. And what an object
// is — its API, kind, name and namespace — does not change, because
// references to it would have to follow: a merge leaves it alone, as in
// kustomize without options, and an operation on it is refused.
type Patch struct {
	selects func(*object.Object) bool
	ops     jsonpatch.Patch
	merge   *kyaml.RNode
}

// NewPatch reads a patch. The error is for the one who wrote it.
func NewPatch(in spec.Patch) (*Patch, error) {
	p := &Patch{}
	var err error
	if bytes.HasPrefix(in.Patch, []byte("[")) {
		if in.Target == nil {
			return nil, errors.New("a list of operations needs a target")
		}
		if p.ops, err = jsonpatch.DecodePatch(in.Patch); err != nil {
			return nil, err
		}
	} else if p.merge, err = kyaml.Parse(string(in.Patch)); err != nil { // JSON is YAML
		return nil, err
	}
	if in.Target == nil {
		p.selects, err = named(in.Patch)
	} else {
		p.selects, err = selected(*in.Target)
	}
	return p, err
}

// named selects the object that a patch names itself.
func named(patch []byte) (func(*object.Object) bool, error) {
	var head struct {
		APIVersion, Kind string
		Metadata         struct{ Name, Namespace string }
	}
	if err := json.Unmarshal(patch, &head); err != nil {
		return nil, err
	}
	if head.APIVersion == "" || head.Kind == "" || head.Metadata.Name == "" {
		return nil, errors.New("without a target, a patch names its object by apiVersion, kind and metadata.name")
	}
	id := idOf(head.APIVersion, head.Kind, head.Metadata.Namespace, head.Metadata.Name)
	return func(o *object.Object) bool { return id.Equals(idOf(o.APIVersion, o.Kind, o.Namespace, o.Name)) }, nil
}

func idOf(apiVersion, kind, namespace, name string) resid.ResId {
	group, version := resid.ParseGroupVersion(apiVersion)
	return resid.NewResIdWithNamespace(resid.NewGvk(group, version, kind), name, namespace)
}

// selected selects what all fields of a target match.
func selected(t spec.PatchTarget) (func(*object.Object) bool, error) {
	expressions, err := types.NewSelectorRegex(&types.Selector{
		ResId: resid.ResId{Gvk: resid.Gvk{Group: t.Group, Version: t.Version, Kind: t.Kind}, Name: t.Name, Namespace: t.Namespace},
	})
	if err != nil {
		return nil, err
	}
	if _, err := noted(nil, t); err != nil {
		return nil, err
	}
	return func(o *object.Object) bool {
		id := idOf(o.APIVersion, o.Kind, o.Namespace, o.Name)
		if !expressions.MatchGvk(id.Gvk) || !expressions.MatchName(id.Name) || !expressions.MatchNamespace(id.EffectiveNamespace()) {
			return false
		}
		ok, err := noted(o.Content(), t)
		return ok && err == nil
	}, nil
}

// noted reports whether labels and annotations are those of a target. The error
// is one of the target.
func noted(content map[string]any, t spec.PatchTarget) (bool, error) {
	if t.LabelSelector == "" && t.AnnotationSelector == "" {
		return true, nil
	}
	doc, err := object.Encode(map[string]any{"metadata": object.Map(content, "metadata")})
	if err != nil {
		return false, err
	}
	node, err := kyaml.Parse(string(doc))
	if err != nil {
		return false, err
	}
	labels, err := node.MatchesLabelSelector(t.LabelSelector)
	if err != nil {
		return false, fmt.Errorf("labelSelector: %w", err)
	}
	annotations, err := node.MatchesAnnotationSelector(t.AnnotationSelector)
	if err != nil {
		return false, fmt.Errorf("annotationSelector: %w", err)
	}
	return labels && annotations, nil
}

// Selects reports whether the patch changes an object.
func (p *Patch) Selects(o *object.Object) bool { return p.selects(o) }

// Apply returns what the patch makes of an object's content, which it leaves as
// it is; nil when it deletes the object. The error is for the one who wrote the
// patch.
func (p *Patch) Apply(o *object.Object) (map[string]any, error) {
	doc, err := o.Encode()
	if err != nil {
		return nil, err
	}
	var out any
	if p.merge != nil {
		out, err = p.merged(doc)
	} else {
		out, err = p.operated(doc)
	}
	if err != nil || out == nil {
		return nil, err
	}
	content, ok := out.(map[string]any)
	if !ok {
		return nil, errors.New("it leaves no object")
	}
	if p.merge != nil {
		keep(content, o)
	}
	is := object.New(content, o.Origin)
	if is.APIVersion != o.APIVersion || is.Key() != o.Key() {
		return nil, fmt.Errorf("it makes %s %s of %s %s, and what refers to that would not follow", is.APIVersion, is.Key(), o.APIVersion, o.Key())
	}
	return content, nil
}

// operated applies operations of RFC 6902.
func (p *Patch) operated(doc []byte) (any, error) {
	doc, err := p.ops.Apply(doc)
	if err != nil {
		return nil, err
	}
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	var out any
	if err := dec.Decode(&out); err != nil {
		return nil, err
	}
	return object.Normalize(out), nil
}

// merged applies a strategic merge. The schema that it reads belongs to the
// whole process.
func (p *Patch) merged(doc []byte) (any, error) {
	schemaState.RLock()
	defer schemaState.RUnlock()
	patch := p.merge.Copy()
	target, err := kyaml.Parse(string(doc))
	if err != nil {
		return nil, err
	}
	// As kustomize does where one patch serves several kinds.
	if err := patch.PipeE(kyaml.Clear("apiVersion")); err != nil {
		return nil, err
	}
	left, err := patchstrategicmerge.Filter{Patch: patch}.Filter([]*kyaml.RNode{target})
	if err != nil || len(left) == 0 || left[0].IsNilOrEmpty() {
		return nil, err
	}
	out, err := left[0].Map()
	if err != nil {
		return nil, err
	}
	return plain(out), nil
}

// keep gives content the identity of an object.
func keep(content map[string]any, o *object.Object) {
	content["kind"] = o.Kind
	metadata := object.Map(content, "metadata")
	if metadata == nil {
		metadata = map[string]any{}
		content["metadata"] = metadata
	}
	for field, was := range map[string]string{"name": o.Name, "namespace": o.Namespace} {
		if was == "" {
			delete(metadata, field)
			continue
		}
		metadata[field] = was
	}
}
