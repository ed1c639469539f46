# METADATA
# title: sources are pinned, and nothing floats in production
# description: |
#   Everything that Darkstart itself reads is in git and thereby pinned: charts
#   and bases are vendored, remote ones are refused when rendering. What can
#   still float is judged here: the versions that components declare, the
#   sources that a GitOps engine will fetch (Flux `GitRepository`,
#   `OCIRepository`, `HelmRelease`, `HelmChart` and `FluxInstance`, Argo CD
#   `Application` and `ApplicationSet`), and the entries of the lock. A source
#   without any revision is a finding in every cluster; a branch, a mutable tag
#   or a range is one in production (a cluster that declares no environment
#   counts as production).
# custom:
#   id: SC002
#   severity: error
#   applies: always
#   scope: cluster
#   reads: [spec, objects, lock]
#   since: v0.1.0
#   rationale: >-
#     A branch or range is resolved when the engine gets to it. The day of a recovery is then also the
#     day of an unplanned upgrade, and a rollback in git rolls nothing back.
#   remediation: name one version, a commit, or a digest
#   frameworks:
#     - SLSA v1.0 Build L1
#     - NIST SSDF PS.3.1
#     - OpenSSF Scorecard Pinned-Dependencies
package darkstart.rules.sc002

import data.darkstart.lib

evaluated := (count(versions) + count(sources)) + count(entries)

# The versions that components declare.

versions contains {"component": name, "version": component.version} if {
	some name, component in input.spec.components
	object.get(component, "version", "") != ""
}

floats(version) if regex.match(`[*^~<>|, ]`, version)

floats(version) if regex.match(`(?i)(^|\.)x(\.|$)`, version)

floats(version) if lower(version) in {
	"canary", "current", "dev", "develop", "edge", "head", "latest", "lts", "main", "master", "next", "nightly", "rolling",
	"stable", "trunk", "unstable",
}

floats(version) if endswith(lower(version), "-snapshot")

# The sources that a GitOps engine will fetch: what each of them asks for, and
# whether that is one thing for ever.

# A chart inside of a repository or bucket has that source's revision, and its
# version is not asked for.
inside(chart) if chart.sourceRef.kind in {"GitRepository", "Bucket"}

default one_version(_) := false

one_version(version) if lib.exact_version(trim_prefix(version, "="))

# Argo CD keeps one source or several, in an Application or in the template of
# an ApplicationSet.
argo contains {"object": at.object, "path": array.concat(at.path, ["source"]), "from": from} if {
	some at in applications
	from := object.get(at.object.content, array.concat(at.path, ["source"]), null)
	is_object(from)
}

argo contains {"object": at.object, "path": array.concat(at.path, ["sources", i]), "from": from} if {
	some at in applications
	some i, from in object.get(at.object.content, array.concat(at.path, ["sources"]), [])
}

argo contains {"object": at.object, "path": array.concat(at.path, ["sourceHydrator", "drySource"]), "from": from} if {
	some at in applications
	from := object.get(at.object.content, array.concat(at.path, ["sourceHydrator", "drySource"]), null)
	is_object(from)
}

sources contains source(o, ["spec", "ref"], asked(ref, ["commit", "tag", "semver", "branch", "name"]), pinned) if {
	some o in of("source.toolkit.fluxcd.io", "GitRepository")
	ref := lib.get(o.content, ["spec", "ref"])
	pinned := lib.commit(object.get(ref, "commit", ""))
}

sources contains source(o, ["spec", "ref"], asked(ref, ["digest", "semver", "tag"]), pinned) if {
	some o in of("source.toolkit.fluxcd.io", "OCIRepository")
	ref := lib.get(o.content, ["spec", "ref"])
	pinned := lib.is_digest(object.get(ref, "digest", ""))
}

sources contains source(o, ["spec", "version"], asked(spec, ["version"]), pinned) if {
	some o in of("source.toolkit.fluxcd.io", "HelmChart")
	spec := lib.get(o.content, ["spec"])
	not inside(spec)
	pinned := one_version(object.get(spec, "version", ""))
}

sources contains source(o, ["spec", "chart", "spec", "version"], asked(spec, ["version"]), pinned) if {
	some o in of("helm.toolkit.fluxcd.io", "HelmRelease")
	spec := o.content.spec.chart.spec
	not inside(spec)
	pinned := one_version(object.get(spec, "version", ""))
}

# The operator of Flux resolves the version of Flux itself.
sources contains source(o, ["spec", "distribution", "version"], asked(distribution, ["version"]), pinned) if {
	some o in of("fluxcd.controlplane.io", "FluxInstance")
	distribution := lib.get(o.content, ["spec", "distribution"])
	pinned := one_version(object.get(distribution, "version", ""))
}

sources contains source(at.object, array.concat(at.path, ["targetRevision"]), asked(at.from, ["targetRevision"]), pinned) if {
	some at in argo
	pinned := fixed(at.from)
}

# What a generator finds in a repository decides which Applications there are.
sources contains source(o, array.flatten([["spec", "generators"], path, ["revision"]]), asked(git, ["revision"]), pinned) if {
	some o in of("argoproj.io", "ApplicationSet")
	walk(object.get(o.content, ["spec", "generators"], []), [path, git])
	path[count(path) - 1] == "git"
	git.repoURL
	pinned := fixed_revision(object.get(git, "revision", ""))
}

applications contains {"object": app, "path": path} if {
	some kind, path in {"Application": ["spec"], "ApplicationSet": ["spec", "template", "spec"]}
	some app in of("argoproj.io", kind)
}

# A chart has versions, a repository commits, an OCI artifact digests.
fixed(from) := one_version(object.get(from, "targetRevision", "")) if from.chart

fixed(from) := fixed_revision(object.get(from, "targetRevision", "")) if not from.chart

default fixed_revision(_) := false

fixed_revision(revision) if lib.commit(revision)

fixed_revision(revision) if lib.is_digest(revision)

of(group, kind) := [o |
	some o in input.kinds[kind]
	o.group == group
]

# What a source asks for, "" when it says nothing.
asked(from, fields) := concat(" ", [sprintf("%s %s", [field, from[field]]) |
	some field in fields
	object.get(from, field, "") != ""
])

source(o, path, wanted, pinned) := {
	"subject": lib.subject(o, lib.pointer(path)),
	"what": sprintf("%s %s", [o.kind, o.name]),
	"asked": wanted,
	"pinned": pinned,
}

# The lock: what it holds, it holds by digest.

entries contains {"name": sprintf("%s %s", [kind, name]), "digest": entry.digest} if {
	some kind in ["charts", "other"]
	some name, entry in input.lock[kind]
}

deny contains {
	"msg": sprintf("version %q of %s floats", [declared.version, declared.component]),
	"subject": {"component": declared.component, "path": lib.pointer(["components", declared.component, "version"])},
	"help": ["write the one version that is vendored, 1.17.2 for example"],
} if {
	lib.production(input.spec)
	some declared in versions
	floats(declared.version)
}

deny contains {
	"msg": sprintf("%s names no revision: the engine takes whatever is newest", [from.what]),
	"subject": from.subject,
	"help": ["name a commit, a digest or one version"],
} if {
	some from in sources
	from.asked == ""
}

deny contains {
	"msg": sprintf("%s follows %s, which moves", [from.what, from.asked]),
	"subject": from.subject,
	"help": ["name a commit, a digest or one version: what it points at today is recorded with darkstart lock"],
} if {
	lib.production(input.spec)
	some from in sources
	from.asked != ""
	not from.pinned
}

deny contains {
	"msg": sprintf("the lock has no digest of %s", [entry.name]),
	"at": [{"file": "darkstart.lock"}],
	"help": ["import it again: darkstart lock --import FILE"],
} if {
	some entry in entries
	not lib.is_digest(entry.digest)
}
