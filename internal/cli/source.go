package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/digest"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// registryScheme begins the name of a bundle in a registry.
const registryScheme = "oci://"

// source is where bundles are read from: a layout, an archive of one, or one
// bundle of a registry. Only the last asks the network (D12).
type source struct {
	oci.Source
	shown  string          // as it is printed
	folder string          // of a layout on disk
	list   *oci.Layout     // nil for a registry
	at     digest.Digest   // what was asked for of a registry
	tag    string          // the name that led there
	repo   *oci.Repository // nil for a layout
}

// openSource opens what an argument names. "" is dist/oci of the fleet in dir.
func openSource(ctx context.Context, inv *Invocation, dir, arg string) (*source, error) {
	if strings.HasPrefix(arg, registryScheme) {
		return openRegistry(ctx, inv, arg)
	}
	if strings.Contains(arg, "://") {
		return nil, fmt.Errorf("%s: bundles are read from oci://HOST/REPOSITORY, a layout, or a tar of one", arg)
	}
	if arg == "" {
		arg = defaultLayout
	}
	name := under(dir, arg)
	fi, err := os.Stat(name)
	if err == nil && fi.Mode().IsRegular() {
		l, err := oci.OpenTar(name)
		return &source{Source: l, shown: name, list: l}, err
	}
	l, err := oci.OpenLayout(name)
	return &source{Source: l, shown: name, folder: name, list: l}, err
}

// openRegistry names one bundle. A tag is resolved once and then held to its
// digest: whoever moves it afterwards changes nothing that is judged here.
func openRegistry(ctx context.Context, inv *Invocation, arg string) (*source, error) {
	repository, tag, at, err := splitReference(arg)
	if err != nil {
		return nil, err
	}
	c, err := registryConfig(inv)
	if err != nil {
		return nil, err
	}
	r, err := oci.OpenRepository(repository, c)
	if err != nil {
		return nil, err
	}
	s := &source{Source: r, repo: r, tag: tag, at: at}
	if at == "" {
		d, err := r.Resolve(ctx, tag)
		if err != nil {
			return nil, s.explain(ctx, fmt.Errorf("%s: %w", arg, err))
		}
		if s.at, err = digest.Parse(string(d.Digest)); err != nil {
			return nil, fmt.Errorf("%s: %w", arg, err)
		}
	}
	s.shown = registryScheme + repository + "@" + string(s.at)
	return s, nil
}

// splitReference takes oci://host/path[:tag][@digest] apart. A tag beside a
// digest is a comment, as it is for docker.
func splitReference(arg string) (repository, tag string, at digest.Digest, err error) {
	rest := strings.TrimPrefix(arg, registryScheme)
	rest, pin, pinned := strings.Cut(rest, "@")
	if pinned {
		if at, err = digest.Parse(pin); err != nil {
			return "", "", "", fmt.Errorf("%s: %w", arg, err)
		}
	}
	repository = rest
	if i := strings.LastIndexByte(rest, ':'); i > strings.LastIndexByte(rest, '/') {
		repository, tag = rest[:i], rest[i+1:]
	}
	if tag == "" && at == "" {
		return "", "", "", fmt.Errorf("%s names a repository: add the digest of a bundle (@sha256:…), or a tag", arg)
	}
	if pinned {
		tag = ""
	}
	return repository, tag, at, nil
}

// explain words what went wrong at a registry, with what to do about it.
func (s *source) explain(ctx context.Context, err error) error {
	if s.repo == nil || err == nil {
		return err
	}
	var f *oci.Failure
	if !errors.As(s.repo.Explain(ctx, err), &f) {
		return err
	}
	return fmt.Errorf("%w\n  %s", err, f.Help())
}

// refs lists what to look at, by the name under which the source knows it.
func (s *source) refs(ctx context.Context, artifact string) ([]string, error) {
	if s.list == nil {
		return []string{string(s.at)}, nil
	}
	names, err := artifacts(s.list)
	if err != nil {
		return nil, err
	}
	if artifact != "" {
		// What has the name is judged, also when it does not look like a bundle:
		// whoever wrote the layout chose how it looks.
		if _, err := s.list.Resolve(ctx, artifact); errors.Is(err, oci.ErrNotFound) {
			return nil, fmt.Errorf("%s holds no artifact %q (it holds %v)", s.shown, artifact, names)
		}
		names = []string{artifact}
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s holds no bundle", s.shown)
	}
	return names, nil
}

// records is where the release records of a source are looked for: beside the
// fleet that a layout was compiled from, else in the fleet at dir, if there is
// one.
func (s *source) records(dir string) string {
	if s.folder != "" {
		return filepath.Join(s.folder, "..", "..", "releases")
	}
	if _, err := os.Stat(filepath.Join(dir, filepath.FromSlash(marker))); err != nil {
		return ""
	}
	return filepath.Join(dir, "releases")
}

// artifacts lists the bundles of a layout: what is tagged with a name, not
// with a digest (those are lists of referrers).
func artifacts(l *oci.Layout) ([]string, error) {
	ds, err := l.List()
	if err != nil {
		return nil, err
	}
	var out []string
	for _, d := range ds {
		if d.Tag() != "" && d.ArtifactType == seal.ArtifactType {
			out = append(out, d.Tag())
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}
