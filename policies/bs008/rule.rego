# METADATA
# title: applying twice gives what applying once gives
# description: |
#   Judges every rendered object: none has `generateName`, which makes another object
#   at each apply; no Job has `ttlSecondsAfterFinished`, since an engine runs a Job
#   that is gone again; and none is an imperative hook, which one engine runs and
#   another applies. Templates inside an object may generate names: that is what
#   controllers do.
# custom:
#   id: BS008
#   severity: error
#   applies: always
#   scope: cluster
#   reads: [objects]
#   since: v0.1.0
#   rationale: >-
#     Engines apply the desired state again and again, and a recovery applies it once more. What is not the same
#     the second time runs a migration twice on the day when it must not.
#   remediation: >-
#     give the object a name of its own, and let what must run once be a Job without a TTL
#   frameworks:
#     - OpenGitOps 1.0 declarative and continuously reconciled
#     - Kubernetes API conventions
package darkstart.rules.bs008

import data.darkstart.lib

evaluated := count(input.objects)

hooks := {"argocd.argoproj.io/hook", "helm.sh/hook"}

deny contains finding(object, sprintf("%s has generateName and no name", [object.kind]), ["metadata", "generateName"], "give it a name of its own") if {
	some object in input.objects
	object.content.metadata.generateName
	object.name == ""
}

deny contains finding(object, sprintf("Job %q has a TTL: it runs again when it has expired", [object.name]), ["spec", "ttlSecondsAfterFinished"], "remove ttlSecondsAfterFinished: the next release prunes it") if {
	some object in input.kinds.Job
	object.group == "batch"
	is_number(object.content.spec.ttlSecondsAfterFinished)
}

deny contains finding(object, sprintf("%s %q is an imperative hook (%s)", [object.kind, object.name, annotation]), ["metadata", "annotations", annotation], "make it a Job of the component: it then runs in its own part, before or after the others") if {
	some object in input.objects
	some annotation in hooks
	object.content.metadata.annotations[annotation]
}

finding(object, msg, path, help) := {
	"msg": msg,
	"subject": lib.subject(object, lib.pointer(path)),
	"help": [help],
}
