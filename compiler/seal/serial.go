package seal

import (
	"slices"
	"time"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

// identity holds the bundle to the artifact that was asked for, and to the
// stream that is remembered: a store may not answer with the neighbour's
// release, however well that is signed.
func (v *verification) identity() {
	if d := v.astray(); d != nil {
		v.refuse("artifact", d)
		return
	}
	switch want := v.c.Artifact; want {
	case "":
		v.fact("artifact", StatusNotChecked, "it says that it is %q of stream %q; nobody said what was wanted", v.r.Artifact, v.r.Stream)
	case v.r.Artifact:
		v.fact("artifact", StatusProven, "it is %q of stream %q", want, v.r.Stream)
	default:
		v.refuse("artifact", diag.Errorf("SIG040", "%q was asked for, and this is the bundle of %q", want, v.r.Artifact).
			Fix("find out why the store answers with another artifact; its release is signed, but not for this place"))
	}
}

// astray says why the bundle is of another stream than its artifact. A bundle
// names its stream itself, so whoever signs for one could name any artifact:
// the trust policy decides, else the release records, else what is remembered.
func (v *verification) astray() *diag.Diagnostic {
	of, from := v.t.home(v.r.Artifact), "the trust policy"
	switch s := v.c.State; {
	case v.t.artifacts != nil:
	case v.c.Stream != "":
		of, from = []string{v.c.Stream}, "the release records"
	case s != nil && s.Stream != "":
		of, from = []string{s.Stream}, "an earlier verification here"
	default:
		return nil
	}
	if slices.Contains(of, v.r.Stream) {
		return nil
	}
	d := diag.Errorf("SIG041", "%q is of stream %s for %s, and this bundle is of stream %q", v.r.Artifact, listed(of, "none"), from, v.r.Stream).
		Note("a bundle names its stream itself, so a key of one stream could sign for the clusters of another")
	if v.t.artifacts != nil {
		return d.Fix("if the artifact was moved between streams on purpose, move it in the trust policy too")
	}
	return d.Fix("if the artifact was moved between streams on purpose, give the records that say so with --releases, or take its entry out of the file of --state")
}

// rollback holds the serial to the highest floor that is known.
func (v *verification) rollback() {
	floor, from := v.c.MinSerial, "--min-serial"
	for _, e := range v.c.Recorded {
		if e.Serial > floor {
			floor, from = e.Serial, "the release records"
		}
	}
	if s := v.c.State; s != nil && s.Serial > floor {
		floor, from = s.Serial, "an earlier verification here"
	}
	switch serial := v.b.Record.Serial; {
	case floor == 0:
		v.fact("rollback", StatusNotChecked, "no --min-serial, release records or earlier verification to compare serial %d with", serial)
	case serial < floor:
		v.refuse("rollback", diag.Errorf("SIG008", "the bundle of %q has serial %d, below serial %d of %s", v.r.Artifact, serial, floor, from).
			Fix("use the newest release; to go back on purpose, run `darkstart release` on the old content, which gives it a new serial"))
	default:
		v.fact("rollback", StatusProven, "serial %d is not below %d, from %s", serial, floor, from)
	}
}

// chain compares the bundle with what is known about its own serial and about
// the one before.
func (v *verification) chain() {
	known := append([]ir.Recorded(nil), v.c.Recorded...)
	if s := v.c.State; s != nil {
		known = append(known, ir.Recorded{Serial: s.Serial, Manifest: s.Manifest})
	}
	record, links := v.b.Record, 0
	for _, e := range known {
		switch {
		case e.Serial == record.Serial && e.Manifest != v.b.Digest():
			v.refuse("chain", diag.Errorf("SIG009", "serial %d of %q is known as %s, and this bundle is %s", e.Serial, v.r.Artifact, e.Manifest, v.b.Digest()).
				Fix("two bundles never share a serial: find out which one the release records name, and use that"))
			return
		case e.Serial == record.Serial-1 && e.Manifest != record.Previous:
			v.refuse("chain", diag.Errorf("SIG009", "serial %d of %q follows %s, and serial %d is known as %s", record.Serial, v.r.Artifact, record.Previous, e.Serial, e.Manifest).
				Fix("the bundle comes from another history: release again on the branch that the clusters follow"))
			return
		case e.Serial == record.Serial || e.Serial == record.Serial-1:
			links++
		}
	}
	switch {
	case links > 0:
		v.fact("chain", StatusProven, "serial %d and its predecessor are as recorded", record.Serial)
	case record.Serial == 1:
		v.fact("chain", StatusProven, "serial 1 is the first release")
	default:
		v.fact("chain", StatusNotChecked, "neither serial %d nor serial %d is known here", record.Serial, record.Serial-1)
	}
}

// now is the time to judge by: that of the configuration, or the latest at which
// anything of the artifact verified, when the clock went back since, or --now
// did.
func (v *verification) now() time.Time {
	now := v.c.Now
	if s := v.c.State; s != nil && s.Verified != "" {
		if seen, err := time.Parse(time.RFC3339, s.Verified); err == nil && seen.After(now) {
			return seen
		}
	}
	return now
}

func (v *verification) expiry() {
	end, now := v.b.Record.NotAfter, v.c.Now
	if end == "" {
		v.fact("expiry", StatusProven, "the release does not expire")
		return
	}
	if now.IsZero() {
		v.fact("expiry", StatusNotChecked, "no time was given to compare %s with", end)
		return
	}
	now = v.now()
	t, _ := time.Parse(time.RFC3339, end) // checkRecord has parsed it
	if !now.After(t) {
		v.fact("expiry", StatusProven, "valid until %s", end)
		return
	}
	d := diag.Errorf("SIG010", "the bundle of %q expired at %s, and it is %s", v.r.Artifact, end, now.UTC().Format(time.RFC3339)).
		Fix("renew it with `darkstart release --renew`; in a disaster, `--allow-expired` accepts it")
	if !v.c.AllowExpired {
		v.refuse("expiry", d)
		return
	}
	d.Severity = diag.Warning
	d.Note("--allow-expired was given: nothing newer is known to be safe, and nothing newer was asked for")
	v.fact("expiry", StatusAccepted, "expired at %s, accepted by --allow-expired", end)
	v.diags.Add(d)
}

// age holds the release to the oldest that the trust policy takes. What cannot
// be judged is not young: it refuses.
func (v *verification) age() {
	limit := v.c.MaxAge
	if limit == 0 {
		return
	}
	if v.c.Now.IsZero() {
		v.refuse("age", diag.Errorf("SIG015", "the age of the bundle of %q was not judged: no time was given to compare %s with", v.r.Artifact, v.r.Issued).
			Fix("give the time, or take the maximum age out of the trust policy"))
		return
	}
	now := v.now()
	issued, _ := time.Parse(time.RFC3339, v.r.Issued) // checkRecord has parsed it
	if !now.After(issued.Add(limit)) {
		v.fact("age", StatusProven, "issued at %s, at most %s before %s", v.r.Issued, span(limit), now.UTC().Format(time.RFC3339))
		return
	}
	d := diag.Errorf("SIG015", "the bundle of %q was issued at %s, and the trust policy takes none older than %s at %s", v.r.Artifact, v.r.Issued, span(limit), now.UTC().Format(time.RFC3339)).
		Fix("release it again with `darkstart release --renew`")
	if !v.c.AllowExpired {
		v.refuse("age", d.Fix("in a disaster, `--allow-expired` accepts it"))
		return
	}
	d.Severity = diag.Warning
	d.Note("--allow-expired was given: nothing newer is known to be safe, and nothing newer was asked for")
	v.fact("age", StatusAccepted, "issued at %s, older than %s, accepted by --allow-expired", v.r.Issued, span(limit))
	v.diags.Add(d)
}

// span writes a duration as trust policies do.
func span(d time.Duration) string { return plans.Duration(d.Milliseconds()).String() }

// strict turns what was not checked, and could have been, into a refusal.
func (v *verification) strict() {
	if !v.c.Strict {
		return
	}
	for _, f := range v.r.Facts {
		if f.Status == StatusNotChecked && (f.Name == "rollback" || f.Name == "expiry" || f.Name == "waivers" && v.b.Record.Waivers != nil) {
			v.diags.Add(diag.Errorf("SIG011", "%s of %q was not checked: %s", f.Name, v.r.Artifact, f.Detail).
				Fix("give --min-serial, the repository with its release records, or --now; or leave out --strict"))
		}
	}
}
