package drift

import (
	"encoding/base64"
	"fmt"
	"maps"
	"math/big"
	"reflect"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// hiddenValue stands for what must not reach a log.
const hiddenValue = "(hidden)"

// differences lists the fields of want that have does not hold.
func differences(want, have *object.Object) []Field {
	w := wanted(want)
	f := &fields{}
	for _, k := range slices.Sorted(maps.Keys(w)) {
		switch k {
		case "apiVersion", "kind", "status": // identity, and what nobody applies
		case "metadata":
			for _, m := range []string{"annotations", "labels", "finalizers"} {
				f.value("/metadata/"+m, object.Get(w, "metadata", m), object.Get(have.Content(), "metadata", m))
			}
		default:
			f.value("/"+escape(k), w[k], have.Content()[k])
		}
	}
	if want.Kind == "Secret" && want.Group() == "" {
		for i := range f.out {
			if strings.HasPrefix(f.out[i].Path, "/data") {
				f.out[i].Want, f.out[i].Have = hidden(f.out[i].Want), hidden(f.out[i].Have)
			}
		}
	}
	return f.out
}

func hidden(v any) any {
	if v == nil {
		return nil
	}
	return hiddenValue
}

// wanted is the content as the API server would store it: stringData of a Secret
// becomes data.
func wanted(o *object.Object) map[string]any {
	plain := object.Map(o.Content(), "stringData")
	if o.Kind != "Secret" || o.Group() != "" || plain == nil {
		return o.Content()
	}
	out := maps.Clone(o.Content())
	delete(out, "stringData")
	data := map[string]any{}
	maps.Copy(data, object.Map(o.Content(), "data"))
	for k, v := range plain {
		if s, ok := v.(string); ok {
			data[k] = base64.StdEncoding.EncodeToString([]byte(s))
		}
	}
	out["data"] = data
	return out
}

// fields collects differences.
type fields struct{ out []Field }

func (f *fields) add(path string, want, have any) { f.out = append(f.out, Field{path, want, have}) }

func (f *fields) value(path string, want, have any) {
	if want == nil || empty(want) && empty(have) {
		return // not set, or dropped by the server since it says nothing
	}
	switch w := want.(type) {
	case map[string]any:
		h, ok := have.(map[string]any)
		if !ok {
			f.add(path, want, have)
			return
		}
		for _, k := range slices.Sorted(maps.Keys(w)) {
			f.value(path+"/"+escape(k), w[k], h[k])
		}
	case []any:
		h, ok := have.([]any)
		if !ok {
			f.add(path, want, have)
			return
		}
		f.list(path, w, h)
	default:
		if !same(path, want, have) {
			f.add(path, want, have)
		}
	}
}

// list compares two lists: by name where every item has one of its own, else in
// order. Finalizers are a set that others add to.
func (f *fields) list(path string, want, have []any) {
	if path == "/metadata/finalizers" {
		for _, w := range want {
			if !slices.ContainsFunc(have, func(h any) bool { return reflect.DeepEqual(w, h) }) {
				f.add(path, w, nil)
			}
		}
		return
	}
	w, h := named(want), named(have)
	if w != nil && h != nil {
		for _, name := range slices.Sorted(maps.Keys(w)) {
			f.value(path+"/"+escape(name), w[name], h[name])
		}
		for _, name := range slices.Sorted(maps.Keys(h)) {
			if _, ok := w[name]; !ok {
				f.add(path+"/"+escape(name), nil, h[name])
			}
		}
		return
	}
	for i := range max(len(want), len(have)) {
		at := fmt.Sprintf("%s/%d", path, i)
		switch {
		case i >= len(want):
			f.add(at, nil, have[i])
		case i >= len(have):
			f.add(at, want[i], nil)
		default:
			f.value(at, want[i], have[i])
		}
	}
}

// named returns the items by their names, nil unless each has its own.
func named(list []any) map[string]any {
	out := map[string]any{}
	for _, x := range list {
		name := object.String(x, "name")
		if _, twice := out[name]; name == "" || twice {
			return nil
		}
		out[name] = x
	}
	return out
}

// empty values are dropped by the API server when a field is optional.
func empty(v any) bool {
	switch x := v.(type) {
	case nil:
		return true
	case string:
		return x == ""
	case bool:
		return !x
	case int64:
		return x == 0
	case float64:
		return x == 0
	case []any:
		return len(x) == 0
	case map[string]any:
		for _, e := range x {
			if !empty(e) {
				return false
			}
		}
		return true
	}
	return false
}

// same compares scalars; quantities by what they amount to, because the API
// server writes them in its own way.
func same(path string, want, have any) bool {
	if reflect.DeepEqual(want, have) {
		return true
	}
	if !quantityAt(path) {
		return false
	}
	w, ok1 := quantity(want)
	h, ok2 := quantity(have)
	return ok1 && ok2 && w.Cmp(h) == 0
}

// quantityAt reports whether the field is a resource.Quantity in the built-in
// kinds: its own name, or that of the map that it stands in.
func quantityAt(path string) bool {
	elements := strings.Split(path, "/")
	parent := elements[max(0, len(elements)-2)]
	switch elements[len(elements)-1] {
	case "sizeLimit", "averageValue", "divisor":
		return true
	}
	switch parent {
	case "requests", "limits", "capacity", "hard", "overhead", "podFixed", "min", "max", "default", "defaultRequest", "maxLimitRequestRatio":
		return true
	}
	return false
}

var suffixes = map[string]*big.Rat{
	"": big.NewRat(1, 1), "n": big.NewRat(1, 1e9), "u": big.NewRat(1, 1e6), "m": big.NewRat(1, 1000),
	"k": big.NewRat(1e3, 1), "M": big.NewRat(1e6, 1), "G": big.NewRat(1e9, 1), "T": big.NewRat(1e12, 1), "P": big.NewRat(1e15, 1), "E": big.NewRat(1e18, 1),
	"Ki": big.NewRat(1<<10, 1), "Mi": big.NewRat(1<<20, 1), "Gi": big.NewRat(1<<30, 1), "Ti": big.NewRat(1<<40, 1), "Pi": big.NewRat(1<<50, 1), "Ei": big.NewRat(1<<60, 1),
}

// quantity reads a number with a suffix of k8s.io/apimachinery's resource.Quantity.
func quantity(v any) (*big.Rat, bool) {
	s := fmt.Sprint(v)
	if len(s) > 64 {
		return nil, false
	}
	end := len(s)
	for end > 0 && strings.ContainsRune("numkMGTPEi", rune(s[end-1])) {
		end--
	}
	scale, ok := suffixes[s[end:]]
	if !ok || end == 0 || strings.Trim(s[:end], "0123456789.+-") != "" {
		return nil, false
	}
	n, ok := new(big.Rat).SetString(s[:end])
	if !ok {
		return nil, false
	}
	return n.Mul(n, scale), true
}

func escape(s string) string {
	return strings.ReplaceAll(strings.ReplaceAll(s, "~", "~0"), "/", "~1")
}
