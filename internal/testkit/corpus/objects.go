package corpus

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"go.yaml.in/yaml/v3"
)

// Objects returns the objects of one file of manifests, those of Lists one by
// one.
func Objects(file string) ([]map[string]any, error) {
	src, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	out, err := Parse(src)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return out, nil
}

// Parse returns the objects of a stream of documents, those of Lists one by one.
func Parse(src []byte) ([]map[string]any, error) {
	var out []map[string]any
	for dec := yaml.NewDecoder(bytes.NewReader(src)); ; {
		var m map[string]any
		if err := dec.Decode(&m); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		items, list := m["items"].([]any)
		for _, i := range items {
			if o, ok := i.(map[string]any); ok {
				out = append(out, o)
			}
		}
		if !list && m != nil {
			out = append(out, m)
		}
	}
}
