"""One check in one dtype: what is reported, and how often a failure is tried again."""

import math

import numpy as np

from momentum.adapters import adapt
from momentum.checks import CHECKS
from momentum.checks.result import Result
from momentum.conventions import get
from momentum.gallery import GALLERY, Machine
from momentum.runner.one_check import NO_CLAIM, run_check
from momentum.subjects.problems import Problem

TORCH = get("accumulated")
CHECK = CHECKS["agrees_with_oracle"]


def result(
    subject: Machine, check: str = CHECK.name, dtype: str = "float32", **more: object
) -> Result:
    return run_check(CHECKS[check], subject, TORCH, dtype, "quick", **more)  # type: ignore[arg-type]


def test_a_pass_tells_its_worst_ratio_of_each_comparison_and_its_power() -> None:
    found = result(Machine("right", TORCH))
    assert (found.verdict, found.reason) == ("passed", "")
    assert set(found.ratios) == {"trajectory", "step"}
    assert max(found.ratios.values()) == found.ratio <= 1
    assert found.problems > 1
    assert set(found.power) == {"lr", "momentum", "dampening", "weight_decay"}
    assert found.series is None


def test_a_failure_tells_the_one_comparison_that_failed_and_shows_its_worst_coordinate() -> None:
    found = result(GALLERY["momentum_squared"].build())
    assert found.verdict == "failed"
    assert found.ratios == {found.how: found.ratio}
    assert found.ratio > 1
    assert found.series is not None
    assert not found.power
    again = result(GALLERY["momentum_squared"].build(), only=Problem.from_text(found.problem))
    assert (again.verdict, again.ratio, again.problems) == ("failed", found.ratio, 1)


def test_a_failure_is_tried_again_as_often_as_it_is_said() -> None:
    name, check = "nesterov_on_moved_parameter", "nesterov_agrees_in_combinations"
    tries = {}
    for shrinks in (0, 3, 7):
        told: list[str] = []
        subject, convention = GALLERY[name].build(), get(GALLERY[name].convention)
        found = run_check(
            CHECKS[check],
            subject,
            convention,
            "float32",
            "quick",
            note=told.append,
            shrinks=shrinks,
        )
        assert found.verdict == "failed"
        tries[shrinks] = len(told)
    assert tries == {0: tries[0], 3: tries[0] + 3, 7: tries[0] + 7}


def test_what_raises_is_an_error_or_a_failure_as_the_check_says() -> None:
    crashing = GALLERY["none_crashes"].build()
    found = result(crashing, "no_gradient_no_move")
    assert (found.verdict, found.ratio) == ("errored", 0.0)
    assert found.reason.startswith("raised AttributeError: 'NoneType' object has no attribute")
    found = result(crashing, "no_gradient_keeps_the_velocity")
    assert (found.verdict, found.ratio) == ("failed", math.inf)
    assert found.where.startswith("raised AttributeError")


def test_where_standing_still_would_pass_nothing_is_claimed() -> None:
    still = (
        '{"dtype":"float16","shapes":[[3]],"hypers":[[2,[["%s","0x0p+0","0x0p+0","0x0p+0"'
        ',false,false,"0x1p+0"]]]],"groups":[0],"kind":"normal","seed":1,"missing":[],"options":[]}'
    )
    found = result(
        Machine("right", TORCH), dtype="float16", only=Problem.from_text(still % "0x1p-30")
    )
    assert (found.verdict, found.reason) == ("no_claim", NO_CLAIM)
    found = result(
        Machine("right", TORCH), dtype="float16", only=Problem.from_text(still % "0x1p-2")
    )
    assert (found.verdict, found.reason) == ("passed", "")


def test_a_check_that_does_not_apply_or_finds_no_problem_is_skipped() -> None:
    without = Machine("bare", TORCH, without=frozenset({"resume"}))
    assert result(without, "resumes_where_it_stopped").reason.startswith("does not offer resume")
    found = result(Machine("right", TORCH), "skipped_step_never_was", dtype="float16")
    assert (found.verdict, found.reason) == ("skipped", "no problem fits the subject")
    found = result(Machine("right", TORCH), "nesterov_refuses_dampening")
    assert (found.verdict, found.reason) == ("skipped", "takes Nesterov's form with dampening")


def test_run_check_survives_a_subject_that_does_not_repeat_itself() -> None:
    rng = np.random.default_rng(0)

    def moody(theta, v, grad, lr, momentum):  # type: ignore[no-untyped-def]
        v = momentum * v + lr * grad
        return theta - v + (rng.random() < 0.2), v

    check = CHECKS["follows_the_learning_rate"]
    result = run_check(check, adapt(moody, {}, "moody"), get("scaled"), "float64", "quick")
    assert result.verdict == "failed"
    assert math.isfinite(result.ratio)
