"""A rule that adds a number to every element has no matrix, and is replayed by its text."""

from dataclasses import replace
from typing import Any

import numpy as np

from momentum.conventions import Hyper, get
from momentum.oracle.replay import replay_steps


def test_a_rule_that_adds_a_number_is_replayed() -> None:
    """v = 1, then 1/2 + 1; x = -(1 + 1/2) / 2, then x - (1 + 3/4) / 2."""
    plain = get("zero_started")

    def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> Any:
        v = h.momentum * state.v + (1 - h.dampening)
        return theta - h.lr * (grad + h.momentum * v), state._replace(step=state.step + 1, v=v)

    shifted = replace(plain, rule=rule, forms=lambda h: ())
    ones = [np.ones(3)] * 2
    found = replay_steps(
        shifted, np.zeros(3), ones, [Hyper(0.5, 0.5)] * 2, dtype="float32", tier="fast"
    )
    assert found.values.tolist() == [[-0.75] * 3, [-1.625] * 3]
