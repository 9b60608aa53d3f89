"""The search of one check through its problems, with measurements that are made up."""

import math
from dataclasses import replace
from types import SimpleNamespace

import pytest
from hypothesis import strategies as st
from hypothesis.internal.conjecture import providers

from momentum.checks import CHECKS
from momentum.conventions import Hyper, get
from momentum.gallery import Machine
from momentum.runner import one_check
from momentum.runner.one_check import NO_CLAIM, OutOfMemory, forget_local_constants, run_check
from momentum.subjects.judge import Measured
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import EFFORTS

TORCH = get("accumulated")
SUBJECT = Machine("right", TORCH)
H = Hyper(0.5, 0.5)


def problem(steps=3, shapes=((2,),), **more):
    return Problem("float32", shapes, ((H,),) * steps, (0,) * len(shapes), **more)


ONE, TWO, THREE = (problem(seed=n) for n in (1, 2, 3))


def searched(says, problems=(ONE, TWO, THREE), fields=None, **more):
    """The result of a check that says this of each problem, and the problems that it tried."""
    tried = []

    def measure(trial):
        tried.append(trial.problem)
        for said in says(trial.problem) if callable(says) else says[trial.problem.seed]:
            if isinstance(said, Exception):
                raise said
            yield said

    check = replace(
        CHECKS["agrees_with_oracle"],
        measure=measure, always=lambda setting: problems, random=None, needs=("groups",),
        **(fields or {}),
    )  # fmt: skip
    result = run_check(check, SUBJECT, TORCH, "float32", "quick", **more)
    return result, tried


@pytest.fixture(autouse=True)
def shown(monkeypatch):
    """Which problems are shown in a series, and of which the power is asked, without either."""
    asked = SimpleNamespace(series=[], power=[])

    def power(convention, problems, suffix):
        asked.power += [*problems, suffix]
        return {"lr": 1.0}

    monkeypatch.setattr(one_check, "furthest", lambda s, c, problem: asked.series.append(problem))
    monkeypatch.setattr(one_check, "power", power)
    return asked


def of(error, bound=1.0, how="trajectory", step=2, claims=True):
    return Measured(error, bound, "here", step, how, claims)


def test_a_pass_tells_its_worst_measurement_and_the_worst_of_each_comparison(shown):
    says = {
        1: [of(0.25), of(0.5, 2.0, "step", 1)],
        2: [of(0.5, how="two runs", step=3), of(0.125, how=""), of(0.0, how="none")],
        3: [of(0.375)],
    }
    found, tried = searched(says)
    assert (found.verdict, found.reason, found.problems, tried) == (
        "passed", "", 3, [ONE, TWO, THREE],
    )  # fmt: skip
    assert (found.ratio, found.error, found.bound, found.how, found.step) == (
        0.5, 0.5, 1.0, "two runs", 3,
    )  # fmt: skip
    assert (Problem.from_text(found.problem), found.where) == (TWO, "here")
    assert found.ratios == {"trajectory": 0.375, "step": 0.25, "two runs": 0.5, "none": 0.0}
    assert (found.power, found.series, shown.series) == ({"lr": 1.0}, None, [])
    # The oracle judged the first and the last; of the second it is another comparison that is told.
    assert shown.power == [ONE, THREE, ""]


def test_the_first_failure_ends_the_search_and_is_told_alone(shown):
    says = {1: [of(0.5)], 2: [of(0.25), of(1.0), of(3.0, 2.0, "two runs"), of(9.0)], 3: []}
    found, tried = searched(says)
    assert (found.verdict, found.problems, tried) == ("failed", 2, [ONE, TWO])
    assert (found.ratio, found.ratios) == (1.5, {"two runs": 1.5})
    assert (Problem.from_text(found.problem), shown.series, shown.power) == (TWO, [TWO], [])
    assert not searched({1: [of(2.0, how="")]})[0].ratios


@pytest.mark.parametrize(
    ("measured", "verdict"),
    [
        ([of(0.0, claims=False)], "no_claim"),
        ([of(0.0, math.inf)], "no_claim"),
        ([of(0.0, claims=False), of(0.0)], "passed"),
        ([of(0.0), of(0.0, claims=False)], "passed"),
        ([of(2.0, claims=False)], "failed"),
    ],
)
def test_only_a_bound_within_the_movement_claims(shown, measured, verdict):
    found, _ = searched({1: measured}, [ONE])
    assert (found.verdict, found.reason) == (verdict, NO_CLAIM if verdict == "no_claim" else "")
    assert (len(shown.power) > 0) == (verdict == "passed")


@pytest.mark.parametrize("name", ["agrees_with_oracle", "another", "a"])
def test_the_power_is_that_of_all_problems_or_of_the_longest(shown, name):
    long = problem(5, seed=2)
    searched({n: [of(0.0)] for n in (1, 2, 3)}, [ONE, long, THREE], {"name": name})
    assert shown.power == ([long, ONE, THREE, ""] if name == "agrees_with_oracle" else [long, ""])


def test_a_problem_that_measures_nothing_is_not_counted(shown):
    found, _ = searched({1: [], 2: [of(0.5)], 3: []})
    assert (found.verdict, found.problems) == ("passed", 1)
    found, _ = searched({1: [], 2: [], 3: []})
    assert (found.verdict, found.reason) == ("skipped", "no problem fits the subject")
    assert shown.power == [TWO, ""]


def test_what_does_not_apply_is_told_once():
    applies = lambda trial: f"odd {trial.problem.seed % 2}" if trial.problem.seed < 3 else "odd 1"  # noqa: E731
    found, tried = searched({}, fields={"applies": applies})
    assert (found.verdict, found.reason, tried) == ("skipped", "odd 1; odd 0", [])
    found, tried = searched(
        {3: [of(0.5)]}, fields={"applies": lambda t: "odd" * (t.problem.seed < 3) or None}
    )
    assert (found.verdict, found.reason, tried) == ("passed", "", [THREE])


def test_what_the_subject_refuses_is_told_and_not_counted(monkeypatch):
    asked = []

    class Refusing:
        def __init__(self, subject):
            assert subject is SUBJECT

        def reason(self, error, problem, needs):
            asked.append((str(error), problem, needs))
            return f"refuses {error}"

    monkeypatch.setattr(one_check, "Refusals", Refusing)
    found, _ = searched({1: [ValueError("a")], 2: [of(0.5), ValueError("b")], 3: [ValueError("a")]})
    assert (found.verdict, found.reason) == ("skipped", "refuses a; refuses b")
    assert asked[0] == ("a", ONE, ("groups",))
    found, _ = searched({1: [ValueError("a")], 2: [of(0.5)], 3: [of(0.25)]})
    assert (found.verdict, found.reason, found.problems) == ("passed", "refuses a", 2)


@pytest.mark.parametrize("fails", [False, True])
def test_an_error_is_a_failure_where_the_check_says_that_there_is_none(fails):
    says = {1: [of(0.5)], 2: [of(0.5), RuntimeError("odd")], 3: []}
    found, tried = searched(says, fields={"errors_fail": fails})
    assert (found.problems, tried, Problem.from_text(found.problem)) == (2, [ONE, TWO], TWO)
    if fails:
        assert (found.verdict, found.error, found.ratio) == ("failed", math.inf, math.inf)
        assert found.where.startswith("raised RuntimeError: odd")
    else:
        assert found.verdict == "errored"
        assert found.reason.startswith("raised RuntimeError: odd")


def test_exhaustion_ends_everything():
    with pytest.raises(OutOfMemory, match="raised MemoryError: all"):
        searched({1: [MemoryError("all")]})


def test_an_error_in_finding_problems_is_one():
    def broken():
        yield ONE
        raise RuntimeError("odd")

    found, _ = searched({1: [of(0.5)]}, broken())
    assert (found.verdict, found.problems) == ("errored", 1)
    assert found.reason.startswith("raised RuntimeError: odd")


def test_one_problem_alone_is_measured_and_shown(shown):
    for error, verdict in ((0.5, "passed"), (2.0, "failed")):
        found, tried = searched({3: [of(error)]}, only=THREE)
        assert (found.verdict, tried, shown.series.pop()) == (verdict, [THREE], THREE)
    found, tried = searched({3: [of(0.5, claims=False)]}, only=THREE)
    assert (found.verdict, shown.series) == ("no_claim", [])


# Failures made small.


def late_in_the_second(trial_problem):
    """Wrong from step 2 on in a parameter of three elements."""
    bad = (3,) in trial_problem.shapes and trial_problem.steps >= 2
    return [of(2.0 if bad else 0.5)]


@pytest.mark.parametrize("more", [(), ((4,),)])
def test_a_failure_is_tried_with_fewer_steps_and_each_parameter_alone(more):
    told = []
    missing = {(0, 1), (1, 0), (4, 1), *([(1, 2)] if more else [])}
    whole = problem(5, ((2,), (3,), *more), missing=frozenset(missing))
    found, tried = searched(late_in_the_second, [whole], note=told.append)
    small = Problem.from_text(found.problem)
    assert (found.verdict, small.steps, small.shapes) == ("failed", 2, ((3,),))
    assert (small.missing, small.groups) == ({(0, 0)}, (0,))
    assert [(p.steps, p.shapes) for p in tried] == [
        (5, whole.shapes), (2, whole.shapes), (2, ((2,),)), (2, ((3,),)),
    ]  # fmt: skip
    assert told == [p.to_text() for p in tried]


@pytest.mark.parametrize(
    "says",
    [
        lambda p: [of(2.0, how="two runs")],
        lambda p: [RuntimeError("odd")],
        lambda p: [of(2.0)] if p == problem(3, ((2,), (3,))) else [of(0.5)],
        lambda p: [of(2.0)] if p == problem(3, ((2,), (3,))) else [RuntimeError("odd")],
    ],
    ids=["two runs", "error", "only as a whole", "error in a part"],
)
def test_what_fails_only_as_a_whole_stays_whole(says):
    whole = problem(3, ((2,), (3,)))
    found, _ = searched(says, [whole])
    assert Problem.from_text(found.problem) == whole


def test_a_single_parameter_is_not_tried_again():
    _, tried = searched(lambda p: [of(2.0, step=3)], [ONE])
    assert tried == [ONE, ONE]


# Random problems.


def test_random_problems_are_as_many_as_the_effort_says():
    drawn = st.integers(0, 10**6).map(lambda n: problem(seed=n))
    fields = {"random": lambda setting: drawn}
    found, tried = searched_randomly(lambda p: [of(0.5)], fields)
    assert (found.verdict, found.problems) == ("passed", EFFORTS["quick"])
    assert len(tried) == EFFORTS["quick"]
    again = searched_randomly(lambda p: [of(0.5)], fields)
    assert again[1] == tried
    assert searched_randomly(lambda p: [of(0.5)], fields, seed_=1)[1] != tried


def searched_randomly(says, fields, **more):
    tried = []

    def measure(trial):
        tried.append(trial.problem)
        yield from says(trial.problem)

    check = replace(CHECKS["agrees_with_oracle"], measure=measure, always=lambda s: (), **fields)
    return run_check(check, SUBJECT, TORCH, "float32", "quick", **more), tried


def test_a_random_failure_is_made_small_and_tried_as_often_as_it_is_said():
    drawn = st.integers(0, 10**6).map(lambda n: problem(seed=n))
    bad = lambda p: [of(2.0 if p.seed >= 1000 else 0.5)]  # noqa: E731
    found, tried = searched_randomly(bad, {"random": lambda setting: drawn}, shrinks=60)
    assert (found.verdict, Problem.from_text(found.problem).seed) == ("failed", 1000)
    first = next(i for i, p in enumerate(tried) if p.seed >= 1000)
    assert len(tried) - first - 1 <= 60
    few = searched_randomly(bad, {"random": lambda setting: drawn}, shrinks=0)[1]
    assert few == tried[: first + 1]


def test_a_subject_that_does_not_repeat_itself_is_told_by_what_it_did():
    drawn = st.integers(0, 10**6).map(lambda n: problem(seed=n))
    count = []

    def moody(p):
        count.append(p)
        return [of(2.0 if len(count) == 3 else 0.5)]

    found, _ = searched_randomly(moody, {"random": lambda setting: drawn})
    assert (found.verdict, found.ratio) == ("failed", 2.0)


def test_local_constants_are_forgotten(monkeypatch):
    monkeypatch.setattr(providers, "_get_local_constants", lambda: "of the code around")
    forget_local_constants()
    assert providers._get_local_constants() is providers._local_constants
