package link

import "github.com/darkstart-dev/darkstart/internal/diag"

// Codes documents every diagnostic of this package.
var Codes = []diag.Entry{
	doc("LNK001", diag.Error, "two declarations share one name", "Fleet-wide nodes (externals, services, stores, credentials, tools, nodes, teams) share one namespace, and so do the copies and backups of a store: a requirement could not say which is meant.", "Rename one of the two."),
	doc("LNK002", diag.Error, "a name is ambiguous", "A bare name in a cluster unit is that cluster's component or a fleet-wide node. When both exist, guessing would silently change the graph.", "Write `./name` for the cluster's own, `/name` for the fleet's, or `cluster/name`."),
	doc("LNK003", diag.Error, "unknown domain", "Placement in a domain that is not declared cannot fail with it: the scenario that takes it would look harmless.", "Declare the domain in `fleet/`, or correct the name."),
	doc("LNK004", diag.Error, "a domain is its own ancestor", "Domains form a directed graph without circles: a place cannot stand inside itself.", "Remove one of the parents on the circle."),
	doc("LNK005", diag.Error, "unknown phase", "A component or a seed names a phase that the cluster does not list, so its place in the bootstrap is not defined.", "Add the phase to `phases`, or correct the name."),
	doc("LNK006", diag.Error, "unknown tier", "A node would silently have no objectives at all.", "Declare the tier in `fleet/`, or correct the name."),
	doc("LNK007", diag.Error, "unknown credential", "A key that is not declared cannot be checked for custody, and a backup without its key is no backup.", "Declare the credential in `fleet/`, or correct the name."),
	doc("LNK008", diag.Error, "a quantity cannot be read", "Sizes and bandwidths decide how long a restore takes.", "Write a number with one of `k M G T Ki Mi Gi Ti`, as in `500Gi`."),
	doc("LNK009", diag.Error, "unknown team or role", "Once teams are declared, an owner or actor outside them is nobody: it cannot be scheduled or called. A role is a team's decision right or skill.", "Declare the team, or list the role under a team's `decides` or `skills`."),
	doc("LNK010", diag.Error, "unknown cluster", "Streams, rings, mirrors and `on` name cluster folders.", "Correct the name, or add the folder below `clusters/`."),
	doc("LNK011", diag.Error, "derived edges are dropped without a reason", "`not` contradicts what the manifests say; whoever reads the plan has to see why.", "Add `because` beside `not`."),
	doc("LNK012", diag.Warning, "an override drops nothing", "The derived edge is gone or the name is wrong: a stale override hides the next real edge.", "Remove the name from `not`."),
	doc("LNK013", diag.Note, "a derived edge was overridden", "Printed so that no edge disappears in silence.", "Nothing to do while the reason holds."),
	doc("LNK014", diag.Warning, "a gate waits for an object that is not rendered", "The gate would time out in every bootstrap.", "Correct the object, or declare in `creates` what a controller makes."),
	doc("LNK015", diag.Error, "unknown link", "A transfer over a link that is not declared has no bandwidth and so no duration.", "Declare the link in `fleet/`, or correct the name."),
	doc("LNK016", diag.Error, "unknown step", "`after` names a step of the same procedure.", "Correct the name."),
	doc("LNK017", diag.Error, "steps wait for each other", "A procedure whose steps form a circle can never begin.", "Remove one `after`."),
	doc("LNK018", diag.Error, "unknown scenario, action or calendar", "A drill of something that does not exist proves nothing.", "Correct the name, or declare it."),
	doc("LNK019", diag.Error, "unknown procedure", "A drill or the reverse of an action names a procedure that does not exist.", "Correct the name, or declare the procedure in `recovery/`."),
	doc("LNK020", diag.Warning, "unknown alert", "A procedure is triggered by an alert that no rendered rule and no service lists: nobody would be told to start it.", "Add the alert, or correct the name."),
	doc("LNK021", diag.Warning, "evidence is about something that does not exist", "A record of a drill names a procedure, step, scenario or domain that is gone: what it showed no longer counts.", "Correct the name, or remove the record."),
	doc("LNK022", diag.Warning, "the last restore from a recovery point failed", "Until a later run passes, nothing shows that the backup can be restored: cells that rest on it are unknown.", "Repair what failed and record a run that passes."),
	doc("LNK023", diag.Note, "evidence without a closure", "Without the digest of what was tried nobody can say that it is what stands today, so the record counts as stale.", "Write the closure that `darkstart plan recover -o json` prints into the record."),
	doc("LNK024", diag.Warning, "a cluster has no components", "Nothing is rendered, checked or planned for it: its bootstrap is an empty list that looks like a success (D6).", "Add a component, or remove the folder."),
}

func doc(code string, s diag.Severity, title, why, fix string) diag.Entry {
	return diag.Entry{Code: code, Severity: s, Title: title, Why: why, Fix: fix}
}
