package cache

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"slices"

	"github.com/fxamacker/cbor/v2"

	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// ErrPoisoned says that an entry holds another result than the work gives.
var ErrPoisoned = errors.New("the cache holds another result than the work gives")

// traces is how many inputs of one work are remembered: those of a few
// branches, between which people go back and forth.
const traces = 8

// trace is one input that the work had, and where its result is.
type trace struct {
	Asked  []tree.Asked
	Result digest.Digest
}

// Memo does work on a tree, or returns what it gave when it was done before.
//
// The work is named by its kind and by inputs, which are everything that it
// depends on besides the tree and the compiler. It may ask the tree that it is
// given for anything: that is recorded, and the result is taken again only for
// a tree that gives the same answers. The value must survive an encoding as
// CBOR: exported fields, maps with string keys, and as elements of `any` the
// value types of package object. Work that fails is not remembered.
//
// saw names the work with all that it asked: where two are equal, so are the
// results, and whatever else could be found out from what was asked. It is ""
// without a store.
func Memo[T any](s *Store, t *tree.Tree, kind string, inputs []string, work func(*tree.Tree) (T, error)) (out T, saw string, err error) {
	if s == nil {
		out, err = work(t)
		return out, "", err
	}
	k := s.key(kind, inputs)
	known := s.traces(k)
	if i := slices.IndexFunc(known, func(tr trace) bool { return t.Confirms(tr.Asked) }); i >= 0 {
		result := s.key("result", []string{string(known[i].Result)})
		if b, ok := recall(s, result, &out); ok {
			if s.check {
				out, err = compare(b, k, kind, inputs, func() (T, error) { return work(t) })
			}
			s.note(k, known[i])
			s.note(result)
			s.count(kind, true)
			return out, k.saw(known[i]), err
		}
	}
	s.count(kind, false)
	recorded, notes := t.Record()
	out, err = work(recorded)
	if err != nil {
		return out, "", err
	}
	b, err := encode(out)
	if err != nil {
		return out, "", fmt.Errorf("a result of %s cannot be kept: %w", kind, err)
	}
	tr := trace{notes.Asked(), digest.Of(b)}
	result := s.key("result", []string{string(tr.Result)})
	s.Put(result, b)
	s.remember(k, tr, known)
	s.note(k, tr)
	s.note(result)
	return out, k.saw(tr), nil
}

// Value is Memo for work that asks no tree: inputs are all that it depends on.
func Value[T any](s *Store, kind string, inputs []string, work func() (T, error)) (out T, err error) {
	if s == nil {
		return work()
	}
	k := s.key(kind, inputs)
	s.note(k)
	b, ok := recall(s, k, &out)
	s.count(kind, ok)
	if ok {
		if s.check {
			return compare(b, k, kind, inputs, work)
		}
		return out, nil
	}
	if out, err = work(); err != nil {
		return out, err
	}
	if b, err = encode(out); err != nil {
		return out, fmt.Errorf("a result of %s cannot be kept: %w", kind, err)
	}
	s.Put(k, b)
	return out, nil
}

func (k Key) saw(tr trace) string {
	texts := []string{k.String()}
	for _, a := range tr.Asked {
		texts = append(texts, string(a.Ask), a.Name, a.Answer)
	}
	return keyOf(texts...).String()
}

// recall reads an entry into out, and returns it as it is encoded.
func recall[T any](s *Store, k Key, out *T) ([]byte, bool) {
	b, ok := s.Get(k)
	if !ok {
		return nil, false
	}
	if err := decode(b, out); err != nil {
		s.problem(s.path(k), errors.Join(ErrDamaged, err))
		return nil, false
	}
	return b, true
}

// compare does work whose result is there.
func compare[T any](have []byte, k Key, kind string, inputs []string, work func() (T, error)) (T, error) {
	made, err := work()
	if err != nil {
		return made, err
	}
	if b, err := encode(made); err != nil || !bytes.Equal(b, have) {
		return made, fmt.Errorf("%w: %s %q, entry %s", ErrPoisoned, kind, inputs, k)
	}
	return made, nil
}

func (s *Store) traces(k Key) []trace {
	b, ok := s.Get(k)
	if !ok {
		return nil
	}
	var out []trace
	if err := decode(b, &out); err != nil {
		s.problem(s.path(k), errors.Join(ErrDamaged, err))
		return nil
	}
	return out
}

// remember puts a trace before those that are known. Two processes that do so
// at once may lose one: the work is done once more then.
func (s *Store) remember(k Key, tr trace, known []trace) {
	s.keep(k, append([]trace{tr}, without(known, []trace{tr})...))
}

// keep puts the first of these traces in the place of all that were known.
func (s *Store) keep(k Key, all []trace) {
	b, err := encode(all[:min(len(all), traces)])
	if err != nil {
		s.problem(s.path(k), err)
		return
	}
	s.Put(k, b)
}

// The encoding is CBOR (RFC 8949), deterministic, because it tells integers
// from floating-point numbers and nothing from an empty list, as JSON does not.
var (
	encMode = must(cbor.CoreDetEncOptions().EncMode())
	decMode = must(cbor.DecOptions{
		DefaultMapType: reflect.TypeFor[map[string]any](), IntDec: cbor.IntDecConvertSignedOrFail,
		MaxNestedLevels: 10_000, MaxArrayElements: 1<<31 - 1, MaxMapPairs: 1<<31 - 1,
	}.DecMode())
)

func must[T any](v T, err error) T {
	if err != nil {
		panic(err) // the options are constants
	}
	return v
}

// Bytes are what they are: layers are large, and would be copied for a header.
func encode(v any) ([]byte, error) {
	if b, ok := v.([]byte); ok {
		return b, nil
	}
	return encMode.Marshal(v)
}

func decode(b []byte, v any) error {
	if out, ok := v.(*[]byte); ok {
		*out = b
		return nil
	}
	return decMode.Unmarshal(b, v)
}
