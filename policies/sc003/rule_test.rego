package darkstart.rules.sc003_test

import data.darkstart.rules.sc003

source(kind, group, spec) := {"key": kind, "component": "flux", "group": group, "kind": kind, "name": "s", "content": {"spec": spec}}

flux(kind, spec) := count(result) if {
	result := sc003.deny with input as {"kinds": {kind: [source(kind, "source.toolkit.fluxcd.io", spec)]}}
}

argo(spec, kinds) := count(result) if {
	result := sc003.deny with input as {"kinds": object.union({"Application": [source("Application", "argoproj.io", spec)]}, kinds)}
}

commit := "0123456789abcdef0123456789abcdef01234567"

digest := "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

test_flux if {
	flux("OCIRepository", {"ref": {"tag": "v1"}}) == 1
	flux("OCIRepository", {"ref": {"digest": digest}}) == 0
	flux("OCIRepository", {"verify": {"provider": "cosign"}}) == 1
	flux("OCIRepository", {"verify": {"provider": "cosign", "matchOIDCIdentity": [{"issuer": "i", "subject": "s"}]}}) == 0
	flux("GitRepository", {"ref": {"branch": "main"}}) == 1
	flux("GitRepository", {"ref": {"commit": commit}}) == 0
	flux("GitRepository", {"verify": {"mode": "HEAD", "secretRef": {"name": "keys"}}}) == 0
	flux("Bucket", {}) == 1
}

test_argo if {
	argo({"source": {"targetRevision": "main"}}, {}) == 1
	argo({"source": {"targetRevision": commit}}, {}) == 0
	argo({"sources": [{"targetRevision": commit}, {"targetRevision": digest}]}, {}) == 0
	argo({"sources": [{"targetRevision": commit}, {}]}, {}) == 1
	argo({"project": "p", "source": {}}, {"AppProject": [{"name": "p", "content": {"spec": {"signatureKeys": [{"keyID": "k"}]}}}]}) == 0
}

test_other_groups_are_not_sources if {
	sc003.evaluated == 0 with input as {"kinds": {"Bucket": [source("Bucket", "s3.example.com", {})]}}
}

test_a_pattern_of_everybody_is_nobody if {
	flux("OCIRepository", {"verify": {"matchOIDCIdentity": [{"issuer": ".*", "subject": "^.*$"}]}}) == 1
	flux("OCIRepository", {"verify": {"matchOIDCIdentity": [{"issuer": "^https://i$", "subject": "^https://s/.*$"}]}}) == 0
}

test_application_sets if {
	set := source("ApplicationSet", "argoproj.io", {"template": {"spec": {"source": {"targetRevision": "main"}}}})
	count(sc003.deny) == 1 with input as {"kinds": {"ApplicationSet": [set]}}
}

repository(ref) := object.union(source("GitRepository", "source.toolkit.fluxcd.io", {"ref": ref}), {"namespace": "n"})

test_a_chart_in_a_repository if {
	chart := object.union(source("HelmRelease", "helm.toolkit.fluxcd.io", {"chart": {"spec": {"sourceRef": {"kind": "GitRepository", "name": "s"}}}}), {"namespace": "n"})
	count(sc003.deny) == 0 with input as {"kinds": {"HelmRelease": [chart], "GitRepository": [repository({"commit": commit})]}}
	count(sc003.deny) == 2 with input as {"kinds": {"HelmRelease": [chart], "GitRepository": [repository({"branch": "main"})]}}
}
