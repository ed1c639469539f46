package attest

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/digest"
)

// Contents is what a bundle makes a cluster pull, and what it was rendered
// from: the subject of its bills of materials. A bundle contains no image; its
// objects name them.
type Contents struct {
	Images []Image
	Charts []Chart
}

// Image is an image that an object names.
type Image struct {
	Ref        string        // without digest
	Digest     digest.Digest // that the object or the lock pins; "" when neither does
	Components []string      // that use it, sorted
	// Signed and Provenance are what the lock knows of it.
	Signed, Provenance string
}

// Chart is a chart that components were rendered from.
type Chart struct {
	ir.Chart
	Components []string // sorted
}

// sorted returns the contents in their one order.
func (c Contents) sorted() Contents {
	out := Contents{Images: slices.Clone(c.Images), Charts: slices.Clone(c.Charts)}
	slices.SortFunc(out.Images, func(a, b Image) int {
		return cmp.Or(cmp.Compare(a.Ref, b.Ref), cmp.Compare(a.Digest, b.Digest))
	})
	slices.SortFunc(out.Charts, func(a, b Chart) int { return cmp.Compare(a.id(), b.id()) })
	return out
}

// item is an image or a chart as both formats list it.
type item struct {
	id         string // unique in the document
	name       string
	version    string
	url        string
	digest     digest.Digest
	properties []property // sorted by name
	chart, sub bool
	parent     string // id of the chart that a subchart is part of
}

type property struct{ name, value string }

func (i Image) item() item {
	r := ir.ParseReference(i.Ref)
	url := ImageURL(i.Ref, i.Digest)
	return item{
		id: url, name: r.Repository, version: cmp.Or(r.Tag, string(i.Digest)), url: url, digest: i.Digest,
		properties: append(used(i.Components), properties("provenance", i.Provenance, "signed", i.Signed)...),
	}
}

func (c Chart) id() string {
	id := "chart/" + c.Path
	if c.Sub {
		id += "/" + c.Name + "@" + c.Version
	}
	return id
}

func (c Chart) item() item {
	i := item{
		id: c.id(), name: c.Name, version: c.Version, digest: c.Digest, chart: true, sub: c.Sub,
		url:        "pkg:helm/" + url.QueryEscape(c.Name) + "@" + url.QueryEscape(c.Version),
		properties: append(used(c.Components), properties("appVersion", c.AppVersion, "dirHash", c.Hash, "path", c.Path)...),
	}
	if c.Sub {
		i.parent = "chart/" + c.Path
	}
	return i
}

func (c Contents) items() []item {
	c = c.sorted()
	var out []item
	at := map[string]int{}
	for _, i := range c.Images {
		it := i.item()
		if n, twice := at[it.id]; twice { // nginx:1 and docker.io/library/nginx:1
			out[n].also(it.properties)
			continue
		}
		at[it.id] = len(out)
		out = append(out, it)
	}
	for _, i := range c.Charts {
		out = append(out, i.item())
	}
	return out
}

// also adds the properties of another spelling of the same thing.
func (i *item) also(more []property) {
	i.properties = slices.Concat(i.properties, more)
	slices.SortFunc(i.properties, func(a, b property) int {
		return cmp.Or(cmp.Compare(a.name, b.name), cmp.Compare(a.value, b.value))
	})
	i.properties = slices.Compact(i.properties)
}

func used(components []string) []property {
	var out []property
	for _, c := range components {
		out = append(out, property{"darkstart:component", c})
	}
	return out
}

// properties pairs names and values, without the empty ones.
func properties(pairs ...string) []property {
	var out []property
	for p := range slices.Chunk(pairs, 2) {
		if p[1] != "" {
			out = append(out, property{"darkstart:" + p[0], p[1]})
		}
	}
	return out
}

// text is the properties of an item in one line.
func (i item) text() string {
	var out []string
	for _, p := range i.properties {
		out = append(out, strings.TrimPrefix(p.name, "darkstart:")+"="+p.value)
	}
	return strings.Join(out, " ")
}

// key is an identifier of letters and digits for a name of any kind.
func key(name string) string {
	sum := sha256.Sum256([]byte(name))
	return hex.EncodeToString(sum[:8])
}
