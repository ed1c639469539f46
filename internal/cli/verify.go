package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler/release"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/compiler/seal/attest"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/oci"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// defaultLayout is where compile and release write, seen from the fleet.
const defaultLayout = "dist/oci"

// verifyFlags are the flags of one verification.
type verifyFlags struct {
	dir, artifact, releases, state, now, format string
	keys, attestKeys                            []string
	minSerial                                   int
	allowExpired, noWaivers, strict, verbose    bool
}

func newVerify(inv *Invocation) *cobra.Command {
	var v verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [LAYOUT]",
		Short: "decide whether released bundles may be trusted",
		Long: `verify reads an OCI image layout (default dist/oci) and decides for each bundle
whether it is a release by a trusted key: its files give the manifest's bytes
again, a valid signature by --key is beside it, its serial is not older than what
is known, its chain is unbroken, and neither it nor a waiver that it relied on
has expired. It says what was proven, by whom, and what was not checked.

Exit status: 0 verified, 2 could not do the job, 3 refused.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return v.run(cmd.Context(), inv, args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&v.dir, "chdir", "C", ".", "run as if started in `DIR`")
	f.StringArrayVar(&v.keys, "key", nil, "trust this public release `KEY`: a file, or env://NAME (repeatable)")
	f.StringArrayVar(&v.attestKeys, "attest-key", nil, "demand provenance and a passed verdict by this public attestation `KEY` (repeatable: by one of them)")
	f.StringVar(&v.artifact, "artifact", "", "only this artifact: a cluster, or fleet")
	f.StringVar(&v.releases, "releases", "", "records that bundles must agree with (default: releases/ beside the layout's fleet)")
	f.IntVar(&v.minSerial, "min-serial", 0, "refuse serials below `N`")
	f.StringVar(&v.state, "state", "", "remember in `FILE` what was accepted, and never accept an older serial again")
	f.StringVar(&v.now, "now", "", "judge expiry at this `TIME` instead of the machine's clock")
	f.BoolVar(&v.allowExpired, "allow-expired", false, "accept an expired bundle, loudly: for disasters, when nothing newer can be made")
	f.BoolVar(&v.noWaivers, "no-waivers", false, "refuse a bundle whose verdict relied on a waiver (for auditors)")
	f.BoolVarP(&v.verbose, "verbose", "v", false, "every fact about every bundle")
	f.BoolVar(&v.strict, "strict", false, "refuse when anything could not be checked")
	outputFlag(cmd, &v.format, "text", "json")
	return cmd
}

// verified is what verify prints.
type verified struct {
	Version     string         `json:"version"`
	Layout      string         `json:"layout"`
	Reports     []*seal.Report `json:"reports"`
	Diagnostics diag.List      `json:"diagnostics"`
	ExitCode    int            `json:"exitCode"`
	Error       string         `json:"error,omitempty"`
}

func (v *verifyFlags) run(ctx context.Context, inv *Invocation, args []string) error {
	layout := under(v.dir, defaultLayout)
	if len(args) == 1 {
		layout = under(v.dir, args[0])
	}
	out := &verified{Version: "darkstart.dev/verify/v1", Layout: layout, Reports: []*seal.Report{}, Diagnostics: diag.List{}}
	err := v.all(ctx, inv, layout, out)
	if d, ok := diag.From(err); ok {
		out.Diagnostics.Add(d)
		err = nil
	}
	switch {
	case err != nil:
		out.ExitCode, out.Error = ExitFailed, err.Error()
	case out.ExitCode == ExitClean && out.Diagnostics.HasErrors():
		out.ExitCode = ExitUnverified
	}
	if err := v.print(inv, out); err != nil {
		return err
	}
	return quit(out.ExitCode)
}

func (v *verifyFlags) all(ctx context.Context, inv *Invocation, layout string, out *verified) error {
	trust, ds := v.trust(inv)
	out.Diagnostics.Add(ds...)
	if ds.HasErrors() {
		out.ExitCode = ExitFailed // nothing was judged, so nothing was refused
		return nil
	}
	l, err := oci.OpenLayout(layout)
	if err != nil {
		return err
	}
	names, err := artifacts(l)
	if err != nil {
		return err
	}
	if v.artifact != "" {
		if !slices.Contains(names, v.artifact) {
			return fmt.Errorf("%s holds no artifact %q (it holds %v)", layout, v.artifact, names)
		}
		names = []string{v.artifact}
	}
	if len(names) == 0 {
		return fmt.Errorf("%s holds no bundle: nothing was verified", layout)
	}
	cfg, ds, err := v.config(inv, layout)
	if err != nil {
		return err
	}
	out.Diagnostics.Add(ds...)
	known, err := readState(under(v.dir, v.state))
	if err != nil {
		return err
	}
	for _, n := range names {
		c := cfg.forArtifact(n)
		c.State = known.last(n)
		r, ds, err := seal.Verify(ctx, l, n, trust, c)
		if err != nil {
			return fmt.Errorf("%s: %w", n, err)
		}
		if r != nil {
			out.Reports = append(out.Reports, r)
		}
		out.Diagnostics.Add(ds...)
		known.remember(r)
	}
	return known.save()
}

func (v *verifyFlags) trust(inv *Invocation) (*seal.Trust, diag.List) {
	var parties []seal.Trusted
	var diags diag.List
	load := func(role seal.Role, refs []string) {
		for _, ref := range refs {
			k, ds := seal.LoadPublicKey(under(v.dir, ref), role, keySource(inv))
			diags.Add(ds...)
			if k != nil {
				parties = append(parties, k)
			}
		}
	}
	load(seal.RoleRelease, v.keys)
	load(seal.RoleAttest, v.attestKeys)
	if diags.HasErrors() {
		return nil, diags
	}
	return seal.NewTrust(parties...)
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

// verifyInputs is what every artifact of a layout is judged by.
type verifyInputs struct {
	base    seal.VerifyConfig
	records []*release.Records
}

func (c *verifyInputs) forArtifact(name string) *seal.VerifyConfig {
	out := c.base
	for _, r := range c.records {
		if es := r.Artifacts[name]; len(es) > 0 {
			out.Recorded = es
		}
	}
	return &out
}

// config finds the records and the time. verify is the one command that has a
// clock of its own: expiry is seen by whoever has one (D13).
func (v *verifyFlags) config(inv *Invocation, layout string) (*verifyInputs, diag.List, error) {
	now := time.Now().UTC()
	if v.now != "" {
		t, err := (&input{now: v.now}).time()
		if err != nil {
			return nil, nil, err
		}
		now = t
	}
	c := &verifyInputs{base: seal.VerifyConfig{Now: now, MinSerial: v.minSerial, AllowExpired: v.allowExpired, NoWaivers: v.noWaivers, Strict: v.strict}}
	if len(v.attestKeys) > 0 {
		c.base.Attestations = []seal.Requirement{{Predicate: attest.Provenance}, {Predicate: attest.Summary}}
	}
	dir := under(v.dir, v.releases)
	if dir == "" {
		dir = filepath.Join(layout, "..", "..", "releases")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return nil, nil, err
	}
	if fi, err := os.Stat(dir); err == nil && fi.Mode().IsRegular() {
		files = []string{dir}
	}
	if v.releases != "" && len(files) == 0 {
		return nil, nil, fmt.Errorf("--releases %s: no records there", dir)
	}
	var diags diag.List
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, nil, err
		}
		// Records name their stream in file and text; where they lie is open.
		r, ds := release.Parse(release.File(strings.TrimSuffix(filepath.Base(f), ".json")), b)
		diags.Add(ds...)
		if r != nil {
			c.records = append(c.records, r)
		}
	}
	return c, diags, nil
}

func (v *verifyFlags) print(inv *Invocation, out *verified) error {
	out.Diagnostics = out.Diagnostics.Sorted()
	if v.format == "json" {
		if out.Diagnostics == nil {
			out.Diagnostics = diag.List{}
		}
		return printJSON(inv.Stdout, out)
	}
	for _, r := range out.Reports {
		printVerified(inv.Stdout, r, v.verbose)
	}
	if len(out.Diagnostics) > 0 {
		rep := report.New(report.Tool{Name: "darkstart", Version: Version}, "verify")
		rep.Diagnostics = out.Diagnostics
		if err := report.Diagnostics(inv.Stdout, rep.Finish(), report.Options{Color: color(inv), Width: width(inv), Verbose: v.verbose}); err != nil {
			return err
		}
	}
	if out.Error != "" {
		return &exit{ExitFailed, errors.New(out.Error)}
	}
	verdict := "verified"
	switch out.ExitCode {
	case ExitUnverified:
		verdict = "REFUSED"
	case ExitFailed:
		verdict = "NOT VERIFIED"
	}
	_, err := fmt.Fprintf(inv.Stdout, "%s: %s (%d looked at)\n", out.Layout, verdict, len(out.Reports))
	return err
}

// printVerified prints a bundle that was accepted on three lines: what it is,
// what was proven of it, and what was not looked at. One that was refused, and
// --verbose, show every fact.
func printVerified(w io.Writer, r *seal.Report, verbose bool) {
	fmt.Fprintf(w, "%s  serial %d  %s\n", r.Artifact, r.Serial, r.Manifest)
	by := map[seal.Status][]string{}
	for _, f := range r.Facts {
		by[f.Status] = append(by[f.Status], f.Name)
	}
	verbose = verbose || r.Bundle == nil
	for _, s := range []seal.Status{seal.StatusProven, seal.StatusAccepted, seal.StatusNotChecked} {
		if len(by[s]) > 0 && !verbose {
			fmt.Fprintf(w, "  %-12s %s\n", s, strings.Join(by[s], ", "))
		}
	}
	for _, f := range r.Facts {
		if verbose {
			fmt.Fprintf(w, "  %-12s %-12s %s\n", f.Name, f.Status, f.Detail)
		}
	}
	for _, x := range r.Waivers {
		fmt.Fprintf(w, "  %-12s %s\n", "waived", x)
	}
	for _, s := range r.Seen {
		if s.Status == seal.StatusIgnored {
			fmt.Fprintf(w, "  %-12s %-12s %s: %s\n", "statement", s.Status, s.Digest, s.Reason)
		}
	}
	fmt.Fprintln(w)
}
