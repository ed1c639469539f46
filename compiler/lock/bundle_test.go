package lock_test

import (
	"context"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/lock"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

const (
	regoType = "application/vnd.cncf.openpolicyagent.policy.layer.v1+rego"
	dataType = "application/vnd.cncf.openpolicyagent.data.layer.v1+json"
)

// library is a registry of bundles, of which a test says what it holds.
type library struct {
	tags  map[string]digest.Digest // repository:tag
	bytes map[digest.Digest][]byte
}

func (l *library) Resolve(_ context.Context, repository, reference string) (digest.Digest, error) {
	if d, err := digest.Parse(reference); err == nil {
		if _, ok := l.bytes[d]; ok {
			return d, nil
		}
	}
	if d, ok := l.tags[repository+":"+reference]; ok {
		return d, nil
	}
	return "", gone{}
}

func (l *library) Manifest(_ context.Context, _ string, d digest.Digest) ([]byte, error) {
	return l.get(d)
}

func (l *library) Blob(_ context.Context, _ string, d oci.Descriptor) ([]byte, error) {
	return l.get(d.Digest)
}

func (l *library) get(d digest.Digest) ([]byte, error) {
	b, ok := l.bytes[d]
	if !ok {
		return nil, gone{}
	}
	return b, nil
}

type layer struct{ name, kind, text string }

// push adds a bundle under a tag and returns the digest of its manifest.
func (l *library) push(t *testing.T, tag string, layers ...layer) digest.Digest {
	t.Helper()
	if l.bytes == nil {
		l.tags, l.bytes = map[string]digest.Digest{}, map[digest.Digest][]byte{}
	}
	var list []oci.Descriptor
	for _, x := range layers {
		d := digest.Of([]byte(x.text))
		l.bytes[d] = []byte(x.text)
		list = append(list, oci.Descriptor{
			MediaType: x.kind, Digest: d, Size: int64(len(x.text)),
			Annotations: map[string]string{"org.opencontainers.image.title": x.name},
		})
	}
	b, err := json.Marshal(map[string]any{"schemaVersion": 2, "layers": list})
	if err != nil {
		t.Fatal(err)
	}
	l.tags[tag], l.bytes[digest.Of(b)] = digest.Of(b), b
	return digest.Of(b)
}

func org(ref string) []lock.Bundle {
	return []lock.Bundle{{Name: "org", Ref: ref, At: diag.Position{File: "darkstart.cue", Line: 3}}}
}

// vendor lays what Fetch found over a tree.
func vendor(files map[string]string, f *lock.Fetched) *tree.Tree {
	for dir, fs := range f.Folders {
		for name := range files {
			if strings.HasPrefix(name, dir+"/") {
				delete(files, name)
			}
		}
		for _, x := range fs {
			files[path.Join(dir, x.Path)] = string(x.Data)
		}
	}
	return tree.FromMap(files)
}

func TestFetchVendorsWhole(t *testing.T) {
	l := &library{}
	first := l.push(t, "reg.example/policies:v1", layer{"main.rego", regoType, "package main\n"}, layer{"data/teams.yaml", dataType, "teams: []\n"})
	bundles := org("oci://reg.example/policies:v1")
	files := map[string]string{"darkstart.cue": "x"}
	fetch := func(old *ir.Lock, c lock.FetchConfig) (*lock.Fetched, diag.List) {
		t.Helper()
		c.Library = l
		f, ds, err := lock.Fetch(t.Context(), tree.FromMap(files), bundles, old, &c)
		if err != nil {
			t.Fatal(err)
		}
		return f, ds
	}
	judge := func(k *ir.Lock) string {
		t.Helper()
		ds, err := lock.Vendored(tree.FromMap(files), bundles, k)
		if err != nil {
			t.Fatal(err)
		}
		return ds.String()
	}
	if got := judge(nil); !strings.Contains(got, "LCK012") || !strings.Contains(got, "are not in the lock") {
		t.Errorf("nothing is locked, got %q", got)
	}
	f, ds := fetch(nil, lock.FetchConfig{})
	if len(ds) > 0 || f.Lock.Other["oci://reg.example/policies:v1"].Digest != first || len(f.Folders) != 1 {
		t.Fatalf("want it locked and vendored, got %v %v", f, ds)
	}
	if got := judge(f.Lock); !strings.Contains(got, "LCK012") || !strings.Contains(got, "are not in policies/vendor/org") {
		t.Errorf("locked and not vendored, got %q", got)
	}
	vendor(files, f)
	if got := judge(f.Lock); got != "" {
		t.Errorf("it is whole, got %q", got)
	}
	if again, ds := fetch(f.Lock, lock.FetchConfig{}); len(ds)+len(again.Folders)+len(again.Changes) > 0 {
		t.Errorf("nothing changed, got %v %v", again, ds)
	}

	// The tag moves: it stays, and is taken when that is asked for.
	second := l.push(t, "reg.example/policies:v1", layer{"main.rego", regoType, "package main\n\n# two\n"})
	stays, ds := fetch(f.Lock, lock.FetchConfig{})
	if len(ds) != 1 || ds[0].Code != "LCK008" || len(stays.Folders) > 0 || stays.Lock.Other["oci://reg.example/policies:v1"].Digest != first {
		t.Errorf("a moved tag stays locked, got %v %v", stays, ds)
	}
	taken, ds := fetch(f.Lock, lock.FetchConfig{Update: []string{"oci://reg.example/policies:v1"}})
	if len(ds) > 0 || taken.Lock.Other["oci://reg.example/policies:v1"].Digest != second {
		t.Fatalf("want the update, got %v %v", taken, ds)
	}
	vendor(files, taken)
	if _, old := files["policies/vendor/org/data/teams.yaml"]; old || judge(taken.Lock) != "" {
		t.Errorf("the folder is replaced whole, got %v, %q", files, judge(taken.Lock))
	}
	if f, ds := fetch(taken.Lock, lock.FetchConfig{Update: []string{"oci://reg.example/policy:v1"}}); f != nil || ds[0].Code != "LCK011" {
		t.Errorf("that is no bundle of the fleet, got %v", ds)
	}

	// Named no more: reported, because its policies are judged, and pruned.
	bundles = nil
	if got := judge(taken.Lock); !strings.Contains(got, "LCK013") || !strings.Contains(got, "does not name") {
		t.Errorf("a stray bundle, got %q", got)
	}
	gone, _ := fetch(taken.Lock, lock.FetchConfig{Prune: true})
	if vendor(files, gone); len(gone.Lock.Other) > 0 || len(files) != 1 || judge(gone.Lock) != "" {
		t.Errorf("want nothing left, got %v and %v", gone.Lock, files)
	}
}

func TestVendoredFindsEveryDrift(t *testing.T) {
	l := &library{}
	l.push(t, "reg.example/p:v1", layer{"a.rego", regoType, "package a\n"}, layer{"b.rego", regoType, "package b\n"})
	bundles := org("oci://reg.example/p:v1")
	whole := map[string]string{"darkstart.cue": "x"}
	f, _, err := lock.Fetch(t.Context(), tree.FromMap(whole), bundles, nil, &lock.FetchConfig{Library: l})
	if err != nil {
		t.Fatal(err)
	}
	vendor(whole, f)
	for name, c := range map[string]struct {
		change func(map[string]string)
		want   string
	}{
		"changed":        {func(m map[string]string) { m["policies/vendor/org/a.rego"] += " " }, "a.rego was changed"},
		"missing":        {func(m map[string]string) { delete(m, "policies/vendor/org/b.rego") }, "b.rego is missing"},
		"added":          {func(m map[string]string) { m["policies/vendor/org/c.rego"] = "package c" }, "c.rego is no file of the bundle"},
		"manifest":       {func(m map[string]string) { m["policies/vendor/org/oci-manifest"] += "\n" }, "and the lock has"},
		"manifest gone":  {func(m map[string]string) { delete(m, "policies/vendor/org/oci-manifest") }, "are not in policies/vendor/org"},
		"whole as it is": {func(map[string]string) {}, ""},
	} {
		files := map[string]string{}
		for k, v := range whole {
			files[k] = v
		}
		c.change(files)
		ds, err := lock.Vendored(tree.FromMap(files), bundles, f.Lock)
		if err != nil {
			t.Fatal(err)
		}
		if got := ds.String(); (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
		// lock mends each of them.
		again, _, err := lock.Fetch(t.Context(), tree.FromMap(files), bundles, f.Lock, &lock.FetchConfig{Library: l})
		if err != nil {
			t.Fatal(err)
		}
		if ds, err = lock.Vendored(vendor(files, again), bundles, again.Lock); len(ds) > 0 || err != nil {
			t.Errorf("%s: not mended: %v %v", name, ds, err)
		}
	}
}

func TestFetchRefusesWhatIsNoBundle(t *testing.T) {
	rego := "package main\n"
	many := make([]layer, 1001)
	for i := range many {
		many[i] = layer{fmt.Sprintf("f%d.rego", i), regoType, rego}
	}
	for name, c := range map[string]struct {
		layers []layer
		want   string
	}{
		"up":          {[]layer{{"../main.rego", regoType, rego}}, "no clean relative path"},
		"within":      {[]layer{{"a/../main.rego", regoType, rego}}, "no clean relative path"},
		"absolute":    {[]layer{{"/etc/main.rego", regoType, rego}}, "no clean relative path"},
		"backslash":   {[]layer{{`a\main.rego`, regoType, rego}}, "no clean relative path"},
		"nameless":    {[]layer{{"", regoType, rego}}, "no clean relative path"},
		"folded":      {[]layer{{"main.rego", regoType, rego}, {"MAIN.rego", regoType, rego}}, "two files"},
		"a script":    {[]layer{{"run.sh", regoType, rego}}, "does not end in .rego"},
		"the lock":    {[]layer{{"oci-manifest", dataType, rego}}, "does not end in .json"},
		"an image":    {[]layer{{"x", "application/vnd.oci.image.layer.v1.tar+gzip", rego}}, "conftest push writes none such"},
		"an OPA tar":  {[]layer{{"bundle.tar.gz", "application/vnd.oci.image.layer.v1.tar+gzip", rego}}, "conftest push writes none such"},
		"nothing":     {nil, "it has 0 files"},
		"a thousand":  {many, "it has 1001 files"},
		"a large one": {[]layer{{"d.json", dataType, strings.Repeat(" ", 8<<20+1)}}, "of 8388608 at most"},
	} {
		l := &library{}
		l.push(t, "reg.example/p:v1", c.layers...)
		f, ds, err := lock.Fetch(t.Context(), tree.FromMap(map[string]string{"a": ""}), org("oci://reg.example/p:v1"), nil, &lock.FetchConfig{Library: l})
		if err != nil {
			t.Fatal(err)
		}
		if f != nil || len(ds) != 1 || ds[0].Code != "LCK014" || !strings.Contains(ds[0].Message, c.want) {
			t.Errorf("%s: got %v %v, want %q", name, f, ds, c.want)
		}
	}
}

func TestFetchSaysWhyNot(t *testing.T) {
	l := &library{}
	d := l.push(t, "reg.example/p:v1", layer{"a.rego", regoType, "package a\n"})
	f, ds, err := lock.Fetch(t.Context(), tree.FromMap(map[string]string{"a": ""}), org("oci://reg.example/p:v2"), nil, &lock.FetchConfig{Library: l})
	if err != nil || f != nil || !strings.Contains(ds.String(), "LCK007") || !strings.Contains(ds.String(), "404") {
		t.Errorf("got %v %v %v", f, ds, err)
	}
	other := &ir.Lock{Version: lock.Version, Other: map[string]ir.LockEntry{"oci://reg.example/p:v1": {Digest: one}}}
	f, ds, err = lock.Fetch(t.Context(), tree.FromMap(map[string]string{"a": ""}), org("oci://reg.example/p:v1@"+string(d)), other, &lock.FetchConfig{Library: l})
	if err != nil || f != nil || !strings.Contains(ds.String(), "LCK010") {
		t.Errorf("another digest is pinned; got %v %v %v", f, ds, err)
	}
}
