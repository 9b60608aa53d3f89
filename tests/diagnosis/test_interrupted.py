"""What is lost where a run is saved, loaded or copied has a cause, and a place."""

from dataclasses import replace
from typing import Any

import pytest

from momentum.checks.result import Result
from momentum.conventions import Hyper, get
from momentum.diagnosis import Explainer
from momentum.gallery import GALLERY, Machine
from momentum.subjects.problems import Problem

ROW = (Hyper(0.25, 0.75, weight_decay=0.125, nesterov=True),)
PROBLEM = Problem("float32", ((7,), (7,), (3, 5)), (ROW,) * 4, (0, 0, 0))


def told(subject: Any, check: str, problem: Problem = PROBLEM) -> str:
    failed = Result(check, "float32", "state", "must", "s", "s", "failed")
    failed = Result(**{**vars(failed), "problem": problem.to_text()})
    convention = getattr(subject, "convention", get("accumulated"))
    return Explainer(subject, convention).explain([failed]).get(failed.id, "")


@pytest.mark.parametrize(
    ("defect", "check", "words"),
    [
        ("load_drops_velocity", "resumes_where_it_stopped", "and loaded, the velocity is lost"),
        ("pickle_drops_velocity", "pickle_is_faithful", "read again, the velocity is lost"),
        ("save_drops_second_parameter", "resumes_where_it_stopped",
         "parameter 1 of the list, counted from 0: the velocity is lost"),
        ("pickle_forgets_nesterov", "pickle_is_faithful", "read again, nesterov is lost"),
    ],
)  # fmt: skip
def test_what_is_lost_on_the_way_is_named(defect: str, check: str, words: str) -> None:
    text = told(GALLERY[defect].build(), check)
    assert text.startswith("after the run was ")
    assert words in text


def test_a_run_that_hears_nothing_after_a_load_is_said_to_be_deaf() -> None:
    """Also where the problem's change comes before the stop."""
    later = (ROW[0]._replace(lr=0.125),)
    problem = replace(PROBLEM, hypers=(ROW, later, later))
    text = told(GALLERY["lr_dead_after_load"].build(), "resumes_where_it_stopped", problem)
    assert text.endswith("saved and loaded, what is set has no effect any more")


class LoadsPlainly:
    """A subject whose loads turn Nesterov's form off, which a set turns on again."""

    def __init__(self, subject: Any) -> None:
        self.subject, self.facts = subject, subject.facts

    def start(self, *arguments: Any, **named: Any) -> Any:
        run = self.subject.start(*arguments, **named)
        load = run.load

        def plain(saved: Any) -> None:
            load(saved)
            run.hypers = [h._replace(nesterov=False) for h in run.hypers]

        run.load = plain
        return run


def test_a_flag_that_a_load_loses_is_named_though_a_set_restores_it() -> None:
    subject = LoadsPlainly(Machine(name="m", convention=get("accumulated")))
    text = told(subject, "resumes_where_it_stopped")
    assert text == "after the run was saved and loaded, nesterov is lost"


def test_groups_that_differ_are_no_change() -> None:
    rows = ((Hyper(0.25), Hyper(0.25, 0.75)),) * 4
    differing = replace(PROBLEM, shapes=((7,), (7,)), hypers=rows, groups=(0, 1))
    text = told(
        GALLERY["save_drops_second_parameter"].build(), "resumes_where_it_stopped", differing
    )
    assert "the velocity is lost" in text


def test_all_that_is_kept_beside_the_velocity_may_be_lost() -> None:
    plain = replace(PROBLEM, hypers=((Hyper(0.25, 0.75),),) * 4)
    text = told(GALLERY["load_drops_weight"].build(), "resumes_where_it_stopped", plain)
    assert text.endswith("loaded, the weight that is kept beside the velocity is lost")


def test_a_right_machine_has_nothing_to_lose() -> None:
    subject = Machine(name="m", convention=get("accumulated"))
    for check in ("resumes_where_it_stopped", "pickle_is_faithful", "deepcopy_is_faithful"):
        assert told(subject, check) == ""


class AtOnce:
    """A subject that takes many steps in one call, as programs do."""

    def __init__(self, subject: Any) -> None:
        self.subject, self.facts = subject, replace(subject.facts, at_once=True)

    def start(self, *arguments: Any, **named: Any) -> Any:
        return Steps(self.subject.start(*arguments, **named))


class Steps:
    def __init__(self, run: Any) -> None:
        self.run = run

    def __getattr__(self, name: str) -> Any:
        return getattr(self.run, name)

    def load(self, saved: Any) -> None:
        self.run.load(saved)

    def steps(self, gradients: Any, hypers: Any) -> Any:
        rows, told = [], hypers[0]
        for row, now in zip(gradients, hypers):
            for g, (old, new) in enumerate(zip(told, now)):
                if old != new:
                    self.run.set(new, g)
            self.run.step(row)
            rows.append(self.run.parameters())
            told = now
        return rows


def test_what_takes_many_steps_at_once_is_interrupted_between_them() -> None:
    found = told(AtOnce(GALLERY["load_drops_velocity"].build()), "resumes_where_it_stopped")
    assert "and loaded, the velocity is lost" in found
