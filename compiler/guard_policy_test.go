package compiler_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/cel-go/cel"
	admissionv1 "k8s.io/api/admission/v1"
	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	plugincel "k8s.io/apiserver/pkg/admission/plugin/cel"
	apiservercel "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/cel/environment"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// TestGuardRefusesOlderSerials runs the expressions of the guard's admission
// policy in the API server's own CEL environment, on the objects that a bundle
// holds.
func TestGuardRefusesOlderSerials(t *testing.T) {
	t.Parallel()
	policy := &admissionregistrationv1.ValidatingAdmissionPolicy{}
	bundled(t, "west", 3, "policy.yaml", policy)
	guard := func(artifact string, serial int) *corev1.ConfigMap {
		cm := &corev1.ConfigMap{}
		bundled(t, artifact, serial, "configmap.yaml", cm)
		return cm
	}
	strange := guard("west", 3)
	strange.Data["serial"] = "three"
	empty := guard("west", 3)
	empty.Data = nil
	for _, c := range []struct {
		name     string
		old, now *corev1.ConfigMap
		want     string // part of the message, "" for allowed
	}{
		{"the next", guard("west", 3), guard("west", 4), ""},
		{"the same again", guard("west", 3), guard("west", 3), ""},
		{"numbers, not words", guard("west", 9), guard("west", 10), ""},
		{"older", guard("west", 4), guard("west", 3), "serial 3 is older than 4"},
		{"older, by digits", guard("west", 10), guard("west", 9), "serial 9 is older than 10"},
		{"candidate", guard("west", 1), guard("west", 0), "serial 0 is older than 1"},
		{"of another cluster", guard("west", 3), guard("hub", 4), "takes releases of west only"},
		{"no number", guard("west", 3), strange, "the guard needs a serial"},
		{"nothing", guard("west", 3), empty, "the guard needs a serial"},
		{"after somebody broke it", strange, guard("west", 3), ""},
		{"after somebody emptied it", empty, guard("west", 3), ""},
		{"removed", guard("west", 3), nil, "the guard remembers"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := admit(t, policy, c.old, c.now); got != c.want && (c.want == "" || !strings.Contains(got, c.want)) {
				t.Errorf("want %q, got %q", c.want, got)
			}
		})
	}
}

// bundled decodes, strictly, an object of the guard in a sealed bundle.
func bundled(t *testing.T, artifact string, serial int, name string, into any) {
	t.Helper()
	r := ir.Record{Stream: "main", MinCompiler: "0.1.0"}
	if serial > 0 {
		r.Serial, r.Issued, r.Revision = serial, "2026-11-01T00:00:00Z", "ab"
	}
	if serial > 1 {
		r.Previous = digest.Of([]byte("before"))
	}
	b, ds, err := seal.Seal(t.Context(), &ir.Artifact{Name: artifact, Write: ir.Content([]ir.File{{Path: "kustomization.yaml", Data: []byte("{}")}})}, r, nil)
	if err != nil || ds.HasErrors() {
		t.Fatal(err, ds)
	}
	files, err := b.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Path == seal.GuardDir+"/"+name {
			dec := json.NewDecoder(strings.NewReader(string(f.Data)))
			dec.DisallowUnknownFields()
			if err := dec.Decode(into); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("the bundle has no %s", name)
}

// expression is one CEL expression as the API server compiles it.
type expression struct {
	text string
	kind *cel.Type
}

func (e expression) GetExpression() string    { return e.text }
func (e expression) ReturnTypes() []*cel.Type { return []*cel.Type{e.kind} }

// admit returns the message of the first validation that fails, or "".
func admit(t *testing.T, policy *admissionregistrationv1.ValidatingAdmissionPolicy, old, now *corev1.ConfigMap) string {
	t.Helper()
	var conditions, messages []plugincel.ExpressionAccessor
	for _, v := range policy.Spec.Validations {
		conditions = append(conditions, expression{v.Expression, cel.BoolType})
		text := v.MessageExpression
		if text == "" {
			text = "''"
		}
		messages = append(messages, expression{text, cel.StringType})
	}
	op, object := admission.Update, runtime.Object(now)
	if now == nil {
		op, object = admission.Delete, nil
	}
	kind, resource := schema.GroupVersionKind{Version: "v1", Kind: "ConfigMap"}, schema.GroupVersionResource{Version: "v1", Resource: "configmaps"}
	attr := admission.NewAttributesRecord(object, old, kind, old.Namespace, old.Name, resource, "", op, nil, false, nil)
	versioned := &admission.VersionedAttributes{Attributes: attr, VersionedObject: admission.NewLazyObject(object), VersionedOldObject: admission.NewLazyObject(old), VersionedKind: kind}
	request := &admissionv1.AdmissionRequest{Operation: admissionv1.Operation(op), Name: old.Name, Namespace: old.Namespace}
	compiler := plugincel.NewConditionCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
	run := func(es []plugincel.ExpressionAccessor) []plugincel.EvaluationResult {
		out, _, err := compiler.CompileCondition(es, plugincel.OptionalVariableDeclarations{}, environment.NewExpressions).
			ForInput(context.Background(), versioned, request, plugincel.OptionalVariableBindings{}, nil, apiservercel.RuntimeCELCostBudget)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	for i, r := range run(conditions) {
		if r.Error != nil {
			t.Fatalf("%s: %v", policy.Spec.Validations[i].Expression, r.Error)
		}
		if r.EvalResult.Value() == true {
			continue
		}
		said := run(messages)[i]
		if said.Error != nil {
			t.Fatalf("%s: %v", policy.Spec.Validations[i].MessageExpression, said.Error)
		}
		if text, _ := said.EvalResult.Value().(string); text != "" {
			return text
		}
		return policy.Spec.Validations[i].Message
	}
	return ""
}
