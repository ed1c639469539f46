package solver

import "github.com/darkstart-dev/darkstart/internal/diag"

// Codes documents every diagnostic of the solver. They are about models that
// mean nothing; what a sound model says about a fleet is in the plan.
var Codes = []diag.Entry{
	{
		Code: "PLN001", Severity: diag.Error, Title: "a reference names something that does not exist",
		Why: "A requirement on nothing can neither hold nor fail; guessing either would make a proof worthless.",
		Fix: "Declare the node or domain, or correct the name; the nearest existing name is proposed.",
	},
	{
		Code: "PLN002", Severity: diag.Error, Title: "atLeast asks for more than its list holds",
		Why: "`atLeast: 3` of a list of two never holds, so whatever requires it is down in every scenario.",
		Fix: "Write a number between 1 and the length of the list.", Example: `run: {atLeast: 3, of: ["a", "b"]}`,
	},
	{
		Code: "PLN003", Severity: diag.Error, Title: "a duration is negative, or an interval ends before it begins",
		Why: "Bounds are computed from both ends of every interval; an inverted one makes the lower bound the upper.",
		Fix: "Write `[shortest, longest]`, neither below zero.", Example: `duration: ["10m", "5m"]`,
	},
	{
		Code: "PLN004", Severity: diag.Error, Title: "the steps of a procedure wait for each other",
		Why: "No order of the steps satisfies every `after`, so the procedure can never be executed.",
		Fix: "Remove one of the `after` entries of the cycle that is printed.",
	},
	{
		Code: "PLN005", Severity: diag.Error, Title: "domains contain each other, or nodes are placed in each other",
		Why: "Placement in a domain implies placement in all of its ancestors; a cycle makes them one domain. Nothing can run inside itself.",
		Fix: "Remove one of the `parents`, or one `in`, of the cycle that is printed.",
	},
	{
		Code: "PLN006", Severity: diag.Error, Title: "a scenario fails nothing",
		Why: "Everything survives a disaster that takes nothing; a proof about it looks green and says nothing.",
		Fix: "Name failed domains or nodes.",
	},
	{
		Code: "PLN007", Severity: diag.Error, Title: "a procedure restores nothing",
		Why: "The solver would never use it, though its authors believe that it protects something.",
		Fix: "List what it brings back under `restores`.",
	},
	{
		Code: "PLN008", Severity: diag.Error, Title: "an objective has nothing that serves it",
		Why: "A service without an instance is never down, so any objective would be proven.",
		Fix: "List the instances of the service as `cluster/component`.",
	},
	{
		Code: "PLN009", Severity: diag.Error, Title: "two things of one kind have the same id",
		Why: "Everything refers to them by that id; which one is meant would depend on their order.",
		Fix: "Rename one of them.",
	},
	{
		Code: "PLN010", Severity: diag.Error, Title: "the fleet is larger than the solver takes on",
		Why: "A clear refusal is worth more than a run that ends by running out of memory.",
		Fix: "Split the fleet into folders that are solved on their own.",
	},
	{
		Code: "PLN012", Severity: diag.Error, Title: "a kind of domain or a mode of failure is unknown",
		Why: "What a failure takes depends on its mode, and the class of a finding on the kind of domain.",
		Fix: "Use one of the kinds and modes of the schema.",
	},
	{
		Code: "PLN013", Severity: diag.Error, Title: "no scenario has that id",
		Why: "A selection that matches nothing would report success about nothing.",
		Fix: "Use the id of a declared or generated scenario, `bootstrap/<cluster>` or `darkstart`.",
	},
}
