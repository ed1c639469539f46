package validate

import (
	"encoding/json"
	"fmt"
	"strings"

	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
)

// definition is a schema as an archive stores it.
type definition struct {
	Ref                  string                          `json:"$ref"`
	Type                 string                          `json:"type"`
	Format               string                          `json:"format"`
	Default              any                             `json:"default"`
	Enum                 []any                           `json:"enum"`
	Required             []string                        `json:"required"`
	Properties           map[string]*definition          `json:"properties"`
	Items                *definition                     `json:"items"`
	AdditionalProperties *definition                     `json:"additionalProperties"`
	OneOf                []*definition                   `json:"oneOf"`
	Minimum              *float64                        `json:"minimum"`
	Maximum              *float64                        `json:"maximum"`
	ListType             string                          `json:"x-kubernetes-list-type"`
	ListMapKeys          []string                        `json:"x-kubernetes-list-map-keys"`
	MapType              string                          `json:"x-kubernetes-map-type"`
	Validations          apiextensionsv1.ValidationRules `json:"x-kubernetes-validations"`
}

// The definitions that have a Go type of their own with a format that OpenAPI
// cannot say.
const (
	quantityType    = "io.k8s.apimachinery.pkg.api.resource.Quantity"
	intOrStringType = "io.k8s.apimachinery.pkg.util.intstr.IntOrString"
	timeType        = "io.k8s.apimachinery.pkg.apis.meta.v1.Time"
)

// formatQuantity is the name that the format registry knows quantities by.
const formatQuantity = "quantity"

// quantity is a string of the form that resource.ParseQuantity accepts.
type quantity string

func (q quantity) String() string                { return string(q) }
func (q quantity) MarshalText() ([]byte, error)  { return []byte(q), nil }
func (q *quantity) UnmarshalText(b []byte) error { *q = quantity(b); return nil }

// builtinFormats knows the API server's formats and quantities.
func builtinFormats() strfmt.Registry {
	formats := strfmt.NewFormats()
	formats.Add(formatQuantity, new(quantity), func(s string) bool {
		_, err := resource.ParseQuantity(s)
		return err == nil
	})
	return formats
}

// structuralOf returns the structural schema of a definition, with references
// replaced by what they name. Schemas of one release share their parts. A
// definition inside itself (a JSON schema in a CRD) is left open there.
func (r *release) structuralOf(name string, open map[string]bool) (*schema.Structural, error) {
	if s := r.structural[name]; s != nil {
		return s, nil
	}
	line, ok := r.lines[name]
	if !ok {
		return nil, fmt.Errorf("schemas of Kubernetes %s: no definition %s", r.minor, name)
	}
	if open[name] {
		return anything(), nil
	}
	var d definition
	if err := json.Unmarshal(line, &d); err != nil {
		return nil, fmt.Errorf("schemas of Kubernetes %s: %s: %w", r.minor, name, err)
	}
	open[name] = true
	s, err := r.convert(&d, open)
	delete(open, name)
	if err != nil {
		return nil, err
	}
	switch name {
	case quantityType:
		s = &schema.Structural{ValueValidation: &schema.ValueValidation{Format: formatQuantity}}
	case intOrStringType:
		s = &schema.Structural{Extensions: schema.Extensions{XIntOrString: true}}
	}
	if len(open) == 0 || !strings.Contains(name, "JSONSchemaProps") {
		r.structural[name] = s
	}
	return s, nil
}

// anything accepts every value.
func anything() *schema.Structural {
	return &schema.Structural{Extensions: schema.Extensions{XPreserveUnknownFields: true}}
}

// convert makes a structural schema of one node and what is below it.
func (r *release) convert(d *definition, open map[string]bool) (*schema.Structural, error) {
	if d.Ref != "" {
		s, err := r.structuralOf(d.Ref, open)
		if err != nil {
			return nil, err
		}
		s = withListHints(s, d)
		return s, nil
	}
	s := &schema.Structural{Generic: schema.Generic{Type: d.Type}}
	s.Default = schema.JSON{Object: normalizeNumber(d.Default)}
	s.ValueValidation = valueValidation(d)
	s.XValidations = d.Validations
	s = withListHints(s, d)
	if err := r.convertChildren(d, s, open); err != nil {
		return nil, err
	}
	// A type without fields is one that holds any JSON (RawExtension, FieldsV1),
	// except for those that have no fields on purpose: an unknown field there is
	// rare, and a false alarm would be worse.
	if (d.Type == "object" || d.Type == "") && d.Properties == nil && d.AdditionalProperties == nil {
		s.XPreserveUnknownFields = true
	}
	return s, nil
}

func (r *release) convertChildren(d *definition, s *schema.Structural, open map[string]bool) error {
	if d.Items != nil {
		items, err := r.convert(d.Items, open)
		if err != nil {
			return err
		}
		c := *items
		c.Nullable = true // Go decodes a null entry to the zero value
		s.Items = &c
	}
	if d.AdditionalProperties != nil {
		value, err := r.convert(d.AdditionalProperties, open)
		if err != nil {
			return err
		}
		s.AdditionalProperties = &schema.StructuralOrBool{Bool: true, Structural: value}
	}
	if d.Properties == nil {
		return nil
	}
	s.Properties = make(map[string]schema.Structural, len(d.Properties))
	for name, p := range d.Properties {
		value, err := r.convert(p, open)
		if err != nil {
			return err
		}
		s.Properties[name] = *value
	}
	return nil
}

// withListHints returns s with the default and merge keys that stand beside a
// reference, leaving the shared schema alone.
func withListHints(s *schema.Structural, d *definition) *schema.Structural {
	if d.ListType == "" && d.MapType == "" {
		return s
	}
	c := *s
	if d.ListType != "" {
		c.XListType, c.XListMapKeys = &d.ListType, d.ListMapKeys
	}
	if d.MapType != "" {
		c.XMapType = &d.MapType
	}
	return &c
}

func valueValidation(d *definition) *schema.ValueValidation {
	v := &schema.ValueValidation{
		Format: d.Format, Required: d.Required, Minimum: d.Minimum, Maximum: d.Maximum,
	}
	for _, e := range d.Enum {
		v.Enum = append(v.Enum, schema.JSON{Object: e})
	}
	if len(v.Enum) > 0 {
		// The empty text decodes to what an absent field is.
		v.Enum = append(v.Enum, schema.JSON{Object: ""})
	}
	return v
}

// normalizeNumber brings a decoded number to the type that objects use.
func normalizeNumber(v any) any {
	if f, ok := v.(float64); ok && f == float64(int64(f)) {
		return int64(f)
	}
	return v
}
