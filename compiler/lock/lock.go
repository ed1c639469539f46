// Package lock reads and writes darkstart.lock: the digests of everything that
// a fleet uses and git does not hold.
//
// A tag is a promise that somebody else can break. The lock turns it into
// a fact under review: what was meant on the day of the review is written
// beside the fleet, and a compile never asks a registry (D12). The file is
// written in one form only, sorted and indented, so that a diff shows what
// changed and nothing else.
//
// Import takes digests that were found where the network is, for example
// by `crane digest` or `docker images --digests`, into a place where it is
// not. What is already locked is never replaced silently: a tag that moved is
// just what the lock exists to notice.
package lock

import (
	"cmp"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/object"
)

// Name of the file in a fleet's root, and the version of its format.
const (
	Name    = "darkstart.lock"
	Version = "darkstart.dev/lock/v1"
)

// Kind is one of the sections of a lock.
type Kind string

// The sections.
const (
	Images Kind = "images"
	Charts Kind = "charts"
	Other  Kind = "other"
)

var kinds = []Kind{Images, Charts, Other}

// File is a lock with the places of its entries.
type File struct {
	Lock *ir.Lock
	at   map[Kind]map[string]diag.Position
}

// At returns where an entry is written, the zero Position when it is not.
func (f *File) At(k Kind, ref string) diag.Position { return f.at[k][ref] }

func newFile() *File {
	return &File{Lock: New(), at: map[Kind]map[string]diag.Position{}}
}

// New returns an empty lock.
func New() *ir.Lock { return &ir.Lock{Version: Version} }

// Entries returns a section of a lock; it may be nil.
func Entries(l *ir.Lock, k Kind) map[string]ir.LockEntry { return *section(l, k) }

func section(l *ir.Lock, k Kind) *map[string]ir.LockEntry {
	switch k {
	case Images:
		return &l.Images
	case Charts:
		return &l.Charts
	}
	return &l.Other
}

func set(l *ir.Lock, k Kind, ref string, e ir.LockEntry) {
	m := section(l, k)
	if *m == nil {
		*m = map[string]ir.LockEntry{}
	}
	(*m)[ref] = e
}

func (f *File) put(k Kind, ref string, e ir.LockEntry, at diag.Position) {
	e.At = at
	set(f.Lock, k, ref, e)
	if f.at[k] == nil {
		f.at[k] = map[string]diag.Position{}
	}
	f.at[k][ref] = at
}

// Format writes a lock in its one form: JSON with sorted keys, indented by two
// spaces, with one newline at its end.
func Format(l *ir.Lock) ([]byte, error) {
	doc := map[string]any{"version": cmp.Or(l.Version, Version)}
	for _, k := range kinds {
		if es := Entries(l, k); len(es) > 0 {
			doc[string(k)] = sortable(es)
		}
	}
	return object.Encode(doc)
}

// sortable turns entries into maps, whose keys encoding/json sorts.
func sortable(es map[string]ir.LockEntry) map[string]map[string]string {
	out := make(map[string]map[string]string, len(es))
	for ref, e := range es {
		m := map[string]string{"digest": string(e.Digest)}
		if e.Signed != "" {
			m["signed"] = e.Signed
		}
		if e.Provenance != "" {
			m["provenance"] = e.Provenance
		}
		out[ref] = m
	}
	return out
}

// reference is [host[:port]/]path[:tag] as container runtimes take it
// (distribution's grammar, without a digest).
var reference = regexp.MustCompile(`^(?:(?:[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?\.?)+(?::[0-9]+)?/)?` +
	`[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*(?::[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$`)

// check judges one entry and returns its diagnostic.
func check(k Kind, ref string, d digest.Digest, atRef, atDigest diag.Position) *diag.Diagnostic {
	if k == Images && (len(ref) > 512 || !reference.MatchString(ref)) {
		return diag.Errorf("LCK003", "%q is not an image reference", ref).
			At(atRef, "want [registry/]repository[:tag]").
			Fix("write it as an image field in a manifest has it, without the digest")
	}
	if ref == "" {
		return diag.Errorf("LCK003", "an entry of %s has no name", k).At(atRef, "").
			Fix("name what the digest belongs to")
	}
	if _, err := digest.Parse(string(d)); err != nil {
		return diag.Errorf("LCK002", "%v", err).At(atDigest, "the digest of %s", ref).
			Fix("copy the digest from the registry, whole: crane digest %s", ref)
	}
	return nil
}

// Change is one entry that Merge or LookUp added, replaced or dropped.
type Change struct {
	Kind   Kind
	Ref    string
	Before digest.Digest // "" when it is new
	After  digest.Digest // "" when it is gone; Before when only more is known
	// What was found beside the digest, "" where nothing was looked up.
	Signed, Provenance string
}

// String says what changed in one line.
func (c Change) String() string {
	verb := "replaced"
	switch {
	case c.After == "":
		return fmt.Sprintf("removed %s", c.Ref)
	case c.Before == "":
		verb = "added"
	case c.Before == c.After:
		verb = "looked up"
	}
	s := fmt.Sprintf("%s %s %s", verb, c.Ref, c.After)
	if c.Signed != "" {
		s += fmt.Sprintf(" signed: %s, provenance: %s", c.Signed, c.Provenance)
	}
	return s
}

// Config of Merge.
type Config struct {
	// Replace lets an imported digest take the place of another one. Without
	// it a difference is a diagnostic.
	Replace bool
}

// Merge adds imported entries to a lock and returns the new lock, the changes
// in order, and a diagnostic for each conflict. A nil old lock is empty; no
// argument is changed. With conflicts the lock is nil: half an import would
// look like a whole one.
func Merge(old, imported *File, c *Config) (*ir.Lock, []Change, diag.List) {
	if old == nil {
		old = newFile()
	}
	out := &ir.Lock{Version: Version}
	for _, k := range kinds {
		for ref, e := range Entries(old.Lock, k) { // a copy: order does not show
			set(out, k, ref, e)
		}
	}
	var changes []Change
	var ds diag.List
	for _, k := range kinds {
		add := Entries(imported.Lock, k)
		for _, ref := range slices.Sorted(maps.Keys(add)) {
			e, have := add[ref], Entries(out, k)[ref]
			switch {
			case have.Digest == e.Digest:
				set(out, k, ref, join(have, e))
				continue
			case have.Digest != "" && !(c != nil && c.Replace):
				ds.Add(conflict(ref, have.Digest, e.Digest, imported.At(k, ref), old.At(k, ref)))
				continue
			}
			set(out, k, ref, e)
			changes = append(changes, Change{Kind: k, Ref: ref, Before: have.Digest, After: e.Digest})
		}
	}
	if ds.HasErrors() {
		return nil, nil, ds.Sorted()
	}
	return out, changes, nil
}

// join keeps what a registry once told about the same digest: an import says
// nothing about signatures.
func join(have, add ir.LockEntry) ir.LockEntry {
	if add.Signed == "" {
		add.Signed = have.Signed
	}
	if add.Provenance == "" {
		add.Provenance = have.Provenance
	}
	return add
}

func conflict(ref string, have, add digest.Digest, at, old diag.Position) *diag.Diagnostic {
	return diag.Errorf("LCK004", "%s has two digests", ref).
		At(at, "%s", add.Short()).
		At(old, "%s", have.Short()).
		Note("a tag points at other content than before, or two images share a name").
		Fix("if the new content is meant, take it with --replace, and review what changed").
		Fix("if both are used, write the tags of both: repository:tag@sha256:…")
}

// Codes documents every diagnostic of this package.
var Codes = []diag.Entry{
	{
		Code: "LCK001", Title: "the lock cannot be read", Severity: diag.Error,
		Why: "`darkstart.lock` is JSON with `version`, `images`, `charts` and `other`. It is written by `darkstart lock`; an edit or a merge left something else.",
		Fix: "Mend the place that is shown, or take the file from the delivery branch and import again.",
	},
	{
		Code: "LCK002", Title: "not a digest", Severity: diag.Error,
		Why: "A digest is `sha256:` and 64 lower-case hexadecimal digits. A shorter one names many contents.",
		Fix: "Copy the whole digest, for example from `crane digest REF`.",
	},
	{
		Code: "LCK003", Title: "not an image reference", Severity: diag.Error,
		Why: "Images are locked under the reference that manifests use, without the digest.",
		Fix: "Write `[registry/]repository[:tag]`.",
	},
	{
		Code: "LCK004", Title: "two digests for one reference", Severity: diag.Error,
		Why: "The reference is already locked with other content, or the file names it twice. A tag that moved is what the lock exists to notice, so it is not replaced silently.",
		Fix: "Review what changed and import with `--replace`, or lock both under their tags.",
	},
	{
		Code: "LCK005", Title: "nothing to import", Severity: diag.Error,
		Why: "The file has no line and no entry with a digest. Recording nothing must not look like success.",
		Fix: "Give lines `REF@sha256:…` or `REF sha256:…`, the output of `docker images --digests`, or a `darkstart.lock`.",
	},
	{
		Code: "LCK006", Title: "an image without a digest", Severity: diag.Warning,
		Why: "`docker images --digests` has `<none>` for an image that was built here and never pushed. There is nothing to lock.",
		Fix: "Push the image and list it again, or leave its line out.",
	},
	{
		Code: "LCK007", Title: "an image or a bundle cannot be looked up", Severity: diag.Error,
		Why: "`darkstart lock` asks the registry of every image, and of every bundle of policies, for its digest, and this one gave none: the message says why. Nothing is written, since half a lock would look like a whole one.",
		Fix: "Do what the help says about the reason, and run it again. Where the registry cannot be reached, `--import` digests that were looked up elsewhere.",
	},
	{
		Code: "LCK008", Title: "a tag moved", Severity: diag.Warning,
		Why: "The registry has other content under this tag than when it was locked. The entry stays: a tag that moved is what the lock exists to notice.",
		Fix: "Review what changed and take it with `darkstart lock --update REF`, or leave it.",
	},
	{
		Code: "LCK009", Title: "an image is not in the lock", Severity: diag.Error,
		Why: "Under `--locked` and `lock --check` every image of the fleet has an entry in `darkstart.lock`.",
		Fix: "Run `darkstart lock`, and commit what it wrote.",
	},
	{
		Code: "LCK010", Title: "an image is pinned to another digest than the lock has", Severity: diag.Error,
		Why: "An object names the image by a digest that is not the one under review in the lock. One of them was changed without the other.",
		Fix: "Run `darkstart lock --update REF` when the object is right; write the locked digest when it is not.",
	},
	{
		Code: "LCK011", Title: "no object uses that image", Severity: diag.Error,
		Why: "`lock --update REF` names an image that the fleet does not have. Updating nothing must not look like success.",
		Fix: "Name the image as the lock does, without a digest.",
	},
	{
		Code: "LCK012", Title: "a bundle of policies is not locked", Severity: diag.Error,
		Why: "`policies: bundles` names policies of others. Their digest stands in `darkstart.lock`, and they themselves under `policies/vendor`, so that a check asks no registry. Without them a check would pass that nobody made.",
		Fix: "Run `darkstart lock`, and commit the lock and the folder.",
	},
	{
		Code: "LCK013", Title: "vendored policies are not those of the bundle", Severity: diag.Error,
		Why: "Each file of a folder of `policies/vendor` is held to the manifest beside it, and that to the digest in the lock. A file was changed, added or lost, or the folder belongs to a bundle that is no longer named.",
		Fix: "Run `darkstart lock`, which puts the folder back; `--prune` drops one that is not named. A rule of one's own stands beside `policies/vendor`.",
	},
	{
		Code: "LCK014", Title: "not a bundle of policies", Severity: diag.Error,
		Why: "What the registry has under the reference is not what `conftest push` writes: an image manifest with one layer for each Rego, JSON or YAML file, under a clean relative name.",
		Fix: "Push the policies with `conftest push`, or correct the reference.",
	},
}
