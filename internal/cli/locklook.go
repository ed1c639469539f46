package cli

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/lock"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// look renders the fleet and locks, or with --check judges, what it names.
func (l *lockCommand) look(ctx context.Context, inv *Invocation) error {
	p := &pipeline{in: l.in, out: l.out}
	s, res, rep, err := p.run(ctx, inv, "lock", compiler.ToObjects)
	if err != nil {
		return err
	}
	switch {
	case p.out.unfinished:
		return p.out.finish(inv, s, rep)
	case l.check:
		o := outcomeOf(res)
		if err := o.lock(s, res); err != nil {
			return err
		}
		p.fill(rep, s, o)
		return p.out.finish(inv, s, rep)
	}
	if err := l.record(ctx, inv, p, s, res, rep); err != nil {
		return p.broken(inv, s, rep, err)
	}
	return p.out.finish(inv, s, rep)
}

// record looks up and writes. What cannot be done is in the report; the error
// is for what is not about one image.
func (l *lockCommand) record(ctx context.Context, inv *Invocation, p *pipeline, s *session, res *compiler.Result, rep *report.Result) error {
	if s.root() == "" {
		return fmt.Errorf("lock writes %s, and a bare repository has no working tree", lock.Name)
	}
	target := filepath.Join(s.root(), lock.Name)
	before, exists, err := readLockFile(target)
	if err != nil {
		return err
	}
	var old *lock.File
	if exists {
		f, ds := lock.Parse(lock.Name, before)
		if rep.Diagnostics.Add(ds...); f == nil {
			return nil
		}
		old = f
	}
	images, err := registryImages(inv)
	if err != nil {
		return err
	}
	found, err := l.ask(ctx, images, s, res, old, rep)
	if err != nil || found == nil {
		return err
	}
	enc, err := lock.Format(found.Lock)
	if err != nil {
		return err
	}
	verb := "holds all of it already"
	for _, dir := range slices.Sorted(maps.Keys(found.Folders)) {
		if err := writeFolder(filepath.Join(s.root(), filepath.FromSlash(dir)), found.Folders[dir]); err != nil {
			return err
		}
		rep.Changes = append(rep.Changes, folderChange(dir, found.Folders[dir]))
		verb = "and " + lock.VendorDir + " are whole"
	}
	if !exists || !bytes.Equal(enc, before) {
		verb = "is written"
		if err := writeFile(target, enc); err != nil {
			return err
		}
	}
	if !l.in.quiet {
		fmt.Fprintf(inv.Stderr, "%s %s\n", shown(target), verb)
	}
	return nil
}

// ask looks up images and bundles of policies; nil when something is wrong,
// which the report then says.
func (l *lockCommand) ask(ctx context.Context, client *oci.Images, s *session, res *compiler.Result, old *lock.File, rep *report.Result) (*lock.Fetched, error) {
	all := l.update && len(l.refs) == 0
	var images, bundles []string
	for _, ref := range l.refs {
		if strings.HasPrefix(ref, "oci://") {
			bundles = append(bundles, ref)
		} else {
			images = append(images, ref)
		}
	}
	file, changes, ds, err := lock.LookUp(ctx, compiler.Images(s.tree, res), old, &lock.LookConfig{
		Registry: client, Update: images, UpdateAll: all, Prune: l.prune, Parallel: l.in.parallel,
	})
	if err != nil {
		return nil, err
	}
	if file == nil && old != nil {
		file = old.Lock // to hear of the bundles, too; nothing is written
	}
	found, more, err := lock.Fetch(ctx, s.tree, compiler.PolicyBundles(res), file, &lock.FetchConfig{
		Library: client, Update: bundles, UpdateAll: all, Prune: l.prune,
	})
	if err != nil {
		return nil, err
	}
	ds = append(ds, more...)
	rep.Diagnostics.Add(ds...)
	if ds.HasErrors() {
		if slices.ContainsFunc(ds, unanswered) {
			rep.ExitCode = ExitFailed
		}
		return nil, nil
	}
	for _, c := range append(changes, found.Changes...) {
		rep.Changes = append(rep.Changes, c.String())
	}
	return found, nil
}

func folderChange(dir string, files []ir.File) string {
	if files == nil {
		return "removed " + dir
	}
	return fmt.Sprintf("wrote %s, %d files", dir, len(files))
}

// registryConfig is how registries are spoken to, with the credentials of
// Docker.
func registryConfig(inv *Invocation) (*oci.RegistryConfig, error) {
	dir := inv.Getenv("DOCKER_CONFIG")
	if dir == "" {
		dir = filepath.Join(inv.Getenv("HOME"), ".docker")
	}
	credentials, err := oci.DockerCredentials(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, err
	}
	return &oci.RegistryConfig{Client: oci.RetryingClient(), Credentials: credentials}, nil
}

// registryImages is the client of registries.
func registryImages(inv *Invocation) (*oci.Images, error) {
	c, err := registryConfig(inv)
	if err != nil {
		return nil, err
	}
	return oci.NewImages(*c), nil
}

// lock adds what --locked and lock --check have to say. A fleet that is not
// locked is out of date, whatever else was found.
func (o *outcome) lock(s *session, res *compiler.Result) error {
	if res.Rendered == nil || s.tree == nil {
		return nil // not reached, and reported as such
	}
	ds, err := compiler.Locked(s.tree, res)
	o.Diagnostics = append(o.Diagnostics, ds...).Sorted() // a check has said some of it already
	o.OutOfDate = len(ds) > 0
	return err
}

func unanswered(d *diag.Diagnostic) bool { return d.Code == "LCK007" }
