"""Problems: where a run starts, what it is fed, and with which hyper-parameters.

A problem is small enough to print: its numbers come from a seed. `to_text` and `from_text` carry
it through a command line without loss.
"""

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper
from momentum.errors import did_you_mean
from momentum.subjects.problems import special_values, written
from momentum.subjects.protocol import Array

KINDS = (
    "normal",  # start and gradients standard normal
    "from_zero",  # start 0, so that the velocity's own rounding shows
    "dyadic",  # small multiples of 1/8: no rounding where hyper-parameters are dyadic too
    "impulse",  # one gradient of ones, then zeros
    "wide",  # magnitudes over many binades, zeros among them
    "quadratic",  # closed loop: gradient of a quadratic with random curvature, at the iterate
    "tiny",  # subnormal numbers
    "huge",  # near overflow
    "special",  # signed zeros, inf and nan in single coordinates
    "still",  # all gradients zero
    "constant",  # the same gradient at every step
    "late",  # two steps of zero gradients, then standard normal ones
    "ternary",  # every pattern of 0, 1 and -1 in the start and the first gradients, then zeros
    "sliced",  # standard normal, with whole rows or columns of zero gradients
    "faint",  # start 0, gradients many binades below 1
    "bowl",  # closed loop: the gradient is the iterate, so that lr alone decides stability
)


@dataclass(frozen=True)
class Problem:
    """One run to be made.

    hypers[t][g]: hyper-parameters of group g at step t. groups[i]: group of parameter i.
    missing: (step, parameter) pairs that have no gradient. options: passed to Subject.start.
    """

    dtype: str
    shapes: tuple[tuple[int, ...], ...]
    hypers: tuple[tuple[Hyper, ...], ...]
    groups: tuple[int, ...]
    kind: str = "normal"
    seed: int = 0
    missing: frozenset[tuple[int, int]] = frozenset()
    options: tuple[tuple[str, Any], ...] = ()

    @property
    def steps(self) -> int:
        """Number of steps."""
        return len(self.hypers)

    @property
    def closed(self) -> bool:
        """Gradients depend on the iterates."""
        return self.kind in ("quadratic", "bowl")

    @cached_property
    def start(self) -> list[Array]:
        """Start values, one array a parameter, all of them numbers of the dtype."""
        return [self._values(-1, i) for i in range(len(self.shapes))]

    def gradients(self, t: int, iterates: Sequence[Array]) -> list[Array | None]:
        """Gradients of step t (from 0), None where there is none."""
        return [
            None if (t, i) in self.missing else self._gradient(t, i, x)
            for i, x in enumerate(iterates)
        ]

    def _gradient(self, t: int, i: int, iterate: Array) -> Array:
        if not self.closed:
            return self._values(t, i)
        if self.kind == "bowl":
            return iterate
        rng = np.random.default_rng((self.seed, 1, i))
        curvature = rng.uniform(0.1, 1.5, self.shapes[i])
        with np.errstate(all="ignore"):
            return format_of(self.dtype).round(curvature * iterate)

    def _values(self, t: int, i: int) -> Array:
        shape = self.shapes[i]
        drawn = _small if math.prod(shape) <= SMALL else _drawn
        return drawn(self.kind, self.seed, t, i, shape, self.dtype).copy()

    def cut(self, steps: int) -> "Problem":
        """The same problem, ended after some steps."""
        missing = frozenset((t, i) for t, i in self.missing if t < steps)
        return replace(self, hypers=self.hypers[:steps], missing=missing)

    def to_text(self) -> str:
        """One line of JSON, floats in hexadecimal, equal steps written once."""
        runs: list[list[Any]] = []
        for row in self.hypers:
            text = [written.numbers(h) for h in row]
            if runs and runs[-1][1] == text:
                runs[-1][0] += 1
            else:
                runs.append([1, text])
        record = {
            "dtype": self.dtype,
            "shapes": self.shapes,
            "hypers": runs,
            "groups": self.groups,
            "kind": self.kind,
            "seed": self.seed,
            "missing": sorted(self.missing),
            "options": self.options,
        }
        return json.dumps(record, separators=(",", ":"))

    @classmethod
    def from_text(cls, text: str) -> "Problem":
        """The problem that `to_text` wrote.

        Raises: ValueError where it is none.
        """
        record = written.record(text)
        if record.kind not in KINDS:
            hint = did_you_mean(record.kind, KINDS)
            raise ValueError(f"not a problem: unknown kind {record.kind!r}{hint}")
        rows: list[tuple[Hyper, ...]] = []
        for times, row in record.hypers:
            rows += [tuple(written.hyper(h) for h in row)] * times
        return cls(
            dtype=format_of(record.dtype).name,
            shapes=tuple(tuple(s) for s in record.shapes),
            hypers=tuple(rows),
            groups=tuple(record.groups),
            kind=record.kind,
            seed=record.seed,
            missing=frozenset(record.missing),
            options=tuple((k, _tupled(v)) for k, v in record.options),
        )


SMALL = 256
"""Elements of an array that is kept: checks draw the same ones again and again."""


def _drawn(kind: str, seed: int, t: int, i: int, shape: tuple[int, ...], dtype: str) -> Array:
    rng = np.random.default_rng((seed, 0, t + 1, i))
    return special_values.draw(kind, t, shape, format_of(dtype), rng)


_small = lru_cache(4096)(_drawn)


def _tupled(value: object) -> object:
    return tuple(_tupled(v) for v in value) if isinstance(value, list) else value
