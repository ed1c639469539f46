package solver

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/darkstart-dev/darkstart/plans"
)

// The healthy fleets measure false alarms: six architectures, well declared,
// on which nothing may be reported beyond notes in proven cells.
func TestHealthyFleets(t *testing.T) {
	fleets := map[string]*plans.Model{
		"single cluster": singleCluster(), "active/passive": activePassive(), "active/active": activeActive(),
		"three-zone quorum": threeZoneQuorum(), "hub and spoke": hubAndSpoke(), "air-gapped": airGapped(),
	}
	for name, m := range fleets {
		t.Run(name, func(t *testing.T) {
			p, list, err := Solve(context.Background(), m, &Config{Now: "2026-06-01", Pairs: true})
			if err != nil || len(list) > 0 {
				t.Fatal(err, list)
			}
			proven := 0
			for _, r := range p.Scenarios {
				if len(r.Witnesses) > 0 {
					t.Errorf("%s: %+v", r.Scenario.ID, r.Witnesses)
				}
				for _, c := range r.Cells {
					if !settled(c.Verdict) || len(c.Unknowns) > 0 {
						t.Errorf("%s\n%+v", c.Line(r.Scenario.ID), c.Unknowns)
					}
					if c.Verdict == plans.Proven {
						proven++
					}
				}
			}
			for _, f := range p.Findings {
				if !f.Note {
					t.Errorf("false alarm: %s in %q: %s", f.Class, f.Scenario, f.Message)
				}
			}
			if proven == 0 {
				t.Error("no scenario takes anything down: nothing was proven")
			}
			if t.Failed() {
				t.Log(plans.NewMatrix(p).Text())
			}
		})
	}
}

// builder keeps the fleets short; everything it adds is well declared.
type builder struct{ m *plans.Model }

func newFleet() *builder {
	return &builder{&plans.Model{Tiers: []plans.Tier{{ID: "tier-0", DrillCadence: 365 * plans.Day, RestoreCadence: 90 * plans.Day}}}}
}

func (b *builder) domain(id, kind string, parents ...string) {
	b.m.Domains = append(b.m.Domains, plans.Domain{ID: id, Kind: plans.DomainKind(kind), Parents: parents})
}

// node adds a node with one replica for each place; places are domains joined
// by "+".
func (b *builder) node(id string, kind plans.NodeKind, places ...string) *plans.Node {
	n := plans.Node{ID: id, Kind: kind, Tracked: kind == plans.KindCredential}
	for _, p := range places {
		n.Replicas = append(n.Replicas, plans.Replica{Domains: strings.Split(p, "+")})
	}
	b.m.Nodes = append(b.m.Nodes, n)
	return &b.m.Nodes[len(b.m.Nodes)-1]
}

// service adds a judged node that carries a load of 100, with 100 in each of
// the domains.
func (b *builder) service(id string, rto, rpo plans.Duration, domains []string, places ...string) *plans.Node {
	n := b.node(id, plans.KindService, places...)
	n.Tier = "tier-0"
	for _, class := range []string{"default", "bootstrap"} {
		n.Objectives = append(n.Objectives, plans.Objective{Class: class, RTO: &rto, RPO: &rpo})
	}
	n.Capacity = &plans.Capacity{Load: 100, PerDomain: map[string]float64{}}
	for _, d := range domains {
		n.Capacity.PerDomain[d] = 100
	}
	return n
}

// backup gives a store a tested backup in a place.
func (b *builder) backup(store, name, place string, every plans.Duration) {
	b.point(store, plans.Point{Node: store + "/" + name, Every: every, Takes: 10 * plans.Minute, Immutable: true, Tested: "2026-05-01", Checked: true}, place)
}

// copyOf gives a store a replica in a place, behind by a lag.
func (b *builder) copyOf(store, name, place string, lag plans.Duration) {
	b.point(store, plans.Point{Node: store + "/" + name, Copy: true, Lag: lag, Sync: lag == 0, Deletes: true}, place)
}

func (b *builder) point(store string, p plans.Point, place string) {
	i := slices.IndexFunc(b.m.Nodes, func(n plans.Node) bool { return n.ID == store })
	if b.m.Nodes[i].Data == nil {
		b.m.Nodes[i].Data = &plans.Data{}
	}
	b.m.Nodes[i].Data.Points = append(b.m.Nodes[i].Data.Points, p)
	b.node(p.Node, plans.KindPoint, place)
}

// procedure adds one with steps "name by lo hi"; each comes after the one
// before, the last restores everything.
func (b *builder) procedure(id string, restores, into []string, modes []plans.Mode, needs string, steps ...plans.Step) *plans.Procedure {
	p := plans.Procedure{
		ID: id, Restores: restores, Into: into, IntoKnown: len(into) > 0, Modes: modes,
		Detect: plans.Interval{Lo: plans.Minute, Hi: 5 * plans.Minute}, Review: "2027-01-01",
	}
	for i, s := range steps {
		s.Known = true
		if i > 0 {
			s.After = []string{steps[i-1].ID}
		}
		if i == 0 && needs != "" {
			s.Needs = refTo(strings.Fields(needs)...)
		}
		p.Steps = append(p.Steps, s)
	}
	b.m.Procedures = append(b.m.Procedures, p)
	b.m.Evidence = append(b.m.Evidence, plans.Evidence{ID: "drill-" + id, Procedure: id, Date: "2026-03-01", Result: "passed"})
	return &b.m.Procedures[len(b.m.Procedures)-1]
}

func minutes(id string, lo, hi plans.Duration) plans.Step {
	return plans.Step{ID: id, Duration: plans.Interval{Lo: lo * plans.Minute, Hi: hi * plans.Minute}}
}

func decided(by string) plans.Step {
	s := minutes("decide", 1, 5)
	s.By, s.Approval = by, &plans.Approval{Role: "duty-manager", Wait: plans.Interval{Lo: plans.Minute, Hi: 10 * plans.Minute}}
	return s
}

func (b *builder) team(id string, needs ...string) {
	b.m.Actors = append(b.m.Actors, plans.Actor{
		ID: id, Shift: 2, Need: 2, Respond: plans.Interval{Lo: plans.Minute, Hi: 5 * plans.Minute}, Needs: refTo(needs...),
	})
}

func (b *builder) lose(mode plans.Mode, domains ...string) {
	for _, d := range domains {
		b.m.Scenarios = append(b.m.Scenarios, plans.Scenario{ID: fmt.Sprint(mode, "-", d), Domains: []string{d}, Mode: mode})
	}
}

// bootstrap adds the derived procedure and scenario of a cluster, whose parts
// come up one after the other.
func (b *builder) bootstrap(cluster string, into []string, needs string, parts ...string) {
	p := plans.Procedure{ID: "bootstrap/" + cluster, Into: into, IntoKnown: true, Modes: []plans.Mode{plans.Lost}, Derived: true}
	for i, id := range parts {
		s := plans.Step{ID: strings.TrimPrefix(id, cluster+"/"), Known: true, Restores: []string{id}, Duration: plans.Interval{Lo: plans.Minute, Hi: 4 * plans.Minute}}
		if i == 0 {
			s.Needs = refTo(strings.Fields(needs)...)
		} else {
			s.After = []string{strings.TrimPrefix(parts[i-1], cluster+"/")}
			s.Needs = refTo(parts[i-1])
		}
		p.Steps = append(p.Steps, s)
	}
	b.m.Procedures = append(b.m.Procedures, p)
	b.m.Scenarios = append(b.m.Scenarios, plans.Scenario{ID: "bootstrap/" + cluster, Nodes: parts, Mode: plans.Lost, Class: "bootstrap", Into: into})
}

// singleCluster: three zones of one region, backups in another account.
func singleCluster() *plans.Model {
	b := newFleet()
	b.domain("eu", "region")
	for _, z := range []string{"a", "b", "c"} {
		b.domain(z, "zone", "eu")
	}
	b.domain("prod", "account")
	b.domain("vault-account", "account")
	b.domain("us", "region")
	zones := []string{"a+prod", "b+prod", "c+prod"}
	b.team("sre", "laptop-vpn")
	b.node("laptop-vpn", plans.KindTool, "us")
	b.node("registry", plans.KindExternal, "us+vault-account")
	b.node("C/@machines", plans.KindMachines, zones...).Quorum = 2
	b.node("C/@api", plans.KindAPI, zones...).Requires = plans.Requires{Run: refTo("C/@machines"), Operate: refTo("laptop-vpn")}
	b.node("C/ingress", plans.KindComponent, zones...).Requires = plans.Requires{Run: refTo("C/@machines"), Start: refTo("C/@api", "registry")}
	db := b.service("db", 2*plans.Hour, 24*plans.Hour, []string{"a", "b", "c"}, zones...)
	db.Requires = plans.Requires{Run: refTo("C/@machines"), Start: refTo("C/@api", "registry"), Observe: refTo("probe")}
	shop := b.service("shop", 2*plans.Hour, 24*plans.Hour, []string{"a", "b", "c"}, zones...)
	shop.Requires = plans.Requires{Run: refTo("C/ingress", "db"), Start: refTo("C/@api", "registry"), Observe: refTo("probe"), DeclaredOperate: refTo("laptop-vpn")}
	b.node("probe", plans.KindExternal, "us+vault-account")
	b.backup("db", "nightly", "us+vault-account", 12*plans.Hour)
	restore := minutes("restore", 10, 40)
	restore.From, restore.Irreversible = "db/nightly", true
	b.procedure("restore-db", []string{"db"}, []string{"us"}, []plans.Mode{plans.Deleted, plans.Compromised}, "registry", decided("sre"), restore)
	b.bootstrap("C", []string{"eu"}, "registry C/@machines", "C/@api", "C/ingress")
	b.lose(plans.Lost, "a", "b", "c")
	b.m.Scenarios = append(b.m.Scenarios, plans.Scenario{ID: "drop-db", Nodes: []string{"db"}, Mode: plans.Deleted})
	return b.m
}

// activePassive: a standby region that is promoted by people.
func activePassive() *plans.Model {
	b := newFleet()
	b.domain("east", "region")
	b.domain("west", "region")
	b.domain("vendor", "provider")
	b.team("incident-lead", "pager")
	b.node("pager", plans.KindExternal, "vendor")
	b.node("dns", plans.KindExternal, "vendor").Tolerates = []plans.DomainKind{"region"}
	b.node("bastion", plans.KindTool, "vendor")
	b.node("break-glass", plans.KindCredential, "east", "west", "vendor").Quorum = 1
	db := b.service("payments-db", plans.Hour, 5*plans.Minute, []string{"east", "west"}, "east")
	db.Requires = plans.Requires{Operate: refTo("bastion"), DeclaredOperate: refTo("bastion"), Observe: refTo("pager")}
	app := b.service("payments", plans.Hour, 5*plans.Minute, []string{"east", "west"}, "east", "west")
	app.Requires = plans.Requires{Run: refTo("payments-db", "dns"), Observe: refTo("pager")}
	b.copyOf("payments-db", "standby", "west", plans.Minute)
	b.backup("payments-db", "cold", "vendor", plans.Minute)
	promote := minutes("promote", 1, 4)
	promote.From, promote.Irreversible = "payments-db/standby", true
	promote.Needs = refTo("break-glass", "bastion")
	b.procedure("promote", []string{"payments-db"}, []string{"west"}, []plans.Mode{plans.Lost, plans.Down, plans.Partition}, "bastion",
		decided("incident-lead"), minutes("fence", 0, 2), promote)
	b.lose(plans.Lost, "east", "west")
	b.lose(plans.Down, "east")
	b.m.Actions = []plans.Action{{
		ID: "rollout", Targets: []string{"payments"}, Blast: 1, Interval: 10 * plans.Minute, Detect: 5 * plans.Minute,
		Stop: "error rate", Guard: "canary", Auto: true, Reverse: "promote", Inverse: true,
	}}
	return b.m
}

// activeActive: both regions serve, each carries the peak alone.
func activeActive() *plans.Model {
	b := newFleet()
	for _, r := range []string{"east", "west"} {
		b.domain(r, "region")
		b.domain("ring-"+r, "rollout-ring")
	}
	b.node("queue-east", plans.KindNode, "east+ring-east")
	b.node("queue-west", plans.KindNode, "west+ring-west")
	n := b.service("api", 15*plans.Minute, 0, []string{"east", "west"}, "east+ring-east", "west+ring-west")
	n.Requires.Run = plans.Requirement{Op: plans.Any, Of: refTo("queue-east", "queue-west").Of}
	n.Requires.Observe = plans.Requirement{Op: plans.Any, Of: refTo("queue-east", "queue-west").Of}
	cart := b.service("cart", 30*plans.Minute, 0, []string{"east", "west"}, "east+ring-east", "west+ring-west")
	cart.Quorum = 2
	cart.Requires.Run = refTo("api")
	b.procedure("degrade", []string{"cart"}, nil, []plans.Mode{plans.Down, plans.BadChange}, "", minutes("single-region", 1, 3)).IntoKnown = true
	b.lose(plans.Down, "east", "west")
	b.lose(plans.BadChange, "ring-east", "ring-west")
	return b.m
}

// threeZoneQuorum: a consensus store over three zones; losing one is nothing,
// losing the region is a restore elsewhere.
func threeZoneQuorum() *plans.Model {
	b := newFleet()
	b.domain("r1", "region")
	b.domain("r2", "region")
	for _, z := range []string{"a", "b", "c"} {
		b.domain(z, "zone", "r1")
	}
	b.team("dba")
	etcd := b.service("etcd", 4*plans.Hour, 2*plans.Hour, []string{"r2", "a", "b", "c"}, "a", "b", "c")
	etcd.Quorum = 2
	b.service("scheduler", 4*plans.Hour, 2*plans.Hour, []string{"r2", "a", "b", "c"}, "a", "b", "c").Requires.Run = refTo("etcd")
	b.backup("etcd", "snapshot", "r2", plans.Hour)
	restore := minutes("restore", 20, 60)
	restore.From = "etcd/snapshot"
	b.procedure("rebuild", []string{"etcd", "scheduler"}, []string{"r2"}, []plans.Mode{plans.Lost}, "", decided("dba"), restore)
	b.lose(plans.Lost, "a", "b", "c", "r1")
	return b.m
}

// hubAndSpoke: spokes run without the hub; the hub comes up from escrow.
func hubAndSpoke() *plans.Model {
	b := newFleet()
	for _, d := range []string{"hub-dc", "spoke-1-dc", "spoke-2-dc", "safe"} {
		b.domain(d, "datacenter")
	}
	b.node("escrow", plans.KindTool, "safe", "spoke-1-dc")
	b.node("registry", plans.KindExternal, "safe", "spoke-2-dc")
	b.node("hub/@machines", plans.KindMachines, "hub-dc", "safe")
	b.node("hub/@api", plans.KindAPI, "hub-dc", "safe").Requires.Run = refTo("hub/@machines")
	b.node("hub/engine", plans.KindComponent, "hub-dc", "safe").Requires = plans.Requires{Run: refTo("hub/@machines"), Start: refTo("hub/@api", "registry")}
	for _, s := range []string{"spoke-1", "spoke-2"} {
		b.node(s+"/@machines", plans.KindMachines, s+"-dc")
		b.node(s+"/@api", plans.KindAPI, s+"-dc").Requires.Run = refTo(s + "/@machines")
		web := b.service(s+"/web", plans.Hour, 0, []string{s + "-dc"}, s+"-dc")
		web.Requires = plans.Requires{Run: refTo(s + "/@machines"), Start: refTo(s+"/@api", "registry"), Operate: refTo("hub/engine")}
		b.bootstrap(s, []string{s + "-dc"}, "hub/engine registry "+s+"/@machines", s+"/@api", s+"/web")
	}
	b.bootstrap("hub", []string{"safe"}, "escrow registry", "hub/@api", "hub/engine")
	b.lose(plans.Down, "hub-dc", "safe")
	return b.m
}

// airGapped: two sites without a way out; media and keys are carried.
func airGapped() *plans.Model {
	b := newFleet()
	for _, d := range []string{"site-a", "site-b", "bunker"} {
		b.domain(d, "site")
	}
	b.domain("offline", "admin-network")
	b.m.Actors = []plans.Actor{{
		ID: "custodians", Shift: 2, Need: 2, Needs: refTo("media"),
		Respond: plans.Interval{Lo: 10 * plans.Minute, Hi: 30 * plans.Minute}, Travel: plans.Interval{Lo: plans.Hour, Hi: 3 * plans.Hour},
	}}
	b.node("media", plans.KindTool, "site-b", "bunker")
	b.node("root-key", plans.KindCredential, "site-a", "site-b", "bunker").Quorum = 2
	b.node("local-registry", plans.KindExternal, "site-a", "site-b")
	ledger := b.service("ledger", 24*plans.Hour, 24*plans.Hour, []string{"site-a", "site-b"}, "site-a")
	ledger.Requires.Observe = refTo("local-registry")
	b.backup("ledger", "tape", "bunker+offline", 6*plans.Hour)
	b.m.Links = []plans.Link{{ID: "tape-drive", From: "bunker", To: "site-b", Bandwidth: 100 << 20}}
	load := plans.Step{ID: "load", By: "custodians", From: "ledger/tape", Link: "tape-drive", Bytes: 2 << 40, Needs: refTo("root-key", "local-registry")}
	p := b.procedure("rebuild-at-b", []string{"ledger"}, []string{"site-b"}, []plans.Mode{plans.Lost, plans.Down}, "media", decided("custodians"), load)
	p.Steps[1].Known = false // bytes over the link say how long it takes
	b.lose(plans.Lost, "site-a", "site-b", "bunker")
	return b.m
}
