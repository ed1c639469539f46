# Your own guardrails: conftest's conventions, one rendered object at a time.
package main

import rego.v1

# METADATA
# title: a Pod that waits for CPU says how much it needs
# description: Without a request the scheduler packs machines until they stall.
deny_no_request contains result if {
	some template in [input.spec.template]
	some container in template.spec.containers
	not container.resources.requests.cpu
	result := {
		"msg": sprintf("container %q of %s %q requests no CPU", [container.name, input.kind, input.metadata.name]),
	}
}
