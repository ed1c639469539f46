package policies_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/testkit/corpus"
)

var errNoCorpus = errors.New("the manifest corpus is not here")

// object returns a written object, or one of the corpus as it was changed.
func (c *recallCase) object(o map[string]any) (map[string]any, error) {
	ref, ok := o["corpus"].(string)
	if !ok {
		return o, nil
	}
	file, key, _ := strings.Cut(ref, " ")
	real, err := corpusObject(file, key)
	if err != nil {
		return nil, err
	}
	set, _ := o["set"].(map[string]any)
	for _, p := range slices.Sorted(maps.Keys(set)) {
		if _, err := change(real, p, set[p]); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", ref, p, err)
		}
	}
	remove, _ := o["remove"].([]any)
	for _, p := range remove {
		if _, err := change(real, fmt.Sprint(p), nil); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", ref, p, err)
		}
	}
	if c.fromCorpus == nil {
		c.fromCorpus = map[string]bool{}
	}
	c.fromCorpus[object.New(real, object.Origin{}).Key().String()] = true
	return real, nil
}

// real counts a subject that is an object of the corpus.
func (c *recallCase) real(e expectation) int {
	subject, _, _ := strings.Cut(e.subject, "#")
	for key := range c.fromCorpus {
		if ok, _ := path.Match(subject, key); ok || strings.HasSuffix(subject, ":"+key) {
			return 1
		}
	}
	return 0
}

// corpusFiles are the objects of each file of the corpus by key, encoded: every
// case changes its own.
var corpusFiles sync.Map

func corpusObject(file, key string) (map[string]any, error) {
	wd, err := os.Getwd()
	if err != nil {
		return nil, err
	}
	dir := corpus.Dir(wd)
	if dir == "" {
		if os.Getenv("CI") == "true" {
			return nil, errors.New("the manifest corpus is missing")
		}
		return nil, errNoCorpus
	}
	load, _ := corpusFiles.LoadOrStore(file, sync.OnceValues(func() (map[string]string, error) {
		objects, err := corpus.Objects(filepath.Join(dir, file))
		byKey := map[string]string{}
		for _, o := range objects {
			byKey[object.New(o, object.Origin{}).Key().String()] = jsonText(o)
		}
		return byKey, err
	}))
	byKey, err := load.(func() (map[string]string, error))()
	if err != nil {
		return nil, err
	}
	text, ok := byKey[key]
	if !ok {
		return nil, fmt.Errorf("%s has no %s", file, key)
	}
	var out map[string]any
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	return out, dec.Decode(&out)
}

// change sets or, with nil, removes what a JSON pointer names, and returns the
// changed value. What it goes through must exist, so that a mutation which the
// corpus outgrew is an error; the last step may be new.
func change(v any, pointer string, to any) (any, error) {
	if pointer == "" {
		return to, nil
	}
	token, rest, more := strings.Cut(pointer[1:], "/")
	if more {
		rest = "/" + rest
	}
	token = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	switch x := v.(type) {
	case map[string]any:
		old, ok := x[token]
		if !ok && (rest != "" || to == nil) {
			return nil, fmt.Errorf("there is no %s", token)
		}
		next, err := change(old, rest, to)
		if x[token] = next; next == nil {
			delete(x, token)
		}
		return x, err
	case []any:
		i, err := strconv.Atoi(token)
		if err != nil || i < 0 || i >= len(x) {
			return nil, fmt.Errorf("there is no %s", token)
		}
		next, err := change(x[i], rest, to)
		if x[i] = next; next == nil {
			x = slices.Delete(x, i, i+1)
		}
		return x, err
	}
	return nil, fmt.Errorf("%s is in no list and no map", token)
}
