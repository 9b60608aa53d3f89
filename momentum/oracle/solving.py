"""All steps of all coordinates, block by block."""

import math
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import Format
from momentum.arithmetic.dyadic import Undecided
from momentum.arithmetic.expanded import NotLinear
from momentum.conventions import Convention, Hyper
from momentum.oracle.block import RATIONALS, Exact, Tier, Walk, number_types
from momentum.oracle.given import Array, Floats
from momentum.oracle.kernels import off_format
from momentum.oracle.linear import Linear
from momentum.oracle.plan import Plan, planned
from momentum.oracle.sinks import Values

# Arrays of this many elements stay in the processor's cache while all steps pass over them.
_BLOCK = 8192

# Large arrays are walked in threads, each in blocks of its own.
_SHARED = 131072

# Gradients of this many elements, all steps together, are looked through at once.
_FEW = 8192


# So many elements and steps are worth the time that compiled code takes to load, and so few a
# call of it once it is there.
_MANY, _SOME = 1 << 22, 1 << 12


# Seconds that the exact tier takes without a word.
_LONG = 20.0


@cache
def _loaded() -> ModuleType | None:
    """The module `compiled`, None where numba is not installed."""
    try:
        return import_module("momentum.oracle.compiled")
    except ImportError:
        return None


def _compiled(count: int) -> ModuleType | None:
    """The module where it is worth while for so many elements and steps."""
    return _loaded() if count >= (_SOME if _loaded.cache_info().currsize else _MANY) else None


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
        sink: Values,
        iterates: Sequence[Floats] | None = None,
        rational: bool = False,
    ) -> None:
        self.convention, self.format, self.tier = convention, format, tier
        self.start, self.hypers, self.iterates, self.sink = start, hypers, iterates, sink
        self.gradients = gradients
        self.closed = gradients is None or callable(gradients)  # they come as it goes
        self.recorded: list[Any] = []
        self.truths: list[NDArray[Any]] | None = [] if rational else None
        self.numbers = RATIONALS
        self.steps: Sequence[Any] = [None] * len(hypers)
        self.finite = False
        self.apart = False  # from the format's numbers, by distances that differ
        if not self.closed:
            with np.errstate(all="ignore"):
                self._look()
        self.kernels: Any = None
        try:
            self.plan = self._plan()  # what it says at its beginning; walks have their own
            if not self.closed:
                self._measure()
            self.linear = True
        except (NotLinear, TypeError, AttributeError):  # the rule computes with other things too
            self.linear = False

    def _plan(self) -> Plan:
        return Plan(self.convention, self.format, self.tier == "fast")

    def _measure(self) -> None:
        """All steps, and compiled code for them where it is of use."""
        due = tuple(None if g is None else h for g, h in zip(self.gradients, self.hypers))
        self.steps = planned(self.convention, self.format, self.tier == "fast", due)
        if self.tier == "fast" and None not in due and len(self.plan.arrays) == 1:
            self.kernels = _compiled(self.start.size * len(due))

    def _look(self) -> None:
        """Gradients as rows, and how far they are from the format's numbers, where known."""
        self.flat = [None if g is None else g.reshape(-1) for g in self.gradients]
        self.off: list[Any]  # distances, 0.0 where there are none, None where they are not known
        fine = {d: _as_fine(d, self.format) for d in {g.dtype for g in self.flat if g is not None}}
        self.off = [0.0 if g is not None and fine[g.dtype] else None for g in self.flat]
        given = [t for t, g in enumerate(self.flat) if g is not None]
        if not given or self.start.size * len(given) > _FEW:
            return
        rows = np.array([self.flat[t] for t in given], dtype=np.float64)
        self.finite = bool(np.isfinite(rows).all())
        off = off_format(rows, self.format) if None in self.off else 0.0
        for i, t in enumerate(given):
            self.flat[t], self.off[t] = rows[i], off[i] if isinstance(off, np.ndarray) else off
        self.apart = isinstance(off, np.ndarray)

    def walk(self, block: slice) -> None:
        """All steps of a block of coordinates."""
        with np.errstate(all="ignore"):  # overflow shows in the numbers themselves
            if self._swift(block):
                return
            self._walk(block)
            bounds = self.sink.bounds[:, block]
            bounds[np.isnan(bounds)] = np.inf  # where float64 itself overflowed

    def _swift(self, block: slice) -> bool:
        """The same by compiled code; False where it is of no use here, or numbers may overflow."""
        if self.kernels is None:
            return False
        plan, format = self.plan, self.format
        x = self.start.reshape(-1)[block]
        ex, ev = np.zeros(x.size) + off_format(x, format), np.zeros(x.size)
        v = np.full(x.size, plan.initial(plan.arrays[0]))
        limit, floor = format.largest / 2, format.smallest_subnormal / 2
        if self.iterates is None and self.start.size <= _FEW and not self.apart:
            matrices = np.array([step.joined for step in self.steps])
            look = None in self.off
            return (format.name == "float32" or not look) and not self.kernels.walk(
                matrices, limit, look, np.array(self.flat), x, ex, v, ev,
                self.sink.values[:, block], self.sink.bounds[:, block],
            )  # fmt: skip
        moved = np.empty((2, x.size))
        for t, step in enumerate(self.steps):
            if self.iterates is not None and t:
                x, ex = moved
                self.kernels.move(self.iterates[t - 1][block], format.operation_u, floor, x, ex)
            grad, off = self._gradient(t, block, None)
            if off is None and format.name != "float32":
                off = off_format(grad, format)
            seen, bound = self.sink.row(t, block), self.sink.bounds[t, block]
            if isinstance(off, np.ndarray) or self.kernels.take(
                step.joined, limit, off is None, grad, x, ex, v, ev, seen, bound
            ):
                return False
            self.sink.put_compiled(t, block, seen, self.kernels)
            x, ex = seen, bound
        return True

    def begun(self, block: slice) -> Linear | Walk:
        """A walk at the start of a block."""
        start = self.start.reshape(-1)[block]
        truth = Exact(self.convention, start, self.numbers) if self.tier == "exact" else None
        if self.linear:
            return Linear(self._plan(), start, truth)
        return Walk(self.convention, self.format, start, truth)

    def _walk(self, block: slice) -> None:
        here = self.begun(block)
        poisoned: Any = None
        for t, h in enumerate(self.hypers):
            if self.iterates is not None and t:
                here.move_to(self.iterates[t - 1][block])
            grad, off = self._gradient(t, block, here)
            if grad is not None:
                finite = self.finite or math.isfinite(np.add.reduce(grad))
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
            self.sink.bounds[t, block] = bound
            self.sink.put(t, block, value, here.truth.rest if here.truth else None)
            if self.truths is not None and here.truth is not None:
                self.truths.append(here.truth.theta.reshape(self.start.shape))

    def _gradient(self, t: int, block: slice, here: Any) -> tuple[Any, Any]:
        if not self.closed:
            flat, off = self.flat[t], self.off[t]
            if flat is None:
                return None, None
            return flat[block], off[block] if isinstance(off, np.ndarray) else off
        answer = self.gradients(here.point(self.hypers[t]).reshape(self.start.shape))
        if answer is None:
            self.recorded.append(None)
            return None, None
        # Rationals are rounded to nearest.
        self.recorded.append(np.asarray(answer).astype(np.float64).reshape(self.start.shape))
        return self.recorded[-1].reshape(-1), None

    def _say_how_long(self) -> None:
        """Warn where digits, which grow with every step, will take long to compute with."""
        steps, count = len(self.hypers), self.start.size
        seconds = count * steps * (4e-6 + 6e-9 * steps)
        if seconds > _LONG:
            warnings.warn(
                f"the exact tier may take {seconds:.0f} s for {count} numbers and {steps} steps;"
                " the fast one counts its own rounding in its bounds",
                stacklevel=4,
            )

    def run(self) -> None:
        """All blocks.

        Raises: ValueError where the start is not finite.
        """
        if not np.all(np.isfinite(self.start)):
            raise ValueError("start must be finite")
        types = [RATIONALS]
        if self.tier == "exact" and self.linear and self.truths is None:
            self._say_how_long()
            types = number_types(self.convention, self.hypers, self.closed)
        for self.numbers in types:
            try:
                self._run()
                break
            except Undecided:
                continue

    def _run(self) -> None:
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


def _as_fine(dtype: np.dtype[Any], format: Format) -> bool:
    """All numbers of a NumPy dtype are the format's."""
    bits = {"float16": 11, "float32": 24, "float64": 53}.get(str(dtype), 99)
    narrow = str(dtype) == "float16" or format.emax >= 127
    return not format.flushes and bits <= format.precision and narrow
