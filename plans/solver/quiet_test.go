package solver

import (
	"reflect"
	"testing"

	"github.com/darkstart-dev/darkstart/plans"
)

// TestQuiet: a cell that says anything besides what quietCell has is not shared,
// whichever field says it.
func TestQuiet(t *testing.T) {
	t.Parallel()
	rto := plans.Duration(60)
	calm := plans.Cell{Node: "shop", Class: "default", Verdict: plans.Unaffected, RTO: &rto, RPO: &rto}
	if !quiet(&calm) {
		t.Fatal("an unaffected cell is not quiet")
	}
	for i := range reflect.TypeFor[plans.Cell]().NumField() {
		c := calm
		f := reflect.ValueOf(&c).Elem().Field(i)
		switch name := reflect.TypeFor[plans.Cell]().Field(i).Name; {
		case name == "Node", name == "Class", name == "RTO", name == "RPO": // in quietCell
			continue
		case f.Kind() == reflect.String:
			f.SetString("x")
		case f.Kind() == reflect.Bool:
			f.SetBool(true)
		case f.CanInt():
			f.SetInt(1)
		case f.Kind() == reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		case f.Kind() == reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		default:
			t.Fatalf("%s is a %s: say what is not quiet about it", name, f.Kind())
		}
		if quiet(&c) {
			t.Errorf("a cell with %s is shared by all scenarios", reflect.TypeFor[plans.Cell]().Field(i).Name)
		}
	}
	cells, more := []*plans.Cell{&calm}, calm
	g := &graph{}
	g.share(cells)
	again := []*plans.Cell{&more, {Node: "pay", Class: "default", Verdict: plans.Unaffected}}
	g.share(again)
	if again[0] != &calm || again[1].Node != "pay" {
		t.Errorf("share gives %+v", again)
	}
}
