"""The oracle: the exact trajectory of a convention on a problem, and how far rounding may lead."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import Rounded, exact_array, format_of, nearest_array
from momentum.conventions import Convention, Hyper, get
from momentum.oracle.block import Tier, Walk
from momentum.oracle.deviation import Comparison, Deviation

Array = NDArray[np.float64]
Gradients = Sequence[Any] | Callable[[Any], Any]

# Arrays of this many elements stay in the processor's cache while all steps pass over them.
_BLOCK = 16384

# Large arrays are cut for threads instead: NumPy lets them run side by side, and what they wait for
# each other between two operations counts less the longer an operation takes.
_SHARED_BLOCK = 131072


@dataclass(frozen=True)
class Trajectory:
    """What a convention computes on a problem.

    values[t]: parameters after step t + 1, as float64 (the nearest, where the tier is exact).
    bound[t]: how far an implementation in the working format may be from them.
    exact[t]: object array of rationals, where the tier is exact. gradients: as they were fed.
    Shapes: values and bound (steps, *start.shape).
    """

    convention: Convention
    hypers: tuple[Hyper, ...]
    dtype: str
    tier: Tier
    start: Array
    gradients: tuple[Any, ...]
    values: Array
    bound: Array
    exact: list[NDArray[Any]] | None

    def compare(self, iterates: Sequence[Any]) -> Comparison:
        """The iterates of a subject, one array after each step, against this trajectory.

        Raises: ValueError where number or shape do not fit.
        """
        got = [np.asarray(x, dtype=np.float64) for x in iterates]
        if len(got) != len(self.gradients):
            raise ValueError(f"got {len(got)} iterates for {len(self.gradients)} steps")
        for t, x in enumerate(got, 1):
            if x.shape != self.start.shape:
                raise ValueError(f"iterate {t} has shape {x.shape}, wanted {self.start.shape}")
        flat = np.array(got, dtype=np.float64).reshape(len(got), self.start.size)
        again = _solve(
            self.convention,
            self.start,
            list(self.gradients),
            self.hypers,
            self.dtype,
            self.tier,
            flat,
        )
        step = again.deviation(flat)
        # Nothing leads back from nan: the step at which it came about is judged, and no later one.
        lost = np.zeros(step.bound.shape, dtype=bool)
        lost[1:] = ~np.isfinite(flat[:-1].reshape(lost[1:].shape))
        step = step._replace(bound=np.where(lost, np.inf, step.bound))
        return Comparison(self.deviation(flat), step)

    def deviation(self, iterates: Array) -> Deviation:
        """Distance of iterates from this trajectory."""
        got = np.asarray(iterates, dtype=np.float64).reshape(self.values.shape)
        error = np.full(got.shape, np.inf)
        known = np.isfinite(got) & np.isfinite(self.values)
        if self.exact is None:
            error[known] = np.abs(got[known] - self.values[known])
        else:
            truth = np.array(self.exact, dtype=object).reshape(got.shape)
            if known.any():
                error[known] = nearest_array(abs(exact_array(got[known]) - truth[known]))
        return Deviation(error, self.bound)


def replay(
    convention: str | Convention,
    start: Any,
    gradients: Gradients,
    *,
    lr: Any,
    momentum: Any = 0.0,
    dampening: Any = 0.0,
    weight_decay: Any = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
    nu: Any = 1.0,
    dtype: str = "float32",
    tier: Tier = "fast",
    steps: int | None = None,
) -> Trajectory:
    """The exact trajectory of a convention, with the error bound of a working format.

    convention: an object, a name (`scaled`, `scaled:before`) or a speaker (`torch`).
    gradients: a sequence of arrays, one a step, `None` where the parameter has no gradient and
    the step passes it by; or a function of the point where the convention takes its gradient (a
    closed loop of `steps` steps), called with float64 arrays by the fast tier and with object
    arrays of rationals by the exact one. What it returned is kept in `gradients`, and the bound
    is that of an implementation fed with just these.
    lr, momentum, dampening, weight_decay, nu: a number, or a sequence with one value a step.
    tier: "exact" computes with rationals; "fast" with float64, whose own rounding the bound holds.

    Shapes: start and every gradient alike. Units: none.
    Raises: ValueError for shapes that differ, numbers that are not finite (gradients may be), an
    unknown name, or a hyper-parameter that the convention does not have.
    """
    chosen = get(convention)
    origin = np.array(start, dtype=np.float64)
    if callable(gradients):
        if steps is None:
            raise ValueError("a closed loop needs steps=, the number of steps to take")
        fed: Any = gradients
    else:
        fed = [None if g is None else np.asarray(g, dtype=np.float64) for g in gradients]
        if steps is not None and steps != len(fed):
            raise ValueError(f"steps={steps}, but there are {len(fed)} gradients")
        steps = len(fed)
        for t, g in enumerate(fed, 1):
            if g is not None and g.shape != origin.shape:
                raise ValueError(f"gradient {t} has shape {g.shape}, wanted {origin.shape}")
    numbers = {
        name: _each_step(name, value, steps)
        for name, value in (
            ("lr", lr),
            ("momentum", momentum),
            ("dampening", dampening),
            ("weight_decay", weight_decay),
            ("nu", nu),
        )
    }
    hypers = tuple(
        Hyper(nesterov=bool(nesterov), maximize=bool(maximize), **dict(zip(numbers, row)))
        for row in zip(*numbers.values())
    )
    if tier not in ("fast", "exact"):
        raise ValueError(f"unknown tier {tier!r}: known are 'fast' and 'exact'")
    return replay_steps(chosen, origin, fed, hypers, dtype=dtype, tier=tier)


def replay_steps(
    convention: Convention,
    start: Array,
    gradients: Any,
    hypers: Sequence[Hyper],
    *,
    dtype: str,
    tier: Tier = "exact",
) -> Trajectory:
    """`replay` with one whole Hyper a step, so that flags may change too."""
    for h in hypers:
        convention.validate(h)
    return _solve(convention, start, gradients, tuple(hypers), dtype, tier, None)


def _each_step(name: str, value: Any, steps: int) -> list[float]:
    numbers = np.asarray(value, dtype=np.float64)
    if numbers.ndim and numbers.shape != (steps,):
        raise ValueError(f"{name} has shape {numbers.shape}, wanted one value or {steps}")
    if not np.all(np.isfinite(numbers)):
        raise ValueError(f"{name} must be finite, got {value}")
    return [float(x) for x in np.broadcast_to(numbers, (steps,))]


def _quietly(walk: Callable[[slice], None], block: slice) -> None:
    """Walk a block without warnings: overflow shows in the numbers themselves."""
    with np.errstate(all="ignore"):
        walk(block)


def _blocks(size: int, whole: bool) -> Iterator[slice]:
    width = max(size, 1) if whole else _BLOCK if size <= _SHARED_BLOCK else _SHARED_BLOCK
    for first in range(0, max(size, 1), width):
        yield slice(first, min(first + width, size))


def _solve(
    convention: Convention,
    start: Array,
    gradients: Any,
    hypers: tuple[Hyper, ...],
    dtype: str,
    tier: Tier,
    iterates: Array | None,
) -> Trajectory:
    """All steps of all coordinates, block by block; from the subject's iterates where given."""
    if not np.all(np.isfinite(start)):
        raise ValueError("start must be finite")
    format = format_of(dtype)
    steps, size = len(hypers), start.size
    values = np.empty((steps, size))
    bounds = np.empty((steps, size))
    truths: list[NDArray[Any]] | None = [] if tier == "exact" else None
    closed = callable(gradients)
    recorded: list[Any] = []
    lifted = [h.lifted(lambda x: Rounded.of(x, format, tier == "fast")) for h in hypers]
    flat = None if closed else [None if g is None else g.reshape(-1) for g in gradients]

    def walk(block: slice) -> None:
        here = Walk(convention, format, tier, start.reshape(-1)[block])
        poisoned = np.zeros(here.value.shape, dtype=bool)
        for t, h in enumerate(hypers):
            if iterates is not None and t:
                here.move_to(iterates[t - 1, block])
            if flat is None:
                answer = gradients(here.point(h).reshape(start.shape))
                grad = None if answer is None else _as_float(answer).reshape(-1)
                recorded.append(None if grad is None else grad.reshape(start.shape))
            else:
                grad = None if flat[t] is None else cast(Array, flat[t])[block]
            if grad is not None:
                total = grad.sum()  # not finite where an element is not: one quick pass
                if not np.isfinite(total):
                    poisoned |= ~np.isfinite(grad)
                if poisoned.any():
                    grad = np.where(poisoned, 0.0, grad)
                here.take(grad, h, lifted[t])
            values[t, block] = here.value
            # A step that passes the parameter by leaves what it shows, bit for bit.
            passed_by = grad is None and iterates is not None and t > 0
            bounds[t, block] = 0.0 if passed_by else here.bound
            if poisoned.any():
                values[t, block][poisoned] = np.nan
                bounds[t, block][poisoned] = np.inf
            if truths is not None and here.exact is not None:
                truths.append(here.exact[0].reshape(start.shape))

    blocks = list(_blocks(size, whole=closed or tier == "exact"))
    if size <= _SHARED_BLOCK or len(blocks) == 1:
        for block in blocks:
            _quietly(walk, block)
    else:
        with ThreadPoolExecutor(os.cpu_count()) as threads:
            list(threads.map(partial(_quietly, walk), blocks))
    bounds[np.isnan(bounds)] = np.inf  # where float64 itself overflowed
    return Trajectory(
        convention=convention,
        hypers=hypers,
        dtype=dtype,
        tier=tier,
        start=start,
        gradients=tuple(recorded if closed else gradients),
        values=values.reshape(steps, *start.shape),
        bound=bounds.reshape(steps, *start.shape),
        exact=truths,
    )


def _as_float(answer: Any) -> Array:
    """A gradient function's answer as float64: rationals are rounded to nearest."""
    array = np.asarray(answer)
    return nearest_array(exact_array(array)) if array.dtype == object else array.astype(np.float64)
