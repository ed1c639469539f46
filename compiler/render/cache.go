package render

import (
	"encoding/json"
	"strings"
	"sync"

	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/spec"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// Cache remembers what sources gave, so that a component that many clusters
// share is rendered once. It is safe for concurrent use; one cache serves one
// compile, and any number of trees in it.
type Cache struct {
	kept    *cache.Store
	mu      sync.Mutex
	entries map[cacheKey]*cacheEntry
}

type cacheKey struct {
	tree   *tree.Tree
	source string
}

type cacheEntry struct {
	once   sync.Once
	result *result
	err    error
}

// NewCache makes an empty cache over what earlier compiles kept, which may be
// nil.
func NewCache(kept *cache.Store) *Cache {
	return &Cache{kept: kept, entries: map[cacheKey]*cacheEntry{}}
}

// do returns the result for a key, computing it once. A failure of the
// environment is remembered too: the compile it belongs to has failed.
func (c *Cache) do(t *tree.Tree, source string, f func(*tree.Tree) (*result, error)) (*result, error) {
	c.mu.Lock()
	k := cacheKey{t, source}
	e := c.entries[k]
	if e == nil {
		e = &cacheEntry{}
		c.entries[k] = e
	}
	c.mu.Unlock()
	e.once.Do(func() {
		var saw string
		if e.result, saw, e.err = cache.Memo(c.kept, t, "render", []string{source}, f); e.err == nil {
			e.result.saw = saw
		}
	})
	return e.result, e.err
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
