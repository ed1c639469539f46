package darkstart.rules.op001_test

import data.darkstart.rules.op001

fleet := {
	"teams": {"platform": {"escalation": ["duty"]}, "duty": {}},
	"services": {"shop": {"owner": "platform", "tier": "gold", "alerts": ["ShopDown"]}},
}

clusters := {"prod": {"owner": "platform", "components": {"web": {}}}}

alert(severity, runbook) := {"alert": "ShopDown", "severity": severity, "runbook": runbook, "cluster": "prod", "component": "web", "object": "monitoring.coreos.com/PrometheusRule/mon/shop", "path": "/spec/groups/0/rules/0"}

found(f, c, r, a) := result if {
	result := {x.msg | some x in op001.deny} with input as {"fleet": f, "clusters": c, "recovery": r, "alerts": a}
}

test_complete if found(fleet, clusters, {"procedures": {"p": {"owner": "platform", "steps": {"s": {}}}}}, [alert("critical", "https://x")]) == set()

test_component_without_owner if {
	found(fleet, {"prod": {"components": {"web": {}}}}, null, []) == {`component "prod/web" has no owner`}
}

test_procedure_and_step if {
	found(fleet, clusters, {"procedures": {"p": {"steps": {"s": {}}}}}, []) == {`procedure "p" has no owner`, "step p/s is done by nobody"}
	found(fleet, clusters, {"procedures": {"p": {"steps": {"s": {"by": "duty"}}}}}, []) == {`procedure "p" has no owner`}
}

test_escalation if {
	alone := object.union(fleet, {"teams": {"platform": {"escalation": []}, "duty": {}}})
	found(alone, clusters, null, []) == {`team "platform" owns something and escalates to nobody`}
}

test_alerts if {
	found(fleet, clusters, null, [alert("critical", "")]) == {`alert "ShopDown" is critical and has no runbook_url`}
	found(fleet, clusters, null, [alert("warning", "")]) == set()
}

test_service_without_alert if {
	quiet := json.remove(fleet, ["services/shop/alerts"])
	found(quiet, clusters, null, [alert("warning", "")]) == {`service "shop" has an objective, and no alert tells of its loss`}
	found(quiet, clusters, null, []) == set()
	found(quiet, clusters, {"procedures": {"p": {"owner": "duty", "restores": ["shop"], "triggers": {"alerts": ["ShopDown"]}, "steps": {}}}}, [alert("warning", "")]) == set()
}

test_severity_in_any_case if {
	found(fleet, clusters, null, [alert("Critical", " ")]) == {`alert "ShopDown" is critical and has no runbook_url`}
}

test_a_team_that_calls_itself_calls_nobody if {
	alone := object.union(fleet, {"teams": {"platform": {"escalation": ["platform"]}}})
	found(alone, clusters, null, []) == {`team "platform" owns something and escalates to nobody`}
}

test_a_step_restores_a_service if {
	quiet := json.remove(fleet, ["services/shop/alerts"])
	every at in [{"restores": ["/shop"]}, {"steps": {"s": {"restores": ["shop"]}}}] {
		p := object.union({"owner": "platform", "triggers": {"alerts": ["ShopDown"]}}, at)
		found(quiet, clusters, {"procedures": {"p": p}}, [alert("critical", "https://x")]) == set()
	}
}
