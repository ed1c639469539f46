package cli

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/publish"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/progress"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// destination is where bundles go: repositories below a registry's path, or a
// layout in a folder or a tar file.
type destination struct {
	p        *publishFlags
	inv      *Invocation
	registry string
	config   *oci.RegistryConfig
	dir      string // of the layout, "" for a registry
	tmp      string
	repos    map[string]*oci.Repository
	carrying *publish.Config
	line     *progress.Line
}

func (p *publishFlags) destination(inv *Invocation, registry string) (*destination, error) {
	d := &destination{p: p, inv: inv, repos: map[string]*oci.Repository{}}
	d.line = p.in.progress(inv, "", publishing())
	d.carrying = &publish.Config{Parallel: p.in.parallel, Progress: func(e publish.Event) { d.line.Event(e.Step, e.Done, e.Total) }}
	switch {
	case p.layout != "":
		d.dir = under(p.in.dir, p.layout)
		return d, nil
	case p.tar != "":
		target := under(p.in.dir, p.tar)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return nil, err
		}
		tmp, err := os.MkdirTemp(filepath.Dir(target), ".darkstart-*")
		d.dir, d.tmp = filepath.Join(tmp, "oci"), tmp
		return d, err
	}
	var err error
	d.registry = registry
	d.config, err = registryConfig(inv)
	return d, err
}

func (d *destination) close() {
	if d.tmp != "" {
		os.RemoveAll(d.tmp)
	}
}

// repository opens the repository of an artifact, once.
func (d *destination) open(bundles []*seal.Bundle) error {
	for _, b := range bundles {
		name := d.registry + "/" + b.Record.Artifact
		r, err := oci.OpenRepository(name, d.config)
		if err != nil {
			return err
		}
		d.repos[b.Record.Artifact] = r
	}
	return nil
}

func (d *destination) store(artifact string) publish.Store { return d.repos[artifact] }

// free looks whether the serials are free, or these very bundles.
func (d *destination) free(ctx context.Context, bundles []*seal.Bundle, rep *report.Result) (stop bool, err error) {
	if d.dir != "" {
		return false, nil
	}
	if err := d.open(bundles); err != nil {
		return false, err
	}
	d.line.Start()
	ds, err := compiler.Publishable(ctx, bundles, d.store, d.carrying)
	d.line.Stop()
	return stopped(rep, ds, err)
}

// stopped moves diagnostics to the report and says whether they end the run.
func stopped(rep *report.Result, ds diag.List, err error) (bool, error) {
	if err != nil {
		if f := (*oci.Failure)(nil); errors.As(err, &f) {
			err = fmt.Errorf("%w (%s)", err, f.Help())
		}
		return false, err
	}
	rep.Diagnostics.Add(ds...)
	if !ds.HasErrors() {
		return false, nil
	}
	rep.ExitCode = ExitFailed
	if ds[0].Code == "PUB002" {
		rep.ExitCode = ExitOutOfDate
	}
	return true, nil
}

// standing are the stores that may hold statements about a bundle already:
// where it goes, and where release left it.
func (d *destination) standing(beside oci.Source) func(*seal.Bundle) []oci.Source {
	return func(b *seal.Bundle) []oci.Source {
		var out []oci.Source
		if r := d.repos[b.Record.Artifact]; r != nil {
			out = append(out, r.Patient())
		} else if l, err := oci.OpenLayout(d.dir); err == nil {
			out = append(out, l)
		}
		if beside != nil {
			out = append(out, beside)
		}
		return out
	}
}

// deliver carries the bundles and notes where they are.
func (d *destination) deliver(ctx context.Context, signed []*compiler.Signed, rep *report.Result) (stop bool, err error) {
	var done *publish.Report
	if d.dir != "" {
		err = d.write(ctx, signed)
	} else {
		var ds diag.List
		end := d.inv.recording.Begin("publish", "")
		d.line.Start()
		done, ds, err = compiler.Publish(ctx, signed, d.store, d.carrying)
		d.line.Stop()
		end()
		stop, err = stopped(rep, ds, err)
	}
	if stop || err != nil {
		return stop, err
	}
	for _, s := range signed {
		x := s.Bundle
		rep.Artifacts = append(rep.Artifacts, report.Artifact{
			Name: x.Record.Artifact, Content: x.Content, Manifest: x.Digest(), Tar: x.Tar, Serial: x.Record.Serial,
			Files: x.Count, Bytes: x.Layer.Size(), Path: d.place(x),
		})
	}
	switch {
	case d.p.in.quiet || done == nil:
	case done.Sent == 0 && done.New == 0:
		fmt.Fprintf(d.inv.Stderr, "%s has all of it already: nothing was sent\n", d.registry)
	default:
		fmt.Fprintf(d.inv.Stderr, "sent %d bytes to %s, %d new bundles\n", done.Sent, d.registry, done.New)
	}
	return false, nil
}

// place is where a bundle is, for the report.
func (d *destination) place(b *seal.Bundle) string {
	switch {
	case d.tmp != "":
		return shown(under(d.p.in.dir, d.p.tar))
	case d.dir != "":
		return shown(d.dir)
	}
	return "oci://" + d.registry + "/" + b.Record.Artifact
}

func (d *destination) write(ctx context.Context, signed []*compiler.Signed) error {
	l, err := compiler.Store(ctx, d.dir, signed)
	if err != nil || d.tmp == "" {
		return err
	}
	name := filepath.Join(d.tmp, "tar")
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	if err := errors.Join(l.Archive(ctx, f), f.Chmod(0o644), f.Close()); err != nil {
		return err
	}
	return os.Rename(name, under(d.p.in.dir, d.p.tar))
}

// tell says on stderr how anybody checks what was published.
func (d *destination) tell(signed []*compiler.Signed, by signers, policy *seal.Policy) {
	if d.p.in.quiet {
		return
	}
	var b bytes.Buffer
	b.WriteString("verify it, with whom you trust:\n")
	trust := ""
	if policy != nil { // its name is that in the fleet, and the command is run here
		trust = policy.Name
		if file, err := fleetPolicy(d.p.in.dir); err == nil && file != "" {
			trust = shown(file)
		}
	}
	for _, s := range signed {
		x := s.Bundle
		ours, cosigns := d.trusting(by.of(x.Record.Stream))
		if policy != nil {
			ours = "--trust " + trust
		}
		if d.dir != "" {
			fmt.Fprintf(&b, "  darkstart verify %s %s\n", d.place(x), ours)
			if policy != nil || len(by) < 2 {
				break
			}
			continue
		}
		ref := d.registry + "/" + x.Record.Artifact + "@" + string(x.Digest())
		fmt.Fprintf(&b, "  darkstart verify oci://%s %s\n", ref, ours)
		fmt.Fprintf(&b, "  cosign verify %s %s\n", cosigns, ref)
	}
	fmt.Fprint(d.inv.Stderr, b.String())
}

// trusting returns the flags of darkstart verify and of cosign verify that trust
// the signers of a stream. An identity that attests is trusted by a trust policy
// alone.
func (d *destination) trusting(by compiler.Signers) (ours, cosigns string) {
	k := &d.p.keyless
	if subject, issuer := by.Release.Identity(); subject != "" {
		ours = fmt.Sprintf("--trusted-root %s --issuer %s --identity %s", k.root, issuer, subject)
		cosigns = fmt.Sprintf("--trusted-root %s --certificate-oidc-issuer %s --certificate-identity %s", k.root, issuer, subject)
		if k.timestamp != "" {
			cosigns += " --use-signed-timestamps"
		}
		if k.rekor == "" {
			cosigns += " --insecure-ignore-tlog"
		}
	} else {
		pub := publicName(by.Release, "release.pub")
		ours, cosigns = "--key "+pub, "--key "+pub+" --insecure-ignore-tlog"
	}
	if by.Attest != nil {
		if subject, _ := by.Attest.Identity(); subject == "" {
			ours += " --attest-key " + publicName(by.Attest, "attest.pub")
		}
	}
	return ours, cosigns
}

// publicName guesses the name of the public half of a key file.
func publicName(s *seal.Signer, otherwise string) string {
	if s != nil {
		if base, ok := strings.CutSuffix(s.Public().Name, ".key"); ok {
			return base + ".pub"
		}
	}
	return otherwise
}
