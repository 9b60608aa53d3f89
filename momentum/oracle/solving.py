"""All steps of all coordinates, block by block."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import Format, exact_array, nearest_array
from momentum.arithmetic.expanded import NotLinear
from momentum.conventions import Convention, Hyper
from momentum.oracle.block import Exact, Tier, Walk
from momentum.oracle.coefficients import Step
from momentum.oracle.linear import Linear
from momentum.oracle.plan import Plan

Array = NDArray[np.float64]

# Arrays of this many elements stay in the processor's cache while all steps pass over them.
_BLOCK = 8192

# Large arrays are walked in threads, each in blocks of its own.
_SHARED = 131072


class Solved(NamedTuple):
    """Shapes: values and bound (steps, *start.shape); exact: one array of rationals a step."""

    gradients: tuple[Any, ...]
    values: Array
    bound: Array
    exact: list[NDArray[Any]] | None


class Solving:
    """One run: a convention on a problem, or along a subject's iterates."""

    def __init__(
        self,
        convention: Convention,
        start: Array,
        gradients: Any,
        hypers: tuple[Hyper, ...],
        format: Format,
        tier: Tier,
        iterates: Array | None,
    ) -> None:
        self.convention, self.format, self.tier = convention, format, tier
        self.start, self.hypers, self.iterates = start, hypers, iterates
        self.gradients = gradients
        self.closed = callable(gradients)
        self.recorded: list[Any] = []
        self.values = np.empty((len(hypers), start.size))
        self.bounds = np.empty((len(hypers), start.size))
        self.truths: list[NDArray[Any]] | None = [] if tier == "exact" else None
        self.steps: list[Step | None] = [None] * len(hypers)
        if not self.closed:
            self.flat = [None if g is None else g.reshape(-1) for g in gradients]
            self.fitting = [g is not None and _as_fine(g.dtype, format) for g in gradients]
        try:
            self._planned = self._plan()
            if not self.closed:
                for t, h in enumerate(hypers):
                    if gradients[t] is not None:
                        self.steps[t] = self._planned.next(h)
            self.linear = True
        except (NotLinear, TypeError, AttributeError):  # the rule computes with other things too
            self.linear = False

    def _plan(self) -> Plan:
        return Plan(self.convention, self.format, self.tier == "fast")

    def walk(self, block: slice) -> None:
        """All steps of a block of coordinates."""
        with np.errstate(all="ignore"):  # overflow shows in the numbers themselves
            start = self.start.reshape(-1)[block]
            here: Any
            truth = Exact(self.convention, start) if self.tier == "exact" else None
            if self.linear:
                here = Linear(self._plan(), start, truth)
            else:
                here = Walk(self.convention, self.format, start, truth)
            poisoned: Any = None
            for t, h in enumerate(self.hypers):
                if self.iterates is not None and t:
                    here.move_to(self.iterates[t - 1, block])
                grad, fitting = self._gradient(t, block, here)
                if grad is not None:
                    if not np.isfinite(np.sum(grad, dtype=np.float64)) or poisoned is not None:
                        bad = ~np.isfinite(grad)
                        poisoned = bad if poisoned is None else poisoned | bad
                        grad = np.where(poisoned, 0.0, grad)
                    here.take(grad, h, self.steps[t], fitting)
                self.values[t, block] = here.value
                # A step that passes the parameter by leaves what it shows, bit for bit.
                passed_by = grad is None and self.iterates is not None and t > 0
                self.bounds[t, block] = 0.0 if passed_by else here.bound
                if poisoned is not None:
                    self.values[t, block][poisoned] = np.nan
                    self.bounds[t, block][poisoned] = np.inf
                if self.truths is not None and truth is not None:
                    self.truths.append(truth.theta.reshape(self.start.shape))

    def _gradient(self, t: int, block: slice, here: Any) -> tuple[Any, bool]:
        if not self.closed:
            flat = self.flat[t]
            return (None, False) if flat is None else (flat[block], self.fitting[t])
        answer = self.gradients(here.point(self.hypers[t]).reshape(self.start.shape))
        grad = None if answer is None else _as_float(answer).reshape(-1)
        self.recorded.append(None if grad is None else grad.reshape(self.start.shape))
        return grad, False


def solve(
    convention: Convention,
    start: Array,
    gradients: Any,
    hypers: tuple[Hyper, ...],
    format: Format,
    tier: Tier,
    iterates: Array | None,
) -> Solved:
    """Values and bounds at every step; from the subject's iterates where given.

    Raises: ValueError where the start is not finite.
    """
    if not np.all(np.isfinite(start)):
        raise ValueError("start must be finite")
    run = Solving(convention, start, gradients, hypers, format, tier, iterates)
    blocks = list(_blocks(start.size, whole=run.closed or tier == "exact"))
    if start.size <= _SHARED or len(blocks) == 1:
        for block in blocks:
            run.walk(block)
    else:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(run.walk, blocks))
    run.bounds[np.isnan(run.bounds)] = np.inf  # where float64 itself overflowed
    shape = (len(hypers), *start.shape)
    fed = tuple(run.recorded if run.closed else gradients)
    return Solved(fed, run.values.reshape(shape), run.bounds.reshape(shape), run.truths)


def _blocks(size: int, whole: bool) -> Iterator[slice]:
    width = max(size, 1) if whole else _BLOCK
    for first in range(0, max(size, 1), width):
        yield slice(first, min(first + width, size))


def _as_fine(dtype: Any, format: Format) -> bool:
    """All numbers of a NumPy dtype are the format's."""
    bits = {"float16": 11, "float32": 24, "float64": 53}.get(str(dtype), 99)
    narrow = str(dtype) == "float16" or format.emax >= 127
    return not format.flushes and bits <= format.precision and narrow


def _as_float(answer: Any) -> Array:
    """A gradient function's answer as float64: rationals are rounded to nearest."""
    array = np.asarray(answer)
    return nearest_array(exact_array(array)) if array.dtype == object else array.astype(np.float64)
