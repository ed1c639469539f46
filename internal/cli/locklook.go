package cli

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/darkstart-dev/darkstart/compiler"
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
		p.locked(s, res, rep)
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
	file, changes, ds, err := lock.LookUp(ctx, compiler.Images(s.tree, res), old, &lock.LookConfig{
		Registry: images, Update: l.refs, UpdateAll: l.update && len(l.refs) == 0, Prune: l.prune, Parallel: l.in.parallel,
	})
	if err != nil {
		return err
	}
	rep.Diagnostics.Add(ds...)
	if file == nil {
		if slices.ContainsFunc(ds, unanswered) {
			rep.ExitCode = ExitFailed
		}
		return nil
	}
	for _, c := range changes {
		rep.Changes = append(rep.Changes, c.String())
	}
	enc, err := lock.Format(file)
	if err != nil {
		return err
	}
	verb := "holds all of it already"
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

// registryImages is the client of registries, with the credentials of Docker.
func registryImages(inv *Invocation) (*oci.Images, error) {
	dir := inv.Getenv("DOCKER_CONFIG")
	if dir == "" {
		dir = filepath.Join(inv.Getenv("HOME"), ".docker")
	}
	credentials, err := oci.DockerCredentials(filepath.Join(dir, "config.json"))
	if err != nil {
		return nil, err
	}
	return oci.NewImages(oci.RegistryConfig{Client: oci.RetryingClient(), Credentials: credentials}), nil
}

// locked adds what --locked and lock --check have to say. A fleet that is not
// locked is out of date, whatever else was found.
func (p *pipeline) locked(s *session, res *compiler.Result, rep *report.Result) {
	if res.Rendered == nil || s.tree == nil {
		return // not reached, and reported as such
	}
	ds := compiler.Locked(s.tree, res)
	rep.Diagnostics.Add(ds...)
	if len(ds) > 0 && rep.ExitCode != ExitFailed {
		rep.ExitCode = ExitOutOfDate
	}
}

func unanswered(d *diag.Diagnostic) bool { return d.Code == "LCK007" }
