"""All steps of all coordinates, block by block."""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import Format, exact_array, nearest_array
from momentum.arithmetic.expanded import NotLinear
from momentum.conventions import Convention, Hyper
from momentum.oracle.block import Exact, Tier, Walk
from momentum.oracle.coefficients import Step
from momentum.oracle.kernels import off_format
from momentum.oracle.linear import Linear
from momentum.oracle.plan import Plan

Array = NDArray[np.float64]

# Arrays of this many elements stay in the processor's cache while all steps pass over them.
_BLOCK = 8192

# Large arrays are walked in threads, each in blocks of its own.
_SHARED = 131072

# Gradients of this many elements, all steps together, are looked through at once.
_FEW = 65536


class Sink(Protocol):
    """Where the numbers of a walk go."""

    bounds: Array

    def put(self, t: int, block: slice, value: Array, bound: Array) -> None:
        """Those after step t, for a block of coordinates."""


class Values:
    """The trajectory itself. Shapes: values, bounds (steps, size)."""

    def __init__(self, steps: int, size: int) -> None:
        self.values, self.bounds = np.empty((steps, size)), np.empty((steps, size))

    def put(self, t: int, block: slice, value: Array, bound: Array) -> None:
        """Keep them."""
        self.values[t, block], self.bounds[t, block] = value, bound


class Errors:
    """How far iterates are from a walk along them, and from a trajectory.

    Shapes: each (steps, size); iterates: one flat array a step.
    """

    def __init__(self, iterates: Sequence[Any], trajectory: Array) -> None:
        self.iterates, self.trajectory = iterates, trajectory
        self.bounds, self.apart = np.empty(trajectory.shape), np.empty(trajectory.shape)
        self.single = np.empty(trajectory.shape)

    def put(self, t: int, block: slice, value: Array, bound: Array) -> None:
        """Keep the distances only."""
        got = self.iterates[t][block]
        distance(got, self.trajectory[t, block], self.apart[t, block])
        distance(got, value, self.single[t, block])
        self.bounds[t, block] = bound
        if t:  # nothing leads back from nan: where it came about is judged, and nothing later
            lost = ~np.isfinite(self.iterates[t - 1][block])
            if lost.any():
                self.bounds[t, block][lost] = np.inf


def distance(got: Any, value: Array, out: Array) -> None:
    """|got - value|, infinite where either is not finite."""
    np.subtract(got, value, out=out, dtype=np.float64)
    np.abs(out, out=out)
    if not np.isfinite(out).all():
        out[~(np.isfinite(got) & np.isfinite(value))] = np.inf


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
        sink: Sink,
        iterates: Sequence[Any] | None = None,
    ) -> None:
        self.convention, self.format, self.tier = convention, format, tier
        self.start, self.hypers, self.iterates, self.sink = start, hypers, iterates, sink
        self.gradients = gradients
        self.closed = callable(gradients)
        self.recorded: list[Any] = []
        self.truths: list[NDArray[Any]] | None = [] if tier == "exact" else None
        self.steps: list[Step | None] = [None] * len(hypers)
        self.finite = False
        if not self.closed:
            with np.errstate(all="ignore"):
                self._look()
        try:
            plan = self._plan()
            if not self.closed:
                self.steps = [None if g is None else plan.next(h)
                              for g, h in zip(gradients, hypers)]  # fmt: skip
            self.linear = True
        except (NotLinear, TypeError, AttributeError):  # the rule computes with other things too
            self.linear = False

    def _plan(self) -> Plan:
        return Plan(self.convention, self.format, self.tier == "fast")

    def _look(self) -> None:
        """Gradients as rows, and how far they are from the format's numbers, where known."""
        self.flat = [None if g is None else g.reshape(-1) for g in self.gradients]
        self.off: list[Any] = [
            0.0 if g is not None and _as_fine(g.dtype, self.format) else None for g in self.flat
        ]
        given = [t for t, g in enumerate(self.flat) if g is not None]
        if not given or self.start.size * len(given) > _FEW:
            return
        rows = np.array([self.flat[t] for t in given], dtype=np.float64)
        self.finite = bool(np.isfinite(rows).all())
        off = off_format(rows, self.format)
        for i, t in enumerate(given):
            self.flat[t], self.off[t] = rows[i], off[i] if isinstance(off, np.ndarray) else off

    def walk(self, block: slice) -> None:
        """All steps of a block of coordinates."""
        with np.errstate(all="ignore"):  # overflow shows in the numbers themselves
            self._walk(block)
            bounds = self.sink.bounds[:, block]
            unknown = np.isnan(bounds)
            if unknown.any():  # where float64 itself overflowed
                bounds[unknown] = np.inf

    def _walk(self, block: slice) -> None:
        start = self.start.reshape(-1)[block]
        truth = Exact(self.convention, start) if self.tier == "exact" else None
        here: Any
        if self.linear:
            here = Linear(self._plan(), start, truth)
        else:
            here = Walk(self.convention, self.format, start, truth)
        poisoned: Any = None
        for t, h in enumerate(self.hypers):
            if self.iterates is not None and t:
                here.move_to(self.iterates[t - 1][block])
            grad, off = self._gradient(t, block, here)
            if grad is not None:
                finite = self.finite or np.isfinite(np.sum(grad, dtype=np.float64))
                if not finite or poisoned is not None:
                    bad = ~np.isfinite(grad)
                    poisoned = bad if poisoned is None else poisoned | bad
                    grad, off = np.where(poisoned, 0.0, grad), None
                here.take(grad, h, self.steps[t], off)
            value, bound = here.value, here.bound
            if grad is None and self.iterates is not None and t > 0:
                # A step that passes the parameter by leaves what it shows, bit for bit.
                bound = np.zeros_like(bound)
            if poisoned is not None:
                value, bound = np.where(poisoned, np.nan, value), np.where(poisoned, np.inf, bound)
            self.sink.put(t, block, value, bound)
            if self.truths is not None and truth is not None:
                self.truths.append(truth.theta.reshape(self.start.shape))

    def _gradient(self, t: int, block: slice, here: Any) -> tuple[Any, Any]:
        if not self.closed:
            flat, off = self.flat[t], self.off[t]
            if flat is None:
                return None, None
            return flat[block], off[block] if isinstance(off, np.ndarray) else off
        answer = self.gradients(here.point(self.hypers[t]).reshape(self.start.shape))
        grad = None if answer is None else _as_float(answer).reshape(-1)
        self.recorded.append(None if grad is None else grad.reshape(self.start.shape))
        return grad, None

    def run(self) -> None:
        """All blocks.

        Raises: ValueError where the start is not finite.
        """
        if not np.all(np.isfinite(self.start)):
            raise ValueError("start must be finite")
        size = self.start.size
        blocks = list(_blocks(size, whole=self.closed or self.tier == "exact"))
        if size <= _SHARED or len(blocks) == 1:
            for block in blocks:
                self.walk(block)
        else:
            with ThreadPoolExecutor(os.cpu_count()) as threads:
                list(threads.map(self.walk, blocks))


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
