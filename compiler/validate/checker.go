package validate

import (
	"context"
	"math"
	"sync"

	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/cel"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/defaulting"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/listtype"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/schema/pruning"
	"k8s.io/apiextensions-apiserver/pkg/apiserver/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/kube-openapi/pkg/validation/spec"
	kubevalidate "k8s.io/kube-openapi/pkg/validation/validate"
)

// checker judges the objects of one kind in one version. It is made once and
// used by several goroutines.
type checker struct {
	structural *schema.Structural
	values     validation.SchemaValidator
	rules      *cel.Validator // nil without CEL rules
	// builtin is set for the kinds of the API server itself, which decodes them
	// into Go types: null means absent, and metadata is part of the schema.
	builtin    bool
	namespaced bool
	// status is set when creating an object clears its status, as it does for
	// built-in kinds and for definitions with the subresource.
	status bool

	bases sync.Map // of objects: address to *base
}

// newBuiltin prepares the API server's validators for a kind of its own.
func newBuiltin(s *schema.Structural, namespaced bool) *checker {
	values := s.ToKubeOpenAPI()
	widen(values)
	return &checker{
		structural: s,
		values:     createValidator{kubevalidate.NewSchemaValidator(values, nil, "", builtinFormats())},
		rules:      cel.NewValidator(s, false, celconfig.PerCallLimit),
		builtin:    true, namespaced: namespaced, status: true,
	}
}

// newCustom prepares them for a version of a definition.
func newCustom(s *schema.Structural, values validation.SchemaValidator, namespaced, status bool) *checker {
	return &checker{
		structural: s,
		values:     values,
		rules:      cel.NewValidator(s, true, celconfig.PerCallLimit),
		namespaced: namespaced, status: status,
	}
}

// widen gives the values with several JSON types their types, for a structural
// schema can name one only, and the whole numbers that Go keeps in 32 bits
// their range.
func widen(s *spec.Schema) {
	if s == nil {
		return
	}
	if intOrString, _ := s.Extensions.GetBool("x-kubernetes-int-or-string"); intOrString {
		s.Type, s.Format = spec.StringOrArray{"integer", "string"}, ""
	}
	if s.Format == "int32" || s.Type.Contains("integer") && s.Type.Contains("string") {
		least, most := float64(math.MinInt32), float64(math.MaxInt32)
		s.Minimum, s.Maximum = &least, &most
	}
	if s.Format == formatQuantity {
		s.Type = spec.StringOrArray{"string", "number"}
	}
	for name, p := range s.Properties {
		widen(&p)
		s.Properties[name] = p
	}
	if s.Items != nil {
		widen(s.Items.Schema)
	}
	if s.AdditionalProperties != nil {
		widen(s.AdditionalProperties.Schema)
	}
}

// createValidator judges an object as if it were being created.
type createValidator struct{ *kubevalidate.SchemaValidator }

func (v createValidator) Validate(value any, _ ...validation.ValidationOption) *kubevalidate.Result {
	return v.SchemaValidator.Validate(value)
}

func (v createValidator) ValidateUpdate(value, _ any, _ ...validation.ValidationOption) *kubevalidate.Result {
	return v.SchemaValidator.Validate(value)
}

// judged is what the API server would say about one object.
type judged struct {
	unknown []string        // paths of unknown fields
	errors  field.ErrorList // everything else the schema says
	rules   field.ErrorList // CEL rules
	skipped bool            // rules were not evaluated because of errors
}

// judge runs the steps of a create request: default, prune, validate. Content
// is not changed.
func (c *checker) judge(ctx context.Context, content map[string]any) judged {
	obj := clone(content, c.builtin).(map[string]any)
	var out judged
	if !c.builtin {
		defaulting.PruneNonNullableNullsWithoutDefaults(obj, c.structural)
		_, _, unknown, err := objectmeta.GetObjectMetaWithOptions(obj, objectmeta.ObjectMetaOptions{ReturnUnknownFieldPaths: true})
		out.unknown = unknown
		if err != nil {
			out.errors = append(out.errors, field.Invalid(field.NewPath("metadata"), "", err.Error()))
		}
	}
	defaulting.Default(obj, c.structural)
	out.unknown = append(out.unknown, pruning.PruneWithOptions(obj, c.structural, !c.builtin,
		schema.UnknownFieldPathOptions{TrackUnknownFieldPaths: true})...)
	if c.status {
		delete(obj, "status")
	}
	out.errors = append(out.errors, validation.ValidateCustomResource(nil, obj, c.values)...)
	if !c.builtin {
		out.errors = append(out.errors, objectmeta.Validate(ctx, nil, obj, c.structural, false)...)
	}
	out.errors = append(out.errors, listtype.ValidateListSetsAndMaps(nil, c.structural, obj)...)
	c.judgeRules(ctx, obj, &out)
	return out
}

// judgeRules evaluates CEL rules within the API server's cost budget. Like the
// API server, it does not try them on an object of the wrong shape.
func (c *checker) judgeRules(ctx context.Context, obj map[string]any, out *judged) {
	if c.rules == nil {
		return
	}
	for _, e := range out.errors {
		switch e.Type {
		case field.ErrorTypeNotSupported, field.ErrorTypeRequired, field.ErrorTypeTooLong,
			field.ErrorTypeTooMany, field.ErrorTypeTypeInvalid:
			out.skipped = true
			return
		}
	}
	out.rules, _ = c.rules.Validate(ctx, nil, c.structural, obj, nil, celconfig.RuntimeCELCostBudget)
}

// clone copies a JSON value. With dropNulls, fields that are null are left
// out: decoding into a Go type does the same.
func clone(v any, dropNulls bool) any {
	switch x := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(x))
		for k, e := range x {
			if e != nil || !dropNulls {
				out[k] = clone(e, dropNulls)
			}
		}
		return out
	case []any:
		out := make([]any, len(x))
		for i, e := range x {
			out[i] = clone(e, dropNulls)
		}
		return out
	}
	return v
}
