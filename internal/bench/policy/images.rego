package main

import rego.v1

pod_specs contains spec if {
	some path in [["spec"], ["spec", "template", "spec"], ["spec", "jobTemplate", "spec", "template", "spec"]]
	spec := object.get(input, path, {})
	spec != {}
}

deny contains msg if {
	some spec in pod_specs
	some field in ["containers", "initContainers", "ephemeralContainers"]
	some container in object.get(spec, field, [])
	not regex.match(`@sha256:[0-9a-f]{64}$`, container.image)
	msg := sprintf("%s/%s: image %q is not pinned by digest", [input.kind, input.metadata.name, container.image])
}
