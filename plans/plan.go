package plans

import "github.com/darkstart-dev/darkstart/internal/digest"

// Version of the plan.json format. Readers refuse a higher major version.
const Version = "darkstart.dev/plan/v1"

// Verdict is three-valued truth (D6), plus the two ways a cell can be settled
// by people.
type Verdict string

// Verdicts of a (scenario, objective) cell.
const (
	Proven        Verdict = "proven"
	Violated      Verdict = "violated"
	UnknownV      Verdict = "unknown"
	Unrecoverable Verdict = "unrecoverable"
	AcceptedV     Verdict = "accepted"
	// Unaffected means that the scenario does not take the target down.
	Unaffected Verdict = "unaffected"
)

// Plan is what the solver says about a Model. It holds no clock, host or map
// order: equal models give equal plans (D2).
type Plan struct {
	Version   string     `json:"version"`
	Scenarios []Recovery `json:"scenarios"` // sorted by id
	Coverage  Coverage   `json:"coverage"`
	Findings  []Finding  `json:"findings,omitempty"`
	// Pairs holds the pairs of scenarios that take something for good which
	// neither takes alone; only computed on request.
	Pairs *Pairs `json:"pairs,omitempty"`
	// Closures maps a procedure to the digest of all that its success depends
	// on (DESIGN §5.7): evidence recorded with another digest is stale.
	Closures map[string]digest.Digest `json:"closures,omitempty"`
}

// Pairs is the result of failing single-domain scenarios two at a time:
// impact and recoverability only.
type Pairs struct {
	Solved int    `json:"solved"`
	Losses []Pair `json:"losses,omitempty"`
}

// Pair is two scenarios that together leave judged nodes without a way back,
// though each of them alone does not.
type Pair struct {
	A     string   `json:"a"`
	B     string   `json:"b"`
	Stuck []string `json:"stuck"`
}

// Coverage counts what was judged and what was not.
type Coverage struct {
	Nodes        int `json:"nodes"`
	Implied      int `json:"implied"` // nodes, domains and actors that nobody declared (D15)
	Services     int `json:"services"`
	Objectives   int `json:"objectives"` // services and stores with an objective
	Scenarios    int `json:"scenarios"`
	Cells        int `json:"cells"`
	NotEvaluated int `json:"notEvaluated"`
}

// Recovery is one scenario solved.
type Recovery struct {
	Scenario Scenario `json:"scenario"`
	// Fails, Down and Stuck are node ids: in F, down by impact, and down
	// without a way back.
	Fails []string `json:"fails"`
	Down  []string `json:"down"`
	Stuck []string `json:"stuck,omitempty"`
	// Waves order the steps: everything in a wave may run at once.
	Waves []Wave `json:"waves"`
	// Cells of different scenarios may be the same one: where nothing happens to a
	// node, there is one thing to say.
	Cells []*Cell `json:"cells,omitempty"`
	// Witnesses explain each stuck target.
	Witnesses []Witness `json:"witnesses,omitempty"`
	Makespan  Interval  `json:"makespan"`
	// Empty lists stores that start empty because no point was named.
	Empty []string `json:"startsEmpty,omitempty"`
	// Returns gives the earliest completion of every node that comes back.
	Returns map[string]Interval `json:"returns,omitempty"`
}

// Wave is a set of steps with no order between them.
type Wave struct {
	Number int           `json:"number"` // from 1
	Phase  string        `json:"phase,omitempty"`
	Steps  []PlannedStep `json:"steps"`
}

// PlannedStep is one step in a plan.
type PlannedStep struct {
	ID        string    `json:"id"` // procedure/step
	Procedure string    `json:"procedure"`
	Do        string    `json:"do,omitempty"`
	Phase     string    `json:"phase,omitempty"`
	Restores  []string  `json:"restores,omitempty"`
	By        string    `json:"by,omitempty"`
	Duration  Interval  `json:"duration"`
	Known     bool      `json:"known"`
	Measured  *Measured `json:"measured,omitempty"`
	Start     Interval  `json:"start"`
	End       Interval  `json:"end"`
	Manual    bool      `json:"manual,omitempty"`
	Approval  *Approval `json:"approval,omitempty"`
	// Because lists every edge that puts this step after another.
	Because []Edge `json:"because,omitempty"`
}

// Edge says that From needs To, and why.
type Edge struct {
	From string   `json:"from"`
	To   string   `json:"to"`
	Set  string   `json:"set"` // run, start, operate, observe, need, after, actor, credential, point
	Why  *Because `json:"why,omitempty"`
}

// Witness shows why a target does not come back: a chain of edges that ends in
// a cycle or in a lost leaf.
type Witness struct {
	Target string `json:"target"`
	Path   []Edge `json:"path"`
	// Cycle is the index in Path where the cycle starts, -1 for a lost leaf.
	Cycle int    `json:"cycle"`
	Leaf  string `json:"leaf,omitempty"`
	// Breaks are inclusion-minimal sets of edges, or additional copies, that
	// would let the target return.
	Breaks []Break `json:"breaks,omitempty"`
}

// Break is one way out of a paradox.
type Break struct {
	Edges    []Edge   `json:"edges,omitempty"`
	Replicas []string `json:"replicas,omitempty"` // nodes that need a copy outside F
	// Smallest is set only when it was proven that no smaller set exists.
	Smallest bool `json:"smallest,omitempty"`
}

// Cell is the verdict of one (scenario, objective).
type Cell struct {
	Node     string    `json:"node"`
	Class    string    `json:"class"` // the objective's class that applied
	Verdict  Verdict   `json:"verdict"`
	RTO      *Duration `json:"rto,omitempty"`
	RPO      *Duration `json:"rpo,omitempty"`
	LB       Duration  `json:"lb"`
	UB       Duration  `json:"ub"`
	P50      Duration  `json:"p50,omitempty"`
	P90      Duration  `json:"p90,omitempty"`
	P99      Duration  `json:"p99,omitempty"`
	Loss     *Interval `json:"loss,omitempty"`
	Critical []string  `json:"critical,omitempty"` // step ids
	// Path is Critical as a table: who, how long, cumulative.
	Path    []PathStep `json:"path,omitempty"`
	Decides string     `json:"decides,omitempty"` // the single step that decides it
	Point   string     `json:"point,omitempty"`   // recovery point used
	// Unknowns name the declarations that would settle the cell.
	Unknowns []Unknown `json:"unknowns,omitempty"`
	Classes  []string  `json:"classes,omitempty"` // defect classes, notes when proven
	// Estimated is true when any duration on the critical path is an estimate.
	Estimated bool `json:"estimated,omitempty"`
}

// PathStep is one row of a critical path.
type PathStep struct {
	Step     string    `json:"step"` // procedure/step, or "detect procedure", "reach actor"
	By       string    `json:"by,omitempty"`
	Duration Duration  `json:"duration"`
	Waited   Duration  `json:"waited,omitempty"` // for people or bandwidth, beyond what comes before
	End      Duration  `json:"end"`              // cumulative, since the disaster
	Known    bool      `json:"known"`
	Measured *Measured `json:"measured,omitempty"` // nil: estimated (D7)
}

// Finding is one defect class found by its query, with the nodes it is about.
type Finding struct {
	Class    string   `json:"class"`          // one of the 19 ids of DESIGN §5
	Rule     string   `json:"rule,omitempty"` // guardrail id that reports it
	Scenario string   `json:"scenario,omitempty"`
	Nodes    []string `json:"nodes"`
	Message  string   `json:"message"`
	At       Source   `json:"at,omitempty"`
	// Note marks a class of cells that are proven, accepted or unaffected all
	// the same: worth knowing, never a failure (DESIGN §5).
	Note bool `json:"note,omitempty"`
	// Edges are what the finding rests on, where single edges do.
	Edges []Edge `json:"edges,omitempty"`
	// Timed findings depend on now (D13); Content leaves them out (D2).
	Timed bool `json:"timed,omitempty"`
	// ValidUntil is the RFC 3339 date on which a fact of today expires.
	ValidUntil string `json:"validUntil,omitempty"`
	// Stale says that there is evidence, and that it is of before a change.
	Stale bool `json:"stale,omitempty"`
}
