package cli

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/darkstart-dev/darkstart/compiler"
	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/compiler/release"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/git"
	"github.com/darkstart-dev/darkstart/internal/report"
	"github.com/darkstart-dev/darkstart/internal/tree"
)

// promoteFlags are the flags of one promotion.
type promoteFlags struct {
	pipeline
	to, release, deployDir string
	approve                bool
}

func newPromote(inv *Invocation) *cobra.Command {
	var p promoteFlags
	cmd := &cobra.Command{
		Use:   "promote --to RING",
		Short: "pin the next ring to what the ring before runs",
		Long: `promote moves the pins of one ring, deploy/<cluster>/, to the release that the
ring before has pinned, or to --release, which the ring before must have pinned
or passed. It makes no bundle, no serial and no signature: the pins name digests
that are recorded in releases/, and a ring never goes back to an older serial.

The pins name the registry that the ring before pulls from. With --approve it pins
nothing new: what a phase's approval holds back in the ring goes on, and stays so
until something behind the approval changes. Who may commit that is your forge's
to say (CODEOWNERS of deploy/).

The released revisions are judged again as of today, with the evidence of HEAD:
errors refuse, and so does a drill of something in the most important tier that
was made before what it recovers changed. Commit what promote wrote.

Exit status: 0 pinned, or pinned before; 1 refused by findings; 2 could not do
the job: no such ring, or the ring before has pinned no one release.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return p.run(cmd.Context(), inv) },
	}
	f := cmd.Flags()
	f.StringVarP(&p.in.dir, "chdir", "C", ".", "run as if started in `DIR`")
	f.StringVar(&p.in.now, "now", "", "judge dates at this `TIME` (RFC 3339) instead of HEAD's committer time")
	f.IntVarP(&p.in.parallel, "jobs", "j", 0, "work on this many units at once (default: number of processors)")
	f.BoolVarP(&p.in.quiet, "quiet", "q", false, "no progress on stderr")
	f.StringVar(&p.to, "to", "", "pin this `RING`: its number, or one of its clusters")
	f.StringVar(&p.release, "release", "", "pin the release of this `ID` (for example main-7) instead of what the ring before has pinned")
	f.BoolVar(&p.approve, "approve", false, "let what the ring has pinned go on where a phase waits for an approval")
	f.StringVar(&p.deployDir, "deploy-dir", "deploy", "read and write pins below `DIR`, relative to the fleet")
	p.out.register(cmd)
	return cmd
}

// move is one cluster's pin and what it is to become.
type move struct {
	cluster  string
	entry    ir.Recorded
	registry string // "oci://host/path"
}

// standing is what the pins of a cluster name.
type standing struct {
	serial   int    // 0 for a cluster that is not pinned
	registry string // "oci://host/path"
}

func (p *promoteFlags) run(ctx context.Context, inv *Invocation) error {
	if p.to == "" {
		return errors.New("promote needs --to RING: the number of a ring, or one of its clusters")
	}
	if p.approve && p.release != "" {
		return errors.New("--approve is about what is pinned; it excludes --release")
	}
	p.in.revision = "HEAD"
	s, head, rep, err := p.pipeline.run(ctx, inv, "promote", compiler.ToUnits)
	if err != nil {
		return err
	}
	if head.Units == nil || rep.Diagnostics.HasErrors() {
		return p.refuse(inv, s, rep)
	}
	if s.root() == "" {
		return p.broken(inv, s, rep, errors.New("promote writes pins to commit, and a bare repository has no working tree"))
	}
	moves, ds, err := p.moves(ctx, s, head)
	if err != nil {
		return p.broken(inv, s, rep, err)
	}
	rep.Diagnostics.Add(ds...)
	if ds.HasErrors() {
		return p.refuse(inv, s, rep)
	}
	files, err := p.pins(ctx, inv, s, moves, rep)
	if err != nil {
		return p.broken(inv, s, rep, err)
	}
	if rep.Diagnostics.HasErrors() || fails(rep.Diagnostics, p.out.failOn) {
		return p.refuse(inv, s, rep)
	}
	if err := p.write(inv, s, head, moves, files); err != nil {
		return p.broken(inv, s, rep, err)
	}
	return p.out.finish(inv, s, rep)
}

func (p *promoteFlags) refuse(inv *Invocation, s *session, rep *report.Result) error {
	if rep.ExitCode == ExitClean {
		rep.ExitCode = ExitFindings
	}
	return p.out.finish(inv, s, rep)
}

// moves finds the entries to pin, stream by stream: rings may hold clusters of
// several, and each stream has its own releases.
func (p *promoteFlags) moves(ctx context.Context, s *session, head *compiler.Result) ([]move, diag.List, error) {
	if head.Units.Project == nil || len(head.Units.Project.Spec.Rings) == 0 {
		return nil, nil, errors.New("the fleet declares no rings, and `darkstart publish` pins all of it at once")
	}
	rings := head.Units.Project.Spec.Rings
	n, err := ringNumber(rings, p.to)
	if err != nil {
		return nil, nil, err
	}
	records, ds := compiler.History(s.tree)
	if ds.HasErrors() {
		return nil, ds, nil
	}
	var out []move
	for _, r := range records {
		in := func(ring []string) []string {
			return slices.DeleteFunc(slices.Clone(ring), func(c string) bool {
				stream, _, _ := records.Last(c)
				return stream != r.Stream
			})
		}
		target := in(rings[n])
		if p.approve {
			ms, err := p.approvals(s, records, target)
			if err != nil {
				return nil, nil, err
			}
			out = append(out, ms...)
			continue
		}
		if len(target) == 0 || p.release != "" && !strings.HasPrefix(p.release, r.Stream+"-") {
			continue
		}
		before := []string{}
		for i := n - 1; i >= 0 && len(before) == 0; i-- {
			before = in(rings[i])
		}
		if len(before) == 0 {
			return nil, nil, fmt.Errorf("ring %d is the first of stream %q, which `darkstart publish` pins", n+1, r.Stream)
		}
		ms, err := p.streamMoves(s, records, r, target, before)
		if err != nil {
			return nil, nil, err
		}
		out = append(out, ms...)
	}
	if len(out) == 0 {
		return nil, nil, fmt.Errorf("no release of a cluster in ring %d is recorded%s", n+1, map[bool]string{true: " as " + p.release}[p.release != ""])
	}
	return out, nil, nil
}

// approvals are the pins of a ring as they are.
func (p *promoteFlags) approvals(s *session, h release.History, target []string) ([]move, error) {
	var out []move
	for _, c := range target {
		recorded := h.Entries(c)
		at, err := p.standing(s, recorded, c)
		if err != nil {
			return nil, err
		}
		if at.serial == 0 {
			return nil, fmt.Errorf("%s has no release pinned that could be approved", c)
		}
		i := slices.IndexFunc(recorded, func(e ir.Recorded) bool { return e.Serial == at.serial })
		out = append(out, move{c, recorded[i], at.registry})
	}
	return out, nil
}

// streamMoves chooses the release: the newest that is what every cluster of the
// ring before has pinned, or the one that was named, which they have or passed.
func (p *promoteFlags) streamMoves(s *session, h release.History, r *release.Records, target, before []string) ([]move, error) {
	pinned := map[string]standing{}
	for _, c := range slices.Concat(before, target) {
		at, err := p.standing(s, h.Entries(c), c)
		if err != nil {
			return nil, err
		}
		pinned[c] = at
	}
	var chosen *release.Release
	for _, x := range slices.Backward(r.Releases) {
		fits := !slices.ContainsFunc(before, func(c string) bool {
			at := pinned[c].serial
			return at == 0 || at != x.Artifacts[c] && (p.release == "" || at < x.Artifacts[c])
		})
		if fits && (p.release == "" || x.ID == p.release) {
			chosen = &x
			break
		}
	}
	if chosen == nil {
		if p.release != "" {
			return nil, fmt.Errorf("%s is no release that the ring before (%s) has pinned or passed", p.release, ringState(before, pinned))
		}
		return nil, fmt.Errorf("the ring before (%s) has pinned no one release of stream %q", ringState(before, pinned), r.Stream)
	}
	registry := pinned[before[0]].registry
	for _, c := range before {
		if pinned[c].registry != registry {
			return nil, fmt.Errorf("the ring before pulls from %s and from %s: pin it from one registry with `darkstart publish`", registry, pinned[c].registry)
		}
	}
	var out []move
	for _, c := range target {
		e, ok := r.Entry(c, chosen.Artifacts[c])
		if !ok {
			return nil, fmt.Errorf("release %s has no %q", chosen.ID, c)
		}
		if at := pinned[c].serial; e.Serial < at {
			return nil, fmt.Errorf("%s has serial %d of %q, and serial %d is pinned: going back is a new release with old content", chosen.ID, e.Serial, c, at)
		}
		out = append(out, move{c, e, registry})
	}
	return out, nil
}

func ringState(clusters []string, pinned map[string]standing) string {
	var out []string
	for _, c := range clusters {
		if pinned[c].serial == 0 {
			out = append(out, c+" not pinned")
		} else {
			out = append(out, fmt.Sprintf("%s at serial %d", c, pinned[c].serial))
		}
	}
	return strings.Join(out, ", ")
}

var (
	digestIn     = regexp.MustCompile(`"(?:digest|targetRevision)": "([^"]*)"`)
	repositoryIn = regexp.MustCompile(`"(?:url|repoURL)": "([^"]*)"`)
)

// standing reads which recorded release the pins of a cluster name, and from
// where it is pulled.
func (p *promoteFlags) standing(s *session, recorded []ir.Recorded, cluster string) (standing, error) {
	var out standing
	files, err := pinned(s, p.deployDir)(cluster)
	if err != nil {
		return out, err
	}
	for _, f := range files {
		shownAs := shown(filepath.Join(outDir(s, p.deployDir), cluster, f.Path))
		for _, m := range digestIn.FindAllSubmatch(f.Data, -1) {
			i := slices.IndexFunc(recorded, func(e ir.Recorded) bool { return string(e.Manifest) == string(m[1]) })
			if i < 0 {
				return out, fmt.Errorf("%s pins %s, which is no recorded release of %q", shownAs, m[1], cluster)
			}
			found := recorded[i].Serial
			if out.serial != 0 && out.serial != found {
				return out, fmt.Errorf("the pins of %q name serial %d and serial %d", cluster, out.serial, found)
			}
			out.serial = found
		}
		for _, m := range repositoryIn.FindAllSubmatch(f.Data, -1) {
			registry, ok := strings.CutSuffix(string(m[1]), "/"+cluster)
			if !ok || out.registry != "" && out.registry != registry {
				return out, fmt.Errorf("%s pulls from %s, which is not where the other pins of %q pull from, or is not named for it", shownAs, m[1], cluster)
			}
			out.registry = registry
		}
	}
	return out, nil
}

// pins compiles each released revision once, judges it, and returns the files
// by cluster. Only paths and pins come of it: the content must be what is
// recorded.
func (p *promoteFlags) pins(ctx context.Context, inv *Invocation, s *session, moves []move, rep *report.Result) (map[string][]ir.File, error) {
	by := map[string][]move{}
	for _, m := range moves {
		by[m.entry.Revision] = append(by[m.entry.Revision], m)
	}
	out := map[string][]ir.File{}
	for _, rev := range slices.Sorted(maps.Keys(by)) {
		old, err := s.withEvidence(ctx, rev, p.in.dir)
		if err != nil {
			return nil, err
		}
		in := p.in
		if in.now == "" {
			in.now = s.rev.Time
		}
		res, err := in.compile(ctx, inv, old, compiler.ToArtifacts, false)
		if err != nil {
			return nil, err
		}
		for _, d := range res.Diagnostics {
			if d.Severity == diag.Error || fails(diag.List{d}, p.out.failOn) {
				rep.Diagnostics.Add(d)
			}
		}
		for _, d := range compiler.StaleForPromotion(res) {
			e := *d
			e.Severity = diag.Error
			rep.Diagnostics.Add(&e)
		}
		if rep.Diagnostics.HasErrors() {
			continue
		}
		if res.Artifacts == nil {
			return nil, fmt.Errorf("revision %s does not compile to bundles", rev)
		}
		for _, m := range by[rev] {
			files, ds, err := compiler.PinRecorded(res, m.registry, m.cluster, m.entry, pinned(s, p.deployDir), p.approve)
			if err != nil {
				return nil, err
			}
			rep.Diagnostics.Add(ds...)
			out[m.cluster] = files
		}
	}
	return out, nil
}

// withEvidence opens a released revision with the evidence of HEAD: a drill is
// made after the release that it is about.
func (s *session) withEvidence(ctx context.Context, rev, dir string) (*session, error) {
	old := &session{dir: s.dir, repo: s.repo}
	if err := old.read(ctx, git.Selector{Kind: git.Commit, Rev: rev}, dir); err != nil {
		return nil, err
	}
	if old.tree == nil {
		return nil, fmt.Errorf("revision %s cannot be read: fetch the whole history with `git fetch --unshallow`", rev)
	}
	evidence := func(e tree.Entry) bool { return strings.HasPrefix(e.Path, "evidence/") }
	entries := slices.DeleteFunc(slices.Clone(old.tree.Entries()), evidence)
	entries = append(entries, s.tree.Files("evidence")...)
	was := old.tree
	t, err := tree.New(entries, func(e tree.Entry) ([]byte, error) {
		if evidence(e) {
			return s.tree.ReadFile(e.Path)
		}
		return was.ReadFile(e.Path)
	})
	old.tree = t
	return old, err
}

// write pins what moves. Files are in their place when all are known.
func (p *promoteFlags) write(inv *Invocation, s *session, head *compiler.Result, moves []move, files map[string][]ir.File) error {
	var pins []pin
	for _, m := range moves {
		for _, f := range files[m.cluster] {
			pins = append(pins, pin{m.cluster, m.entry.Serial, f})
		}
	}
	wrote, err := writePins(s, head, p.deployDir, pins)
	if err != nil || p.in.quiet {
		return err
	}
	if len(wrote) == 0 {
		fmt.Fprintln(inv.Stderr, map[bool]string{
			false: "nothing to do: the ring has this release pinned",
			true:  "nothing to do: nothing in the ring waits for an approval",
		}[p.approve])
	}
	tellPins(inv.Stderr, wrote)
	return nil
}
