// Package spec is the Go side of the spec model that users write in CUE
// (DESIGN §4, schemas/).
package spec

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/darkstart-dev/darkstart/plans"
)

// This file is the Go side of the spec model (DESIGN §4). Each type mirrors
// the CUE definition #<Type> in schemas/; a test in schemas/ holds the two
// field by field to each other. Durations are plans.Duration, in CUE strings.

// Project is darkstart.cue.
type Project struct {
	Name       string              `json:"name,omitempty"`
	Streams    map[string][]string `json:"streams,omitempty"` // stream to cluster names
	Rings      [][]string          `json:"rings,omitempty"`   // cluster names, first ring first
	Guardrails Guardrails          `json:"guardrails,omitzero"`
	// Assume generates one scenario for each domain of a kind.
	Assume    map[plans.DomainKind]plans.Mode `json:"assume,omitempty"`
	Calendars map[string]Calendar             `json:"calendars,omitempty"`
	Policies  PolicySettings                  `json:"policies,omitzero"`
	Releases  ReleaseSettings                 `json:"releases,omitzero"`
}

// Guardrails parametrises the built-in rules.
type Guardrails struct {
	Registries    []string       `json:"registries,omitempty"`    // allowed image registries
	StrictUnknown []string       `json:"strictUnknown,omitempty"` // tiers where unknown is an error
	WaiverMax     plans.Duration `json:"waiverMax,omitempty"`
	WaiverWarn    plans.Duration `json:"waiverWarn,omitempty"` // how long before its end a waiver is reported
	// WaiverComments says whether comments beside a line count; nil: they do.
	WaiverComments *bool             `json:"waiverComments,omitempty"`
	Severity       map[string]string `json:"severity,omitempty"` // rule to error | warning | note | off
}

// PolicySettings configures the user's own Rego.
type PolicySettings struct {
	Namespaces    []string          `json:"namespaces,omitempty"`
	AllNamespaces bool              `json:"allNamespaces,omitempty"`
	Data          []string          `json:"data,omitempty"`
	Bundles       map[string]string `json:"bundles,omitempty"` // folder below policies/vendor to oci:// reference
	Combine       bool              `json:"combine,omitempty"`
	RegoVersion   string            `json:"regoVersion,omitempty"` // "v1" (default) or "v0"
	Strict        bool              `json:"strict,omitempty"`
}

// ReleaseSettings configures releases.
type ReleaseSettings struct {
	ValidFor plans.Duration `json:"validFor,omitempty"` // notAfter = issued + ValidFor
	Registry string         `json:"registry,omitempty"` // oci:// prefix of published artifacts
	// ApplicationSets asks for one object a ring that makes its Applications.
	ApplicationSets bool              `json:"applicationSets,omitempty"`
	Source          string            `json:"source,omitempty"` // URI of the repository, for provenance
	Secrets         map[string]string `json:"secrets,omitempty"`
}

// Calendar is a set of windows and freezes.
type Calendar struct {
	Windows []Window `json:"windows,omitempty"`
	Freezes []Window `json:"freezes,omitempty"`
}

// Window recurs by an RFC 5545 RRULE.
type Window struct {
	Start    string         `json:"start"` // RFC 3339
	RRule    string         `json:"rrule,omitempty"`
	Duration plans.Duration `json:"duration"`
}

// Fleet is the fleet folder.
type Fleet struct {
	Domains     map[string]Domain     `json:"domains,omitempty"`
	Teams       map[string]Team       `json:"teams,omitempty"`
	Tiers       map[string]Tier       `json:"tiers,omitempty"`
	Externals   map[string]External   `json:"externals,omitempty"`
	Services    map[string]Service    `json:"services,omitempty"`
	Stores      map[string]Store      `json:"stores,omitempty"`
	Credentials map[string]Credential `json:"credentials,omitempty"`
	Tools       map[string]Tool       `json:"tools,omitempty"`
	Links       map[string]Link       `json:"links,omitempty"`
	Nodes       map[string]Node       `json:"nodes,omitempty"`
}

// Domain is a failure domain.
type Domain struct {
	Kind    plans.DomainKind `json:"kind"`
	Parents []string         `json:"parents,omitempty"`
}

// Node is embedded by everything that a requirement can name.
type Node struct {
	Owner      string               `json:"owner,omitempty"`
	Placement  *Placement           `json:"placement,omitempty"`
	Quorum     int                  `json:"quorum,omitempty"`
	Requires   Requires             `json:"requires,omitzero"`
	Tier       string               `json:"tier,omitempty"`
	Objectives map[string]Objective `json:"objectives,omitempty"` // class to objective
	Capacity   *Capacity            `json:"capacity,omitempty"`
	Tolerates  []plans.DomainKind   `json:"tolerates,omitempty"`
	Singleton  bool                 `json:"singleton,omitempty"`
}

// Placement is a list of replicas; each is a list of domains, or one node it
// stands in ("in: cluster/vault").
type Placement struct {
	Replicas [][]string `json:"replicas,omitempty"`
	In       string     `json:"in,omitempty"`
}

// Requires is the four requirement sets, and derived edges that are overridden.
type Requires struct {
	Run     *Requirement `json:"run,omitempty"`
	Start   *Requirement `json:"start,omitempty"`
	Operate *Requirement `json:"operate,omitempty"` // bare list = any
	Observe *Requirement `json:"observe,omitempty"` // bare list = any
	Not     []string     `json:"not,omitempty"`     // derived edges that do not hold
	Because string       `json:"because,omitempty"` // why not
}

// Requirement in the spec: a name, a list, {all}, {any} or {atLeast, of}.
type Requirement struct {
	Node    string
	List    []Requirement // bare list: all, or any in operate and observe
	All     []Requirement
	Any     []Requirement
	AtLeast int
	Of      []Requirement
}

type requirementObject struct {
	All     []Requirement `json:"all,omitempty"`
	Any     []Requirement `json:"any,omitempty"`
	AtLeast int           `json:"atLeast,omitempty"`
	Of      []Requirement `json:"of,omitempty"`
}

// UnmarshalJSON reads any of the three shapes.
func (r *Requirement) UnmarshalJSON(b []byte) error {
	b = bytes.TrimSpace(b)
	if len(b) == 0 {
		return fmt.Errorf("empty requirement")
	}
	switch b[0] {
	case '"':
		return json.Unmarshal(b, &r.Node)
	case '[':
		r.List = []Requirement{}
		return json.Unmarshal(b, &r.List)
	}
	var o requirementObject
	if err := json.Unmarshal(b, &o); err != nil {
		return err
	}
	r.All, r.Any, r.AtLeast, r.Of = o.All, o.Any, o.AtLeast, o.Of
	return nil
}

// MarshalJSON writes the shape it was read from.
func (r Requirement) MarshalJSON() ([]byte, error) {
	switch {
	case r.Node != "":
		return json.Marshal(r.Node)
	case r.List != nil:
		return json.Marshal(r.List)
	}
	return json.Marshal(requirementObject{r.All, r.Any, r.AtLeast, r.Of})
}

// Objective is what a class of scenarios may cost.
type Objective struct {
	RTO      *plans.Duration `json:"rto,omitempty"`
	RPO      *plans.Duration `json:"rpo,omitempty"`
	Accepted *plans.Accepted `json:"accepted,omitempty"`
}

// Tier carries the defaults of its members.
type Tier struct {
	Rank           int                  `json:"rank"`
	Objectives     map[string]Objective `json:"objectives,omitempty"`
	DrillCadence   plans.Duration       `json:"drillCadence,omitempty"`
	RestoreCadence plans.Duration       `json:"restoreCadence,omitempty"`
	SLO            *SLO                 `json:"slo,omitempty"`
}

// SLO is an availability target over a window.
type SLO struct {
	Target float64        `json:"target"` // 0.999
	Window plans.Duration `json:"window"`
	// Frequency is the expected number of disasters a year.
	Frequency float64 `json:"frequency,omitempty"`
}

// Capacity in the unit of the node's own load.
type Capacity struct {
	Unit       string             `json:"unit,omitempty"`
	Load       float64            `json:"load"`
	Surge      float64            `json:"surge,omitempty"`
	PerDomain  map[string]float64 `json:"perDomain,omitempty"`
	PerReplica float64            `json:"perReplica,omitempty"`
	Quota      float64            `json:"quota,omitempty"`
}

// Team executes steps.
type Team struct {
	Skills     []string       `json:"skills,omitempty"`
	Shift      int            `json:"shift,omitempty"`
	Need       int            `json:"need,omitempty"`
	Respond    plans.Interval `json:"respond,omitzero"`
	Travel     plans.Interval `json:"travel,omitzero"`
	Escalation []string       `json:"escalation,omitempty"`
	Decides    []string       `json:"decides,omitempty"` // decision rights
	Needs      *Requirement   `json:"needs,omitempty"`   // what they need to act
	Contact    string         `json:"contact,omitempty"`
}

// External is something outside the fleet.
type External struct {
	Node
	Kind  string   `json:"kind"` // git registry dns identity kms secret-store ci pager runbook-host cloud-api object-store other
	Hosts []string `json:"hosts,omitempty"`
	URL   string   `json:"url,omitempty"`
}

// Service runs as instances in clusters.
type Service struct {
	Node
	Instances []string `json:"instances"` // component references, "cluster/component"
	Alerts    []string `json:"alerts,omitempty"`
	Runbook   string   `json:"runbook,omitempty"`
}

// Store holds data.
type Store struct {
	Node
	Copies  map[string]Copy   `json:"copies,omitempty"`
	Backups map[string]Backup `json:"backups,omitempty"`
	Group   string            `json:"group,omitempty"`
	Size    string            `json:"size,omitempty"`  // Kubernetes quantity
	Holds   []string          `json:"holds,omitempty"` // "cluster/Kind/namespace/name" or "Kind/namespace/name"
}

// Copy is a replica of a store.
type Copy struct {
	In      []string       `json:"in"`   // domains
	Mode    string         `json:"mode"` // sync | async
	Lag     plans.Duration `json:"lag,omitempty"`
	Deletes bool           `json:"deletes"` // deletions propagate
}

// Backup of a store.
type Backup struct {
	In        []string       `json:"in"`
	Every     plans.Duration `json:"every"`
	Duration  plans.Duration `json:"duration,omitempty"`
	Retention plans.Duration `json:"retention,omitempty"`
	Immutable bool           `json:"immutable"`
	Encrypted bool           `json:"encrypted"`
	Writers   []string       `json:"writers,omitempty"` // realms and accounts that can write it
	Key       string         `json:"key,omitempty"`     // credential
	Integrity string         `json:"integrity,omitempty"`
	Restore   plans.Interval `json:"restore,omitzero"`
	Tested    string         `json:"tested,omitempty"` // date of the last restore test
	Requires  Requires       `json:"requires,omitzero"`
}

// Credential is a key, certificate or account.
type Credential struct {
	Node
	Kind    string     `json:"kind,omitempty"`
	Custody [][]string `json:"custody,omitempty"` // places: each a list of domains
	Shares  int        `json:"shares,omitempty"`  // k of the custody places; 0 means 1
	Expires string     `json:"expires,omitempty"`
	Escrow  bool       `json:"escrow,omitempty"` // git cannot regenerate it
}

// Tool is recovery tooling.
type Tool struct {
	Node
	Version  string `json:"version,omitempty"`
	Digest   string `json:"digest,omitempty"`
	Previous string `json:"previous,omitempty"` // N-1 kept
}

// Link is a path between two domains.
type Link struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Bandwidth string `json:"bandwidth"` // bytes a second, Kubernetes quantity
}

// Cluster is one folder below clusters/.
type Cluster struct {
	Node
	Kubernetes   string               `json:"kubernetes"` // "1.36"
	Distribution string               `json:"distribution,omitempty"`
	Environment  string               `json:"environment,omitempty"` // production | staging | …
	NodePools    map[string]NodePool  `json:"nodePools,omitempty"`
	ControlPlane *ControlPlane        `json:"controlPlane,omitempty"`
	Delivery     *Delivery            `json:"delivery,omitempty"`
	Phases       []Phase              `json:"phases,omitempty"`
	Components   map[string]Component `json:"components"`
	Flags        map[string]Flag      `json:"flags,omitempty"`
	Mirrors      *Mirror              `json:"mirrors,omitempty"`
	Classes      []string             `json:"storageClasses,omitempty"` // provided by the distribution
}

// NodePool is a set of machines.
type NodePool struct {
	Zones    []string `json:"zones"`
	PerZone  int      `json:"perZone,omitempty"`
	Machine  string   `json:"machine,omitempty"`
	Critical bool     `json:"critical,omitempty"`
}

// ControlPlane is managed by an external, or self-managed.
type ControlPlane struct {
	Managed string       `json:"managed,omitempty"` // external
	Self    *SelfManaged `json:"self,omitempty"`
}

// SelfManaged control plane.
type SelfManaged struct {
	Members    [][]string `json:"members"` // one list of domains each
	Etcd       Etcd       `json:"etcd"`
	Encryption string     `json:"encryption,omitempty"` // credential or external KMS
	Snapshots  *Backup    `json:"snapshots,omitempty"`
}

// Etcd says how etcd starts.
type Etcd struct {
	Init string `json:"init"` // new | join | restore
	From string `json:"from,omitempty"`
}

// Delivery says what brings the cluster's manifests in.
type Delivery struct {
	Seed   []string `json:"seed,omitempty"`   // phases applied by hand
	By     string   `json:"by,omitempty"`     // actor
	From   string   `json:"from,omitempty"`   // registry or escrow node
	Engine string   `json:"engine,omitempty"` // component node, perhaps in another cluster
	Kind   string   `json:"kind,omitempty"`   // flux | argocd
	Source string   `json:"source,omitempty"` // node the engine pulls from
}

// Phase orders components.
type Phase struct {
	Name      string          `json:"name"`
	Preflight []Check         `json:"preflight,omitempty"`
	Endpoint  string          `json:"endpoint,omitempty"` // where its state can be seen
	Rollback  string          `json:"rollback,omitempty"`
	Approval  *plans.Approval `json:"approval,omitempty"`
}

// Check is a command and what it must print.
type Check = plans.Check

// Flag is a typed feature flag.
type Flag struct {
	Value  any    `json:"value"`
	Owner  string `json:"owner"`
	Remove string `json:"remove"` // date
}

// Mirror names the production cluster that a staging cluster stands for.
type Mirror struct {
	Of    string   `json:"of"`
	Allow []string `json:"allow,omitempty"` // JSON pointers that may differ
}

// Component is what runs in a cluster.
type Component struct {
	Node
	Version    string            `json:"version,omitempty"`
	Source     Source            `json:"source"`
	Images     map[string]string `json:"images,omitempty"` // name to "repo[:tag]@sha256:…"
	Set        Overrides         `json:"set,omitzero"`
	Phase      string            `json:"phase,omitempty"`
	Provides   Provides          `json:"provides,omitzero"`
	Creates    []string          `json:"creates,omitempty"` // "Kind/namespace/name", * matches
	Preflight  []Check           `json:"preflight,omitempty"`
	Gates      []Gate            `json:"gates,omitempty"`
	Rollback   *Rollback         `json:"rollback,omitempty"`
	Tests      []Test            `json:"tests,omitempty"`
	Protection *Protection       `json:"protection,omitempty"`
	Disposable *Excuse           `json:"disposable,omitempty"`
	Privileged *Excuse           `json:"privileged,omitempty"`
	Runbook    string            `json:"runbook,omitempty"`
}

// Source says what a component is rendered from; exactly one field is set.
// Paths are relative to the fleet root.
type Source struct {
	Kustomize string `json:"kustomize,omitempty"`
	Helm      *Helm  `json:"helm,omitempty"`
	YAML      string `json:"yaml,omitempty"` // a file or a folder
}

// Helm is a vendored chart.
type Helm struct {
	Chart     string         `json:"chart"`
	Release   string         `json:"release,omitempty"`
	Namespace string         `json:"namespace,omitempty"`
	Values    map[string]any `json:"values,omitempty"`
}

// Overrides are per-cluster parameters applied to rendered objects.
type Overrides struct {
	Namespace   string            `json:"namespace,omitempty"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Replicas    map[string]int    `json:"replicas,omitempty"`
	Patches     []Patch           `json:"patches,omitempty"`
}

// Patch changes some of the rendered objects, as an entry of `patches` in a
// kustomization does.
type Patch struct {
	// Target selects objects; nil selects the one that the patch itself names.
	Target *PatchTarget `json:"target,omitempty"`
	// Patch is a strategic merge patch when it is an object, and a list of
	// JSON 6902 operations when it is a list.
	Patch json.RawMessage `json:"patch"`
}

// PatchTarget selects objects by all of its fields that are not empty; the first
// five are regular expressions over the whole of a name.
type PatchTarget struct {
	Group              string `json:"group,omitempty"`
	Version            string `json:"version,omitempty"`
	Kind               string `json:"kind,omitempty"`
	Name               string `json:"name,omitempty"`
	Namespace          string `json:"namespace,omitempty"`
	LabelSelector      string `json:"labelSelector,omitempty"`
	AnnotationSelector string `json:"annotationSelector,omitempty"`
}

// PatchOperation is one operation of RFC 6902.
type PatchOperation struct {
	Op    string `json:"op"` // add | remove | replace | move | copy | test
	Path  string `json:"path"`
	From  string `json:"from,omitempty"`
	Value any    `json:"value,omitempty"`
}

// Provides lists what others may need from a component.
type Provides struct {
	Kinds   []string `json:"kinds,omitempty"`
	Hosts   []string `json:"hosts,omitempty"`
	Classes []string `json:"classes,omitempty"`
}

// Gate is a health condition that must hold before what follows.
type Gate struct {
	Object    string         `json:"object"` // "Kind/namespace/name"
	Condition string         `json:"condition,omitempty"`
	CEL       string         `json:"cel,omitempty"`
	Expected  plans.Interval `json:"expected,omitzero"`
	Timeout   plans.Duration `json:"timeout"`
	Retry     string         `json:"retry,omitempty"` // transient | systemic
}

// Rollback says how to go back.
type Rollback struct {
	To  string `json:"to"` // previous | version | procedure name
	How string `json:"how,omitempty"`
	Run string `json:"run,omitempty"`
}

// Test is one rung of the test ladder.
type Test struct {
	Kind string `json:"kind"` // smoke | integration | soak | chaos | restore
	Run  string `json:"run"`
	On   string `json:"on,omitempty"`
}

// Protection names the store that protects a component's state.
type Protection struct {
	Store string `json:"store"`
}

// Excuse is a reason and who gave it.
type Excuse struct {
	Reason string `json:"reason"`
	Owner  string `json:"owner"`
}

// Recovery is the recovery folder.
type Recovery struct {
	Scenarios  map[string]Scenario  `json:"scenarios,omitempty"`
	Procedures map[string]Procedure `json:"procedures,omitempty"`
	Actions    map[string]Action    `json:"actions,omitempty"`
	Drills     map[string]Drill     `json:"drills,omitempty"`
	Pins       map[string]Pin       `json:"pins,omitempty"`
}

// Scenario is a disaster.
type Scenario struct {
	Fails struct {
		Domains []string `json:"domains,omitempty"`
		Nodes   []string `json:"nodes,omitempty"`
	} `json:"fails"`
	Mode   plans.Mode `json:"mode"`
	During string     `json:"during,omitempty"`
}

// Procedure brings nodes back.
type Procedure struct {
	Owner    string            `json:"owner,omitempty"`
	Restores []string          `json:"restores"`
	Into     []string          `json:"into,omitempty"`
	Modes    []plans.Mode      `json:"modes,omitempty"`
	Detect   plans.Interval    `json:"detect,omitzero"`
	Targets  map[string]string `json:"targets,omitempty"`
	Triggers struct {
		Alerts []string `json:"alerts,omitempty"`
	} `json:"triggers,omitzero"`
	Review string          `json:"review,omitempty"`
	Steps  map[string]Step `json:"steps"`
}

// Step of a procedure.
type Step struct {
	Do           string          `json:"do,omitempty"`
	Run          string          `json:"run,omitempty"`
	On           string          `json:"on,omitempty"`
	Duration     *plans.Interval `json:"duration,omitempty"`
	Units        int             `json:"units,omitempty"`
	Parallel     int             `json:"parallel,omitempty"`
	Rate         *Rates          `json:"rate,omitempty"` // units in a span of time, all lanes together
	Bytes        string          `json:"bytes,omitempty"`
	Link         string          `json:"link,omitempty"`
	By           string          `json:"by,omitempty"`
	Needs        *Requirement    `json:"needs,omitempty"`
	Restores     []string        `json:"restores,omitempty"`
	Rebuilds     []string        `json:"rebuilds,omitempty"`
	From         string          `json:"from,omitempty"` // "store.copy"
	After        []string        `json:"after,omitempty"`
	Irreversible bool            `json:"irreversible,omitempty"`
	Approval     *plans.Approval `json:"approval,omitempty"`
	Verify       *Check          `json:"verify,omitempty"`
	Rollback     string          `json:"rollback,omitempty"`
}

// Action is an automation or rollout.
type Action struct {
	Targets      []string        `json:"targets"`
	Blast        int             `json:"blast,omitempty"`
	Interval     plans.Duration  `json:"interval,omitempty"`
	Detect       plans.Duration  `json:"detect,omitempty"`
	Guard        string          `json:"guard,omitempty"`
	Stop         string          `json:"stop,omitempty"`
	Auto         bool            `json:"auto,omitempty"`
	Approval     *plans.Approval `json:"approval,omitempty"`
	Irreversible bool            `json:"irreversible,omitempty"`
	Reverse      string          `json:"reverse,omitempty"` // procedure, or "none"
	Inverse      bool            `json:"inverse"`           // the reverse restores the former state
	Promotes     string          `json:"promotes,omitempty"`
	Owner        string          `json:"owner,omitempty"`
}

// Drill is a planned exercise.
type Drill struct {
	Scenario    string   `json:"scenario"`
	Procedure   string   `json:"procedure"`
	Environment string   `json:"environment,omitempty"`
	Schedule    string   `json:"schedule,omitempty"`
	Calendar    string   `json:"calendar,omitempty"`
	Faults      []string `json:"faults,omitempty"`
	Success     []string `json:"success,omitempty"`
	Owner       string   `json:"owner,omitempty"`
}

// Pin is a declared pair of versions that must agree.
type Pin struct {
	A    string `json:"a"`
	B    string `json:"b"`
	Skew string `json:"skew,omitempty"`
}

// Waivers is the waivers folder.
type Waivers struct {
	Waivers map[string]Waiver `json:"waivers"`
}

// Waiver accepts findings of one rule.
type Waiver struct {
	Rule      string `json:"rule"`
	Cluster   string `json:"cluster,omitempty"`
	Component string `json:"component,omitempty"`
	Object    string `json:"object,omitempty"` // object.Key form, * matches
	Path      string `json:"path,omitempty"`
	Node      string `json:"node,omitempty"`
	Reason    string `json:"reason"`
	Owner     string `json:"owner"`
	Ticket    string `json:"ticket,omitempty"`
	Expires   string `json:"expires"` // RFC 3339 date
}

// Evidence is one file of evidence/: the record of a drill or a restore test.
// It names roles and never persons.
type Evidence struct {
	Procedure string   `json:"procedure"`
	Scenario  string   `json:"scenario,omitempty"`
	Closure   string   `json:"closure,omitempty"` // digest of what was tried
	Scope     []string `json:"scope,omitempty"`   // failed domains and nodes it covered
	Date      string   `json:"date"`              // RFC 3339 date
	Result    string   `json:"result"`            // passed | failed
	// Steps holds the observed durations of each step, one a run.
	Steps          map[string][]plans.Duration `json:"steps,omitempty"`
	RTO            *plans.Duration             `json:"rto,omitempty"`
	RPO            *plans.Duration             `json:"rpo,omitempty"`
	Reconciliation *plans.Duration             `json:"reconciliation,omitempty"` // until desired and actual state agreed
	FollowUps      []FollowUp                  `json:"followUps,omitempty"`
}

// FollowUp is what a drill showed to be done.
type FollowUp struct {
	What  string `json:"what"`
	Owner string `json:"owner"`
	Due   string `json:"due"` // RFC 3339 date
}
