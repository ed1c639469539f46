package validate

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/validation"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	apivalidation "k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	metavalidation "k8s.io/apimachinery/pkg/apis/meta/v1/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	kjson "sigs.k8s.io/json"

	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// The group and kind of a CustomResourceDefinition.
const (
	crdGroup = "apiextensions.k8s.io"
	crdKind  = "CustomResourceDefinition"
)

// crd is a CustomResourceDefinition: what is wrong with it, and the schemas
// of its versions. It depends on the object's bytes alone, labels left out, so
// one is shared by all clusters that install the same definition.
type crd struct {
	kind       GroupKind
	namespaced bool
	unknown    []string        // fields that the API server does not know
	errors     field.ErrorList // what its own validation says
	broken     error           // it cannot be decoded at all
	versions   map[string]*crdVersion
}

// crdVersion is one version of a definition. Its checker is made on first use:
// most clusters use few of the versions that they install.
type crdVersion struct {
	served     bool
	deprecated bool
	warning    string
	preserve   bool
	schema     *apiextensions.JSONSchemaProps
	namespaced bool
	status     bool // has the status subresource

	once    sync.Once
	checker *checker
	err     error

	whole func() *crdVersion // with its schema, of an outline; else nil
}

// isCRD reports whether an object is a definition that this package reads.
func isCRD(o *object.Object) bool {
	return o.Kind == crdKind && o.Group() == crdGroup && o.Version() == "v1"
}

// outline is what is kept of a definition with which nothing is wrong: as much as
// tells whether its schemas are asked. Most are not in most clusters, and to decode
// them takes longer than to validate everything else.
type outline struct {
	Kind       GroupKind
	Namespaced bool
	Versions   map[string]versionOutline
}

type versionOutline struct {
	Served, Deprecated bool
	Warning            string
}

// readCRD decodes and validates a definition the way the API server does when
// it is created, or recalls its outline. Its name stands for its bytes in the
// cache.
func (c *Catalog) readCRD(ctx context.Context, name digest.Digest, raw []byte) (*crd, error) {
	var made *crd
	o, err := cache.Value(c.Cache, "definition", []string{string(name)}, func() (outline, error) {
		d, internal := decodeCRD(raw)
		if made = d; d.broken != nil {
			return outline{}, errUnsound
		}
		for _, e := range validation.ValidateCustomResourceDefinition(ctx, internal) {
			e.Field = asWritten(e.Field)
			d.errors = append(d.errors, e)
		}
		if len(d.errors)+len(d.unknown) > 0 {
			return outline{}, errUnsound
		}
		return d.outline(), nil
	})
	switch {
	case made != nil && (err == nil || errors.Is(err, errUnsound)):
		return made, nil
	case err != nil:
		return nil, err
	}
	return o.crd(raw), nil
}

var errUnsound = errors.New("the definition is not sound")

// decodeCRD reads a definition, without a judgment on it.
func decodeCRD(raw []byte) (*crd, *apiextensions.CustomResourceDefinition) {
	var typed apiextensionsv1.CustomResourceDefinition
	strict, err := kjson.UnmarshalStrict(raw, &typed, kjson.DisallowUnknownFields)
	if err != nil {
		return &crd{broken: err}, nil
	}
	out := &crd{unknown: unknownFields(strict), versions: map[string]*crdVersion{}}
	typed.Status = apiextensionsv1.CustomResourceDefinitionStatus{}
	apiextensionsv1.SetObjectDefaults_CustomResourceDefinition(&typed)
	var internal apiextensions.CustomResourceDefinition
	if err := apiextensionsv1.Convert_v1_CustomResourceDefinition_To_apiextensions_CustomResourceDefinition(&typed, &internal, nil); err != nil {
		return &crd{broken: err}, nil
	}
	out.kind = GroupKind{internal.Spec.Group, internal.Spec.Names.Kind}
	out.namespaced = internal.Spec.Scope == apiextensions.NamespaceScoped
	for _, v := range internal.Spec.Versions {
		out.add(&internal, v)
	}
	return out, &internal
}

func (c *crd) outline() outline {
	out := outline{c.kind, c.namespaced, map[string]versionOutline{}}
	for name, v := range c.versions {
		out.Versions[name] = versionOutline{v.served, v.deprecated, v.warning}
	}
	return out
}

// crd is the definition of an outline: it is decoded when somebody asks for one of
// its schemas.
func (o *outline) crd(raw []byte) *crd {
	out := &crd{kind: o.Kind, namespaced: o.Namespaced, versions: map[string]*crdVersion{}}
	whole := sync.OnceValue(func() *crd {
		d, _ := decodeCRD(raw)
		return d
	})
	for name, v := range o.Versions {
		out.versions[name] = &crdVersion{
			served: v.Served, deprecated: v.Deprecated, warning: v.Warning, namespaced: o.Namespaced,
			whole: func() *crdVersion { return whole().versions[name] },
		}
	}
	return out
}

// asWritten undoes what the internal form of a definition does to paths: what
// all versions share stands beside them there.
func asWritten(path string) string {
	for internal, written := range map[string]string{
		"spec.validation":               "spec.versions[0].schema",
		"spec.subresources":             "spec.versions[0].subresources",
		"spec.additionalPrinterColumns": "spec.versions[0].additionalPrinterColumns",
		"spec.selectableFields":         "spec.versions[0].selectableFields",
	} {
		if rest, ok := strings.CutPrefix(path, internal); ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return written + rest
		}
	}
	return path
}

// add registers one version of a definition.
func (c *crd) add(def *apiextensions.CustomResourceDefinition, v apiextensions.CustomResourceDefinitionVersion) {
	cv := &crdVersion{
		served: v.Served, deprecated: v.Deprecated, namespaced: c.namespaced,
		preserve: def.Spec.PreserveUnknownFields != nil && *def.Spec.PreserveUnknownFields,
	}
	if v.DeprecationWarning != nil {
		cv.warning = *v.DeprecationWarning
	}
	if s, err := apiextensions.GetSchemaForVersion(def, v.Name); err == nil && s != nil {
		cv.schema = s.OpenAPIV3Schema
	}
	if sub, err := apiextensions.GetSubresourcesForVersion(def, v.Name); err == nil && sub != nil {
		cv.status = sub.Status != nil
	}
	c.versions[v.Name] = cv
}

// served lists the versions that can be used, best first.
func (c *crd) served() []string {
	var out []string
	for name, v := range c.versions {
		if v.served {
			out = append(out, name)
		}
	}
	slices.SortFunc(out, func(a, b string) int { return -compareAPIVersions(a, b) })
	return out
}

// get returns the checker of the version, nil when the schema says nothing or
// is itself broken (which the definition's own diagnostics tell).
func (v *crdVersion) get() (*checker, error) {
	if v.whole != nil {
		return v.whole().get()
	}
	v.once.Do(func() {
		if v.schema == nil {
			return
		}
		s, err := schema.NewStructural(v.schema)
		if err != nil {
			v.err = fmt.Errorf("schema is not structural: %w", err)
			return
		}
		s.XPreserveUnknownFields = s.XPreserveUnknownFields || v.preserve
		if err := defaulting.PruneDefaults(s); err != nil {
			v.err = err
			return
		}
		values, _, err := apivalidation.NewSchemaValidator(v.schema)
		if err != nil {
			v.err = err
			return
		}
		v.checker = newCustom(s, values, v.namespaced, v.status)
	})
	return v.checker, v.err
}

// unknownFields takes the paths out of strict decoding errors, which read
// `unknown field "spec.names.plurall"`.
func unknownFields(errs []error) []string {
	var out []string
	for _, err := range errs {
		if path, ok := strings.CutPrefix(err.Error(), `unknown field "`); ok {
			out = append(out, strings.TrimSuffix(path, `"`))
		}
	}
	slices.Sort(out)
	return out
}

// crd returns the definition that an object holds. Nothing of a definition
// depends on labels that the API server would take, and a label that names the
// cluster must not make it another definition in every cluster.
func (c *Catalog) crd(ctx context.Context, o *object.Object) (*crd, error) {
	content := o.Content()
	if !goodLabels(content) {
		return c.read(ctx, o.Key(), content)
	}
	id, err := definitionOf(o)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", o.Key(), err)
	}
	if d, ok := c.definitions.Load(id); ok {
		return d.(*definitionRead).crd, nil
	}
	d, err := c.read(ctx, o.Key(), withoutLabels(content))
	if err == nil && !o.Sole {
		c.definitions.Store(id, &definitionRead{o.Base, d})
	}
	return d, err
}

// definitionRead is what was read of a base with some edits. It holds on to the
// base, so that the address it is found by stays the base's own.
type definitionRead struct {
	base map[string]any
	crd  *crd
}

// read returns the definition in a content, from the catalog when the same
// definition was read before.
func (c *Catalog) read(ctx context.Context, key object.Key, content map[string]any) (*crd, error) {
	raw, err := json.Marshal(content) // sorts keys: equal content, equal bytes
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", key, err)
	}
	name := digest.Of(raw)
	c.mu.Lock()
	slot, ok := c.crds[name]
	if !ok {
		slot = new(crdSlot)
		c.crds[name] = slot
	}
	c.mu.Unlock()
	slot.once.Do(func() { slot.crd, slot.err = c.readCRD(ctx, name, raw) })
	return slot.crd, slot.err
}

// goodLabels reports whether the API server would take the labels of an object.
func goodLabels(content map[string]any) bool {
	there := object.Get(content, "metadata", "labels")
	m, ok := there.(map[string]any)
	if there == nil || !ok {
		return there == nil
	}
	labels := make(map[string]string, len(m))
	for k, v := range m {
		s, ok := v.(string)
		if !ok {
			return false
		}
		labels[k] = s
	}
	return len(metavalidation.ValidateLabels(labels, nil)) == 0
}

func withoutLabels(content map[string]any) map[string]any {
	meta, ok := content["metadata"].(map[string]any)
	if _, labelled := meta["labels"]; !ok || !labelled {
		return content
	}
	out := maps.Clone(content)
	meta = maps.Clone(meta)
	delete(meta, "labels")
	out["metadata"] = meta
	return out
}

// crdSlot lets one goroutine read a definition while others wait for it.
type crdSlot struct {
	once sync.Once
	crd  *crd
	err  error
}
