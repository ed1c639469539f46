package main

import rego.v1

deny contains msg if {
	input.kind == "Secret"
	some field in ["data", "stringData"]
	some key, value in object.get(input, field, {})
	value != ""
	msg := sprintf("Secret %q holds %s in plain text", [input.metadata.name, key])
}

deny contains msg if {
	some spec in pod_specs
	some container in object.get(spec, "containers", [])
	some env in object.get(container, "env", [])
	regex.match(`(?i)(password|secret|token|api_?key)$`, env.name)
	object.get(env, "value", "") != ""
	msg := sprintf("%s/%s: %s is set in plain text", [input.kind, input.metadata.name, env.name])
}
