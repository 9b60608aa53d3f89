"""Numbers are measured to their last unit, and what cannot be told apart is said to be so."""

from typing import Any

import numpy as np
import pytest

from momentum.arithmetic import format_of
from momentum.arithmetic.dual import Dual
from momentum.conventions import Hyper, get
from momentum.diagnosis import describe, identify, measure, response
from momentum.diagnosis.hypothesis import Hypothesis
from momentum.gallery import Machine


def told(change: Any, dtypes: tuple[str, ...]) -> Machine:
    """accumulated, with other hyper-parameters than those that are set."""
    convention = get("accumulated")

    def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> Any:
        return convention.step(theta, grad, state, change(h))

    return Machine(name="m", convention=convention, rule=rule, dtypes=dtypes)


def number(subject: Machine, name: str, dtype: str) -> Any:
    found = measure(subject, Hypothesis.of(subject.convention), dtype)
    return next(e for e in found if e.name == name)


def test_measure_tells_a_momentum_from_its_float32() -> None:
    single = float(np.float32(0.9))
    shift = single - 0.9
    wrong = number(told(lambda h: h._replace(momentum=h.momentum + shift), ("float64",)),
                   "momentum", "float64")  # fmt: skip
    assert wrong.interval[0] <= shift <= wrong.interval[1]
    assert not wrong.interval[0] <= 0 <= wrong.interval[1]
    assert wrong.readings == ("rounded to float32",)
    right = number(told(lambda h: h, ("float64",)), "momentum", "float64")
    assert right.interval[0] <= 0 <= right.interval[1]
    assert "as set" in right.readings


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_measure_sees_one_unit_of_momentum(dtype: str) -> None:
    unit = 2 * format_of(dtype).u * 0.5  # spacing of the numbers from 0.5 to 1
    held = float(format_of(dtype).round(0.9))
    change = held + unit - 0.9
    wrong = number(told(lambda h: h._replace(momentum=h.momentum * 0 + (held + unit)), (dtype,)),
                   "momentum", dtype)  # fmt: skip
    assert wrong.standard_error < unit / 8
    assert wrong.interval[0] <= change <= wrong.interval[1]
    assert not wrong.interval[0] <= held - 0.9 <= wrong.interval[1]


def test_estimates_of_a_departing_subject_are_said_to_be_those_beside_it() -> None:
    text = describe(identify(told(lambda h: h._replace(lr=h.lr * 1.0001), ("float64",))))
    assert "as computed in float64, given that lr is multiplied by 1.0001: estimates" in text


def test_measure_reads_a_decay_that_is_scaled_by_lr() -> None:
    subject = told(lambda h: h._replace(weight_decay=h.weight_decay * h.lr), ("float64",))
    assert "times lr" in number(subject, "weight_decay", "float64").readings


def test_measure_says_what_it_cannot_part() -> None:
    subject = Machine(name="m", convention=get("zero_started"))
    found = number(subject, "dampening", "float64")
    assert "lr" in found.tied  # only lr (1 - dampening) shows


def test_dual_numbers_differentiate_a_product_and_a_quotient() -> None:
    x, y = Dual.variable(3.0, 0, 2), Dual.variable(2.0, 1, 2)
    found = (1 - x) * y / (x + 1) - 2 / y
    assert found.value == -2.0
    # d/dx = -2y/(x+1)^2 = -1/4; d/dy = (1-x)/(x+1) + 2/y^2 = 0
    assert found.slope.ravel().tolist() == [-0.25, 0.0]


def test_response_of_an_average_is_a_geometric_series() -> None:
    found = response(Machine(name="m", convention=get("averaged")), "float64")
    assert list(found.coefficients[:4]) == [0.25 * 0.75**i for i in range(4)]
