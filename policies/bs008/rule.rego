# METADATA
# title: applying twice gives what applying once gives
# description: |
#   Judges every rendered object: none has `generateName`, which makes another object
#   at each apply; no Job, nor any other kind that runs once, has a time to live, since
#   an engine runs again what is gone (the compiler takes it from Jobs of batch/v1 by
#   itself); and none is an imperative hook, which one engine runs and
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
	object.name == ""
	object.content.metadata.generateName
}

deny contains finding(o, sprintf("%s %q has a TTL: it runs again when it has expired", [o.kind, o.name]), path, sprintf("remove %s: the next release prunes it", [path[count(path) - 1]])) if {
	some kind, paths in expiry
	some o in input.kinds[kind]
	some path in paths
	object.get(o.content, path, null) != null
}

deny contains finding(object, sprintf("%s %q is an imperative hook (%s)", [object.kind, object.name, annotation]), ["metadata", "annotations", annotation], "make it a Job of the component: it then runs in its own part, before or after the others") if {
	some object in input.objects
	annotations := object.content.metadata.annotations
	some annotation in hooks
	annotations[annotation]
}

# What runs once, and the fields that have it deleted when it has run.
expiry := {
	"Job": {["spec", "ttlSecondsAfterFinished"]},
	"JobSet": {["spec", "ttlSecondsAfterFinished"]},
	"RayJob": {["spec", "ttlSecondsAfterFinished"]},
	"MPIJob": {["spec", "runPolicy", "ttlSecondsAfterFinished"]},
	"PyTorchJob": {["spec", "runPolicy", "ttlSecondsAfterFinished"]},
	"TFJob": {["spec", "runPolicy", "ttlSecondsAfterFinished"]},
	"XGBoostJob": {["spec", "runPolicy", "ttlSecondsAfterFinished"]},
	"SparkApplication": {["spec", "timeToLiveSeconds"]},
	"Workflow": {["spec", "ttlStrategy"], ["spec", "ttlSecondsAfterFinished"]},
}

finding(object, msg, path, help) := {
	"msg": msg,
	"subject": lib.subject(object, lib.pointer(path)),
	"help": [help],
}
