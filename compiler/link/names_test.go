package link_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/compiler/ir"
	"github.com/darkstart-dev/darkstart/internal/diag"
	"github.com/darkstart-dev/darkstart/plans"
)

const twoClusters = `
-- fleet.yaml --
domains: {eu: {kind: region}, us: {kind: region}}
externals: {vault: {placement: {replicas: [[us]]}}, dns: {placement: {replicas: [[us]]}}}
stores: {orders: {placement: {replicas: [[eu]]}, copies: {standby: {in: [us], mode: sync}}}}
credentials: {key: {custody: [[eu]]}}
-- clusters/us.yaml --
kubernetes: "1.36"
components: {vault: {source: {yaml: x}}, web: {source: {yaml: x}}}
-- clusters/eu.yaml --
kubernetes: "1.36"
components:
  vault: {source: {yaml: x}}
  app: {source: {yaml: x}, requires: {run: [NAME]}}
`

// TestNamesResolveLikeSymbols covers each spelling of a name.
func TestNamesResolveLikeSymbols(t *testing.T) {
	for name, want := range map[string]string{
		"dns": "dns", "/vault": "vault", "./vault": "eu/vault", "us/vault": "us/vault", "us/web": "us/web",
		"orders": "orders", "orders.standby": "orders/standby", "orders/standby": "orders/standby",
		"@api": "eu/@api", "us/@api": "us/@api", "@machines": "eu/@machines", "key": "key",
	} {
		f, ds := load(t, strings.Replace(twoClusters, "NAME", `"`+name+`"`, 1))
		if ds.HasErrors() || len(f.Facts.Dangling) > 0 {
			t.Errorf("%s: %s %+v", name, ds, f.Facts.Dangling)
		}
		if got := conjuncts(nodeOf(t, f, "eu/app").Requires.Run); !slices.Contains(got, want) {
			t.Errorf("%q resolves to %v, want %s", name, got, want)
		}
	}
}

func TestAmbiguousNameShowsBothPlaces(t *testing.T) {
	_, ds := load(t, strings.Replace(twoClusters, "NAME", "vault", 1))
	d := only(t, ds, "LNK002")
	if len(d.Labels) != 3 || d.Labels[1].File == d.Labels[2].File {
		t.Errorf("labels: %+v", d.Labels)
	}
	if got := strings.Join(d.Help, "\n"); !strings.Contains(got, `"eu/vault"`) || !strings.Contains(got, `"/vault"`) {
		t.Errorf("help: %s", got)
	}
}

func TestUnknownNameIsAFactWithTheNearest(t *testing.T) {
	for name, nearest := range map[string]string{"vaul/": "", "dnss": "dns", "web": "us/web", "us/webb": "us/web"} {
		f, ds := load(t, strings.Replace(twoClusters, "NAME", name, 1))
		if ds.HasErrors() || len(f.Facts.Dangling) != 1 {
			t.Fatalf("%s: %s %+v", name, ds, f.Facts.Dangling)
		}
		d := f.Facts.Dangling[0]
		if d.Node != "eu/app" || d.Set != "run" || d.Name != name || d.Derived || nearest != "" && d.Nearest != nearest || len(d.Why.At) == 0 {
			t.Errorf("%+v", d)
		}
		if len(f.Model.Unresolved) == 0 || f.Model.Unresolved[0].Settle == "" {
			t.Error("what would settle it is not said")
		}
	}
}

// TestUnknownReferences: each namespace beside that of nodes has its own code,
// a position and the nearest name.
func TestUnknownReferences(t *testing.T) {
	const fleet = `
-- project.yaml --
rings: [[dev]]
calendars: {night: {}}
-- fleet.yaml --
domains: {eu: {kind: region}, ea: {kind: region, parents: [eu]}}
teams: {platform: {decides: [duty], escalation: [duty]}}
tiers: {gold: {rank: 0, objectives: {default: {accepted: {reason: x, owner: platform, review: "2027-01-01"}}}}}
credentials: {unseal: {custody: [[eu]]}}
links: {wan: {from: eu, to: ea, bandwidth: 1Gi}}
stores: {db: {placement: {replicas: [[eu]]}, backups: {b: {in: [eu], key: unseal, every: 1d}}}}
-- clusters/dev.yaml --
kubernetes: "1.36"
placement: {replicas: [[eu]]}
phases: [{name: base}]
flags: {f: {value: true, remove: "2027-01-01", owner: platform}}
components:
  web:
    source: {yaml: x}
    phase: base
    tier: gold
    owner: platform
    disposable: {reason: cache, owner: platform}
    tests: [{kind: smoke, run: x, on: dev}]
-- recovery.yaml --
scenarios: {lost: {fails: {domains: [eu]}, mode: lost}}
procedures:
  p:
    restores: [db]
    steps:
      a: {by: duty, link: wan, on: dev, bytes: 1Gi}
      b: {after: [a]}
drills: {d: {scenario: lost, procedure: p, calendar: night}}
`
	if _, ds := load(t, fleet); len(ds) > 0 {
		t.Fatalf("the sound fleet has diagnostics:\n%s", ds)
	}
	for _, c := range []struct{ old, new, code, near string }{
		{"parents: [eu]", "parents: [eeu]", "LNK003", `"eu"`},
		{"replicas: [[eu]]}\nphases", "replicas: [[euu]]}\nphases", "LNK003", `"eu"`},
		{"{kind: region}, ea", "{kind: region, parents: [ea]}, ea", "LNK004", `"ea"`},
		{"phase: base", "phase: bas", "LNK005", `"base"`},
		{"tier: gold", "tier: golt", "LNK006", `"gold"`},
		{"key: unseal", "key: unsael", "LNK007", `"unseal"`},
		{"bandwidth: 1Gi", "bandwidth: fast", "LNK008", "500Gi"},
		{"owner: platform\n    disp", "owner: platfrom\n    disp", "LNK009", `"platform"`},
		{"escalation: [duty]", "escalation: [dutie]", "LNK009", `"duty"`},
		{"{reason: x, owner: platform", "{reason: x, owner: plat", "LNK009", "use one of: platform"},
		{"{reason: cache, owner: platform", "{reason: cache, owner: platforms", "LNK009", `"platform"`},
		{`"2027-01-01", owner: platform`, `"2027-01-01", owner: platforms`, "LNK009", `"platform"`},
		{"run: x, on: dev", "run: x, on: deb", "LNK010", `"dev"`},
		{"by: duty", "by: dutty", "LNK009", `"duty"`},
		{"on: dev", "on: dve", "LNK010", `"dev"`},
		{"rings: [[dev]]", "rings: [[dew]]", "LNK010", `"dev"`},
		{"link: wan", "link: wann", "LNK015", `"wan"`},
		{"after: [a]", "after: [c]", "LNK016", "use one of: a"},
		{"link: wan", "after: [b], link: wan", "LNK017", "remove"},
		{"{scenario: lost", "{scenario: lots", "LNK018", `"lost"`},
		{"calendar: night", "calendar: nigth", "LNK018", `"night"`},
		{"procedure: p", "procedure: q", "LNK019", "use one of: p"},
		{"stores: {db", "externals: {db: {}}\nstores: {db", "LNK001", "rename"},
	} {
		changed := strings.Replace(fleet, c.old, c.new, 1)
		if changed == fleet {
			t.Fatalf("%q is not in the fleet", c.old)
		}
		_, ds := load(t, changed)
		d := only(t, ds, c.code)
		if d.Primary().Line == 0 || !strings.Contains(strings.Join(d.Help, "\n"), c.near) {
			t.Errorf("%s: %+v", c.code, d)
		}
	}
}

func only(t *testing.T, ds diag.List, code string) *diag.Diagnostic {
	t.Helper()
	var found *diag.Diagnostic
	for _, d := range ds {
		if d.Code == code {
			found = d
		} else if d.Severity == diag.Error {
			t.Errorf("unexpected %s: %s", d.Code, d.Message)
		}
	}
	if found == nil {
		t.Fatalf("no %s in:\n%s", code, ds)
	}
	return found
}

func TestInadmissibleKind(t *testing.T) {
	f, _ := load(t, `
-- fleet.yaml --
externals: {git: {}}
-- clusters/dev.yaml --
kubernetes: "1.36"
delivery: {engine: git}
components: {web: {source: {yaml: x}}}
`)
	i := slices.IndexFunc(f.Facts.Dangling, func(d ir.Dangling) bool { return d.Set == "engine" })
	if i < 0 || f.Facts.Dangling[i].Kind != string(plans.KindExternal) {
		t.Errorf("%+v", f.Facts.Dangling)
	}
}

func TestOverrides(t *testing.T) {
	const fleet = `
-- clusters/dev.yaml --
kubernetes: "1.36"
components: {web: {source: {yaml: x}, requires: {NOT}}}
-- dev/web.yaml --
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: default}
spec: {template: {spec: {containers: [{name: w, image: ghcr.io/web}]}}}
`
	for not, code := range map[string]string{
		"not: [ghcr.io], because: preloaded": "LNK013", "not: [ghcr.io]": "LNK011", "not: [quay.io], because: x": "LNK012",
	} {
		f, ds := load(t, strings.Replace(fleet, "NOT", not, 1))
		if !slices.ContainsFunc(ds, func(d *diag.Diagnostic) bool { return d.Code == code }) {
			t.Errorf("%s: no %s in:\n%s", not, code, ds)
		}
		needs := slices.Contains(conjuncts(nodeOf(t, f, "dev/web").Requires.Start), "ghcr.io")
		if dropped := code != "LNK012"; needs == dropped {
			t.Errorf("%s: the edge is there: %v", not, needs)
		}
	}
}
