package attest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxDepth bounds nesting: predicates are flat, and a parser's stack is not
// the signer's to choose.
const maxDepth = 64

// strict refuses JSON that two parsers may read in two ways: a name twice in an
// object (one takes the first, another the last), names that differ only in
// case (Go's own parser takes them for one), bytes that are no UTF-8 (some
// parsers replace them), anything behind the value, and endless depth.
func strict(b []byte) error {
	if !utf8.Valid(b) {
		return errors.New("the JSON is not UTF-8")
	}
	dec := json.NewDecoder(bytes.NewReader(b))
	dec.UseNumber()
	if err := value(dec, 0); err != nil {
		return err
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something stands behind the JSON value")
	}
	return nil
}

func value(dec *json.Decoder, depth int) error {
	if depth > maxDepth {
		return fmt.Errorf("the JSON is nested more than %d deep", maxDepth)
	}
	t, err := dec.Token()
	if err != nil {
		return err
	}
	switch t {
	case json.Delim('{'):
		return members(dec, depth)
	case json.Delim('['):
		for dec.More() {
			if err := value(dec, depth+1); err != nil {
				return err
			}
		}
		_, err = dec.Token()
	}
	return err
}

func members(dec *json.Decoder, depth int) error {
	seen := map[string]string{}
	for dec.More() {
		t, err := dec.Token()
		if err != nil {
			return err
		}
		name, _ := t.(string)
		folded := fold(name)
		if old, ok := seen[folded]; ok {
			return fmt.Errorf("the JSON names %.60q and %.60q in one object", old, name)
		}
		seen[folded] = name
		if err := value(dec, depth+1); err != nil {
			return err
		}
	}
	_, err := dec.Token()
	return err
}

// fold makes names equal that Go's own parser takes for one: not only letters in
// two cases, also "ſ" for "s" and the Kelvin sign for "k".
func fold(name string) string {
	return strings.Map(func(r rune) rune {
		for {
			next := unicode.SimpleFold(r)
			if next <= r {
				return next // the smallest of those that fold into each other
			}
			r = next
		}
	}, name)
}
