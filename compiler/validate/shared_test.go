package validate

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// TestSharedIsWhole: what is known from the base of an object and its edits is
// what the whole object is judged, for everything that real projects ship, with
// edits as clusters make them and with any others.
func TestSharedIsWhole(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	ctx := t.Context()
	v := &run{catalog: NewCatalog(kubernetes.FS)}
	if err := v.open("1.36", "", nil); err != nil {
		t.Fatal(err)
	}
	items := itemsOf(corpus(t))
	if err := v.readDefinitions(ctx, items); err != nil {
		t.Fatal(err)
	}
	shared, kept, refused := 0, 0, 0
	for _, it := range items {
		for round := range 4 {
			o := it.object.With(someEdits(r, it.object, round%2 == 0)...)
			o.Namespace = object.String(o.Content(), "metadata", "namespace")
			whole := o.Own()
			whole.Base, whole.Edits, whole.Sole = o.Content(), nil, true
			if isCRD(o) {
				a, err := v.catalog.crd(ctx, o)
				b, err2 := v.catalog.read(ctx, o.Key(), o.Content())
				if err != nil || err2 != nil {
					t.Fatal(err, err2)
				}
				if said(a) != said(b) {
					t.Errorf("%s with %+v\n  %s\n  %s", o.Key(), o.Edits, said(a), said(b))
				}
				if a != b {
					kept++
				}
				v.defined[o], v.defined[whole] = a, b
			}
			got, err := v.judge(ctx, o)
			want, err2 := v.judge(ctx, whole)
			if err != nil || err2 != nil {
				t.Fatal(err, err2)
			}
			for _, x := range []verdict{got, want} {
				slices.SortStableFunc(x.problems, func(a, b *problem) int {
					return strings.Compare(a.code+a.message, b.code+b.message)
				})
			}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s with %+v\nshared %s\nwhole  %s", o.Key(), o.Edits, messages(got), messages(want))
			}
			if len(want.problems) > 0 {
				refused++
			}
			if c := v.checkerOf(t, o); c != nil && c.passes(ctx, o) {
				shared++
			}
		}
	}
	if shared < len(items) || kept == 0 || refused < len(items) {
		t.Errorf("%d of %d objects were shared, %d definitions; %d were refused: too few to tell", shared, 4*len(items), kept, refused)
	}
}

// said is what a definition is judged by.
func said(c *crd) string {
	return fmt.Sprint(c.kind, c.namespaced, c.unknown, c.errors.ToAggregate(), c.broken, slices.Sorted(maps.Keys(c.versions)))
}

func messages(v verdict) (out []string) {
	for _, p := range v.problems {
		out = append(out, p.code+" "+p.message)
	}
	return out
}

// checkerOf finds what judges an object by its schema, nil where nothing does.
func (v *run) checkerOf(t *testing.T, o *object.Object) *checker {
	id := gvk{o.Group(), o.Version(), o.Kind}
	if _, ok := v.release.kinds[id]; ok {
		c, err := v.release.checker(id)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	if d := v.crds[GroupKind{id.group, id.kind}]; d != nil && d.versions[id.version] != nil {
		c, _ := d.versions[id.version].get()
		return c
	}
	return nil
}

// someEdits returns edits as a cluster's settings make them, with good values and
// bad ones, or, when they are wild, of anything in the object.
func someEdits(r *rand.Rand, o *object.Object, wild bool) []object.Edit {
	pick := func(vs ...any) any { return vs[r.IntN(len(vs))] }
	labels := map[string]any{"cluster": pick("c0001", "c0001", "not a label", "", strings.Repeat("x", 64))}
	if r.IntN(8) == 0 {
		labels["bad key/"] = pick("x", int64(3), nil)
	}
	out := []object.Edit{{Path: []string{"metadata", "labels"}, Value: labels, Merge: true}}
	if r.IntN(3) == 0 {
		out = append(out, object.Edit{Path: []string{"metadata", "annotations"}, Value: map[string]any{"a": pick("b", "", int64(1))}, Merge: true})
	}
	if r.IntN(3) == 0 {
		out = append(out, object.Edit{Path: []string{"metadata", "namespace"}, Value: pick("shop", "Not A Name", "")})
	}
	if !wild {
		if object.Get(o.Content(), "spec", "replicas") != nil {
			out = append(out, object.Edit{Path: []string{"spec", "replicas"}, Value: pick(int64(3), int64(-1), int64(1)<<40, "3")})
		}
		for _, list := range []string{"containers", "initContainers"} {
			for i := range object.Slice(o.Content(), "spec", "template", "spec", list) {
				at := []string{"spec", "template", "spec", list, strconv.Itoa(i), "image"}
				out = append(out, object.Edit{Path: at, Value: pick("mirror/x@sha256:0", "", int64(1))})
			}
		}
		return out
	}
	for range 1 + r.IntN(3) {
		e := object.Edit{Path: somePath(r, o.Content()), Value: pick("x", "", "Always", int64(1), int64(-1), int64(1)<<40, nil, true, 1.5, map[string]any{"a": "b"}, []any{"x"})}
		if there, depth := object.At(o.Content(), e.Path); depth == len(e.Path) && r.IntN(2) == 0 {
			switch there.(type) { // what has the type and still may not stand there
			case string:
				e.Value = pick("x", "", "Always")
			case int64:
				e.Value = pick(int64(1), int64(-1), int64(1)<<40)
			}
		}
		if m, ok := e.Value.(map[string]any); ok && r.IntN(2) == 0 {
			e.Value, e.Merge = m, true
		}
		out = append(out, e)
	}
	return out
}

// somePath leads to a place in v, or to one that is not there.
func somePath(r *rand.Rand, v any) []string {
	var path []string
	for {
		switch x := v.(type) {
		case map[string]any:
			k := "unheardOf"
			if keys := slices.Sorted(maps.Keys(x)); len(keys) > 0 && r.IntN(12) > 0 {
				k = keys[r.IntN(len(keys))]
			}
			if len(path) == 0 && (k == "kind" || k == "apiVersion") {
				k = "metadata"
			}
			path, v = append(path, k), x[k]
		case []any:
			if len(x) == 0 {
				return path
			}
			i := r.IntN(len(x))
			path, v = append(path, strconv.Itoa(i)), x[i]
		default:
			return path
		}
		if len(path) > 1 && r.IntN(6) == 0 {
			return path
		}
	}
}
