package main

import rego.v1

deny_bare_pod contains msg if {
	input.kind == "Pod"
	msg := sprintf("Pod %q has nobody who starts it again", [input.metadata.name])
}

warn_one_replica contains msg if {
	input.kind in {"Deployment", "StatefulSet"}
	not input.spec.replicas
	msg := sprintf("%s %q runs once", [input.kind, input.metadata.name])
}
