package drift

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/object"
)

// maxDump bounds an export: 1 GiB.
const maxDump = 1 << 30

// Read parses an export: one JSON document or several, each an object or a List
// of them, as `kubectl get -o json` and the API server itself write it.
func Read(r io.Reader) ([]*object.Object, error) {
	limited := &io.LimitedReader{R: r, N: maxDump + 1}
	dec := json.NewDecoder(limited)
	dec.UseNumber()
	var out []*object.Object
	for n := 1; ; n++ {
		var doc map[string]any
		err := dec.Decode(&doc)
		switch {
		case limited.N <= 0:
			return nil, fmt.Errorf("the export has more than %d bytes", maxDump)
		case errors.Is(err, io.EOF) && n == 1:
			return nil, errors.New("the export is empty")
		case errors.Is(err, io.EOF):
			return out, nil
		case err != nil:
			return nil, fmt.Errorf("document %d of the export is not JSON of an object: %w (write it with `kubectl get KINDS -A -o json`)", n, err)
		}
		if out, err = items(doc, out); err != nil {
			return nil, fmt.Errorf("document %d of the export: %w", n, err)
		}
	}
}

// items appends the objects of a document. The typed lists of the API server
// leave kind and version of their items out.
func items(doc map[string]any, out []*object.Object) ([]*object.Object, error) {
	kind, version := object.String(doc, "kind"), object.String(doc, "apiVersion")
	list, isList := doc["items"].([]any)
	if !isList && doc["items"] == nil && strings.HasSuffix(kind, "List") && object.Map(doc, "metadata")["name"] == nil {
		return out, nil // an empty list
	}
	if !isList {
		list = []any{doc}
	}
	for i, x := range list {
		m, ok := x.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("item %d is not an object", i)
		}
		if isList && m["kind"] == nil && kind != "List" {
			m["kind"], m["apiVersion"] = strings.TrimSuffix(kind, "List"), version
		}
		object.Normalize(m)
		o := object.New(m, object.Origin{})
		if o.Kind == "" || o.APIVersion == "" || o.Name == "" {
			return nil, fmt.Errorf("item %d has no kind, version or name", i)
		}
		out = append(out, o)
	}
	return out, nil
}
