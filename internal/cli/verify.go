package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler/drift"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/release"
	"github.com/darkstart-dev/darkstart/compiler/seal"
	"github.com/darkstart-dev/darkstart/compiler/seal/attest"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/report"
)

// defaultLayout is where compile and release write, seen from the fleet.
const defaultLayout = "dist/oci"

// verifyFlags are the flags of one verification.
type verifyFlags struct {
	dir, artifact, releases, state, now, format, live, policy string
	keys, attestKeys                                          []string
	minSerial                                                 int
	allowExpired, noWaivers, strict, verbose                  bool
	identity                                                  identityFlags
}

func newVerify(inv *Invocation) *cobra.Command {
	var v verifyFlags
	cmd := &cobra.Command{
		Use:   "verify [LAYOUT | TAR | oci://HOST/REPOSITORY@DIGEST]",
		Short: "decide whether released bundles may be trusted",
		Long: `verify reads an OCI image layout (default dist/oci), a tar of one, or one bundle
of a registry, and decides for each bundle whether it is a release by a trusted
key: its files give the manifest's bytes again, a valid signature by somebody who
is trusted is beside it, its serial is not older than what is known, its chain is
unbroken, and neither it nor a waiver that it relied on has expired. It says what
was proven, by whom, and what was not checked. Only oci:// asks the network; a tag
is resolved to a digest first, which is printed. With --live the objects of the
bundle are then compared with an export of its cluster, and drift is listed.

Whom to trust, and what to demand besides, is said by --trust FILE, else by the
flags --key, --attest-key and --identity, else by trust.cue at the root of the
fleet that verify runs in. --trust and those flags exclude each other.

Exit status: 0 verified, 1 drift under --live, 2 could not do the job, 3 refused.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return v.run(cmd.Context(), inv, args)
		},
	}
	f := cmd.Flags()
	f.StringVarP(&v.dir, "chdir", "C", ".", "run as if started in `DIR`")
	f.StringVar(&v.policy, "trust", "", "judge by the trust policy in `FILE` (default: trust.cue of the fleet, if no flag says whom to trust)")
	f.StringArrayVar(&v.keys, "key", nil, "trust this public release `KEY`: a file, or env://NAME (repeatable)")
	f.StringArrayVar(&v.attestKeys, "attest-key", nil, "demand provenance and a passed verdict by this public attestation `KEY` (repeatable: by one of them)")
	v.identity.add(f)
	f.StringVar(&v.artifact, "artifact", "", "only this artifact: a cluster, or fleet")
	f.StringVar(&v.releases, "releases", "", "records that bundles must agree with (default: releases/ beside the layout's fleet)")
	f.IntVar(&v.minSerial, "min-serial", 0, "refuse serials below `N`")
	f.StringVar(&v.state, "state", "", "remember in `FILE` what was accepted, and never accept an older serial again")
	f.StringVar(&v.now, "now", "", "judge expiry at this `TIME` instead of the machine's clock")
	f.StringVar(&v.live, "live", "", "compare the verified bundle with `DUMP`, an export of its cluster (kubectl get KINDS -A -o json), - for stdin")
	f.BoolVar(&v.allowExpired, "allow-expired", false, "accept an expired bundle, loudly: for disasters, when nothing newer can be made")
	f.BoolVar(&v.noWaivers, "no-waivers", false, "refuse a bundle whose verdict relied on a waiver (for auditors)")
	f.BoolVarP(&v.verbose, "verbose", "v", false, "every fact about every bundle")
	f.BoolVar(&v.strict, "strict", false, "refuse when anything could not be checked")
	outputFlag(cmd, &v.format, "text", "json")
	return cmd
}

// verified is what verify prints.
type verified struct {
	// Version is darkstart.dev/verify/v1.
	Version string `json:"version"`
	// Source is where the bundles were read: a folder, an archive, or
	// oci://host/repository@digest.
	Source string `json:"source"`
	// Tag is the name that was resolved to the digest of Source.
	Tag string `json:"tag,omitempty"`
	// Trust says what was judged by.
	Trust trustShown `json:"trust"`
	// Reports hold one bundle each.
	Reports     []*seal.Report `json:"reports"`
	Diagnostics diag.List      `json:"diagnostics"`
	// Live compares the bundle with an export of its cluster; absent unless it
	// was asked for and the bundle was verified.
	Live *drift.Report `json:"live,omitempty"`
	// ExitCode is 0 verified, 1 drift, 2 could not do the job, 3 refused.
	ExitCode int `json:"exitCode"`
	// Error is why the job could not be done.
	Error string `json:"error,omitempty"`
}

func (v *verifyFlags) run(ctx context.Context, inv *Invocation, args []string) error {
	out := &verified{Version: "darkstart.dev/verify/v1", Source: defaultLayout, Reports: []*seal.Report{}, Diagnostics: diag.List{}}
	if len(args) == 1 {
		out.Source = args[0]
	}
	err := v.all(ctx, inv, strings.Join(args, ""), out)
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

func (v *verifyFlags) all(ctx context.Context, inv *Invocation, arg string, out *verified) error {
	trust, demand, ds, err := v.trust(ctx, inv, &out.Trust)
	if err != nil {
		return err
	}
	out.Diagnostics.Add(ds...)
	if ds.HasErrors() {
		out.ExitCode = ExitFailed // nothing was judged, so nothing was refused
		return nil
	}
	src, err := openSource(ctx, inv, v.dir, arg)
	if err != nil {
		return err
	}
	out.Source, out.Tag = src.shown, src.tag
	refs, err := src.refs(ctx, v.artifact)
	if err != nil {
		return err
	}
	cfg, ds, err := v.config(src)
	if err != nil {
		return err
	}
	out.Diagnostics.Add(ds...)
	if cfg.state, err = readState(under(v.dir, v.state)); err != nil {
		return err
	}
	for _, ref := range refs {
		c := cfg.base
		c.Artifact, c.Known, c.Demand = v.artifact, cfg.known, demand
		if src.list != nil {
			c.Artifact = ref
		}
		end := inv.recording.Begin("verify", ref)
		r, ds, err := seal.Verify(ctx, src, ref, trust, &c)
		end()
		if err != nil {
			return fmt.Errorf("%s: %w", ref, src.explain(ctx, err))
		}
		if r != nil {
			out.Reports = append(out.Reports, r)
		}
		out.Diagnostics.Add(ds...)
		cfg.state.remember(r, c.Now)
	}
	if err := cfg.state.save(); err != nil || v.live == "" || out.Diagnostics.HasErrors() {
		return err
	}
	return v.compare(ctx, inv, out)
}

// flagged reports whether flags say whom to trust.
func (v *verifyFlags) flagged() bool {
	return len(v.keys)+len(v.attestKeys) > 0 || v.identity != (identityFlags{})
}

// trust returns whom to trust and what else to demand. The most explicit word
// counts alone: policies are never merged, so that nobody has to guess which of
// two let something pass.
func (v *verifyFlags) trust(ctx context.Context, inv *Invocation, said *trustShown) (*seal.Trust, func(string) seal.Demands, diag.List, error) {
	file := under(v.dir, v.policy)
	if file != "" && v.flagged() {
		return nil, nil, nil, errors.New("--trust and --key, --attest-key, --identity, --issuer or --trusted-root are two policies: name the key or identity in the file")
	}
	if file == "" {
		var err error
		if file, err = fleetPolicy(v.dir); err != nil {
			return nil, nil, nil, err
		}
	}
	if file == "" || v.flagged() {
		if file != "" {
			said.Unused = shown(file)
		}
		t, ds, err := v.flagTrust(inv)
		return t, v.flagDemands, ds, err
	}
	said.Policy = shown(file)
	p, ds, err := readPolicy(ctx, file)
	if p == nil {
		return nil, nil, ds, err
	}
	said.Digest = p.Digest
	return p.Trust, p.Demands, ds, nil
}

// flagDemands is what --attest-key demands.
func (v *verifyFlags) flagDemands(string) seal.Demands {
	if len(v.attestKeys) == 0 {
		return seal.Demands{}
	}
	return seal.Demands{Attestations: []seal.Requirement{{Predicate: attest.Provenance}, {Predicate: attest.Summary}}}
}

func (v *verifyFlags) flagTrust(inv *Invocation) (*seal.Trust, diag.List, error) {
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
	id, ds, err := v.identity.trusted(v.dir)
	if err != nil {
		return nil, nil, err
	}
	if diags.Add(ds...); id != nil {
		parties = append(parties, id)
	}
	if diags.HasErrors() {
		return nil, diags, nil
	}
	t, ds := seal.NewTrust(parties...)
	return t, ds, nil
}

// verifyInputs is what every artifact is judged by.
type verifyInputs struct {
	base    seal.VerifyConfig
	records release.History
	state   *state
}

// known looks up an artifact in the records of all streams, and in the state.
func (c *verifyInputs) known(artifact string) seal.Known {
	stream, _, _ := c.records.Last(artifact)
	return seal.Known{Stream: stream, Recorded: c.records.Entries(artifact), State: c.state.last(artifact)}
}

// config finds the records and the time. verify is the one command that has a
// clock of its own: expiry is seen by whoever has one (D13).
func (v *verifyFlags) config(src *source) (*verifyInputs, diag.List, error) {
	now := time.Now().UTC()
	if v.now != "" {
		t, err := (&input{now: v.now}).time()
		if err != nil {
			return nil, nil, err
		}
		now = t
	}
	c := &verifyInputs{base: seal.VerifyConfig{Now: now, MinSerial: v.minSerial, AllowExpired: v.allowExpired, NoWaivers: v.noWaivers, Strict: v.strict}}
	dir := under(v.dir, v.releases)
	if dir == "" {
		dir = src.records(v.dir)
	}
	if dir == "" {
		return c, nil, nil
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
	var all []ir.File
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			return nil, nil, err
		}
		// Records name their stream in file and text; where they lie is open.
		all = append(all, ir.File{Path: release.File(strings.TrimSuffix(filepath.Base(f), ".json")), Data: b})
	}
	var diags diag.List
	if c.records, diags = release.ParseAll(all); len(all) > 1 && !diags.HasErrors() {
		diags.Add(c.records.Check()...)
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
	switch t := out.Trust; {
	case t.Unused != "":
		fmt.Fprintf(inv.Stdout, "trust: the flags; %s is not used\n\n", t.Unused)
	case t.Digest != "":
		fmt.Fprintf(inv.Stdout, "trust: %s (%s)\n\n", t.Policy, t.Digest.Short())
	}
	if out.Tag != "" {
		fmt.Fprintf(inv.Stdout, "tag %s is %s\n\n", out.Tag, out.Source)
	}
	for _, r := range out.Reports {
		printVerified(inv.Stdout, r, v.verbose)
	}
	// What was ignored stands at its bundle.
	said := slices.DeleteFunc(slices.Clone(out.Diagnostics), func(d *diag.Diagnostic) bool { return d.Code == "SIG012" })
	if len(said) > 0 {
		rep := report.New(report.Tool{Name: "darkstart", Version: Version}, "verify")
		rep.Diagnostics = said
		rep.Finish().Excerpt(os.ReadFile)
		if err := report.Diagnostics(inv.Stdout, rep, report.Options{Color: color(inv), Width: width(inv), Verbose: v.verbose}); err != nil {
			return err
		}
	}
	if out.Live != nil {
		printDrift(inv.Stdout, out.Live)
	}
	if out.Error != "" {
		return &exit{ExitFailed, errors.New(out.Error)}
	}
	verdict := "verified"
	switch out.ExitCode {
	case ExitFindings:
		verdict = "verified, and the cluster has DRIFTED"
	case ExitUnverified:
		verdict = "REFUSED"
	case ExitFailed:
		verdict = "NOT VERIFIED"
	}
	_, err := fmt.Fprintf(inv.Stdout, "%s: %s (%d looked at)\n", out.Source, verdict, len(out.Reports))
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
	for _, role := range []struct {
		role seal.Role
		did  string
	}{{seal.RoleRelease, "released by"}, {seal.RoleAttest, "attested by"}} {
		if by := witnesses(r, role.role); len(by) > 0 {
			fmt.Fprintf(w, "  %-12s %s\n", role.did, strings.Join(by, ", "))
		}
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
	printIgnored(w, r, verbose)
	fmt.Fprintln(w)
}

// printIgnored prints what stands beside a bundle and proves nothing (SIG012):
// how many for each reason, or every one.
func printIgnored(w io.Writer, r *seal.Report, verbose bool) {
	why := map[string]int{}
	for _, s := range r.Seen {
		if s.Status != seal.StatusIgnored {
			continue
		}
		if why[s.Reason]++; verbose {
			fmt.Fprintf(w, "  %-12s %-12s %s: %s\n", "statement", s.Status, s.Digest, s.Reason)
		}
	}
	if verbose {
		return
	}
	for _, reason := range slices.Sorted(maps.Keys(why)) {
		fmt.Fprintf(w, "  %-12s %s: %s (SIG012)\n", seal.StatusIgnored, amount(why[reason], "statement"), reason)
	}
}

// witnesses are those whose valid word stands beside a bundle, each once.
func witnesses(r *seal.Report, role seal.Role) []string {
	var out []string
	for _, s := range r.Seen {
		if s.Status == seal.StatusValid && s.Role == role {
			name := s.KeyName
			if s.Identity != "" {
				name += " (" + s.Identity + ")"
			}
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}
