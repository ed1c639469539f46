// Package publish carries sealed bundles and the statements about them to
// where clusters fetch them from (DESIGN §7).
//
// A registry has no transactions, so the order of writing has to be one. First
// every bundle of the release goes up by digest, then every attestation, then
// the signatures of the release key, and the tags last, each step finished for
// all bundles before the next one begins. A process that dies at any moment
// therefore leaves bundles that nothing signs, which no verification accepts,
// or signed bundles of a release that is there whole. The signatures are what
// commits.
//
// Every step can be done again, and sends only what is not there. So a second
// run resumes a first one, or changes nothing, and two at once do no harm:
// they write the same bundles, and statements may stand twice.
package publish

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// Store is one repository of a registry. oci.Repository is one; its errors are
// oci.Failures.
type Store interface {
	// Name is "host/path".
	Name() string
	// Tagged returns the digest under a tag, "" when there is none.
	Tagged(ctx context.Context, tag string) (digest.Digest, error)
	// Put stores an artifact without its tag and returns the bytes sent.
	Put(ctx context.Context, a oci.Artifact) (int64, error)
	// Attach stores statements about a manifest, in their order.
	Attach(ctx context.Context, subject digest.Digest, statements ...oci.Artifact) (int64, error)
	// Tag names a manifest that is there.
	Tag(ctx context.Context, manifest []byte, tag string) error
}

// Item is one bundle on its way.
type Item struct {
	Artifact string // a cluster, or "fleet"
	Serial   int
	Bundle   oci.Artifact
	// Claims are the attestations; Signatures, of release keys, make the bundle
	// verify, and go up when every claim of every bundle is there.
	Claims, Signatures []oci.Artifact
	To                 Store
}

// Tag is the name of a release of an artifact in its repository. It never
// moves. Nothing is pinned by it: it is for people, and it tells a serial that
// was published with other bytes.
func (i *Item) Tag() string { return fmt.Sprintf("serial-%d", i.Serial) }

func (i *Item) digest() digest.Digest { return digest.Of(i.Bundle.Manifest) }

// Config of Survey and Push. The zero value is ready to use.
type Config struct {
	// Parallel is how many bundles are carried at once; 0 means 8.
	Parallel int
	// Progress is told what was done; it may be called from several goroutines.
	Progress func(Event)
}

// Event is one step of progress.
type Event struct {
	Step        string // a gerund: "sending bundles"
	Done, Total int
}

// Report is what a push did.
type Report struct {
	// Sent is the number of bytes that were not there, statements included.
	Sent int64
	// New counts the bundles that had no tag yet.
	New int
}

// Survey looks whether the items may be published: PUB002 for each serial that
// stands for another bundle already. It writes nothing.
func Survey(ctx context.Context, items []*Item, c *Config) (diag.List, error) {
	_, ds, err := survey(ctx, items, c)
	return ds, err
}

func survey(ctx context.Context, items []*Item, c *Config) (untagged []bool, _ diag.List, err error) {
	found := make([]digest.Digest, len(items))
	ds, err := each(ctx, c, "asking what is there", items, func(ctx context.Context, n int, i *Item) (err error) {
		found[n], err = i.To.Tagged(ctx, i.Tag())
		return err
	})
	untagged = make([]bool, len(items))
	for n, i := range items {
		untagged[n] = found[n] == ""
		if found[n] != "" && found[n] != i.digest() {
			ds.Add(conflict(i, found[n]))
		}
	}
	return untagged, ds, err
}

// Push publishes the items, all or none of them as far as anybody who verifies
// can tell. A nil report comes with diagnostics.
func Push(ctx context.Context, items []*Item, c *Config) (*Report, diag.List, error) {
	untagged, ds, err := survey(ctx, items, c)
	if err != nil || ds.HasErrors() {
		return nil, ds, err
	}
	var sent atomic.Int64
	steps := []struct {
		name string
		do   func(context.Context, *Item) (int64, error)
	}{
		{"sending bundles", func(ctx context.Context, i *Item) (int64, error) { return i.To.Put(ctx, i.Bundle) }},
		{"attaching claims", func(ctx context.Context, i *Item) (int64, error) { return i.To.Attach(ctx, i.digest(), i.Claims...) }},
		{"attaching signatures", func(ctx context.Context, i *Item) (int64, error) {
			// Claims once more: another publisher may have dropped one from the list.
			return i.To.Attach(ctx, i.digest(), slices.Concat(i.Claims, i.Signatures)...)
		}},
	}
	for _, s := range steps {
		ds, err := each(ctx, c, s.name, items, func(ctx context.Context, _ int, i *Item) error {
			n, err := s.do(ctx, i)
			sent.Add(n)
			return err
		})
		if err != nil || ds.HasErrors() {
			return nil, ds, err
		}
	}
	r := &Report{}
	ds, err = tag(ctx, items, untagged, c)
	for _, u := range untagged {
		if u {
			r.New++
		}
	}
	r.Sent = sent.Load()
	if err != nil || ds.HasErrors() {
		return nil, ds, err
	}
	return r, nil, nil
}

// tag names what is new, and looks again: another publisher may have taken the
// serial for another bundle in the meantime.
func tag(ctx context.Context, items []*Item, untagged []bool, c *Config) (diag.List, error) {
	ds, err := each(ctx, c, "naming", items, func(ctx context.Context, n int, i *Item) error {
		if !untagged[n] {
			return nil
		}
		return i.To.Tag(ctx, i.Bundle.Manifest, i.Tag())
	})
	if err != nil || ds.HasErrors() {
		return ds, err
	}
	var late []*Item
	for n, i := range items {
		if untagged[n] {
			late = append(late, i)
		}
	}
	if len(late) == 0 {
		return nil, nil
	}
	return Survey(ctx, late, c)
}

// each does one step for every item, several at a time. The first failure stops
// the rest; of several that failed at once the first in order is reported.
func each(ctx context.Context, c *Config, step string, items []*Item, do func(context.Context, int, *Item) error) (diag.List, error) {
	if c == nil {
		c = &Config{}
	}
	parallel := c.Parallel
	if parallel <= 0 {
		parallel = 8
	}
	var done atomic.Int64
	failed := make([]error, len(items))
	g, one := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for n, i := range items {
		g.Go(func() error {
			if one.Err() != nil {
				return nil
			}
			if failed[n] = do(one, n, i); failed[n] == nil && c.Progress != nil {
				c.Progress(Event{step, int(done.Add(1)), len(items)})
			}
			return failed[n]
		})
	}
	err := g.Wait()
	if err == nil || ctx.Err() != nil {
		return nil, ctx.Err()
	}
	var f *oci.Failure
	for n, e := range failed {
		if errors.As(e, &f) {
			return diag.List{failure(items[n], f)}, nil
		}
	}
	return nil, err
}
