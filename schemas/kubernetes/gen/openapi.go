package main

import (
	"cmp"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Index is the first line of an archive.
type Index struct {
	Kubernetes  string   `json:"kubernetes"`
	Kinds       []Kind   `json:"kinds"`
	Definitions []string `json:"definitions"`
}

// Kind is one kind that the release serves.
type Kind struct {
	Group      string `json:"group,omitempty"`
	Version    string `json:"version"`
	Kind       string `json:"kind"`
	Namespaced bool   `json:"namespaced,omitempty"`
	Definition string `json:"definition"`
}

// schema is the part of an OpenAPI v3 schema that judges a value.
type schema struct {
	Ref                  string             `json:"$ref,omitempty"`
	Type                 string             `json:"type,omitempty"`
	Format               string             `json:"format,omitempty"`
	Default              json.RawMessage    `json:"default,omitempty"`
	Enum                 []json.RawMessage  `json:"enum,omitempty"`
	Required             []string           `json:"required,omitempty"`
	Properties           map[string]*schema `json:"properties,omitempty"`
	Items                *schema            `json:"items,omitempty"`
	AdditionalProperties *schema            `json:"additionalProperties,omitempty"`
	AllOf                []*schema          `json:"allOf,omitempty"`
	OneOf                []*schema          `json:"oneOf,omitempty"`
	Minimum              *float64           `json:"minimum,omitempty"`
	Maximum              *float64           `json:"maximum,omitempty"`
	ListType             string             `json:"x-kubernetes-list-type,omitempty"`
	ListMapKeys          []string           `json:"x-kubernetes-list-map-keys,omitempty"`
	MapType              string             `json:"x-kubernetes-map-type,omitempty"`
	Validations          json.RawMessage    `json:"x-kubernetes-validations,omitempty"`
	GVK                  []Kind             `json:"x-kubernetes-group-version-kind,omitempty"`
}

// refPrefix starts every reference between definitions.
const refPrefix = "#/components/schemas/"

// loadDefinitions joins the definitions of every group and version. The same
// name has the same content everywhere; anything else is an error.
func loadDefinitions(dir string) (map[string]*schema, error) {
	files, err := filepath.Glob(filepath.Join(dir, "*_openapi.json"))
	if err != nil || len(files) == 0 {
		return nil, fmt.Errorf("no OpenAPI documents in %s (%w)", dir, err)
	}
	out, texts := map[string]*schema{}, map[string]string{}
	for _, file := range files {
		var doc struct {
			Components struct{ Schemas map[string]*schema }
		}
		if err := readJSON(file, &doc); err != nil {
			return nil, err
		}
		for name, s := range doc.Components.Schemas {
			text, err := json.Marshal(s.compact()) // the list of its kinds may differ
			if err != nil {
				return nil, err
			}
			if before, ok := texts[name]; ok && before != string(text) {
				return nil, fmt.Errorf("%s differs between two documents", name)
			}
			if out[name] == nil {
				out[name], texts[name] = s, string(text)
			}
			out[name].GVK = append(out[name].GVK, s.GVK...)
		}
	}
	return out, nil
}

// accepted are fields that the documents call required although the API
// server takes an object without them: it reads the zero value, and its own
// validation (pkg/apis/core/validation) lets that pass.
var accepted = map[string][]string{
	"io.k8s.api.core.v1.ISCSIVolumeSource":           {"lun"},
	"io.k8s.api.core.v1.ISCSIPersistentVolumeSource": {"lun"},
	"io.k8s.api.core.v1.HTTPHeader":                  {"value"},
	"io.k8s.api.core.v1.PreferredSchedulingTerm":     {"preference"},
	"io.k8s.api.core.v1.LimitRangeSpec":              {"limits"},
	"io.k8s.api.storage.v1.CSIDriver":                {"spec"},
}

// correctRequired takes out of a release's required fields what a newer
// release no longer calls so. The documents derive the word from Go's struct
// tags, and Kubernetes corrected those over time (podSelector of a
// NetworkPolicy, apiGroup of a RoleRef) without a change to what the server
// accepts. Nothing was ever loosened by requiring less, so the newest list is
// the truest.
func correctRequired(definitions, newer map[string]*schema) {
	for name, s := range definitions {
		s.Required = slices.DeleteFunc(s.Required, func(field string) bool {
			if slices.Contains(accepted[name], field) {
				return true
			}
			n := newer[name]
			return n != nil && n.Properties[field] != nil && !slices.Contains(n.Required, field)
		})
	}
}

// loadKinds reads which kinds a release serves, and finds their definitions.
func loadKinds(file string, definitions map[string]*schema) ([]Kind, error) {
	byGVK := map[Kind]string{}
	for name, s := range definitions {
		for _, gvk := range s.GVK {
			byGVK[gvk] = name
		}
	}
	kinds, err := served(file)
	if err != nil {
		return nil, err
	}
	for i, k := range kinds {
		name, ok := byGVK[Kind{Group: k.Group, Version: k.Version, Kind: k.Kind}]
		if !ok {
			return nil, fmt.Errorf("%s/%s %s is served but has no definition", k.Group, k.Version, k.Kind)
		}
		kinds[i].Definition = name
	}
	return kinds, nil
}

// served reads the discovery document. The core group has a document of its
// own beside the aggregated one.
func served(file string) ([]Kind, error) {
	var doc struct {
		Items []struct {
			Metadata struct{ Name string }
			Versions []struct {
				Version   string
				Resources []struct {
					ResponseKind struct{ Group, Version, Kind string }
					Scope        string
				}
			}
		}
	}
	if err := readJSON(file, &doc); err != nil {
		return nil, err
	}
	kinds, err := core(filepath.Join(filepath.Dir(file), "api__v1.json"))
	if err != nil {
		return nil, err
	}
	for _, group := range doc.Items {
		for _, version := range group.Versions {
			for _, r := range version.Resources {
				kinds = append(kinds, Kind{
					Group:   cmp.Or(r.ResponseKind.Group, group.Metadata.Name),
					Version: cmp.Or(r.ResponseKind.Version, version.Version),
					Kind:    r.ResponseKind.Kind, Namespaced: r.Scope == "Namespaced",
				})
			}
		}
	}
	slices.SortFunc(kinds, func(a, b Kind) int {
		return cmp.Or(strings.Compare(a.Group, b.Group), strings.Compare(a.Version, b.Version), strings.Compare(a.Kind, b.Kind))
	})
	return slices.Compact(kinds), nil
}

func core(file string) (kinds []Kind, err error) {
	var doc struct {
		Resources []struct {
			Name, Kind string
			Namespaced bool
		}
	}
	if err := readJSON(file, &doc); err != nil {
		return nil, err
	}
	for _, r := range doc.Resources {
		if !strings.Contains(r.Name, "/") { // a subresource is no object of a manifest
			kinds = append(kinds, Kind{Version: "v1", Kind: r.Kind, Namespaced: r.Namespaced})
		}
	}
	return kinds, nil
}

// compact brings a schema to the archive's form: references bare, and no
// default that says only what an absent field means anyway.
func (s *schema) compact() *schema {
	if s == nil {
		return nil
	}
	c := *s
	c.GVK = nil
	if len(c.AllOf) == 1 && c.AllOf[0].Ref != "" {
		c.Ref, c.AllOf = c.AllOf[0].Ref, nil
	}
	c.Ref = strings.TrimPrefix(c.Ref, refPrefix)
	switch string(c.Default) {
	case `{}`, `""`, `0`, `false`, `null`:
		c.Default = nil
	}
	c.Items, c.AdditionalProperties = c.Items.compact(), c.AdditionalProperties.compact()
	if c.Properties != nil {
		c.Properties = make(map[string]*schema, len(s.Properties))
		for name, p := range s.Properties {
			c.Properties[name] = p.compact()
		}
	}
	return &c
}

// refs calls f with every definition that the schema names.
func (s *schema) refs(f func(name string)) {
	if s == nil {
		return
	}
	if s.Ref != "" {
		f(strings.TrimPrefix(s.Ref, refPrefix))
	}
	s.Items.refs(f)
	s.AdditionalProperties.refs(f)
	for _, list := range [][]*schema{s.AllOf, s.OneOf} {
		for _, e := range list {
			e.refs(f)
		}
	}
	for _, p := range s.Properties {
		p.refs(f)
	}
}

func readJSON(file string, v any) error {
	b, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	return nil
}
