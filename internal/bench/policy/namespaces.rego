package main

import rego.v1

deny contains msg if {
	input.kind == "Namespace"
	labels := object.get(input.metadata, "labels", {})
	not labels["pod-security.kubernetes.io/enforce"]
	msg := sprintf("namespace %q declares no Pod Security level", [input.metadata.name])
}
