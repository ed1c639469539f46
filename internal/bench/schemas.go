package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/testkit/corpus"
	"github.com/darkstart-dev/darkstart/schemas/kubernetes"
)

// schemaFile is the name by which kubeconform finds the schema of a kind; the
// template that it gets must say the same.
const schemaTemplate = "{{ .Group }}_{{ .ResourceAPIVersion }}_{{ .ResourceKind }}.json"

func schemaFile(group, version, kind string) string {
	if group == "" {
		group = version // as kubeconform splits "v1"
	}
	return fmt.Sprintf("%s_%s_%s.json", group, version, strings.ToLower(kind))
}

// writeSchemas writes the schemas that Darkstart validates with as JSON schemas
// for kubeconform: those of a Kubernetes release, and those of the custom
// resources that manifests define.
func writeSchemas(dir, release, manifests string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if err := builtinSchemas(dir, release); err != nil {
		return err
	}
	files, err := filepath.Glob(filepath.Join(manifests, "*.yaml"))
	if err != nil {
		return err
	}
	for _, f := range files {
		objects, err := corpus.Objects(f)
		if err != nil {
			return err
		}
		for _, o := range objects {
			if o["kind"] == "CustomResourceDefinition" {
				if err := customSchemas(dir, o); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// builtinSchemas unpacks an archive of schemas/kubernetes: a line of names, and
// a line for each definition, which refer to each other by name.
func builtinSchemas(dir, release string) error {
	text, err := unpacked(release)
	if err != nil {
		return err
	}
	first, rest, _ := bytes.Cut(text, []byte("\n"))
	var index struct {
		Kinds       []struct{ Group, Version, Kind, Definition string }
		Definitions []string
	}
	if err := json.Unmarshal(first, &index); err != nil {
		return err
	}
	definitions := map[string]any{}
	for i, line := range bytes.Split(bytes.TrimSuffix(rest, []byte("\n")), []byte("\n")) {
		var v any
		if err := json.Unmarshal(line, &v); err != nil {
			return err
		}
		definitions[index.Definitions[i]] = v
	}
	for _, k := range index.Kinds {
		needed := map[string]any{}
		closure(k.Definition, definitions, needed)
		for _, v := range needed {
			local(v)
		}
		if err := writeJSON(filepath.Join(dir, schemaFile(k.Group, k.Version, k.Kind)), map[string]any{"$ref": "#/definitions/" + k.Definition, "definitions": needed}); err != nil {
			return err
		}
	}
	return nil
}

func unpacked(release string) ([]byte, error) {
	f, err := kubernetes.FS.Open("v" + release + ".gz")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

// closure collects what a definition refers to.
func closure(name string, all, into map[string]any) {
	if _, done := into[name]; done {
		return
	}
	into[name] = all[name]
	references(all[name], func(m map[string]any, to string) { closure(strings.TrimPrefix(to, definitionPrefix), all, into) })
}

const definitionPrefix = "#/definitions/"

// local turns names into references inside of one document.
func local(v any) {
	references(v, func(m map[string]any, to string) {
		if !strings.HasPrefix(to, definitionPrefix) {
			m["$ref"] = definitionPrefix + to
		}
	})
}

func references(v any, f func(holder map[string]any, to string)) {
	switch x := v.(type) {
	case map[string]any:
		if to, ok := x["$ref"].(string); ok {
			f(x, to)
		}
		for _, e := range x {
			references(e, f)
		}
	case []any:
		for _, e := range x {
			references(e, f)
		}
	}
}

func customSchemas(dir string, crd map[string]any) error {
	group, kind := object.String(crd, "spec", "group"), object.String(crd, "spec", "names", "kind")
	for _, v := range object.Slice(crd, "spec", "versions") {
		s := object.Map(v, "schema", "openAPIV3Schema")
		if s == nil {
			continue
		}
		if err := writeJSON(filepath.Join(dir, schemaFile(group, object.String(v, "name"), kind)), s); err != nil {
			return err
		}
	}
	return nil
}

func writeJSON(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return os.WriteFile(name, b, 0o644)
}
