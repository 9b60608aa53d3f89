"""A series shows the coordinate that went furthest astray, and how a subject answers an impulse."""

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest

from momentum.adapters import adapt
from momentum.conventions import Hyper, get
from momentum.gallery import GALLERY, Machine
from momentum.runner.series import POINTS, SHORTEST, furthest, impulse, setting_in_words
from momentum.subjects.problems import Problem


def right(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - v, v


def problem(steps=3, shapes=((2,), (3,)), kind="normal", **hyper):
    row = (Hyper(**({"lr": 0.125, "momentum": 0.5} | hyper)),)
    return Problem("float64", shapes, (row,) * steps, (0,) * len(shapes), kind, seed=1)


def test_furthest_shows_the_coordinate_that_is_wrong():
    def wrong(theta, v, grad, lr, momentum):
        theta, v = right(theta, v, grad, lr, momentum)
        return theta + (np.arange(theta.size) == 2), v

    series = furthest(adapt(wrong, {}, "wrong"), get("scaled"), problem())
    assert series.where == "parameter 1 of shape (3,)[2]"
    assert series.steps == tuple(range(1, SHORTEST + 1))
    assert {len(x) for x in (series.got, series.exact, series.bound, series.step_error,
                             series.step_bound)} == {SHORTEST}  # fmt: skip
    for t, (got, exact, bound) in enumerate(zip(series.got, series.exact, series.bound), 1):
        assert abs(got - exact - t) <= bound


def test_furthest_is_none_where_the_subject_cannot_be_run():
    def raises(theta, v, grad, lr, momentum):
        raise RuntimeError

    assert furthest(adapt(raises, {}, "raises"), get("scaled"), problem()) is None


def test_furthest_keeps_a_long_run_readable_and_its_worst_step_in_it():
    count = []

    def wrong_once(theta, v, grad, lr, momentum):
        count.append(0)
        theta, v = right(theta, v, grad, lr, momentum)
        return theta + 1000.0 * (len(count) == 777), v

    long = problem(steps=1500, shapes=((),))
    subject = adapt(wrong_once, {}, "wrong_once")
    count.clear()  # of the trials that showed what it takes
    series = furthest(subject, get("scaled"), long)
    assert len(series.steps) <= POINTS + 1
    assert 777 in series.steps
    assert series.steps[0] == 1
    assert series.steps[-1] == 1500


def test_furthest_goes_on_with_the_last_setting_and_takes_the_worst_group():
    h, later = Hyper(0.125, 0.5), Hyper(0.25, 0.5)
    subject = GALLERY["first_group_for_all"].build()
    short = Problem("float64", ((1,), (1,)), ((h, later), (later, h)), (0, 1), seed=1)
    long = replace(short, hypers=short.hypers + ((later, h),) * (SHORTEST - 2))
    series = furthest(subject, get("accumulated"), short)
    whole = furthest(subject, get("accumulated"), long)
    assert (series.got, series.exact) == (whole.got, whole.exact)
    assert series.where == "parameter 1 of shape (1,)[0]"


@pytest.mark.parametrize(
    ("dtypes", "note"),
    [
        (("float32", "float64"), "float64, lr 0.1, momentum 0.9"),
        (("float16", "float32"), "float16, lr 0.1, momentum 0.9"),
    ],
)
def test_impulse_is_told_in_the_finest_dtype(dtypes, note):
    series = impulse(Machine("right", get("scaled")), get("scaled"), dtypes)
    assert (series.note, series.where) == (note, "parameter 0 of shape (1,)[0]")


def test_impulse_answers_with_powers_of_the_momentum():
    series = impulse(adapt(right, {"lr": 0.25, "momentum": 0.5}, "right"), get("scaled"),
                     ("float32", "float64"))  # fmt: skip
    position = Fraction(0)
    for t, (exact, got) in enumerate(zip(series.exact, series.got)):
        position -= Fraction(1, 4) * Fraction(1, 2) ** t
        assert Fraction(exact) == Fraction(got) == position


@pytest.mark.parametrize(
    ("hyper", "text"),
    [
        ({}, "float64, lr 0.125, momentum 0.5"),
        ({"momentum": 0.0}, "float64, lr 0.125"),
        ({"nesterov": True, "weight_decay": 0.1},
         "float64, lr 0.125, momentum 0.5, weight_decay 0.1, nesterov"),
    ],
)  # fmt: skip
def test_setting_in_words_names_what_is_on(hyper, text):
    made = problem(**hyper)
    assert setting_in_words(made, made.hypers[0][0]) == text
