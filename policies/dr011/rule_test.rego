package darkstart.rules.dr011_test

import data.darkstart.rules.dr011

found(slo, objectives) := count(result) if {
	result := dr011.deny with input as {"fleet": {"tiers": {"gold": {"slo": slo, "objectives": objectives}}}}
}

slo := {"target": 0.999, "window": "365d", "frequency": 1}

test_budget if {
	found(slo, {"default": {"rto": "8h"}}) == 0
	found(slo, {"default": {"rto": "9h"}}) == 1
	found(object.union(slo, {"frequency": 2}), {"default": {"rto": "5h"}}) == 1
	found(object.union(slo, {"window": "30d"}), {"default": {"rto": "8h"}}) == 0
}

test_starts_from_nothing_and_accepted_losses_do_not_count if {
	found(slo, {"darkstart": {"rto": "20h"}, "default": {"rto": "1h"}}) == 0
	found(slo, {"region": {"accepted": {"reason": "r"}}, "default": {"rto": "1h"}}) == 0
}

test_only_with_a_frequency if {
	dr011.evaluated == 0 with input as {"fleet": {"tiers": {"gold": {"slo": {"target": 0.9, "window": "30d"}, "objectives": {"default": {"rto": "9h"}}}}}}
}
