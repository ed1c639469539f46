# METADATA
# title: every GitOps source verifies signatures with an explicit identity, or is pinned by digest
# description: |
#   Judges the sources that are rendered with a cluster: Flux GitRepository,
#   OCIRepository, HelmChart, HelmRelease and Bucket, and Argo CD Application and
#   ApplicationSet. A source is pinned by a commit or digest, or it verifies a
#   signature and says whose: a key, or the issuer and subject of a keyless one, where a
#   pattern that everything matches is nobody. A chart inside of a repository is
#   trusted as that is. An Application may rely on the signature keys of its project.
#   What Darkstart writes into deploy/ is pinned by itself.
# custom:
#   id: SC003
#   severity: error
#   applies: engine
#   scope: cluster
#   reads: [objects]
#   since: v0.1.0
#   rationale: >-
#     An engine applies whatever its source says, at any hour. A tag or a branch can be moved by whoever reaches
#     the registry or the forge, and a signature without an identity proves only that somebody signed.
#   remediation: >-
#     pin the source by ref: digest or commit, or verify it with secretRef or matchOIDCIdentity
#   frameworks:
#     - SLSA v1.1 verification
#     - NIST SP 800-204D 5.1
#     - CIS Software Supply Chain 3.2
package darkstart.rules.sc003

import data.darkstart.lib

flux := {"GitRepository", "OCIRepository", "HelmChart", "Bucket"}

sources := array.flatten([
	[object | some kind in flux; some object in input.kinds[kind]; object.group == "source.toolkit.fluxcd.io"],
	[object | some object in input.kinds.HelmRelease; object.group == "helm.toolkit.fluxcd.io"; object.content.spec.chart.spec],
	[object | some object in input.kinds.Application; object.group == "argoproj.io"; object.content.spec],
	[object | some object in input.kinds.ApplicationSet; object.group == "argoproj.io"; object.content.spec.template.spec],
])

evaluated := count(sources)

deny contains {
	"msg": sprintf("%s %q is neither pinned nor verified against an identity", [source.kind, source.name]),
	"subject": lib.subject(source, "/spec"),
	"help": [help(source.kind)],
} if {
	some source in sources
	not trusted(source)
}

trusted(source) if lib.is_digest(source.content.spec.ref.digest)

trusted(source) if {
	source.kind == "GitRepository"
	lib.commit(source.content.spec.ref.commit)
}

trusted(source) if identity(source.content.spec.verify)

trusted(source) if identity(source.content.spec.chart.spec.verify)

trusted(source) if {
	app := application(source)
	all := array.concat(
		[s | s := app.source],
		lib.list(app, "sources"),
	)
	count(all) > 0
	every s in all {
		pinned(object.get(s, "targetRevision", ""))
	}
}

trusted(source) if {
	app := application(source)
	some project in input.kinds.AppProject

	# regal ignore:superfluous-object-get
	project.name == object.get(app, "project", "default") # which may be the name
	count(lib.list(project.content.spec, "signatureKeys")) > 0
}

# A chart that is a folder of a repository.
trusted(source) if {
	some chart in [source.content.spec.chart.spec, source.content.spec]
	chart.sourceRef.kind == "GitRepository"
	some repository in input.kinds.GitRepository
	repository.group == "source.toolkit.fluxcd.io"
	repository.name == chart.sourceRef.name
	repository.namespace == object.get(chart.sourceRef, "namespace", source.namespace)
	pinned_or_signed(repository.content.spec)
}

pinned_or_signed(spec) if lib.commit(spec.ref.commit)

pinned_or_signed(spec) if identity(spec.verify)

application(object) := object.content.spec if object.kind == "Application"

application(object) := object.content.spec.template.spec if object.kind == "ApplicationSet"

pinned(revision) if lib.commit(revision)

pinned(revision) if lib.is_digest(revision)

identity(verify) if verify.secretRef.name

identity(verify) if {
	count(verify.matchOIDCIdentity) > 0
	every signer in verify.matchOIDCIdentity {
		somebody(signer.issuer)
		somebody(signer.subject)
	}
}

# Not a pattern that everything matches.
somebody(pattern) if not regex.match(`^\^?(\.[*+])?\$?$`, pattern)

help("OCIRepository") := "add ref: digest, or verify with secretRef or matchOIDCIdentity"

help("GitRepository") := "add ref: commit, or verify with secretRef"

help(kind) := "set targetRevision to a commit or sha256 digest, or signatureKeys on its project" if {
	kind in {"Application", "ApplicationSet"}
}

help(kind) := "use an OCIRepository pinned by digest" if {
	kind in {"Bucket", "HelmChart", "HelmRelease"}
}
