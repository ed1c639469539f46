package guard

import (
	"reflect"
	"testing"

	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/plans"
)

// TestCellsHaveNames: whatever changes in what the rules read of the cells, the name
// of the answers changes, also where many cells have one scenario or unknown.
func TestCellsHaveNames(t *testing.T) {
	t.Parallel()
	at := places{{File: "f.cue", Line: 1, Column: 2, EndColumn: 3}}
	measured := &plans.Measured{N: 3}
	loss := &disaster{ID: "region", Mode: "loss", Removes: []string{"r"}, At: at}
	cells := func() []*cell {
		u := &unknown{"store", "size", "size", at}
		one := &cell{
			Scenario: loss, Node: "shop", Class: "default", Limit: "1h", Path: []row{{Step: "s", Measured: measured}},
			Unknowns: []*unknown{u, {"store", "rate", "rate", at}}, Because: []string{"b"}, At: at,
		}
		two, three := *one, *one
		two.Node, two.Unknowns = "pay", []*unknown{u}
		three.Scenario = &disaster{ID: "zone", At: at}
		return []*cell{one, &two, &three}
	}
	g := &grid{
		Judged: map[string]int{"rto": 3}, RTO: cells(), RPO: cells()[:1],
		Accepted: []*accepted{{Nodes: []string{"n"}, Scenarios: []string{"s"}, At: at}},
	}
	says := func() string {
		w := digest.NewWriter()
		if err := g.write(w); err != nil {
			t.Fatal(err)
		}
		return string(w.Digest())
	}
	was, changed := says(), 0
	var change func(v reflect.Value, path string)
	change = func(v reflect.Value, path string) {
		try := func(other reflect.Value) {
			old := reflect.New(v.Type()).Elem()
			old.Set(v)
			v.Set(other.Convert(v.Type()))
			if says() == was {
				t.Errorf("another %s has the same name", path)
			}
			v.Set(old)
			changed++
		}
		switch v.Kind() {
		case reflect.String:
			try(reflect.ValueOf(v.String() + "x"))
		case reflect.Bool:
			try(reflect.ValueOf(!v.Bool()))
		case reflect.Int, reflect.Int64:
			try(reflect.ValueOf(v.Int() + 1))
		case reflect.Pointer:
			if !v.IsNil() {
				change(v.Elem(), path)
			}
		case reflect.Slice:
			for i := range v.Len() {
				change(v.Index(i), path+"[]")
			}
			if v.Len() > 0 {
				try(v.Slice(0, v.Len()-1))
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if f := v.Type().Field(i); f.IsExported() && (f.Tag.Get("json") != "-" || v.Type() == reflect.TypeFor[cell]()) {
					change(v.Field(i), path+"."+f.Name)
				}
			}
		}
	}
	change(reflect.ValueOf(g).Elem(), "grid")
	if changed < 100 || says() != was {
		t.Errorf("%d changes were tried", changed)
	}
	g.Judged["rto"]++
	if says() == was {
		t.Error("another count has the same name")
	}
}
