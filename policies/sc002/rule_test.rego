package darkstart.rules.sc002_test

import data.darkstart.rules.sc002

spec(environment, version) := {"environment": environment, "components": {"web": {"version": version}}}

flux(kind, body) := {kind: [{
	"key": "x", "component": "delivery", "kind": kind, "name": "x",
	"group": "source.toolkit.fluxcd.io", "content": {"spec": body},
}]}

argo(body) := {"Application": [{
	"key": "x", "component": "delivery", "kind": "Application", "name": "x",
	"group": "argoproj.io", "content": {"spec": body},
}]}

commit := "0123456789abcdef0123456789abcdef01234567"

found(environment, kinds) := messages if {
	messages := {f.msg | some f in sc002.deny} with input as {"spec": {"environment": environment}, "kinds": kinds, "lock": null}
}

test_versions_that_float if {
	every version in ["latest", "1.x", "^1.2", "~1.2.0", ">=1.0.0 <2.0.0", "1.*", "1 || 2", "Stable"] {
		count(sc002.deny) == 1 with input as {"spec": spec("production", version), "kinds": {}, "lock": null}
	}
}

test_versions_that_do_not if {
	every version in ["1.17.2", "v1.17.2", "2026.01-lts", "1.2.3+build.4", "0.33.1-exp"] {
		count(sc002.deny) == 0 with input as {"spec": spec("production", version), "kinds": {}, "lock": null}
	}
}

test_elsewhere_versions_may_float if {
	count(sc002.deny) == 0 with input as {"spec": spec("staging", "latest"), "kinds": {}, "lock": null}
}

test_no_environment_counts_as_production if {
	count(sc002.deny) == 1 with input as {"spec": {"components": {"web": {"version": "latest"}}}, "kinds": {}, "lock": null}
}

test_branch_in_production if {
	found("production", flux("GitRepository", {"ref": {"branch": "main"}})) == {"GitRepository x follows branch main, which moves"}
	found("staging", flux("GitRepository", {"ref": {"branch": "main"}})) == set()
}

test_no_revision_anywhere if {
	every environment in ["production", "staging"] {
		count(found(environment, flux("OCIRepository", {}))) == 1
	}
}

test_commit_and_digest if {
	found("production", flux("GitRepository", {"ref": {"commit": commit}})) == set()
	found("production", flux("OCIRepository", {"ref": {"digest": sprintf("sha256:%s%s", [commit, "0123456789abcdef01234567"])}})) == set()
}

test_chart_versions if {
	count(found("production", flux("HelmChart", {"version": "1.x"}))) == 1
	found("production", flux("HelmChart", {"version": "1.2.3"})) == set()
}

test_argo_sources if {
	count(found("production", argo({"source": {"targetRevision": "HEAD"}}))) == 1
	count(found("production", argo({"sources": [{"targetRevision": commit}, {"chart": "c", "targetRevision": "*"}]}))) == 1
	found("production", argo({"sources": [{"targetRevision": commit}, {"chart": "c", "targetRevision": "1.2.3"}]})) == set()
}

test_other_groups_are_not_judged if {
	kinds := {"Application": [{"key": "x", "component": "c", "kind": "Application", "name": "x", "group": "app.k8s.io", "content": {}}]}
	found("production", kinds) == set()
}

test_lock_entries_have_digests if {
	count(sc002.deny) == 1 with input as {"spec": {}, "kinds": {}, "lock": {"charts": {"a": {"digest": "latest"}}, "other": {}}}
}

test_counts_what_it_judged if {
	sc002.evaluated == 2 with input as {
		"spec": spec("production", "1.0.0"), "lock": null,
		"kinds": flux("GitRepository", {"ref": {"commit": commit}}),
	}
}

test_a_chart_in_a_repository_has_no_version if {
	found("production", flux("HelmChart", {"chart": "./c", "sourceRef": {"kind": "GitRepository", "name": "x"}})) == set()
	found("production", flux("HelmChart", {"version": "=1.2.3"})) == set()
}

test_generators_and_hydrators if {
	sets := {"ApplicationSet": [{"key": "x", "component": "c", "kind": "ApplicationSet", "name": "x", "group": "argoproj.io", "content": {"spec": {
		"generators": [{"matrix": {"generators": [{"git": {"repoURL": "https://git.example.com/x", "revision": "HEAD"}}]}}],
		"template": {"spec": {"source": {"targetRevision": commit}}},
	}}}]}
	count(found("production", sets)) == 1
	count(found("production", argo({"sourceHydrator": {"drySource": {"targetRevision": "HEAD"}}}))) == 1
}
