"""Failures are put together by what is behind them."""

from dataclasses import replace

from momentum.checks.result import ITSELF
from momentum.report import words
from momentum.report.digest import cause_of, findings, left_out, rows, skipped


def told(result, *explanations):
    return [replace(result, check=f"c{i}", explanation=x) for i, x in enumerate(explanations)]


def test_findings_give_one_cause_once_with_all_its_steps(results):
    wrong = results.results[1]
    found = findings(
        told(
            wrong,
            "from step 7 on: momentum is ignored",
            "from step 2 on: momentum is ignored",
            "from step 1 on, when lr changed from 1 to 2: the rate: is late",
            "",
        )
    )
    assert [f.kind for f in found] == ["cause", "cause", "unexplained"]
    assert found[0].text == "momentum is ignored"
    assert found[0].scope == "from step 2 or 7 on"
    assert found[1].text == "the rate: is late"
    assert found[1].scope == "from step 1 on, when lr changed from 1 to 2"


def test_what_is_right_in_a_plain_run_is_a_law_that_speaks_for_itself(results):
    found = findings(told(results.results[1], ITSELF, ""))
    assert [f.kind for f in found] == ["unexplained", "law"]


def test_scope_states_a_condition_only_where_it_always_holds(results):
    some = told(
        results.results[1],
        "only in float16, from step 1 on: x",
        "from step 2 on, when lr changed from 1 to 2: x",
    )
    assert findings(some)[0].scope == "from step 1 or 2 on"
    assert findings(some[:1])[0].scope == "only in float16, from step 1 on"


def test_cause_of_leaves_an_explanation_without_steps_as_it_is(results):
    result = replace(results.results[1], explanation="the state: is not saved")
    assert cause_of(result) == "the state: is not saved"


def test_findings_say_one_reason_once_and_the_widest_first(results):
    errors = [replace(r, verdict="errored", reason="raised X") for r in results.results[:3]]
    found = findings([*errors, replace(errors[0], reason="raised Y"), results.results[-1]])
    assert [(f.kind, f.text, len(f.results)) for f in found] == [
        ("error", "raised X", 3),
        ("error", "raised Y", 1),
        ("surprise", "", 1),
    ]


def test_rows_lead_with_comparisons_with_the_oracle_and_the_farthest_off(results):
    wrong = results.results[1]
    law = replace(wrong, check="law", how="", ratio=float("inf"))
    near, far = replace(wrong, check="near", ratio=2.0), replace(wrong, dtype="float64", ratio=9.0)
    made = rows([law, near, wrong, far])
    assert [row.check for row in made] == ["agrees", "near", "law"]
    assert made[0].worst is far
    assert len(made[0].results) == 2


def test_skipped_puts_reasons_together_that_differ_in_their_last_word(results):
    one = next(r for r in results.results if r.verdict == "skipped")
    reasons = (
        "does not offer x (x() does)",
        "does not offer y (y())",
        "does not offer x (x() does)",
    )
    found = skipped([replace(one, reason=r) for r in (*reasons, "takes no nu")])
    assert skipped([replace(one, reason=r) for r in reasons], 1)[0][1].endswith("x and 1 others")
    assert found == [(3, "does not offer x and y"), (1, "takes no nu")]


def test_a_number_of_a_run_in_several_formats_is_wrong_in_its_own(results):
    where = "step 4, parameter 3 in bfloat16[1, 2], formats float32, float64, float16, bfloat16"
    mixed = replace(results.results[1], dtype="float32", where=where)
    scalar = replace(mixed, where="step 1, parameter 2 in float16[], formats bfloat16, float16")
    assert findings([mixed, scalar])[0].dtypes == ["bfloat16", "float16"]
    assert words.headline(replace(results, results=(mixed,)))[1].endswith(", in bfloat16")


def test_what_passed_and_left_out_is_told_once_and_not_what_is_told_elsewhere(results):
    good = results.results[0]
    reasons = ("", "refuses a: b", "refuses a: b", "refuses c: d", "refuses e: f", "refuses g: h")
    passed = [replace(good, check=f"c{i}", reason=x) for i, x in enumerate(reasons)]
    none = replace(good, verdict="skipped", reason="refuses c: d")
    failed = replace(good, verdict="failed", reason="refuses i: j")
    assert left_out([*passed, none, failed], ["refuses g: h"]) == ["refuses a: b", "refuses e: f"]
    assert left_out([good]) == []
