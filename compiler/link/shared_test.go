package link_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// TestSharedBasesLinkAsPlainObjects: clusters that share what they render and
// differ in edits link as each of them does alone, with contents of its own.
func TestSharedBasesLinkAsPlainObjects(t *testing.T) {
	f := corpusFixture(t)
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 0))
		var shared, plain fixture
		for i := range 3 {
			u := *f.units.Clusters[0]
			u.Name = fmt.Sprintf("c%d", i)
			with, without := ir.Rendered{Cluster: u.Name}, ir.Rendered{Cluster: u.Name}
			for _, c := range f.rendered[0].Components {
				edited, own := c, c
				edited.Objects, own.Objects = nil, nil
				for _, o := range c.Objects {
					o = edit(r, o)
					edited.Objects = append(edited.Objects, o)
					own.Objects = append(own.Objects, flat(t, o))
				}
				with.Components, without.Components = append(with.Components, edited), append(without.Components, own)
			}
			shared.units.Clusters, plain.units.Clusters = append(shared.units.Clusters, &u), append(plain.units.Clusters, &u)
			shared.rendered, plain.rendered = append(shared.rendered, &with), append(plain.rendered, &without)
		}
		got, ds := shared.link(t, nil)
		want, dsWant := plain.link(t, nil)
		if d := cmp.Diff(dump(want, dsWant), dump(got, ds)); d != "" {
			t.Errorf("seed %d: %s", seed, d)
		}
	}
}

// edit draws a setting as clusters have them.
func edit(r *rand.Rand, o *object.Object) *object.Object {
	merge := func(k string, v any, path ...string) *object.Object {
		return o.With(object.Edit{Path: path, Value: map[string]any{k: v}, Merge: true})
	}
	set := func(v any, path ...string) *object.Object { return o.With(object.Edit{Path: path, Value: v}) }
	works := object.Slice(o.Get("spec", "template", "spec", "containers")) != nil
	switch n := r.IntN(8); {
	case n == 0:
		return merge("app", []string{"a", "b"}[r.IntN(2)], "metadata", "labels")
	case n == 1 && o.Kind == "Namespace":
		return merge("admission.gatekeeper.sh/ignore", "true", "metadata", "labels")
	case n == 2:
		return merge("external-dns.alpha.kubernetes.io/hostname", "shop.example", "metadata", "annotations")
	case n == 3 && works:
		return set(int64(r.IntN(4)), "spec", "replicas")
	case n == 4 && works:
		return set("mirror.example/a/b:1", "spec", "template", "spec", "containers", "0", "image")
	case n == 5 && works:
		return set([]any{"--to=https://shop.example/x", "metrics.fleet.example"}, "spec", "template", "spec", "containers", "0", "args")
	case n > 3 && o.Kind == "ConfigMap":
		return merge("hosts", "see shop.example or vault.vault.svc; not 1.2.3.4", "data")
	}
	return o
}

// flat is the object with a content that no other has.
func flat(t *testing.T, o *object.Object) *object.Object {
	b, err := o.Encode()
	if err != nil {
		t.Fatal(err)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var content map[string]any
	if err := d.Decode(&content); err != nil {
		t.Fatal(err)
	}
	out := o.Own()
	out.Base, out.Edits = object.Normalize(content).(map[string]any), nil
	return out
}
