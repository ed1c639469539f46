package shard

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/darkstart-dev/darkstart/internal/cache"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// Pushed is a shard in its repository.
type Pushed struct {
	Tag     string
	Digest  digest.Digest
	Entries int
	Sent    int64 // bytes that were not there
}

// Push stores what a compile used of its cache, which must have been opened
// with Note. A nil result comes with diagnostics.
func Push(ctx context.Context, in Input, s Shard, kept *cache.Store, to *oci.Repository) (*Pushed, diag.List, error) {
	p, err := push(ctx, in, s, kept, to)
	if f := (*oci.Failure)(nil); errors.As(err, &f) {
		return nil, diag.List{failure(f, "shard %s cannot be pushed to %s", s, to.Name())}, nil
	}
	if err != nil {
		return nil, nil, err
	}
	return p, nil, nil
}

func push(ctx context.Context, in Input, s Shard, kept *cache.Store, to *oci.Repository) (*Pushed, error) {
	p := &Pushed{Tag: in.Tag(s)}
	var layers []oci.Descriptor
	var err error
	p.Entries, err = pack(kept.Export(), func(layer []byte) error {
		layers = append(layers, oci.DescriptorOf(MediaTypeLayer, layer))
		n, err := to.PutBlob(ctx, layer)
		p.Sent += n
		return err
	})
	if err != nil {
		return nil, err
	}
	a, err := oci.NewArtifact(ArtifactType, in.annotations(s), layers)
	if err != nil {
		return nil, err
	}
	p.Digest = digest.Of(a.Manifest)
	n, err := to.Put(ctx, a)
	if p.Sent += n; err != nil {
		return nil, err
	}
	return p, to.Tag(ctx, a.Manifest, p.Tag) // last: nobody finds by name what is not complete
}

// PullConfig of Pull. The zero value takes what the tags name.
type PullConfig struct {
	// Require takes no other shards than those of these digests; none: all.
	Require []digest.Digest
	// Parallel is how many shards are pulled at once; 0 means 4.
	Parallel int
	// Progress is told how many shards are done; nil is fine. It may be called
	// from several goroutines.
	Progress func(done int)
}

// Pulled is what an assembly found.
type Pulled struct{ Shards, Entries int }

// Pull puts the entries of all shards of an input into a cache. Shards that are
// not there, or not fit to be used, are warnings: what they would have had is
// computed by whoever needs it. A registry that refuses or fails is an error:
// to compute a whole fleet because of a login that has expired is not what
// anybody wants.
func Pull(ctx context.Context, in Input, count int, from *oci.Repository, kept *cache.Store, c *PullConfig) (*Pulled, diag.List, error) {
	if c == nil {
		c = &PullConfig{}
	}
	parallel := c.Parallel
	if parallel <= 0 {
		parallel = 4
	}
	var entries, done atomic.Int64
	outcome := make([]error, count)
	g, one := errgroup.WithContext(ctx)
	g.SetLimit(parallel)
	for i := range count {
		g.Go(func() error {
			if one.Err() != nil {
				return nil
			}
			n, err := pull(one, in, Shard{i, count}, from, kept, c.Require)
			entries.Add(int64(n))
			if outcome[i] = err; outage(err) != nil {
				return err
			}
			if n := done.Add(1); c.Progress != nil {
				c.Progress(int(n))
			}
			return nil
		})
	}
	err := g.Wait()
	if ctx.Err() != nil {
		return nil, nil, ctx.Err()
	}
	if f := outage(err); f != nil {
		errors.As(from.Explain(ctx, f.Err), &f) // in the words of who reads
		f.Advice = "run it again later; darkstart compile works without any shard"
		if f.Kind == oci.KindRefused {
			f.Advice = "log in as one who may read there: docker login " + from.Host() + " (credentials come from Docker's config.json)"
		}
		return nil, diag.List{failure(f, "no shards can be taken from %s", from.Name())}, nil
	}
	ds, lost := lost(in, outcome, from.Name())
	return &Pulled{Shards: count - lost, Entries: int(entries.Load())}, ds, nil
}

// outage returns a failure of the registry that is not about one shard.
func outage(err error) *oci.Failure {
	if f := (*oci.Failure)(nil); errors.As(err, &f) && (f.Kind == oci.KindRefused || f.Kind == oci.KindFailed) {
		return f
	}
	return nil
}

// errAbsent says that a tag names nothing.
var errAbsent = errors.New("there is no such tag")

// pull imports one shard and returns how many entries it had. The error is a
// Failure of the registry, or says why the shard is not to be used.
func pull(ctx context.Context, in Input, s Shard, from *oci.Repository, kept *cache.Store, require []digest.Digest) (int, error) {
	r := from.Patient()
	d, err := r.Resolve(ctx, in.Tag(s))
	if f := (*oci.Failure)(nil); errors.As(err, &f) && f.Kind == oci.KindMissing {
		return 0, errAbsent
	}
	if err != nil {
		return 0, err
	}
	if len(require) > 0 && !slices.Contains(require, d.Digest) {
		return 0, fmt.Errorf("it is %s, which --require does not name", d.Digest)
	}
	manifest, err := r.Fetch(ctx, d, oci.MaxManifest)
	if err != nil {
		return 0, err
	}
	about, layers, err := oci.ParseArtifact(manifest)
	switch {
	case err != nil:
		return 0, err
	case about.ArtifactType != ArtifactType:
		return 0, fmt.Errorf("it is an artifact of type %q", about.ArtifactType)
	}
	if what := in.differs(s, about.Annotations); what != "" {
		return 0, fmt.Errorf("it was made from %s", what)
	}
	n := 0
	for _, l := range layers {
		b, err := r.Fetch(ctx, l, maxPacked)
		if err != nil {
			return n, err
		}
		err = unpack(b, func(e cache.Entry) error { n++; return kept.Import(e) })
		if err != nil {
			return n, fmt.Errorf("layer %s cannot be read: %w", l.Digest, err)
		}
	}
	return n, nil
}

// lost words what could not be taken, and counts it.
func lost(in Input, outcome []error, repository string) (ds diag.List, n int) {
	var absent []string
	count := len(outcome)
	for i, err := range outcome {
		switch {
		case err == nil:
			continue
		case errors.Is(err, errAbsent):
			absent = append(absent, strconv.Itoa(i))
		default:
			ds.Add(diag.Warningf("SHD005", "shard %d/%d in %s cannot be used: %v", i, count, repository, err).
				Note("its tag is %s", in.Tag(Shard{i, count})).
				Fix("find out who pushed it, and run the shard again: that replaces it"))
		}
		n++
	}
	if len(absent) > 0 {
		ds.Add(diag.Warningf("SHD004", "%d of %d shards are not in %s: %s", len(absent), count, repository, strings.Join(absent, ", ")).
			Note("the tag of the first is %s-%s-of-%d", in.name(), absent[0], count).
			Fix("look at what became of them; shards are found when they were made from the same files, by the same program, for the same time (--now)"))
	}
	return ds.Sorted(), n
}
