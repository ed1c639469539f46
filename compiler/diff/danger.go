package diff

import (
	"fmt"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// dangers says why somebody should look at a change.
func dangers(p pair, c *ir.ObjectChange, g grants) []ir.Danger {
	var out []ir.Danger
	add := func(kind, path, format string, args ...any) {
		out = append(out, ir.Danger{Kind: kind, Path: path, Text: fmt.Sprintf(format, args...)})
	}
	if p.after == nil || c.Action == ir.Renamed || c.From != nil && c.From.Cluster != c.Cluster {
		loss(p, c, add)
	}
	if c.From != nil && c.From.Cluster == c.Cluster && c.Action == ir.Moved {
		movement(p, c, add)
	}
	versions(p, add)
	for _, f := range c.Fields {
		switch {
		case f.Immutable && c.Action != ir.Renamed:
			add(ir.ImmutableField, f.Path, "%s cannot be changed in place: the object has to be deleted and made again", f.Where)
		case isImage(f):
			add(ir.ImageChange, f.Path, "%s → %s%s", words(f.Before), words(f.After), sameTag(f))
		}
	}
	for _, w := range g.widened(p) {
		add(ir.RBACWidening, w.path, "%s", w.text)
	}
	return out
}

// loss says what goes with an object that is no longer where it was.
func loss(p pair, c *ir.ObjectChange, add func(kind, path, format string, args ...any)) {
	o := p.before.Object
	then := "the engine deletes it"
	if p.before.Kept {
		then = "the engine leaves it, and nothing manages it any more"
	} else if p.orphan {
		then = "its whole part is gone, and the engine leaves what was in it"
	}
	switch {
	case o.Kind == "Namespace" && o.Group() == "":
		add(ir.NamespaceRemoval, "", "everything in the namespace goes with it when it is deleted; %s", then)
	case o.Kind == "CustomResourceDefinition":
		add(ir.CRDRemoval, "", "every object of its kind goes with it when it is deleted; %s", then)
	case p.before.Stateful:
		add(ir.StatefulDeletion, "", "it holds data; %s", then)
	}
}

// movement says what an engine does with an object that changes its place: each
// part is a Kustomization of its own, which prunes what it no longer has.
func movement(p pair, c *ir.ObjectChange, add func(kind, path, format string, args ...any)) {
	weighty := p.before.Stateful || ir.Keeps(p.before.Object.Key())
	from, to := *c.From, c.Place
	if weighty && from.Phase != to.Phase && from.Phase != "" && to.Phase != "" {
		add(ir.RePhase, "", "it moves from phase %s to phase %s", from.Phase, to.Phase)
	}
	if !p.before.Kept && !p.after.Together && (from.Component != to.Component || from.Part != to.Part) {
		add(ir.Prune, "", "the part that it leaves (%s/%s) prunes it if that is applied last: keep it there for one release, with kustomize.toolkit.fluxcd.io/prune: disabled",
			from.Component, strings.TrimPrefix(from.Part, from.Component+"/"))
	}
}

// versions: objects that are stored in a version of a definition which is gone
// cannot be read any more.
func versions(p pair, add func(kind, path, format string, args ...any)) {
	if p.before == nil || p.after == nil || p.before.Object.Kind != "CustomResourceDefinition" {
		return
	}
	left := map[string]bool{}
	for _, v := range object.Slice(p.after.Object.Get("spec", "versions")) {
		left[object.String(v, "name")] = true
	}
	for _, v := range object.Slice(p.before.Object.Get("spec", "versions")) {
		if n := object.String(v, "name"); !left[n] {
			add(ir.CRDRemoval, "/spec/versions", "version %s is gone: objects that are stored in it cannot be read any more", n)
		}
	}
}

// sameTag says when only the digest of an image differs.
func sameTag(f ir.FieldChange) string {
	before, _, _ := strings.Cut(words(f.Before), "@")
	after, _, _ := strings.Cut(words(f.After), "@")
	if before == after {
		return " (the same tag, another digest)"
	}
	return ""
}

// isImage: an image reference in a container, or in the field of a resource that
// a controller reads.
func isImage(f ir.FieldChange) bool {
	b, before := f.Before.(string)
	a, after := f.After.(string)
	return (strings.HasSuffix(f.Path, "/image") || strings.HasSuffix(f.Path, "/imageName")) && before && after && a != b
}

func words(v any) string {
	s, _ := v.(string)
	return s
}
