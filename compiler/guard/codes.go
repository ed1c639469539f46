package guard

import "github.com/darkstart-dev/darkstart/internal/diag"

// Codes documents what this package says about policies and waivers. The rules
// document themselves: see Catalogue.
var Codes = []diag.Entry{
	{
		Code: "GRD001", Title: "a policy does not parse", Severity: diag.Error,
		Why:     "A policy of `policies/` is not Rego, or is larger than 1 MiB. None of your policies is evaluated then, since any of them may depend on it.",
		Fix:     "Correct the syntax. `opa fmt --v0-v1` rewrites older policies; `policies: regoVersion: \"v0\"` reads them as they are.",
		Example: "deny[msg] { input.kind == \"Pod\" }",
	},
	{
		Code: "GRD002", Title: "a policy does not compile", Severity: diag.Error,
		Why:     "It calls a function that does not exist, uses a variable that nothing binds, compares types that never match, claims a package of the built-in rules, or gives the name of a rule to a function or to a table (`deny[msg] if`).",
		Fix:     "Correct it; `opa check` and `conftest` say the same.",
		Example: "deny contains msg if startwith(input.kind, \"P\")",
	},
	{
		Code: "GRD003", Title: "a policy calls a forbidden builtin", Severity: diag.Error,
		Why:     "A verdict is a function of the git tree alone: builtins that ask the network, the clock, the machine or chance would make it differ between the pull request and the release. The builtins that conftest adds (`parse_config` and its kin) and `data.conftest` are not there either.",
		Fix:     "Decide from the input. Facts from outside come into git first, through the lock or as evidence.",
		Example: "http.send({\"method\": \"get\", \"url\": \"https://example.com\"})",
	},
	{
		Code: "GRD004", Title: "a rule exceeded its deadline", Severity: diag.Error,
		Why:     "It was stopped, so it said nothing: it counts as not evaluated, never as passed.",
		Fix:     "Look for products of large collections and for generators without a bound.",
		Example: "some i in numbers.range(1, 1000000000)",
	},
	{
		Code: "GRD005", Title: "a rule answered with a wrong shape", Severity: diag.Error,
		Why:     "`deny`, `violation` and `warn` are sets of strings or of objects with `msg`. conftest passes over anything else in silence; here the verdict is the same and a warning says so, and `policies: strict` makes it an error. An object without `msg` is always an error, as in conftest.",
		Fix:     "Write `deny contains msg if { … }`.",
		Example: "deny := \"no\"",
	},
	{
		Code: "GRD006", Title: "a rule could not be evaluated", Severity: diag.Error,
		Why:     "A builtin failed on some input, or two rules gave one name different values. A failing call makes a rule undefined, and an undefined deny passes: under `policies: strict` that is an error, otherwise a warning beside conftest's verdict.",
		Fix:     "Guard the call, with `is_string` or the `.is_valid` form of the builtin for example.",
		Example: "time.parse_duration_ns(input.spec.interval) # \"soon\"",
	},
	{
		Code: "GRD007", Title: "the policy folder evaluated nothing", Severity: diag.Error,
		Why:     "A namespace that was asked for has no rule, `policies/` holds no policy, or no object was rendered. A gate that judged nothing must not look like one that passed: the exit status is 2.",
		Fix:     "Name the packages under `policies: namespaces` in darkstart.cue, or write `package main`.",
		Example: "package kubernetes.admission",
	},
	{
		Code: "GRD008", Title: "a severity override does not exist", Severity: diag.Error,
		Why:     "`guardrails: severity` names no rule, or gives a severity that is none. A typo would leave you believing that a rule is on.",
		Fix:     "Use a rule of docs/rules.md and error, warning, note or off.",
		Example: "guardrails: severity: SC999: \"warning\"",
	},
	{
		Code: "GRD010", Title: "a waiver names no rule", Severity: diag.Error,
		Why:     "It accepts nothing.",
		Fix:     "Correct the rule's id.",
		Example: "waivers: \"w\": rule: \"SC01\"",
	},
	{
		Code: "GRD011", Title: "a waiver is malformed", Severity: diag.Error,
		Why:     "A waiver without reason, owner or end is a rule switched off by nobody. It is not honoured.",
		Fix:     "Give it a reason, an owner and an `expires` date such as \"2027-01-31\".",
		Example: "waivers: \"w\": {rule: \"SC001\", reason: \"\", owner: \"platform\"}",
	},
	{
		Code: "GRD012", Title: "a waiver has expired", Severity: diag.Warning,
		Why:     "What it accepted counts again, from the day after `expires` in UTC.",
		Fix:     "Fix the finding and remove the waiver, or have its owner renew it.",
		Example: "expires: \"2020-01-01\"",
	},
	{
		Code: "GRD013", Title: "a waiver expires soon", Severity: diag.Warning,
		Why:     "It still holds. When it ends, its findings fail the run. `guardrails: waiverWarn` (14 days by default) says how early this is reported.",
		Fix:     "Fix the finding before then, or have its owner renew it.",
		Example: "expires: \"2027-01-31\" # a week from now",
	},
	{
		Code: "GRD014", Title: "a waiver runs too long", Severity: diag.Error,
		Why:     "It ends later than `guardrails: waiverMax` (90 days by default) from now. It is not honoured: a waiver for ever is a rule switched off.",
		Fix:     "Let it expire earlier, or raise `waiverMax` where the project's owners see it.",
		Example: "expires: \"2099-01-01\"",
	},
	{
		Code: "GRD015", Title: "a waiver is unused", Severity: diag.Warning,
		Why:     "No finding matches it. Left alone it would hide the next one that does.",
		Fix:     "Remove it, or correct its scope.",
		Example: "object: \"Namespace/gone\"",
	},
	{
		Code: "GRD016", Title: "a waiver accepts every finding of a rule", Severity: diag.Warning,
		Why:     "It names no cluster, component, object, path or node, and so accepts findings that nobody has seen yet.",
		Fix:     "Narrow it, or switch the rule off in `guardrails: severity`, where it is counted as skipped.",
		Example: "waivers: \"w\": {rule: \"SC001\", reason: \"…\", owner: \"…\", expires: \"…\"}",
	},
	{
		Code: "GRD020", Title: "a waiver for a change names no object", Severity: diag.Error,
		Why:     "DR007 reports changes that lose data. Its waiver is the approval of one of them, so one that would accept any other too accepts nothing.",
		Fix:     "Name the object as the finding does: `object: \"PersistentVolumeClaim/namespace/name\"`.",
		Example: "waivers: \"w\": {rule: \"DR007\", reason: \"…\", owner: \"…\", expires: \"…\"}",
	},
	{
		Code: "GRD017", Title: "no time is known to judge a waiver by", Severity: diag.Error,
		Why: "Now is the time of the commit; a repository without a commit has none. The waiver is not honoured.",
		Fix: "Commit, or pass `--now`.",
	},
	{
		Code: "GRD021", Title: "a waiver comment where only waivers/ counts", Severity: diag.Error,
		Why:     "`guardrails: waiverComments: false` says that waivers stand in `waivers/`, so that the owners of that folder approve each. The comment accepts nothing.",
		Fix:     "Move it to `waivers/`: `darkstart waiver add`.",
		Example: "guardrails: waiverComments: false",
	},
	{
		Code: "GRD030", Title: "data of policies cannot be read", Severity: diag.Error,
		Why:     "A path under `policies: data` holds no YAML or JSON file, one of them does not parse or is larger than 8 MiB, or two say different things under one key. A policy would decide without it.",
		Fix:     "Correct the path or the file. Paths count from the root of the fleet; the folders below a given one are keys of `data`.",
		Example: "policies: data: [\"polices/data\"]",
	},
	{
		Code: "GRD031", Title: "a test of a policy failed", Severity: diag.Error,
		Why:     "A rule of `darkstart test` whose name begins with `test_` is not true, or could not be evaluated. The expression that did not hold is shown with the values of its variables.",
		Fix:     "Correct the policy or its test. `print(…)` in either shows more.",
		Example: "test_root_is_denied if count(main.deny) == 1 with input as {\"kind\": \"Pod\"}",
	},
	{
		Code: "GRD032", Title: "too little of the policies is tested", Severity: diag.Error,
		Why:     "`darkstart test --coverage-min` asks for more. Every line that no test evaluates is shown; test files do not count.",
		Fix:     "Test those lines, or remove them.",
		Example: "darkstart test --coverage-min 90",
	},
	{
		Code: "GRD033", Title: "no test was run", Severity: diag.Error,
		Why:     "There is no Rego, none of it has a rule whose name begins with `test_`, or `--run` matches none. A run that tested nothing must not look like one that passed: the exit status is 2.",
		Fix:     "Write a test in a file `NAME_test.rego`, or correct the folder or `--run`.",
		Example: "darkstart test --run test_rot",
	},
}
