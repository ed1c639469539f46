package darkstart.rules.sc005_test

import data.darkstart.rules.sc005

found(impure) := result if {
	result := {f.msg | some f in sc005.deny} with input as {"renderings": [{"component": "web", "impure": impure}]}
}

test_pure if found([]) == set()

test_clock if found(["now"]) == {`the chart of "web" calls now, whose answers reach no object today`}

test_several if found(["now", "randAlphaNum"]) == {`the chart of "web" calls now, randAlphaNum, whose answers reach no object today`}

test_it_is_a_warning if {
	every f in sc005.deny {
		f.warning
	} with input as {"renderings": [{"component": "web", "impure": ["now"]}]}
}

test_every_component_is_judged if sc005.evaluated == 2 with input as {"renderings": [{"component": "a", "impure": []}, {"component": "b", "impure": []}]}
