package cli

import (
	"context"
	"fmt"
	"os"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/oci"
)

// carry pushes what a layout holds. Every bundle is read back from its bytes
// first, so that only bundles are carried, and candidates are refused.
func (p *publishFlags) carry(ctx context.Context, inv *Invocation) error {
	rep := p.pipeline.out.report("publish")
	l, err := openLayout(under(p.in.dir, p.from))
	if err != nil {
		return p.broken(inv, nil, rep, err)
	}
	bundles, ds, err := loadAll(ctx, l, p.from)
	if stop, err := stopped(rep, ds, err); stop || err != nil {
		if err != nil {
			return p.broken(inv, nil, rep, err)
		}
		return p.pipeline.out.finish(inv, nil, rep)
	}
	by, policy, ds, err := p.carriers(ctx, inv, bundles)
	if err != nil {
		return p.broken(inv, nil, rep, err)
	}
	if stop, _ := stopped(rep, ds, nil); stop {
		return p.pipeline.out.finish(inv, nil, rep)
	}
	to, err := p.destination(inv, p.registry)
	if err != nil {
		return p.broken(inv, nil, rep, err)
	}
	defer to.close()
	stop, err := to.free(ctx, bundles, rep)
	if !stop && err == nil {
		var signed []*compiler.Signed
		signed, ds, err = compiler.Complete(ctx, nil, bundles, by.of, policy, to.standing(l), nil)
		if stop, err = stopped(rep, ds, err); !stop && err == nil {
			if stop, err = to.deliver(ctx, signed, rep); !stop && err == nil {
				to.tell(signed, by, policy)
				p.tellCarried(inv)
			}
		}
	}
	if err != nil {
		return p.broken(inv, nil, rep, err)
	}
	return p.pipeline.out.finish(inv, nil, rep)
}

// carriers are the keys to sign with on the way, under the trust policy of the
// fleet that this runs in, if it runs in one.
func (p *publishFlags) carriers(ctx context.Context, inv *Invocation, bundles []*seal.Bundle) (signers, *seal.Policy, diag.List, error) {
	file, err := fleetPolicy(p.in.dir)
	if err != nil {
		return nil, nil, nil, err
	}
	var policy *seal.Policy
	var diags diag.List
	if file != "" {
		if policy, diags, err = readPolicy(ctx, file); policy == nil {
			return nil, nil, diags, err
		}
	}
	by, ds, err := p.signers(ctx, inv, policy, streamNames([]*build{{sealed: bundles}}))
	return by, policy, append(diags, ds...), err
}

// openLayout opens a layout in a folder or in a tar file.
func openLayout(name string) (*oci.Layout, error) {
	st, err := os.Stat(name)
	if err != nil {
		return nil, err
	}
	if st.Mode().IsRegular() {
		return oci.OpenTar(name)
	}
	return oci.OpenLayout(name)
}

// loadAll reads every bundle of a layout.
func loadAll(ctx context.Context, l *oci.Layout, name string) ([]*seal.Bundle, diag.List, error) {
	names, err := artifacts(l)
	if err != nil {
		return nil, nil, err
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("%s holds no bundle: nothing can be published from it", name)
	}
	var out []*seal.Bundle
	var diags diag.List
	for _, n := range names {
		b, ds, err := seal.Load(ctx, l, n, seal.Limits{})
		if err != nil {
			return nil, nil, err
		}
		diags.Add(ds...)
		if b == nil {
			continue
		}
		if b.Record.Candidate() {
			diags.Add(seal.Unreleased(b))
			continue
		}
		if b.Record.Artifact != n {
			return nil, nil, fmt.Errorf("%s: the bundle under %q says that it is %q", name, n, b.Record.Artifact)
		}
		out = append(out, b)
	}
	return out, diags, nil
}
