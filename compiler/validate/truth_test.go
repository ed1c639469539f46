package validate

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"testing"

	kubejson "k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/kubernetes/scheme"

	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// TestAgreesWithTheAPIServersDecoder compares verdicts with the truth: the
// strict decoder into Kubernetes' own Go types, which is the first thing that
// an API server does with an object. Real objects are changed at one place
// each; the two must agree on which changes cannot be decoded.
func TestAgreesWithTheAPIServersDecoder(t *testing.T) {
	r := corpus(t)
	release, err := NewCatalog(kubernetes.FS).release("1.37") // the release of k8s.io/api in go.mod
	if err != nil {
		t.Fatal(err)
	}
	tried, refused := 0, 0
	for _, c := range r.Components {
		for _, o := range c.Objects {
			id := gvk{o.Group(), o.Version(), o.Kind}
			if _, ok := release.kinds[id]; !ok || isCRD(o) || o.Group() == "apiregistration.k8s.io" {
				continue
			}
			checker, err := release.checker(id)
			if err != nil {
				t.Fatal(err)
			}
			for _, m := range mutants(o) {
				tried++
				want, got := decodes(t, m.content), undecodable(checker, m.content)
				if want != nil {
					refused++
				}
				if (want != nil) != (got != nil) {
					t.Errorf("%s %s: the decoder says %v, the schema says %v", o.Key(), m.what, want, got)
				}
			}
		}
	}
	t.Logf("%d changes, of which the decoder refuses %d", tried, refused)
	if tried < 1000 || refused < tried/10 {
		t.Errorf("%d changes with %d refusals show little", tried, refused)
	}
}

// decodes returns the decoder's error.
func decodes(t *testing.T, content map[string]any) error {
	t.Helper()
	raw, err := json.Marshal(content)
	if err != nil {
		t.Fatal(err)
	}
	s := kubejson.NewSerializerWithOptions(kubejson.DefaultMetaFactory, scheme.Scheme, scheme.Scheme, kubejson.SerializerOptions{Strict: true})
	_, _, err = s.Decode(raw, nil, nil)
	return err
}

// undecodable returns the first problem that a decoder would have, too.
func undecodable(c *checker, content map[string]any) error {
	o := object.New(content, object.Origin{})
	for _, p := range c.problems(context.Background(), o, "1.37") {
		form := p.code == codeValue && slices.ContainsFunc([]string{"is no valid", "is no base64", "2147483647"},
			func(s string) bool { return strings.Contains(p.message, s) })
		if p.code == codeUnknownField || p.code == codeType || form {
			return fmt.Errorf("%s: %s", p.code, p.message)
		}
	}
	return nil
}

// mutant is an object with one change.
type mutant struct {
	what    string
	content map[string]any
}

// mutants makes a sample of the one-place changes of an object: each field
// renamed, and each value replaced by one of another type.
func mutants(o *object.Object) []mutant {
	var out []mutant
	values := []any{"text", "7", int64(7), true, []any{}, map[string]any{}, nil, 1.5, int64(1) << 40}
	for _, path := range paths(o.Content(), nil) {
		at := strings.Join(path, "/")
		if at == "apiVersion" || at == "kind" || at == "metadata" {
			continue // they choose the decoder
		}
		if sampled(o, at, 12) {
			out = append(out, mutant{"rename " + at, change(o.Content(), path, nil, true)})
		}
		for i, v := range values {
			if sampled(o, at+strconv.Itoa(i), 24) {
				out = append(out, mutant{fmt.Sprintf("%s = %#v", at, v), change(o.Content(), path, v, false)})
			}
		}
	}
	return out
}

// sampled picks one of n, always the same.
func sampled(o *object.Object, what string, n uint32) bool {
	h := fnv.New32a()
	fmt.Fprint(h, o.Key(), what)
	return h.Sum32()%n == 0
}

// paths lists all paths below a value, sorted; of a list the first entry.
func paths(v any, at []string) [][]string {
	var out [][]string
	switch x := v.(type) {
	case map[string]any:
		for _, k := range sortedKeys(x) {
			p := append(slices.Clone(at), k)
			out = append(append(out, p), paths(x[k], p)...)
		}
	case []any:
		if len(x) > 0 {
			p := append(slices.Clone(at), "0")
			out = append(append(out, p), paths(x[0], p)...)
		}
	}
	return out
}

// change copies content with one value replaced, or its key renamed.
func change(content map[string]any, path []string, value any, rename bool) map[string]any {
	out := clone(content, false).(map[string]any)
	var parent any = out
	for _, t := range path[:len(path)-1] {
		parent = step(parent, t)
	}
	last := path[len(path)-1]
	switch x := parent.(type) {
	case map[string]any:
		if rename {
			x[last+"Xyz"] = x[last]
			delete(x, last)
			return out
		}
		x[last] = value
	case []any:
		if !rename {
			x[0] = value
		}
	}
	return out
}
