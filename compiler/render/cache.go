package render

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"sync"

	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// Cache remembers what sources gave, and what is derived of that alone, so that
// clusters share the work. It is safe for concurrent use; one cache serves one
// compile, and any number of trees in it.
type Cache struct {
	kept    *cache.Store
	sources shared[sourceKey, sourced]
	patches shared[patchKey, *patched]
	bases   shared[uintptr, *base]
	refused shared[string, error] // what is wrong with references of images

	mu     sync.Mutex
	common map[object.Key]map[string]any // the first base of each key
}

type sourceKey struct {
	tree   *tree.Tree
	source string
}

type sourced struct {
	result *result
	err    error
}

type patchKey struct {
	result  *result
	patches string
}

// NewCache makes an empty cache over what earlier compiles kept, which may be
// nil.
func NewCache(kept *cache.Store) *Cache { return &Cache{kept: kept} }

// do returns the result for a key, computing it once. A failure of the
// environment is remembered too: the compile it belongs to has failed.
func (c *Cache) do(t *tree.Tree, source string, f func(*tree.Tree) (*result, error)) (*result, error) {
	s := c.sources.get(sourceKey{t, source}, func() (s sourced) {
		var saw string
		if s.result, saw, s.err = cache.Memo(c.kept, t, "render", []string{source}, f); s.err == nil {
			s.result.saw = saw
			c.settle(s.result)
		}
		return s
	})
	return s.result, s.err
}

// settle lets a new result hold what an earlier one holds already: overlays of
// many clusters, and trials of one, give the same objects but for a few fields.
func (c *Cache) settle(r *result) {
	for _, o := range slices.Concat(r.Objects, r.Tests) {
		c.mu.Lock()
		was, known := c.common[o.Key()]
		if !known {
			if c.common == nil {
				c.common = map[object.Key]map[string]any{}
			}
			c.common[o.Key()] = o.Base
		}
		c.mu.Unlock()
		if known {
			o.Base = reuse(was, o.Base)
		}
	}
}

// patched returns what a component's patches make of a source's objects.
func (c *Cache) patched(res *result, set []spec.Patch) *patched {
	if len(set) == 0 {
		return patch(res, nil)
	}
	b, err := json.Marshal(set)
	if err != nil {
		panic(err) // values of a unit are JSON values
	}
	return c.patches.get(patchKey{res, string(b)}, func() *patched { return patch(res, set) })
}

// base is what is derived of the base of objects. It holds on to the base, so
// that the address it is found by stays the base's own.
type base struct {
	content map[string]any
	places  func() []imagePlace
	pulled  func() []foundImage
}

func (c *Cache) base(o *object.Object) *base {
	make := func() *base {
		return &base{
			o.Base,
			sync.OnceValue(func() []imagePlace { return imagePlaces(o.Base, nil) }),
			sync.OnceValue(func() []foundImage { return findImages(object.New(o.Base, object.Origin{})) }),
		}
	}
	if o.Sole {
		return make()
	}
	return c.bases.get(reflect.ValueOf(o.Base).Pointer(), make)
}

// shared holds values that are made once, by whoever asks first.
type shared[K comparable, V any] struct {
	mu     sync.Mutex
	values map[K]func() V
}

func (s *shared[K, V]) get(k K, make func() V) V {
	s.mu.Lock()
	f := s.values[k]
	if f == nil {
		if s.values == nil {
			s.values = map[K]func() V{}
		}
		f = sync.OnceValue(make)
		s.values[k] = f
	}
	s.mu.Unlock()
	return f()
}

// key names everything that a source's objects depend on besides the tree.
// Only charts see the release and the cluster.
func key(src spec.Source, release, kubernetes string, apis []string) string {
	b, err := json.Marshal(src)
	if err != nil {
		panic(err) // values of a unit are JSON values
	}
	if src.Helm == nil {
		return string(b)
	}
	return strings.Join([]string{string(b), release, kubernetes, strings.Join(apis, ",")}, "\n")
}
