package shard

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/testkit/registry"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

func TestParse(t *testing.T) {
	for in, want := range map[string]string{
		"0/1": "0/1", "3/16": "3/16", "15/16": "15/16",
		"": "is no shard", "3": "is no shard", "a/b": "is no shard", "1/": "is no shard",
		"16/16": "there is no shard 16 of 16", "-1/4": "there is no shard", "0/0": "in 0 shards", "0/10001": "in 10001 shards",
	} {
		s, d := Parse(in)
		if got := s.String(); d != nil && (d.Code != "SHD001" || !strings.Contains(d.Message, want)) || d == nil && got != want {
			t.Errorf("%q is %s, %v; want %s", in, got, d, want)
		}
	}
}

// Every cluster is of exactly one shard, and of the whole.
func TestHas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n, k := rapid.IntRange(1, 50).Draw(t, "shards"), rapid.IntRange(0, 1000).Draw(t, "cluster")
		owners := 0
		for i := range n {
			if (Shard{i, n}).Has(k) {
				owners++
			}
		}
		if owners != 1 || !(Shard{}).Has(k) {
			t.Errorf("cluster %d is of %d shards", k, owners)
		}
	})
}

// Whatever differs in the input, the tag does.
func TestTag(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	one, two := tree.FromMap(map[string]string{"a": "1"}), tree.FromMap(map[string]string{"a": "2"})
	tags := []string{
		InputOf(one, "c", now).Tag(Shard{0, 2}), InputOf(two, "c", now).Tag(Shard{0, 2}), InputOf(one, "d", now).Tag(Shard{0, 2}),
		InputOf(one, "c", now.Add(time.Second)).Tag(Shard{0, 2}), InputOf(one, "c", now).Tag(Shard{1, 2}), InputOf(one, "c", now).Tag(Shard{0, 3}),
	}
	if u := slices.Compact(slices.Sorted(slices.Values(tags))); len(u) != len(tags) {
		t.Error(tags)
	}
	if again := InputOf(tree.FromMap(map[string]string{"a": "1"}), "c", now.In(time.FixedZone("x", 3600))).Tag(Shard{0, 2}); again != tags[0] {
		t.Errorf("%s and %s", again, tags[0])
	}
}

// What is packed is unpacked, whatever it is.
func TestPack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var in, out []cache.Entry
		for _, b := range rapid.SliceOfN(rapid.SliceOf(rapid.Byte()), 0, 5).Draw(t, "contents") {
			in = append(in, cache.Entry{Key: cache.Key(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "key")), Inputs: rapid.Bool().Draw(t, "inputs"), Content: b})
		}
		layers, n, err := packed(all(in))
		if err != nil || n != len(in) || len(layers) > 1 {
			t.Fatal(n, len(layers), err)
		}
		for _, l := range layers {
			if err := unpack(l, func(e cache.Entry) error { out = append(out, e); return nil }); err != nil {
				t.Fatal(err)
			}
		}
		if fmt.Sprint(in) != fmt.Sprint(out) {
			t.Errorf("%v\n%v", in, out)
		}
	})
}

func packed(entries iter.Seq2[cache.Entry, error]) (layers [][]byte, n int, err error) {
	n, err = pack(entries, func(b []byte) error { layers = append(layers, b); return nil })
	return layers, n, err
}

// What is large is cut into layers; what is too large for anybody is left out.
func TestPackCuts(t *testing.T) {
	big := make([]byte, cutPlain/2)
	layers, n, err := packed(all([]cache.Entry{{Content: big}, {Content: big}, {Content: []byte("x")}, {Content: make([]byte, maxEntry+1)}}))
	if err != nil || n != 3 || len(layers) != 2 {
		t.Errorf("%d entries in %d layers, %v", n, len(layers), err)
	}
	no := errors.New("no")
	if _, _, err := packed(func(yield func(cache.Entry, error) bool) { yield(cache.Entry{}, no) }); !errors.Is(err, no) {
		t.Error(err)
	}
}

func all(es []cache.Entry) iter.Seq2[cache.Entry, error] {
	return func(yield func(cache.Entry, error) bool) {
		for _, e := range es {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// A layer comes from a stranger.
func TestUnpackRefuses(t *testing.T) {
	key := strings.Repeat("ab", 32)
	archive := func(hs ...tar.Header) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		w := tar.NewWriter(z)
		for _, h := range hs {
			if err := w.WriteHeader(&h); err != nil {
				t.Fatal(err)
			}
			io.CopyN(w, zeroes{}, min(h.Size, 1<<20)) //nolint:errcheck // cut short on purpose
		}
		z.Close()
		return b.Bytes()
	}
	whole := archive(tar.Header{Name: "results/" + key, Size: 5, Typeflag: tar.TypeReg})
	for name, layer := range map[string][]byte{
		"no gzip": []byte("text"), "nothing": nil, "cut": whole[:len(whole)-12],
		"no folder":      archive(tar.Header{Name: key, Typeflag: tar.TypeReg}),
		"another folder": archive(tar.Header{Name: "../" + key, Typeflag: tar.TypeReg}),
		"no key":         archive(tar.Header{Name: "results/" + key + "/x", Typeflag: tar.TypeReg}),
		"a link":         archive(tar.Header{Name: "results/" + key, Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}),
		"too large":      archive(tar.Header{Name: "results/" + key, Typeflag: tar.TypeReg, Size: maxEntry + 1}),
		"cut short":      archive(tar.Header{Name: "results/" + key, Typeflag: tar.TypeReg, Size: 2 << 20}),
	} {
		if err := unpack(layer, func(cache.Entry) error { return nil }); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

type zeroes struct{}

func (zeroes) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// machine has a cache with the result of some work.
func machine(t *testing.T, works ...string) *cache.Store {
	t.Helper()
	s := cache.Open(cache.Config{Dir: t.TempDir(), Maker: "c", Note: true})
	for _, w := range works {
		if _, err := cache.Value(s, "work", []string{w}, func() (string, error) { return "result of " + w, nil }); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// knows reports whether a cache has the result of work.
func knows(t *testing.T, s *cache.Store, work string) bool {
	t.Helper()
	made := false
	got, err := cache.Value(s, "work", []string{work}, func() (string, error) { made = true; return "result of " + work, nil })
	if err != nil || got != "result of "+work {
		t.Errorf("%s gave %q, %v", work, got, err)
	}
	return !made
}

func open(t *testing.T, host string) *oci.Repository {
	t.Helper()
	r, err := oci.OpenRepository(host+"/fleet/shards", &oci.RegistryConfig{Client: oci.RetryingClientWithin(4 * time.Millisecond), Pause: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

var input = Input{"tree", "c", "2026-11-20T12:00:00Z"}

func mustPush(t *testing.T, in Input, s Shard, r *oci.Repository, works ...string) *Pushed {
	t.Helper()
	p, ds, err := Push(t.Context(), in, s, machine(t, works...), r)
	if err != nil || len(ds) > 0 {
		t.Fatal(ds, err)
	}
	return p
}

// The shards that are there are taken, the others said, and pushing the same
// once more sends nothing.
func TestExchange(t *testing.T) {
	r := open(t, registry.Memory(t, true))
	mustPush(t, input, Shard{0, 4}, r, "a", "shared")
	mustPush(t, input, Shard{2, 4}, r, "b", "shared")
	if p := mustPush(t, input, Shard{2, 4}, r, "b", "shared"); p.Sent != 0 || p.Entries != 2 {
		t.Errorf("%+v", p)
	}
	kept := machine(t, "own")
	got, ds, err := Pull(t.Context(), input, 4, r, kept, nil)
	if err != nil || *got != (Pulled{2, 4}) {
		t.Fatalf("%+v, %v", got, err)
	}
	for _, w := range []string{"a", "b", "shared", "own"} {
		if !knows(t, kept, w) {
			t.Errorf("%s would be done again", w)
		}
	}
	if len(ds) != 1 || ds[0].Code != "SHD004" || ds[0].Severity != diag.Warning || !strings.HasSuffix(ds[0].Message, ": 1, 3") || !strings.HasPrefix(ds[0].Message, "2 of 4 ") {
		t.Errorf("%v", ds)
	}
	if got, ds, err := Pull(t.Context(), input, 1, open(t, registry.Memory(t, true)), kept, nil); err != nil || got.Shards != 0 || len(ds) != 1 {
		t.Errorf("an empty registry: %+v, %v, %v", got, ds, err)
	}
}

// What a tag names is judged before it is used.
func TestUnfit(t *testing.T) {
	for name, c := range map[string]struct {
		push  func(t *testing.T, r *oci.Repository)
		c     PullConfig
		wants string
	}{
		"other files": {push: moved(Input{"other", "c", input.Now}, Shard{0, 1}), wants: "other files"},
		"program":     {push: moved(Input{"tree", "d", input.Now}, Shard{0, 1}), wants: "another program"},
		"time":        {push: moved(Input{"tree", "c", "2027-01-01T00:00:00Z"}, Shard{0, 1}), wants: "another time"},
		"shard":       {push: moved(input, Shard{1, 2}), wants: "another shard"},
		"type":        {push: artifact("application/vnd.example", []byte("x")), wants: `of type "application/vnd.example"`},
		"no layer":    {push: artifact(ArtifactType, []byte("x")), wants: "cannot be read"},
		"not required": {
			push: func(t *testing.T, r *oci.Repository) { mustPush(t, input, Shard{0, 1}, r, "a") },
			c:    PullConfig{Require: []digest.Digest{digest.Of(nil)}}, wants: "which --require does not name",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := open(t, registry.Memory(t, true))
			c.push(t, r)
			kept := machine(t)
			got, ds, err := Pull(t.Context(), input, 1, r, kept, &c.c)
			if err != nil || got.Shards != 0 || len(ds) != 1 || ds[0].Code != "SHD005" || !strings.Contains(ds[0].Message, c.wants) {
				t.Errorf("%+v, %v, %v", got, ds, err)
			}
			if knows(t, kept, "a") {
				t.Error("it was taken")
			}
		})
	}
}

// moved pushes a shard of another input and moves the tag to it.
func moved(in Input, s Shard) func(*testing.T, *oci.Repository) {
	return func(t *testing.T, r *oci.Repository) {
		mustPush(t, in, s, r, "a")
		d, err := r.Resolve(t.Context(), in.Tag(s))
		if err != nil {
			t.Fatal(err)
		}
		m, err := r.Fetch(t.Context(), d, oci.MaxManifest)
		if err != nil {
			t.Fatal(err)
		}
		if err := r.Tag(t.Context(), m, input.Tag(Shard{0, 1})); err != nil {
			t.Fatal(err)
		}
	}
}

// artifact pushes one layer with the right annotations.
func artifact(artifactType string, layer []byte) func(*testing.T, *oci.Repository) {
	return func(t *testing.T, r *oci.Repository) {
		a, err := oci.NewArtifact(artifactType, input.annotations(Shard{0, 1}), []oci.Descriptor{oci.DescriptorOf(MediaTypeLayer, layer)})
		if err != nil {
			t.Fatal(err)
		}
		a.Blobs = append(a.Blobs, oci.Bytes(layer))
		if _, err := r.Put(t.Context(), a); err != nil {
			t.Fatal(err)
		}
		if err := r.Tag(t.Context(), a.Manifest, input.Tag(Shard{0, 1})); err != nil {
			t.Fatal(err)
		}
	}
}

// Required digests let their shards in.
func TestRequire(t *testing.T) {
	r := open(t, registry.Memory(t, true))
	p := mustPush(t, input, Shard{0, 1}, r, "a")
	kept := machine(t)
	got, ds, err := Pull(t.Context(), input, 1, r, kept, &PullConfig{Require: []digest.Digest{p.Digest}})
	if err != nil || len(ds) > 0 || got.Shards != 1 || !knows(t, kept, "a") {
		t.Errorf("%+v, %v, %v", got, ds, err)
	}
}

// faulty answers some requests in another way.
type faulty struct {
	http.Handler
	answer func(w http.ResponseWriter, r *http.Request) bool
}

func (f *faulty) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if f.answer == nil || !f.answer(w, r) {
		f.Handler.ServeHTTP(w, r)
	}
}

// A registry that refuses or fails ends both sides with what to do; one that
// cuts or changes a blob, or has lost it, costs the shard.
func TestFaults(t *testing.T) {
	status := func(code int) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, _ *http.Request) bool { w.WriteHeader(code); return true }
	}
	blob := func(answer func(w http.ResponseWriter)) func(http.ResponseWriter, *http.Request) bool {
		return func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method != http.MethodGet || !strings.Contains(r.URL.Path, "/blobs/") {
				return false
			}
			answer(w)
			return true
		}
	}
	for name, c := range map[string]struct {
		answer     func(http.ResponseWriter, *http.Request) bool
		push, pull string
	}{
		"no login":  {status(http.StatusUnauthorized), "SHD002", "SHD002"},
		"no rights": {status(http.StatusForbidden), "SHD002", "SHD002"},
		"read-only": {func(w http.ResponseWriter, r *http.Request) bool {
			return r.Method != http.MethodGet && r.Method != http.MethodHead && status(http.StatusMethodNotAllowed)(w, r)
		}, "SHD002", ""},
		"down":      {status(http.StatusServiceUnavailable), "SHD003", "SHD003"},
		"cut":       {blob(func(w http.ResponseWriter) { w.Header().Set("Content-Length", "3"); io.WriteString(w, "abc") }), "SHD003", "SHD005"},
		"changed":   {blob(func(w http.ResponseWriter) { w.Write(make([]byte, 200)) }), "SHD003", "SHD005"},
		"forgotten": {blob(func(w http.ResponseWriter) { w.WriteHeader(http.StatusNotFound) }), "SHD003", "SHD005"},
	} {
		t.Run(name, func(t *testing.T) {
			f := &faulty{Handler: registry.Handler(true)}
			r := open(t, registry.Serve(t, f))
			mustPush(t, input, Shard{0, 1}, r, "a")
			f.answer = c.answer
			p, ds, err := Push(t.Context(), input, Shard{0, 1}, machine(t, "b"), r)
			if err != nil || (p != nil) != (c.push == "") || codes(ds) != c.push {
				t.Errorf("push: %+v, %v, %v; want %s", p, ds, err, c.push)
			}
			kept := machine(t)
			_, ds, err = Pull(t.Context(), input, 1, r, kept, nil)
			if err != nil || codes(ds) != c.pull || len(ds) > 0 && strings.Contains(ds[0].Message, "write") {
				t.Errorf("pull: %v, %v; want %s", ds, err, c.pull)
			}
			if knows(t, kept, "a") != (c.pull == "") {
				t.Errorf("taken: %v", c.pull != "")
			}
		})
	}
}

func codes(ds diag.List) string {
	var out []string
	for _, d := range ds {
		out = append(out, d.Code)
	}
	return strings.Join(out, " ")
}

// An interrupted exchange is no diagnostic.
func TestCancelled(t *testing.T) {
	r := open(t, registry.Memory(t, true))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, ds, err := Pull(ctx, input, 3, r, machine(t), nil); !errors.Is(err, context.Canceled) || len(ds) > 0 {
		t.Errorf("%v, %v", ds, err)
	}
	if _, ds, err := Push(ctx, input, Shard{0, 1}, machine(t, "a"), r); !errors.Is(err, context.Canceled) || len(ds) > 0 {
		t.Errorf("%v, %v", ds, err)
	}
}
