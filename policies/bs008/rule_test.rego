package darkstart.rules.bs008_test

import data.darkstart.rules.bs008

object_of(kind, content) := {"key": kind, "component": "c", "group": "batch", "kind": kind, "name": object.get(content, ["metadata", "name"], ""), "content": content}

found(o) := result if {
	result := {f.msg | some f in bs008.deny} with input as {"objects": [o], "kinds": {o.kind: [o]}}
}

test_generate_name if {
	count(found(object_of("Pod", {"metadata": {"generateName": "x-"}}))) == 1
	found(object_of("Pod", {"metadata": {"name": "x", "generateName": "x-"}})) == set()
	found(object_of("Deployment", {"metadata": {"name": "x"}, "spec": {"template": {"metadata": {"generateName": "x-"}}}})) == set()
}

test_ttl if {
	count(found(object_of("Job", {"metadata": {"name": "x"}, "spec": {"ttlSecondsAfterFinished": 0}}))) == 1
	found(object_of("Job", {"metadata": {"name": "x"}, "spec": {}})) == set()
	found(object_of("CronJob", {"metadata": {"name": "x"}, "spec": {"jobTemplate": {"spec": {"ttlSecondsAfterFinished": 60}}}})) == set()
}

test_hooks if {
	count(found(object_of("Job", {"metadata": {"name": "x", "annotations": {"argocd.argoproj.io/hook": "PreSync"}}, "spec": {}}))) == 1
	found(object_of("Job", {"metadata": {"name": "x", "annotations": {"argocd.argoproj.io/sync-wave": "1"}}, "spec": {}})) == set()
}

test_other_kinds_that_run_once if {
	count(found(object_of("JobSet", {"metadata": {"name": "x"}, "spec": {"ttlSecondsAfterFinished": 60}}))) == 1
	count(found(object_of("Workflow", {"metadata": {"name": "x"}, "spec": {"ttlStrategy": {"secondsAfterCompletion": 60}}}))) == 1
	found(object_of("WorkflowTemplate", {"metadata": {"name": "x"}, "spec": {"ttlStrategy": {"secondsAfterCompletion": 60}}})) == set()
}
