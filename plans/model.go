// Package plans holds the nouns of planning: the fleet graph that the linker
// makes (Model), what the solver says about it (Plan), and the exporters.
//
// Everything that a requirement can name is a Node. A Node's id is
//
//	name                 a fleet-wide node: a service, store, external, tool, …
//	cluster/component    a component; requirements on it mean its run part
//	cluster/component@p  a part: defs, hooks, own, extras/<p>  (run is the plain id)
//	cluster/@api         the API server; also @etcd and @machines
//	store/copy           a copy or backup of a store
//
// Domains and clusters are namespaces of their own (DESIGN §4, Linking).
package plans

import "github.com/darkstart-dev/darkstart/internal/diag"

// Model is the fleet graph: the input of the solver. Slices are sorted by ID
// by the linker; the solver's result must not depend on their order.
type Model struct {
	Domains     []Domain    `json:"domains"`
	Nodes       []Node      `json:"nodes"`
	Actors      []Actor     `json:"actors,omitempty"`
	Procedures  []Procedure `json:"procedures,omitempty"`
	Actions     []Action    `json:"actions,omitempty"`
	Scenarios   []Scenario  `json:"scenarios,omitempty"`
	Groups      []Group     `json:"groups,omitempty"`
	Links       []Link      `json:"links,omitempty"`
	Drills      []Drill     `json:"drills,omitempty"`
	Evidence    []Evidence  `json:"evidence,omitempty"`
	Pins        []Pin       `json:"pins,omitempty"`
	Unresolved  []Unknown   `json:"unresolved,omitempty"`
	Tiers       []Tier      `json:"tiers,omitempty"`
	Environment string      `json:"environment,omitempty"`
}

// Source is where something was declared, for findings. It never influences a
// verdict.
type Source = []diag.Position

// DomainKind is one of the kinds of DESIGN §4, "zone" or "account" say.
type DomainKind string

// Families of domain kinds. A family decides which defect class a shared
// domain belongs to.
const (
	Physical       = "physical"
	Administrative = "administrative"
	Change         = "change"
	Time           = "time"
)

var families = map[DomainKind]string{
	"provider": Physical, "region": Physical, "zone": Physical, "site": Physical, "datacenter": Physical,
	"room": Physical, "network": Physical, "power": Physical,
	"account": Administrative, "subscription": Administrative, "identity-realm": Administrative, "admin-network": Administrative,
	"rollout-ring": Change, "config-push": Change, "data-replication": Change, "vendor-update": Change,
	"window": Time, "expiry": Time,
}

// Family returns the family of a kind, "" for an unknown kind.
func (k DomainKind) Family() string { return families[k] }

// Domain is something whose failure takes all that is placed in it.
type Domain struct {
	ID      string     `json:"id"`
	Kind    DomainKind `json:"kind"`
	Parents []string   `json:"parents,omitempty"`
	// Implied domains stand for a cluster's placement that nobody declared (D15).
	Implied bool   `json:"implied,omitempty"`
	At      Source `json:"-"`
}

// Op combines the parts of a Requirement.
type Op string

// The requirement operators. The zero Requirement is All of nothing: true.
const (
	Ref     Op = "node"
	All     Op = "all"
	Any     Op = "any"
	AtLeast Op = "atLeast"
)

// Requirement is a monotone formula over nodes.
type Requirement struct {
	Op   Op            `json:"op"`
	Node string        `json:"node,omitempty"` // Ref
	K    int           `json:"k,omitempty"`    // AtLeast
	Of   []Requirement `json:"of,omitempty"`   // All, Any, AtLeast
	Why  *Because      `json:"why,omitempty"`  // Ref: why this edge exists
}

// Because is the reason of one edge, printed with every cycle and path.
type Because struct {
	// Reason is a clause, "vault's image is pulled from registry".
	Reason string `json:"reason"`
	// Derived edges come from manifests, declared ones from the spec.
	Derived bool   `json:"derived,omitempty"`
	At      Source `json:"at,omitempty"`
}

// Requires is the four requirement sets of a node.
type Requires struct {
	Run     Requirement `json:"run,omitzero"`     // while serving
	Start   Requirement `json:"start,omitzero"`   // to come up from nothing
	Operate Requirement `json:"operate,omitzero"` // to reach or change it
	Observe Requirement `json:"observe,omitzero"` // to know that it is broken
	// DeclaredOperate is the part of Operate that a user wrote: out-of-band
	// access is judged on it alone (DESIGN §5).
	DeclaredOperate Requirement `json:"declaredOperate,omitzero"`
}

// Replica is one instance of a node: in several domains at once, or inside
// another node ("in: C/vault"), with which it falls and returns.
type Replica struct {
	Domains []string `json:"domains,omitempty"`
	In      string   `json:"in,omitempty"`
	// Unknown placement makes the replica's fate unknown (§5.8).
	Unknown bool `json:"unknown,omitempty"`
}

// NodeKind says what a node is; the solver treats all alike except where
// DESIGN names a kind.
type NodeKind string

// Kinds of nodes.
const (
	KindMachines   NodeKind = "machines"
	KindEtcd       NodeKind = "etcd"
	KindAPI        NodeKind = "api"
	KindComponent  NodeKind = "component" // a component's run part
	KindPart       NodeKind = "part"      // any other part
	KindService    NodeKind = "service"
	KindStore      NodeKind = "store"
	KindPoint      NodeKind = "point" // a copy or backup of a store
	KindExternal   NodeKind = "external"
	KindCredential NodeKind = "credential"
	KindTool       NodeKind = "tool"
	KindTeam       NodeKind = "team"
	KindNode       NodeKind = "node" // declared without a kind
)

// Node is anything that a requirement can name.
type Node struct {
	ID       string    `json:"id"`
	Kind     NodeKind  `json:"kind"`
	Cluster  string    `json:"cluster,omitempty"`
	Owner    string    `json:"owner,omitempty"`
	Replicas []Replica `json:"replicas,omitempty"` // none: one replica that no domain failure takes
	// Quorum is the number of replicas that must survive; 0 means 1.
	Quorum int `json:"quorum,omitempty"`
	// Tolerates lists domain kinds of which one failed domain takes nothing.
	Tolerates []DomainKind `json:"tolerates,omitempty"`
	Requires  Requires     `json:"requires,omitzero"`
	// Instances are the ids of a service's instances: it is up when at least
	// InstanceQuorum of them are.
	Instances      []string `json:"instances,omitempty"`
	InstanceQuorum int      `json:"instanceQuorum,omitempty"`
	// Objectives are judged per scenario; the first match wins.
	Objectives []Objective `json:"objectives,omitempty"`
	Tier       string      `json:"tier,omitempty"`
	Priority   int         `json:"priority,omitempty"` // scheduling priority: lower first
	Capacity   *Capacity   `json:"capacity,omitempty"`
	Data       *Data       `json:"data,omitempty"`
	// Stateless nodes are rescheduled in any surviving domain of Elsewhere.
	Stateless bool     `json:"stateless,omitempty"`
	Elsewhere []string `json:"elsewhere,omitempty"`
	Singleton bool     `json:"singleton,omitempty"`
	// Implied nodes stand for what nobody declared (D15): up, and counted.
	Implied bool `json:"implied,omitempty"`
	// Expiry of a credential, RFC 3339 date; Tracked is false when none is
	// declared.
	Expiry  string `json:"expiry,omitempty"`
	Tracked bool   `json:"tracked,omitempty"`
	// Escrow marks what git cannot regenerate.
	Escrow bool   `json:"escrow,omitempty"`
	At     Source `json:"-"`
}

// Objective is what a class of scenarios may cost.
type Objective struct {
	// Class is a mode, a domain kind, "mode/kind", "darkstart", or "default".
	Class string    `json:"class"`
	RTO   *Duration `json:"rto,omitempty"`
	RPO   *Duration `json:"rpo,omitempty"`
	// Accepted replaces RTO and RPO: shown as accepted, never as green.
	Accepted *Accepted `json:"accepted,omitempty"`
	At       Source    `json:"-"`
}

// Accepted says who accepted a loss.
type Accepted struct {
	Reason string `json:"reason"`
	Owner  string `json:"owner"`
	Review string `json:"review"` // RFC 3339 date
}

// Tier carries defaults of its members.
type Tier struct {
	ID             string   `json:"id"`
	Rank           int      `json:"rank"` // 0 is the most important
	DrillCadence   Duration `json:"drillCadence,omitempty"`
	RestoreCadence Duration `json:"restoreCadence,omitempty"`
	StrictUnknown  bool     `json:"strictUnknown,omitempty"`
	At             Source   `json:"-"`
}

// Capacity is in the unit of the node's own load (requests per second, say).
type Capacity struct {
	Load      float64            `json:"load"`
	Surge     float64            `json:"surge"` // factor on load while recovering; 0 means 1
	PerDomain map[string]float64 `json:"perDomain,omitempty"`
	// PerReplica is used for replicas in domains that PerDomain does not name.
	PerReplica float64 `json:"perReplica,omitempty"`
	Quota      float64 `json:"quota,omitempty"` // upper limit in the recovery site; 0 means none
	At         Source  `json:"-"`
}

// Data makes a node a store.
type Data struct {
	// Points are the recovery points: copies and backups. Each is also a Node
	// of KindPoint whose id is Point.Node.
	Points []Point `json:"points,omitempty"`
	// Size in bytes, 0 when not declared.
	Size  int64  `json:"size,omitempty"`
	Group string `json:"group,omitempty"` // consistency group
}

// Point is one recovery point of a store.
type Point struct {
	Node string   `json:"node"`
	Copy bool     `json:"copy,omitempty"` // a replica, else a backup
	Sync bool     `json:"sync,omitempty"`
	Lag  Duration `json:"lag,omitempty"` // async copies
	// Deletes reports that deletions and corruption propagate to this point.
	Deletes   bool `json:"deletes,omitempty"`
	Immutable bool `json:"immutable,omitempty"`
	// Realms lists identity realms and accounts that can write the point.
	Realms []string `json:"realms,omitempty"`
	Every  Duration `json:"every,omitempty"`    // backups: schedule period
	Takes  Duration `json:"duration,omitempty"` // backups: how long one takes
	Keep   Duration `json:"keep,omitempty"`     // backups: retention
	// Restore is the time a tested or estimated restore needs.
	Restore Interval `json:"restore,omitzero"`
	Key     string   `json:"key,omitempty"` // credential that decrypts it
	Checked bool     `json:"checked,omitempty"`
	Failing bool     `json:"failing,omitempty"`
	// Tested is the date of the last restore test, "" for never; Partial says
	// that its scope was smaller than the scenario.
	Tested  string `json:"tested,omitempty"`
	Partial bool   `json:"partial,omitempty"`
	At      Source `json:"-"`
}

// Group is a set of stores that must be restored to one point in time.
type Group struct {
	ID     string   `json:"id"`
	Stores []string `json:"stores"`
	At     Source   `json:"-"`
}

// Link is a path between two domains with finite bandwidth.
type Link struct {
	ID        string `json:"id"`
	From, To  string
	Bandwidth int64  `json:"bandwidth"` // bytes per second
	At        Source `json:"-"`
}

// Actor is a team or role that executes steps.
type Actor struct {
	ID      string      `json:"id"`
	Shift   int         `json:"shift"`          // people at once; 0 means unknown
	Need    int         `json:"need,omitempty"` // people that recovery takes
	Respond Interval    `json:"respond,omitzero"`
	Travel  Interval    `json:"travel,omitzero"`
	Needs   Requirement `json:"needs,omitzero"` // what they need to act
	// Implied actors are roles in a fleet that declares no teams (D15).
	Implied bool   `json:"implied,omitempty"`
	At      Source `json:"-"`
}

// Mode is how a scenario fails (DESIGN §4, table).
type Mode string

// The failure modes.
const (
	Down        Mode = "down"
	Lost        Mode = "lost"
	Deleted     Mode = "deleted"
	Compromised Mode = "compromised"
	BadChange   Mode = "bad-change"
	Overload    Mode = "overload"
	Partition   Mode = "partition"
)

// Modes in the order of the table in DESIGN §4.
var Modes = []Mode{Down, Lost, Deleted, Compromised, BadChange, Overload, Partition}

// Scenario is a disaster: what fails, and how.
type Scenario struct {
	ID      string   `json:"id"`
	Domains []string `json:"domains,omitempty"`
	Nodes   []string `json:"nodes,omitempty"`
	Mode    Mode     `json:"mode"`
	During  string   `json:"during,omitempty"`
	// Class names the built-in scenarios "bootstrap" and "darkstart".
	Class string `json:"class,omitempty"`
	// Into is where a bootstrap brings the cluster up.
	Into []string `json:"into,omitempty"`
	// Generated scenarios come from `assume`.
	Generated bool   `json:"generated,omitempty"`
	At        Source `json:"-"`
}

// Runbook freshness of a procedure.
const (
	RunbookCurrent = "current"
	RunbookStale   = "stale"
	RunbookMissing = "missing"
)

// Procedure brings nodes back.
type Procedure struct {
	ID       string   `json:"id"`
	Restores []string `json:"restores"` // nodes; "domain:<id>" for domains
	Into     []string `json:"into,omitempty"`
	// IntoKnown is false when `into` is absent where one is needed.
	IntoKnown bool              `json:"intoKnown,omitempty"`
	Modes     []Mode            `json:"modes,omitempty"` // empty: all
	Detect    Interval          `json:"detect,omitzero"`
	Alerts    []string          `json:"alerts,omitempty"`
	Targets   map[string]string `json:"targets,omitempty"` // component to version it was written for
	Review    string            `json:"review,omitempty"`
	Runbook   string            `json:"runbook,omitempty"` // RunbookCurrent (default), …Stale, …Missing
	Drilled   string            `json:"drilled,omitempty"` // summary from evidence: "never", "partial" or a date
	Steps     []Step            `json:"steps"`
	Owner     string            `json:"owner,omitempty"`
	// Derived procedures (bootstrap, reschedule) need no runbook of their own.
	Derived bool   `json:"derived,omitempty"`
	At      Source `json:"-"`
}

// Step is one action of a procedure.
type Step struct {
	ID      string `json:"id"`
	Do      string `json:"do,omitempty"`
	Phase   string `json:"phase,omitempty"` // of a bootstrap step
	Command string `json:"run,omitempty"`
	On      string `json:"on,omitempty"` // cluster whose context the command uses
	// Duration of one unit; Known is false when nothing is declared.
	Duration Interval `json:"duration,omitzero"`
	Known    bool     `json:"known,omitempty"`
	Units    int      `json:"units,omitempty"`    // 0 means 1
	Parallel int      `json:"parallel,omitempty"` // 0 means 1
	Bytes    int64    `json:"bytes,omitempty"`    // moved over Link
	Link     string   `json:"link,omitempty"`
	// Measured is set when evidence replaced the estimate (D7).
	Measured     *Measured   `json:"measured,omitempty"`
	By           string      `json:"by,omitempty"` // actor; "" is automation
	Needs        Requirement `json:"needs,omitzero"`
	Restores     []string    `json:"restores,omitempty"`
	Rebuilds     []string    `json:"rebuilds,omitempty"`
	From         string      `json:"from,omitempty"` // point node
	After        []string    `json:"after,omitempty"`
	Irreversible bool        `json:"irreversible,omitempty"`
	Guard        string      `json:"guard,omitempty"`
	Approval     *Approval   `json:"approval,omitempty"`
	Verify       *Check      `json:"verify,omitempty"`
	Rollback     string      `json:"rollback,omitempty"`
	At           Source      `json:"-"`
}

// Measured is a duration from drills.
type Measured struct {
	N   int      `json:"n"`
	P90 Duration `json:"p90"`
	Age string   `json:"date"` // of the newest, RFC 3339 date
}

// Approval is a human decision that a step waits for.
type Approval struct {
	Role string   `json:"role"`
	Wait Interval `json:"wait"`
}

// Check is a command and what it must print.
type Check struct {
	Do     string `json:"do,omitempty"`
	Run    string `json:"run,omitempty"`
	Expect string `json:"expect,omitempty"`
}

// Action is an automation or rollout that can itself break things.
type Action struct {
	ID      string   `json:"id"`
	Targets []string `json:"targets"` // nodes or "domain:<id>"
	// Blast is the number of targets one step touches; 0 means all at once.
	Blast        int       `json:"blast,omitempty"`
	Interval     Duration  `json:"interval,omitempty"` // between steps
	Detect       Duration  `json:"detect,omitempty"`   // until a stop condition fires
	Guard        string    `json:"guard,omitempty"`
	Stop         string    `json:"stop,omitempty"`
	Auto         bool      `json:"auto,omitempty"`
	Approval     *Approval `json:"approval,omitempty"`
	Irreversible bool      `json:"irreversible,omitempty"`
	// Reverse names a procedure; NoReverse says that none exists.
	Reverse   string `json:"reverse,omitempty"`
	NoReverse bool   `json:"noReverse,omitempty"`
	// Inverse is false when the reverse does not restore the former state.
	Inverse bool `json:"inverse,omitempty"`
	// Promotes names an asynchronous copy that the action may promote.
	Promotes string `json:"promotes,omitempty"`
	At       Source `json:"-"`
}

// Drill is a planned exercise.
type Drill struct {
	ID        string `json:"id"`
	Scenario  string `json:"scenario"`
	Procedure string `json:"procedure"`
	Schedule  string `json:"schedule,omitempty"` // RRULE
	At        Source `json:"-"`
}

// Evidence is the record of one drill or restore test.
type Evidence struct {
	ID        string                `json:"id"`
	Procedure string                `json:"procedure"`
	Scenario  string                `json:"scenario,omitempty"`
	Closure   string                `json:"closure,omitempty"` // digest the run was made with
	Scope     []string              `json:"scope,omitempty"`   // failed domains and nodes it covered
	Date      string                `json:"date"`              // RFC 3339 date
	Result    string                `json:"result"`            // passed | failed
	RTO       *Duration             `json:"rto,omitempty"`
	RPO       *Duration             `json:"rpo,omitempty"`
	Steps     map[string][]Duration `json:"steps,omitempty"`
	At        Source                `json:"-"`
}

// Pin is a declared pair of versions that must agree.
type Pin struct {
	A          string `json:"a,omitempty"`
	B          string `json:"b,omitempty"`
	Skew       string `json:"skew,omitempty"` // why they do not agree; "" when they do
	Undeclared string `json:"undeclared,omitempty"`
	At         Source `json:"-"`
}

// Unknown is a fact the linker could not settle (D6): a derived edge that
// nothing provides, a host nobody declared.
type Unknown struct {
	Node string `json:"node"` // whose verdicts it can change
	What string `json:"what"`
	// Settle names the declaration that would settle it.
	Settle string `json:"settle"`
	// Set is the requirement set it leaves open: "run", or "start" (default),
	// in which case only coming back is in doubt; "operate" and "observe"
	// change no verdict of a cell.
	Set string `json:"set,omitempty"`
	At  Source `json:"-"`
}
