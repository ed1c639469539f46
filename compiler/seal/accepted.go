package seal

import (
	"strings"
	"time"

	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/internal/spec"
)

// waivers judges, at the time of the verification, what the release relied on:
// a waiver that held when it was made may have ended since, and then what was
// accepted counts again, as check says of the same waiver on the same day.
func (v *verification) waivers() {
	ws, now := v.b.Record.Waivers, v.c.Now
	switch {
	case ws == nil:
		v.fact("waivers", StatusNotChecked, "the release is of before waivers were recorded")
		if v.c.NoWaivers {
			v.diags.Add(diag.Errorf("SIG014", "the bundle of %q does not say which waivers its verdict relied on", v.r.Artifact).
				Fix("renew it with `darkstart release --renew`, which records them"))
		}
		return
	case len(ws) == 0:
		v.fact("waivers", StatusProven, "the release relies on none")
		return
	case v.c.NoWaivers:
		v.refuse("waivers", v.relied())
		return
	case now.IsZero():
		v.fact("waivers", StatusNotChecked, "no time was given to judge %d by", len(ws))
		return
	}
	v.expired(now)
}

func (v *verification) relied() *diag.Diagnostic {
	d := diag.Errorf("SIG014", "the bundle of %q relies on waivers, and --no-waivers was given", v.r.Artifact)
	for _, w := range v.b.Record.Waivers {
		d.Note("%s", w)
	}
	return d.Fix("fix what they accept and release again; or verify without --no-waivers")
}

// expired refuses a release of which a waiver has ended.
func (v *verification) expired(now time.Time) {
	var over []string
	for _, w := range v.b.Record.Waivers {
		if end, _ := spec.WaiverEnd(w.Expires); !now.Before(end) { // checkRecord has parsed it
			over = append(over, w.String())
		}
	}
	if len(over) == 0 {
		v.fact("waivers", StatusProven, "%d relied on, and all hold at %s", len(v.b.Record.Waivers), now.UTC().Format(time.RFC3339))
		return
	}
	d := diag.Errorf("SIG013", "the bundle of %q relies on a waiver that has expired, and it is %s", v.r.Artifact, now.UTC().Format(time.RFC3339))
	for _, w := range over {
		d.Note("%s", w)
	}
	d.Fix("fix what it accepted, or have its owner renew it; then `darkstart release`, with --renew if nothing else changed")
	if !v.c.AllowExpired {
		v.refuse("waivers", d.Fix("in a disaster, `--allow-expired` accepts it"))
		return
	}
	d.Severity = diag.Warning
	d.Note("--allow-expired was given: nothing newer is known to be safe, and nothing newer was asked for")
	v.fact("waivers", StatusAccepted, "expired: %s; accepted by --allow-expired", strings.Join(over, "; "))
	v.diags.Add(d)
}
