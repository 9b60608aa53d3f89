"""Problems are small, exact and come back from their text."""

import json
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from momentum.arithmetic import FORMATS
from momentum.conventions import Hyper
from momentum.subjects.problems import KINDS, Problem
from momentum.subjects.problems.strategies import Setting, problems
from momentum.subjects.protocol import Facts

NAMES = frozenset(Hyper._fields)
SETTABLE = frozenset({"lr", "momentum"})
FACTS = Facts("wide", ("float16",), NAMES, SETTABLE, groups=True, none_gradients=True)
SETTING = Setting(FACTS, "float16")


def wide() -> st.SearchStrategy[Problem]:
    return problems(
        SETTING, schedule=("lr", "momentum"), groups=2, missing=True, kinds=KINDS, steps=(1, 6)
    )


@given(wide())
def test_problem_comes_back_from_its_text(problem: Problem) -> None:
    assert Problem.from_text(problem.to_text()) == problem


@given(wide())
def test_problem_holds_numbers_of_its_dtype_only(problem: Problem) -> None:
    format = FORMATS[problem.dtype]
    for t in range(-1, problem.steps):
        arrays = problem.start if t < 0 else problem.gradients(t, problem.start)
        for i, x in enumerate(arrays):
            if x is None:
                assert (t, i) in problem.missing
                continue
            assert x.shape == problem.shapes[i]
            assert np.array_equal(format.round(x), x, equal_nan=True)


@given(wide(), st.integers(1, 6))
def test_problem_cut_short_feeds_the_same_gradients(problem: Problem, steps: int) -> None:
    short = problem.cut(min(steps, problem.steps))
    for t in range(short.steps):
        for a, b in zip(
            problem.gradients(t, problem.start), short.gradients(t, short.start), strict=True
        ):
            assert (a is None) == (b is None)
            if a is not None and b is not None:
                assert np.array_equal(a, b, equal_nan=True)


def test_problem_draws_each_parameter_and_step_anew() -> None:
    row = (Hyper(lr=0.1),)
    problem = Problem("float64", ((4,), (4,)), (row, row), (0, 0), seed=5)
    drawn = [*problem.start, *problem.gradients(0, problem.start)]
    drawn += problem.gradients(1, problem.start)
    texts = {None if x is None else x.tobytes() for x in drawn}
    assert len(texts) == 6


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"dtype":"float8"}', '{"dtype":"float32","shapes":[[1]]}']
)
def test_problem_text_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"problem|dtype"):
        Problem.from_text(text)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("dtype", FORMATS)
def test_problem_kinds_are_what_they_say(kind: str, dtype: str) -> None:
    row = (Hyper(lr=0.1),)
    problem = Problem(dtype, ((64,),), (row,) * 3, (0,), kind, seed=2)
    format = FORMATS[dtype]
    start, grads = problem.start[0], [problem.gradients(t, problem.start)[0] for t in range(3)]
    if kind == "impulse":
        assert np.all(grads[0] == 1)
        assert not np.any(grads[1])
    elif kind == "still":
        assert not any(np.any(g) for g in grads)
    elif kind == "tiny":
        assert np.all(np.abs(start) < 100 * format.smallest_subnormal)
    elif kind == "huge":
        assert np.max(np.abs(start)) > format.largest / 32
    elif kind == "special":
        assert any(not np.all(np.isfinite(g)) for g in grads)
        assert np.all(np.isfinite(start))
    elif kind == "from_zero":
        assert not np.any(start)
    else:
        assert np.all(np.isfinite(start))


FLAT = [*["0x0.0p+0"] * 4, False, False, "0x1p0"]
WHOLE: dict[str, Any] = {
    "dtype": "float32", "shapes": [[2]], "hypers": [[3, [FLAT]]], "groups": [0],
    "kind": "normal", "seed": 1, "missing": [[1, 0]], "options": [],
}  # fmt: skip


def test_problem_is_read_where_it_is_whole() -> None:
    assert Problem.from_text(json.dumps(WHOLE)).steps == 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"dtype": "float23"}, "unknown dtype"),
        ({"dtype": 7}, "Expected `str`"),
        ({"shapes": []}, "it has no parameters"),
        ({"shapes": [[-1]]}, ">= 0"),
        ({"shapes": [[1 << 40]]}, "more than"),
        ({"hypers": []}, "it has 0 steps"),
        ({"hypers": [[10**9, [FLAT]]]}, "<= 100000"),
        ({"hypers": [[90_000, [FLAT]]] * 2}, "it has 180000 steps"),
        ({"hypers": [[1, []]]}, "same number of groups"),
        ({"hypers": [[3, [["0x1p0"]]]]}, "1 hyper-parameters"),
        ({"hypers": [[3, [["nan", *FLAT[1:]]]]]}, "lr is 'nan'"),
        ({"hypers": [[3, [["0x1p9999", *FLAT[1:]]]]]}, "lr is '0x1p9999'"),
        ({"hypers": [[3, [[True, *FLAT[1:]]]]]}, "lr is True"),
        ({"groups": [0, 0]}, "not every parameter has a group"),
        ({"groups": [7]}, "no such group"),
        ({"kind": "norml"}, "did you mean 'normal'?"),
        ({"seed": -1}, ">= 0"),
        ({"seed": "1"}, "Expected `int`"),
        ({"missing": [[3, 0]]}, "after the last step"),
        ({"missing": [[0, 1]]}, "no such parameter"),
        ({"more": 1}, "unknown field"),
        ({"options": [["x"]]}, "length 2"),
    ],
)
def test_problem_refuses_what_cannot_be_run(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        Problem.from_text(json.dumps(WHOLE | change))


@pytest.mark.parametrize("text", ["", "[" * 100_000, "{}", "3", '{"a": ' + "1" * 5000 + "}", "\0"])
def test_problem_refuses_what_is_none(text: str) -> None:
    with pytest.raises(ValueError, match="not a problem"):
        Problem.from_text(text)
