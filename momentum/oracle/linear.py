"""A block of coordinates under a convention, step by step."""

from collections.abc import Mapping
from copy import copy

import numpy as np

from momentum.arithmetic.exact import Rationals
from momentum.conventions import Hyper
from momentum.oracle.block import Exact
from momentum.oracle.coefficients import Number, Step
from momentum.oracle.given import Array, Floats
from momentum.oracle.kernels import Block, Kept
from momentum.oracle.plan import Plan


class Linear:
    """Parameter and state of a block, with their bounds, and over rationals where wanted."""

    def __init__(self, plan: Plan, start: Array, truth: Exact | None = None) -> None:
        self.plan, self.truth = plan, truth
        self.block = Block(start, [plan.initial(n) for n in plan.arrays], plan.format)

    @property
    def value(self) -> Array:
        """The parameters."""
        return self.block.value

    @property
    def bound(self) -> Array:
        """How far an implementation may be from them."""
        return self.block.bound

    @property
    def arrays(self) -> dict[str, Array]:
        """The arrays of the state by name."""
        return dict(zip(self.plan.arrays, self.block.here.held[1:]))

    def part(self, kept: Kept = slice(None)) -> "Linear":
        """The same history at some of its coordinates, to go on by itself."""
        twin = copy(self)
        twin.plan, twin.block = copy(self.plan), self.block.part(kept)
        twin.plan.numbers = dict(self.plan.numbers)
        return twin

    def move_to(self, iterate: Floats) -> None:
        """Go on from a subject's own iterate; velocities stay."""
        self.block.move_to(iterate)
        if self.truth is not None:
            self.truth.move_to(self.block.value)

    def point(self, h: Hyper) -> Array | Rationals:
        """Where the gradient of a closed loop is taken."""
        if self.truth is not None:
            return self.truth.point(h)
        state = self.plan.plain_state(self.arrays)
        return np.asarray(self.plan.convention.gradient_point(self.block.value, state, h))

    def take(
        self, grad: Array, h: Hyper, step: Step | None = None, off: float | Array | None = None
    ) -> None:
        """One step, planned before or now. off: see Block.take."""
        self.block.take(self.plan.next(h) if step is None else step, grad, off)
        if self.truth is not None:
            theta, *state = self.truth.take(grad, h)
            fields = dict(zip(self.plan.fields, state))
            self.block.hold([theta, *(fields[n] for n in self.plan.arrays)])

    def resume(self, state: Mapping[str, float | Array]) -> None:
        """Go on from a state that a subject shows, its arrays in doubt by one rounding."""
        for name, x in state.items():
            if name in self.plan.arrays:
                self.block.place(1 + self.plan.arrays.index(name), np.asarray(x, dtype=np.float64))
            else:
                self.plan.numbers[name] = Number(float(x), 0.0)
        self.plan.begun = True
