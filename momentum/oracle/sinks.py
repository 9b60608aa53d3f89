"""Where the numbers of a walk go: a trajectory, or the distances of iterates from one."""

from collections.abc import Sequence
from types import ModuleType

import numpy as np

from momentum.oracle.given import Array, Floats


class Values:
    """Where a walk's numbers go: the trajectory. Shapes: values, bounds (steps, size)."""

    def __init__(self, steps: int, size: int) -> None:
        self.values, self.bounds = np.empty((2, steps, size))
        self.rest: Array | None = None  # what is left of the exact values

    def row(self, t: int, block: slice) -> Array:
        """An array that values of a step may be written to."""
        return np.asarray(self.values[t, block])

    def put(self, t: int, block: slice, value: Array, rest: Array | None = None) -> None:
        """Keep the values of a step; rest: what is left of exact ones."""
        self.values[t, block] = value
        if rest is not None:
            self.rest = np.zeros(self.values.shape) if self.rest is None else self.rest
            self.rest[t, block] = rest

    def put_compiled(self, t: int, block: slice, value: Array, kernels: ModuleType) -> None:
        """The same of what compiled code has written to `row`."""


class Errors(Values):
    """How far iterates are from a walk along them (single), and from a trajectory (apart).

    Shapes: each (steps, size); iterates: one flat array a step.
    """

    def __init__(self, iterates: Sequence[Floats], trajectory: Array, rest: Array | None) -> None:
        self.iterates, self.trajectory, self.rest = iterates, trajectory, rest
        self.bounds, self.apart = np.empty(trajectory.shape), np.empty(trajectory.shape)
        self.single = np.empty(trajectory.shape)

    def row(self, t: int, block: slice) -> Array:
        """An array that values of a step may be written to."""
        return np.empty(self.single[t, block].size)

    def put(self, t: int, block: slice, value: Array, rest: Array | None = None) -> None:
        """Keep the distances only."""
        got, left = self.iterates[t][block], None if self.rest is None else self.rest[t, block]
        distance(got, self.trajectory[t, block], self.apart[t, block], left)
        distance(got, value, self.single[t, block], rest)
        if t:  # from nan nothing leads back: no step after it is judged
            lost = ~np.isfinite(self.iterates[t - 1][block])
            if lost.any():
                self.bounds[t, block][lost] = np.inf

    def put_compiled(self, t: int, block: slice, value: Array, kernels: ModuleType) -> None:
        """The same by compiled code."""
        got = self.iterates[t][block]
        kernels.distance(got, self.trajectory[t, block], self.apart[t, block])
        kernels.distance(got, value, self.single[t, block])


def distance(got: Floats, value: Array, out: Array, rest: Array | None = None) -> None:
    """|got - (value + rest)|, infinite where got or value is not finite."""
    np.subtract(got, value, out=out, dtype=np.float64)
    if rest is not None:
        out -= rest
    np.abs(out, out=out)
    if not np.isfinite(out).all():
        out[~(np.isfinite(got) & np.isfinite(value))] = np.inf
