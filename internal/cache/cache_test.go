package cache

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
	"pgregory.net/rapid"

	"github.com/darkstart-dev/darkstart/internal/tree"
)

// writer is set in the processes that TestKilled kills.
const writer = "DARKSTART_TEST_CACHE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(writer); dir != "" {
		write(Open(Config{Dir: dir}))
	}
	os.Exit(m.Run())
}

// write fills a cache for ever, with entries that tell what they should hold.
func write(s *Store) {
	for i := 0; ; i++ {
		k := number(i % 500)
		s.Put(k, text(k))
	}
}

func number(i int) Key { return keyOf("test", fmt.Sprint(i)) }

func text(k Key) []byte { return bytes.Repeat([]byte(k.String()), 500) }

// TestKilled: whenever a writer is killed, each entry is whole or absent, and
// others who write and read meanwhile see no more than that.
func TestKilled(t *testing.T) {
	dir := t.TempDir()
	s := Open(Config{Dir: dir})
	found := 0
	for round := range 12 {
		var running []*exec.Cmd
		for range 2 {
			c := exec.Command(os.Args[0])
			c.Env = append(os.Environ(), writer+"="+dir)
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			running = append(running, c)
		}
		time.Sleep(time.Duration(5+round*5) * time.Millisecond)
		for _, c := range running {
			c.Process.Kill() //nolint:errcheck // it runs for ever
			c.Wait()         //nolint:errcheck // killed
		}
		for i := range 500 {
			if b, ok := s.Get(number(i)); ok {
				found++
				if !bytes.Equal(b, text(number(i))) {
					t.Fatalf("entry %d holds something else", i)
				}
			}
		}
	}
	if found == 0 {
		t.Error("nothing was ever written")
	}
	if p := s.Run().Problems; len(p) > 0 {
		t.Errorf("damaged: %v", p)
	}
	s.now = func() time.Time { return time.Now().Add(2 * left) }
	if _, _, err := s.Prune(1 << 40); err != nil {
		t.Fatal(err)
	}
	filepath.Walk(dir, func(p string, fi os.FileInfo, err error) error { //nolint:errcheck // it returns none
		if err == nil && strings.HasPrefix(fi.Name(), temporary) {
			t.Errorf("%s was left behind", p)
		}
		return nil
	})
}

// TestEveryFlipIsAMiss: no bit of an entry can change unseen; the next use
// makes it again.
func TestEveryFlipIsAMiss(t *testing.T) {
	s := Open(Config{Dir: t.TempDir()})
	k := keyOf("work")
	s.Put(k, []byte("result"))
	whole, err := os.ReadFile(s.path(k))
	if err != nil {
		t.Fatal(err)
	}
	damage := [][]byte{nil, whole[:len(whole)-1], whole[:head()-1], append(slices.Clone(whole), 0)}
	for i := range whole {
		for bit := range 8 {
			b := slices.Clone(whole)
			b[i] ^= 1 << bit
			damage = append(damage, b)
		}
	}
	for _, b := range damage {
		s := &Store{folder: &folder{dir: s.dir}}
		if err := os.WriteFile(s.path(k), b, 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := s.Get(k); ok {
			t.Fatalf("%q was taken from %q", got, b)
		}
		if p := s.Run().Problems; len(p) != 1 || p[0].Path != s.path(k) {
			t.Fatalf("reported: %v", p)
		}
		if _, err := os.Stat(s.path(k)); !errors.Is(err, os.ErrNotExist) {
			t.Fatal("a damaged entry stays")
		}
	}
	s.Put(k, []byte("result"))
	if b, ok := s.Get(k); !ok || string(b) != "result" {
		t.Errorf("%q, %v", b, ok)
	}
}

// TestMemoIsTheWork: whatever happened to the tree in between, the cache gives
// what the work would; and it does not do it again without need.
func TestMemoIsTheWork(t *testing.T) {
	saved := 0
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		files := map[string]string{"main": "a b", "a": "1"}
		names := []string{"main", "a", "b", "c", "d/e", "d/f"}
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			name := rapid.SampledFrom(names).Draw(rt, "name")
			if rapid.Bool().Draw(rt, "remove") {
				delete(files, name)
			} else {
				files[name] = rapid.SampledFrom([]string{"a", "a b", "c d", "d", "1"}).Draw(rt, "text")
			}
			tr, ran := tree.FromMap(maps.Clone(files)), false
			memo := func() (string, error) {
				out, _, err := Memo(Open(Config{Dir: dir}), tr, "include", nil, func(t *tree.Tree) (string, error) { ran = true; return include(t), nil })
				return out, err
			}
			got, err := memo()
			if err != nil {
				rt.Fatal(err)
			}
			if want := include(tr); got != want {
				rt.Fatalf("%v gave %q, and the work is %q", files, got, want)
			}
			if !ran {
				saved++
			}
			ran = false
			if again, err := memo(); err != nil || again != got || ran {
				rt.Fatalf("again: %q, %v, done: %v", again, err, ran)
			}
		}
	})
	if saved == 0 {
		t.Error("no work was ever saved")
	}
}

// include reads a file, and the files and folders that it names.
func include(t *tree.Tree) string {
	var out bytes.Buffer
	b, _ := t.ReadFile("main")
	for _, name := range strings.Fields(string(b)) {
		if t.HasDir(name) {
			for _, e := range t.Files(name) {
				c, _ := t.ReadFile(e.Path)
				fmt.Fprintf(&out, "%s=%s,", e.Path, c)
			}
			continue
		}
		c, err := t.ReadFile(name)
		fmt.Fprintf(&out, "%s=%s %v,", name, c, err)
	}
	return out.String()
}

// TestPoison: a well-formed entry with another result is taken by who trusts
// the cache, and found out by who checks.
func TestPoison(t *testing.T) {
	dir, tr := t.TempDir(), tree.FromMap(map[string]string{"a": "1"})
	read := func(t *tree.Tree) (string, error) {
		b, err := t.ReadFile("a")
		return string(b), err
	}
	s := Open(Config{Dir: dir})
	if _, _, err := Memo(s, tr, "read", nil, read); err != nil {
		t.Fatal(err)
	}
	evil, _ := encode("evil")
	s.Put(s.key("result", []string{string(s.traces(s.key("read", nil))[0].Result)}), evil)
	if got, _, err := Memo(s, tr, "read", nil, read); err != nil || got != "evil" {
		t.Errorf("%q, %v", got, err)
	}
	if got, _, err := Memo(Open(Config{Dir: dir, Check: true}), tr, "read", nil, read); !errors.Is(err, ErrPoisoned) {
		t.Errorf("%q, %v", got, err)
	}
}

// TestValue: a value of other inputs is another one, and a false one is found
// out by who checks.
func TestValue(t *testing.T) {
	dir, made := t.TempDir(), 0
	double := func(c Config, n int) (int, error) {
		c.Dir = dir
		return Value(Open(c), "double", []string{fmt.Sprint(n)}, func() (int, error) { made++; return 2 * n, nil })
	}
	for _, n := range []int{1, 2, 1, 2} {
		if got, err := double(Config{}, n); err != nil || got != 2*n {
			t.Errorf("twice %d is %d, %v", n, got, err)
		}
	}
	if made != 2 {
		t.Errorf("made %d times", made)
	}
	if got, err := double(Config{Check: true}, 1); err != nil || got != 2 || made != 3 {
		t.Errorf("%d, %v, made %d times", got, err, made)
	}
	s := Open(Config{Dir: dir})
	evil, _ := encode(7)
	s.Put(s.key("double", []string{"1"}), evil)
	if got, err := double(Config{}, 1); err != nil || got != 7 {
		t.Errorf("%d, %v", got, err)
	}
	if _, err := double(Config{Check: true}, 1); !errors.Is(err, ErrPoisoned) {
		t.Error(err)
	}
	if _, err := Value(s, "fails", nil, func() (int, error) { return 0, errors.New("no") }); err == nil {
		t.Error("no error")
	}
	if n, err := Value(nil, "x", nil, func() (int, error) { return 1, nil }); n != 1 || err != nil {
		t.Error(n, err)
	}
}

// TestSaw: what was seen has the same name as long as it is the same.
func TestSaw(t *testing.T) {
	dir := t.TempDir()
	saw := func(input string, files map[string]string) string {
		_, saw, err := Memo(Open(Config{Dir: dir}), tree.FromMap(files), "size", []string{input}, func(t *tree.Tree) (int, error) {
			b, err := t.ReadFile("a")
			return len(b), err
		})
		if err != nil || saw == "" {
			t.Fatalf("%q, %v", saw, err)
		}
		return saw
	}
	first := saw("x", map[string]string{"a": "1"})
	if saw("x", map[string]string{"a": "1", "b": "2"}) != first {
		t.Error("a file that was not asked for counts")
	}
	if saw("x", map[string]string{"a": "2"}) == first || saw("y", map[string]string{"a": "1"}) == first {
		t.Error("other input has the same name")
	}
}

// TestMakersAreApart: what one compiler made is no result of another, nor is
// that of other inputs; and what failed is tried again.
func TestMakersAreApart(t *testing.T) {
	dir, tr := t.TempDir(), tree.FromMap(nil)
	memo := func(maker, kind string, inputs ...string) (string, error) {
		made := ""
		_, _, err := Memo(Open(Config{Dir: dir, Maker: maker}), tr, kind, inputs, func(*tree.Tree) (int, error) {
			made = "made"
			return 1, nil
		})
		return made, err
	}
	for i, c := range []struct{ maker, kind, input, want string }{
		{"1", "a", "x", "made"}, {"1", "a", "x", ""}, {"2", "a", "x", "made"}, {"1", "b", "x", "made"}, {"1", "a", "y", "made"}, {"1", "a", "x", ""},
	} {
		if got, err := memo(c.maker, c.kind, c.input); err != nil || got != c.want {
			t.Errorf("%d: %q, %v", i, got, err)
		}
	}
	tries := 0
	for range 2 {
		_, _, err := Memo(Open(Config{Dir: dir}), tr, "fails", nil, func(*tree.Tree) (int, error) { tries++; return 0, errors.New("no") })
		if err == nil {
			t.Error("no error")
		}
	}
	if tries != 2 {
		t.Errorf("tried %d times", tries)
	}
}

// TestEncoding: every value that an object may hold comes back as it is.
func TestEncoding(t *testing.T) {
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		gens := []*rapid.Generator[any]{
			rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.String().AsAny(), rapid.Float64Range(-1e300, 1e300).AsAny(),
			rapid.SampledFrom([]float64{0, 1, 1e10, 0.1, 65504, 1 << 53}).AsAny(),
		}
		if depth > 0 {
			next := rapid.Deferred(func() *rapid.Generator[any] { return value(depth - 1) })
			gens = append(gens, rapid.SliceOfN(next, 0, 3).AsAny(), rapid.MapOfN(rapid.String(), next, 0, 3).AsAny())
		}
		return rapid.OneOf(gens...)
	}
	type holder struct {
		Content map[string]any
		List    []string
	}
	rapid.Check(t, func(t *rapid.T) {
		in := holder{map[string]any{"v": value(3).Draw(t, "value")}, rapid.SampledFrom([][]string{nil, {}, {"a"}}).Draw(t, "list")}
		b, err := encode(in)
		if err != nil {
			t.Fatal(err)
		}
		var out holder
		if err := decode(b, &out); err != nil || !reflect.DeepEqual(in, out) {
			t.Fatalf("%#v came back as %#v, %v", in, out, err)
		}
	})
}

// TestPrune: what was used last stays, within the limit.
func TestPrune(t *testing.T) {
	s := Open(Config{Dir: t.TempDir()})
	now := time.Now()
	s.now = func() time.Time { return now }
	for i := range 10 {
		s.Put(number(i), text(number(i)))
		old := now.Add(-time.Duration(100-i) * time.Hour)
		if err := os.Chtimes(s.path(number(i)), old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(s.dir, "README"), []byte("not ours"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.Get(number(0)) // the oldest is used
	if s.Due(time.Hour) {
		t.Error("a new cache is due")
	}
	now = now.Add(2 * time.Hour)
	if !s.Due(time.Hour) || s.Due(3*time.Hour) {
		t.Error("who is due is not told by the clock")
	}
	now = now.Add(-2 * time.Hour)
	all, err := s.Stats()
	if err != nil || all.Entries != 10 || !all.Oldest.Equal(now.Add(-99*time.Hour).Truncate(0)) && all.Oldest.Sub(now.Add(-99*time.Hour)).Abs() > time.Second {
		t.Fatalf("%+v, %v", all, err)
	}
	each := all.Bytes / 10
	after, removed, err := s.Prune(3 * each)
	if err != nil || after.Entries != 3 || removed.Entries != 7 || after.Bytes != 3*each {
		t.Fatalf("%+v stay and %+v go, %v", after, removed, err)
	}
	for i := range 10 {
		if _, ok := s.Get(number(i)); ok != (i == 0 || i > 7) {
			t.Errorf("entry %d is there: %v", i, ok)
		}
	}
	if _, err := os.Stat(filepath.Join(s.dir, "README")); err != nil {
		t.Error("a file of somebody else was removed")
	}
	if after, err := s.Stats(); err != nil || after.Entries != 3 {
		t.Errorf("%+v, %v", after, err)
	}
}

// TestNoCache: no folder, a folder that cannot be made, and no store at all
// cost time and nothing else.
func TestNoCache(t *testing.T) {
	var none *Store
	none.Put(keyOf("x"), []byte("1"))
	if _, ok := none.Get(keyOf("x")); ok || len(none.Run().Problems) > 0 {
		t.Error("no store has an entry")
	}
	one := func(*tree.Tree) (int, error) { return 1, nil }
	if n, _, err := Memo(nil, tree.FromMap(nil), "one", nil, one); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s := Open(Config{Dir: blocked})
	if n, _, err := Memo(s, tree.FromMap(nil), "one", nil, one); err != nil || n != 1 {
		t.Errorf("%d, %v", n, err)
	}
	if len(s.Run().Problems) == 0 {
		t.Error("nobody hears that the cache cannot be written")
	}
	if st, err := Open(Config{Dir: filepath.Join(t.TempDir(), "absent")}).Stats(); err != nil || st.Entries != 0 {
		t.Errorf("%+v, %v", st, err)
	}
}

func TestKeys(t *testing.T) {
	seen := map[Key][]string{}
	for _, in := range [][]string{{""}, {"a", "bc"}, {"ab", "c"}, {"a", "b", "c"}, {"abc"}, {"abc", ""}, {"2:bc"}} {
		k := keyOf(in...)
		if seen[k] != nil {
			t.Errorf("%q and %q have one key", in, seen[k])
		}
		seen[k] = in
	}
}

// TestTallies: results are counted by what they are, by any number of workers
// at once; one that has to be made is none that was there.
func TestTallies(t *testing.T) {
	s := Open(Config{Dir: t.TempDir()})
	fleet := tree.FromMap(map[string]string{"a": "1"})
	read := func(t *tree.Tree) (string, error) {
		b, err := t.ReadFile("a")
		return string(b), err
	}
	var g errgroup.Group
	for range 3 { // the first round makes all, whoever comes first
		for i := range 10 {
			g.Go(func() error {
				_, err := Value(s, "value", []string{fmt.Sprint(i)}, func() (int, error) { return i, nil })
				return err
			})
			g.Go(func() error {
				_, _, err := Memo(s, fleet, "memo", []string{fmt.Sprint(i)}, read)
				return err
			})
		}
		if err := g.Wait(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := Value(s, "value", []string{"broken"}, func() (int, error) { return 0, errors.New("no") }); err == nil {
		t.Error("it does not fail")
	}
	want := map[string]Tally{"value": {20, 11}, "memo": {20, 10}}
	if got := s.Run().Tallies; !maps.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
