package profile_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/darkstart-dev/darkstart/internal/profile"
)

type written struct {
	OtherData   map[string]string
	TraceEvents []struct {
		Name string
		Ph   string
		TS   float64
		Dur  float64
		TID  int
		Args map[string]string
	}
}

// TestSpans: a row is never two things at once, an enclosing span comes before
// what it encloses, and a span that is still open is left out.
func TestSpans(t *testing.T) {
	at := time.Unix(0, 0)
	s := profile.NewSpans(func() time.Time { return at })
	step := func() { at = at.Add(time.Millisecond) }

	render := s.Begin("render", "")
	a := s.Begin("render", "clusters/a")
	step() // 1 ms
	b := s.Begin("render", "clusters/b")
	step() // 2 ms
	a()
	c := s.Begin("render", "clusters/c") // takes the row that a left
	step()                               // 3 ms
	b()
	c()
	render()
	s.Begin("link", "")
	s.Note("cache", "cold")
	s.Note("cache", "warm")

	var out bytes.Buffer
	if err := s.Write(&out); err != nil {
		t.Fatal(err)
	}
	var w written
	if err := json.Unmarshal(out.Bytes(), &w); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"cache": "warm"}, w.OtherData); d != "" {
		t.Error(d)
	}
	type span struct {
		Name      string
		Row       int
		From, For float64 // microseconds
	}
	var got []span
	rows := map[int]string{}
	for _, e := range w.TraceEvents {
		switch e.Ph {
		case "X":
			got = append(got, span{e.Name, e.TID, e.TS, e.Dur})
		case "M":
			rows[e.TID] = e.Args["name"]
		}
	}
	want := []span{
		{"render", 0, 0, 3000}, {"render clusters/a", 1, 0, 2000}, {"render clusters/b", 2, 1000, 2000}, {"render clusters/c", 1, 2000, 1000},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[int]string{0: "fleet", 1: "units", 2: "units"}, rows); d != "" {
		t.Error(d)
	}
}

// TestFiles: pprof's files are gzipped protobufs that name what they sampled.
func TestFiles(t *testing.T) {
	dir := t.TempDir()
	c := profile.Config{CPU: filepath.Join(dir, "cpu"), Mem: filepath.Join(dir, "mem")}
	r, err := profile.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	if r.Hook() != nil {
		t.Error("a hook without a trace")
	}
	r.Begin("seal", "")()
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	for name, sampled := range map[string]string{c.CPU: "nanoseconds", c.Mem: "inuse_space"} {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		b, err := io.ReadAll(z)
		if err != nil || !bytes.Contains(b, []byte(sampled)) {
			t.Errorf("%s does not name %s: %v", name, sampled, err)
		}
	}
}

// TestRefused: what cannot be created is told before any work, and a recording
// that failed to start does not keep a later one from the CPU profile.
func TestRefused(t *testing.T) {
	dir := t.TempDir()
	if _, err := profile.Start(profile.Config{CPU: filepath.Join(dir, "cpu"), Trace: filepath.Join(dir, "none", "trace")}); err == nil {
		t.Fatal("a trace was started in a folder that is not there")
	}
	r, err := profile.Start(profile.Config{CPU: filepath.Join(dir, "cpu")})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Stop(); err != nil {
		t.Fatal(err)
	}
	var none *profile.Recording
	none.Note("cache", "warm")
	if none.Begin("seal", "")(); none.Hook() != nil || none.Stop() != nil {
		t.Error("nil records something")
	}
}
