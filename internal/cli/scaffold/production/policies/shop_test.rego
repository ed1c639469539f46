package main_test

import rego.v1

import data.main

deployment(container) := {
	"kind": "Deployment",
	"metadata": {"name": "shop"},
	"spec": {"template": {"spec": {"containers": [container]}}},
}

test_a_request_is_enough if {
	count(main.deny_no_request) == 0 with input as deployment({"name": "shop", "resources": {"requests": {"cpu": "10m"}}})
}

test_no_request_is_denied if {
	count(main.deny_no_request) == 1 with input as deployment({"name": "shop"})
}
