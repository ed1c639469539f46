package release

import (
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
)

// moved releases one artifact in the stream lab, then in main, then in lab again.
func moved(t *testing.T) History {
	t.Helper()
	h := History{New("lab"), New("main")}
	for i, in := range []string{"lab", "lab", "main", "lab"} {
		o := options(i)
		o.History = h
		// The same content all the time: moving is a release of its own.
		next, out := appendAll(t, h.Of(in), map[string]string{"eu": map[bool]string{true: "0", false: "1"}[i == 0]}, o)
		if len(out) != 1 || !out[0].New || out[0].Entry.Serial != i+1 || out[0].Record.Stream != in {
			t.Fatalf("release %d in %s: %+v", i+1, in, out)
		}
		if _, last, ok := h.Last("eu"); ok && out[0].Entry.Previous != last.Manifest {
			t.Errorf("serial %d does not follow %s", i+1, last.Manifest)
		}
		for j, r := range h {
			if r.Stream == in {
				h[j] = next
			}
		}
	}
	return h
}

// TestMoved: the serials of an artifact are one sequence over its streams, which
// each file alone and all together are read back with.
func TestMoved(t *testing.T) {
	h := moved(t)
	if of, last, ok := h.Last("eu"); of != "lab" || last.Serial != 4 || !ok {
		t.Errorf("the newest is serial %d of %s", last.Serial, of)
	}
	for i, e := range h.Entries("eu") {
		if e.Serial != i+1 {
			t.Errorf("entry %d has serial %d", i, e.Serial)
		}
	}
	again, diags := ParseAll(encoded(t, h))
	if diags.Add(again.Check()...); len(diags) > 0 || len(again) != 2 {
		t.Fatal(diags)
	}
	// It stays where it is: nothing is new.
	o := options(9)
	o.History = again
	if next, out := appendAll(t, again.Of("lab"), map[string]string{"eu": "1"}, o); next != again.Of("lab") || out[0].New {
		t.Errorf("an artifact that stays is released again: %+v", out)
	}
}

// TestPins: what publish pins besides its ring. A renewal is the same content
// again without a break, and a hotfix is one until its content is replaced.
func TestPins(t *testing.T) {
	h := History{New("main")}
	step := func(content string, change func(*Options)) {
		t.Helper()
		o := options(len(h[0].Releases) + 1)
		if change != nil {
			change(&o)
		}
		h[0], _ = appendAll(t, h[0], map[string]string{"eu": content}, o)
	}
	renew := func(o *Options) { o.Renew = true }
	for i, c := range []struct {
		content string
		change  func(*Options)
		renewed []int
		hotfix  bool
	}{
		{"1", nil, []int{1}, false},
		{"1", renew, []int{2, 1}, false},
		{"2", func(o *Options) { o.Partial = true }, []int{3}, true},
		{"2", renew, []int{4, 3}, true},
		{"1", nil, []int{5}, false}, // back: the content of before, and no renewal of it
		{"1", renew, []int{6, 5}, false},
	} {
		step(c.content, c.change)
		var got []int
		for _, e := range h.Renewed("eu") {
			got = append(got, e.Serial)
		}
		if !slices.Equal(got, c.renewed) || h.Hotfixed("eu") != c.hotfix {
			t.Errorf("step %d: renews %v, want %v; hotfix %t, want %t", i, got, c.renewed, h.Hotfixed("eu"), c.hotfix)
		}
	}
	if h.Hotfixed("us") || h.Renewed("us") != nil {
		t.Error("an artifact that was never released is pinned")
	}
}

// TestHistoryIsWhole: what no file can see alone is found, with a place and a fix.
func TestHistoryIsWhole(t *testing.T) {
	for name, c := range map[string]struct {
		change func(h History) History
		want   string
	}{
		"whole":            {func(h History) History { return h }, ""},
		"a stream is gone": {func(h History) History { return h[:1] }, `serial 4 of "eu" follows serial 2 over all streams`},
		"another history": {func(h History) History {
			h[1].Artifacts["eu"][0].Previous = h[0].Artifacts["eu"][0].Manifest
			return h
		}, `serial 3 of "eu" follows serial 2`},
		"a serial twice": {func(h History) History {
			h[1].Artifacts["eu"] = append([]ir.Recorded{h[0].Artifacts["eu"][1]}, h[1].Artifacts["eu"]...)
			return h
		}, `serial 2 of "eu" is recorded twice, in two streams`},
	} {
		diags := c.change(moved(t)).Check()
		if c.want == "" && len(diags) > 0 || c.want != "" && (len(diags) != 1 || !strings.Contains(diags[0].Message, c.want) || diags[0].Primary().File == "" || len(diags[0].Help) == 0) {
			t.Errorf("%s: want %q, got %s", name, c.want, diags)
		}
	}
}

func encoded(t *testing.T, h History) []ir.File {
	t.Helper()
	var out []ir.File
	for _, r := range h {
		b, err := r.Encode()
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, ir.File{Path: File(r.Stream), Data: b})
	}
	return append(out, ir.File{Path: "releases/README.md", Data: []byte("no records")})
}
