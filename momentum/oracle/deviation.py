"""Distance of a subject from the oracle, against the bound of rounding."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from momentum.oracle.given import Array


class Deviation(NamedTuple):
    """Distance of a subject from the oracle, and its bound, at every step and coordinate.

    Shapes: (steps, *parameter shape). Where the bound is infinite no claim is made.
    """

    error: Array
    bound: Array

    @property
    def ratio(self) -> Array:
        """error / bound; 0 where no claim is made or no error, infinite where none is allowed."""
        with np.errstate(all="ignore"):
            ratio = self.error / self.bound
        ratio = np.where((self.error == 0) | np.isposinf(self.bound), 0.0, ratio)
        return np.where(np.isnan(ratio), np.inf, ratio)

    @property
    def within(self) -> bool:
        """No error is beyond its bound: all ratios are at most 1."""
        return all(bool(np.all(error <= bound)) for error, bound in zip(self.error, self.bound))

    @property
    def worst(self) -> tuple[int, ...]:
        """Index (step, *coordinate) of the largest ratio, the earliest of equals.

        Raises: ValueError where there is no element.
        """
        ratio = self.ratio
        return tuple(int(i) for i in np.unravel_index(int(np.argmax(ratio)), ratio.shape))


class Powerful(Protocol):
    """A trajectory that tells how small an error a comparison with it would have failed."""

    @property
    def power(self) -> Mapping[str, float]:
        """By hyper-parameter, relative."""


@dataclass(frozen=True)
class Comparison:
    """A subject's iterates against the oracle, twice.

    trajectory: against the exact trajectory from the common start; the bound grows with the steps.
    step: against the exact step from the subject's own last iterate; the bound does not grow.
    """

    trajectory: Deviation
    step: Deviation
    truth: Powerful | None = field(default=None, repr=False)

    def __iter__(self) -> Iterator[Deviation]:
        return iter((self.trajectory, self.step))

    def __str__(self) -> str:
        """A few lines: passed or not, the worst ratio of each comparison and where, the power."""
        lines = ["passed" if self.passed else "failed"]
        for name, deviation in (("trajectory", self.trajectory), ("step", self.step)):
            if not deviation.error.size:
                lines.append(f"{name}: no elements")
                continue
            step, *coordinate = deviation.worst
            at = f", coordinate {', '.join(map(str, coordinate))}" if coordinate else ""
            error, bound = (x[deviation.worst] for x in deviation)
            lines.append(
                f"{name}: worst ratio {deviation.ratio[deviation.worst]:.3g} at step {step + 1}{at}"
                f" (error {error:.3g}, bound {bound:.3g})"
            )
        unclaimed = int(np.isposinf(self.step.bound).sum())
        if unclaimed:
            lines.append(f"no claim for {unclaimed} of {self.step.bound.size} numbers")
        if self.power:
            told = ", ".join(f"{name} {error:.2g}" for name, error in self.power.items())
            lines.append(f"power: the smallest relative error that would have failed: {told}")
        return "\n".join(lines)

    @property
    def power(self) -> Mapping[str, float]:
        """The smallest relative error of each hyper-parameter that would have failed."""
        return {} if self.truth is None else self.truth.power

    @property
    def passed(self) -> bool:
        """Every error lies within its bound."""
        return self.trajectory.within and self.step.within
