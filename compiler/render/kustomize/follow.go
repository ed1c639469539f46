package kustomize

import (
	"bytes"
	"context"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/render/yaml"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/object"
	"github.com/darkstart-dev/darkstart/internal/yamlpos"
)

// follow reads what a reference names and scans it in turn.
func (s *scanner) follow(ctx context.Context, u *unit, r ref, stack []string) error {
	if inline(r) {
		s.inline(u, r)
		return nil
	}
	target, ok := s.resolve(u, r)
	if !ok {
		return nil
	}
	if _, isFile := s.tree.Lookup(target); !isFile {
		return s.folder(ctx, u, r, target, stack)
	}
	if r.kind == dirRef {
		s.diags.Add(diag.Errorf("RND030", "%q is a file where a folder with a kustomization must stand", r.text).
			At(s.at(u, r.path), "").Fix("list files under `resources:`"))
		return nil
	}
	return s.file(u, r, target)
}

func (s *scanner) folder(ctx context.Context, u *unit, r ref, target string, stack []string) error {
	switch r.kind {
	case anyRef, dirRef:
		return s.visit(ctx, target, s.at(u, r.path), stack, u.plugin)
	case pluginRef:
		return s.visit(ctx, target, s.at(u, r.path), stack, u)
	}
	s.diags.Add(diag.Errorf("RND036", "%q is a folder where a file must stand", r.text).
		At(s.at(u, r.path), "").Fix("name a file"))
	return nil
}

// inline reports whether a reference is no reference but YAML itself: text that
// holds mappings or lists. kustomize tries the one and then the other, so
// anything else, also of several lines, must be judged as a reference.
func inline(r ref) bool {
	if r.kind != patchRef && r.kind != pluginRef || startsRemote(r.text) {
		return false
	}
	text, p := yamlpos.Parse([]byte(r.text), yamlpos.Limits{})
	if p != nil {
		return strings.Contains(r.text, "\n") // to be reported as bad YAML
	}
	for _, d := range text.Documents {
		switch d.Value.(type) {
		case map[string]any, []any:
		default:
			return false
		}
	}
	return len(text.Documents) > 0
}

// inline holds YAML inside a build file to the same limits as a file.
func (s *scanner) inline(u *unit, r ref) {
	at := s.at(u, r.path)
	text, p := yamlpos.Parse([]byte(r.text), s.limits.Limits)
	if p != nil {
		d := yaml.FromProblem(u.file, p)
		d.Labels = []diag.Label{{Position: at, Text: "in this text, line " + p.Error()[len("line "):]}}
		s.diags.Add(d)
		return
	}
	if r.kind == pluginRef {
		for _, d := range text.Documents {
			s.plugin(u, d.Value, at)
		}
	}
}

func (s *scanner) file(u *unit, r ref, name string) error {
	if _, seen := s.files[name]; seen && r.kind != pluginRef && u.plugin == nil {
		return nil
	}
	src, err := s.read(name)
	if src == nil || err != nil {
		return err
	}
	s.keep(name, src)
	if s.bytes += len(src); s.overBudget(name) {
		return nil
	}
	switch {
	case r.kind == rawRef:
	case r.kind == pluginRef:
		s.plugins(u, name, src)
	case r.kind == anyRef && u.plugin != nil:
		s.plugins(u.plugin, name, src)
	case r.kind == anyRef:
		s.hashes = s.hashes || bytes.Contains(src, []byte("kustomize.config.k8s.io/needs-hash"))
		objects, ds := yaml.Decode(name, src, s.limits)
		s.docs[name] = objects
		s.diags.Add(ds...)
	default:
		if _, p := yamlpos.Parse(src, s.limits.Limits); p != nil {
			s.diags.Add(yaml.FromProblem(name, p))
		}
	}
	return nil
}

func (s *scanner) overBudget(name string) bool {
	limit := s.limits.Total
	if limit == 0 {
		limit = 128 << 20
	}
	if s.bytes <= limit {
		return false
	}
	s.diags.Add(diag.Errorf("RND006", "the files of one component have more than %d bytes", limit).
		At(diag.Position{File: name}, "the limit is passed here").Fix("split the component"))
	return true
}

func (s *scanner) plugins(u *unit, name string, src []byte) {
	text, p := yamlpos.Parse(src, s.limits.Limits)
	if p != nil {
		s.diags.Add(yaml.FromProblem(name, p))
		return
	}
	for _, d := range text.Documents {
		s.plugin(u, d.Value, diag.Position{File: name, Line: d.Line, Column: d.Column})
	}
}

// plugin judges the configuration of one generator, transformer or validator:
// only kustomize's own are run, and what those read is scanned like any other
// reference of the kustomization that uses them.
func (s *scanner) plugin(u *unit, v any, at diag.Position) {
	m, ok := v.(map[string]any)
	if !ok {
		return
	}
	kind := object.String(m, "kind")
	annotations := object.Map(m, "metadata", "annotations")
	_, function := annotations["config.kubernetes.io/function"]
	_, oldFunction := annotations["config.k8s.io/function"]
	switch {
	case function || oldFunction || object.String(m, "apiVersion") != "builtin":
		s.diags.Add(diag.Errorf("RND033", "%s would run a program or a container", kindOr(kind, "this plugin")).
			At(at, "only kustomize's own generators and transformers are run").
			Fix("use the builtin fields, or render its output into the repository"))
		return
	case strings.HasPrefix(kind, "HelmChart"):
		s.diags.Add(diag.Errorf("RND032", "%s would run the helm program", kind).At(at, "").
			Fix("render the chart as a component of its own: `source: helm: chart: \"…\"`"))
		return
	}
	refs := append(collect(map[string]any{"configMapGenerator": []any{m}}), collect(map[string]any{"patches": []any{m}, "replacements": m["replacements"]})...)
	for i := range refs {
		refs[i].path = nil
	}
	for _, p := range object.Slice(m, "paths") {
		if text, ok := p.(string); ok {
			refs = append(refs, ref{text, nil, patchRef})
		}
	}
	for _, r := range refs {
		s.pluginFile(u, r, at)
	}
}

// pluginFile resolves relative to the kustomization, and reports at the plugin.
func (s *scanner) pluginFile(u *unit, r ref, at diag.Position) {
	if inline(r) {
		if _, p := yamlpos.Parse([]byte(r.text), s.limits.Limits); p != nil {
			d := yaml.FromProblem(at.File, p)
			d.Labels = []diag.Label{{Position: at, Text: "in the text of this plugin"}}
			s.diags.Add(d)
		}
		return
	}
	before := len(s.diags)
	if target, ok := s.resolve(u, r); ok {
		if _, isFile := s.tree.Lookup(target); isFile {
			if src, err := s.read(target); err == nil && src != nil {
				s.keep(target, src)
			}
		}
	}
	for _, d := range s.diags[before:] {
		d.Labels = []diag.Label{{Position: at, Text: "this plugin"}}
	}
}

func kindOr(kind, otherwise string) string {
	if kind == "" {
		return otherwise
	}
	return kind
}
