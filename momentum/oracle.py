"""The oracle: the exact trajectory of a convention on a problem, and how far rounding may lead."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import Format, Rounded, exact, exact_array, format_of, nearest_array
from momentum.conventions import Convention, Hyper, get

Array = NDArray[np.float64]
Gradients = Sequence[Any] | Callable[[Any], Any]
Tier = Literal["fast", "exact"]

# Arrays of this many elements stay in the processor's cache while all steps pass over them.
_BLOCK = 16384


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
    def worst(self) -> tuple[int, ...]:
        """Index (step, *coordinate) of the largest ratio, the earliest of equals.

        Raises: ValueError where there is no element.
        """
        ratio = self.ratio
        return tuple(int(i) for i in np.unravel_index(int(np.argmax(ratio)), ratio.shape))


class Comparison(NamedTuple):
    """A subject's iterates against the oracle, twice.

    trajectory: against the exact trajectory from the common start; the bound grows with the steps.
    step: against the exact step from the subject's own last iterate; the bound does not grow.
    """

    trajectory: Deviation
    step: Deviation

    @property
    def passed(self) -> bool:
        """Every error lies within its bound."""
        return bool(np.all(self.trajectory.ratio <= 1) and np.all(self.step.ratio <= 1))


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
        return Comparison(self.deviation(flat), again.deviation(flat))

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


class _Progress:
    """One block of coordinates on its way: every form's rounded numbers, and the exact ones."""

    def __init__(self, convention: Convention, format: Format, tier: Tier, start: Array) -> None:
        self.convention = convention
        self.format = format
        self.own_error = tier == "fast"
        self.value = start
        self.theta: Any = exact_array(start) if tier == "exact" else None
        self.state = convention.initial
        self.rounded: dict[int, tuple[Rounded, Any]] = {}
        self.origin = Rounded.of(start, format, self.own_error)
        self.bound = self.origin.error

    def move_to(self, iterate: Array) -> None:
        """Go on from a subject's own iterate, which has no error; velocities stay."""
        held = np.where(np.isfinite(iterate), iterate, self.value)
        self.value = held
        self.bound = np.zeros_like(held)
        self.origin = Rounded.of(held, self.format, self.own_error)
        if self.theta is not None:
            self.theta = exact_array(held)
        self.rounded = {i: (self.origin, state) for i, (_, state) in self.rounded.items()}

    def point(self, h: Hyper) -> Any:
        """Where the gradient of a closed loop is taken."""
        if self.theta is not None:
            return self.convention.gradient_point(self.theta, self.state, h.lifted(exact))
        state = self.rounded[0][1] if self.rounded else self.convention.initial
        plain = type(state)(*(x.value if isinstance(x, Rounded) else x for x in state))
        return self.convention.gradient_point(self.value, plain, h)

    def take(self, grad: Array, h: Hyper, lifted: Hyper) -> None:
        """One step of every form; `lifted` is `h` over rounded numbers."""
        gradient: Any = Rounded.of(grad, self.format, self.own_error)
        if self.theta is not None:
            self.theta, self.state = self.convention.step(
                self.theta, exact_array(grad), self.state, h.lifted(exact)
            )
            truth = (nearest_array(self.theta), [_plain(x) for x in self.state])
        moved: dict[int, tuple[Rounded, Any]] = {}
        bound = None
        for i, form in enumerate(self.convention.all_forms(h)):
            # A form that was not needed until now has walked with the first one.
            theta, state = (
                self.rounded.get(i)
                or self.rounded.get(0)
                or (
                    self.origin,
                    self.convention.initial,
                )
            )
            theta, state = form(theta, gradient, state, lifted)
            if self.theta is None:
                theta = theta.stored()
                state = type(state)(*(x.stored() if isinstance(x, Rounded) else x for x in state))
            else:
                theta = theta.stored(truth[0])
                state = type(state)(
                    *(x.stored(y) if isinstance(x, Rounded) else x for x, y in zip(state, truth[1]))
                )
            moved[i] = theta, state
            if bound is None:
                self.value, bound = theta.value, theta.error
            else:
                bound = np.maximum(bound, theta.error + np.abs(theta.value - self.value))
        self.rounded = moved
        assert bound is not None
        self.bound = bound


def _plain(number: Any) -> Any:
    """A part of an exact state as float64."""
    return number if isinstance(number, int) else nearest_array(np.asarray(number, dtype=object))


def _blocks(size: int, whole: bool) -> Iterator[slice]:
    width = max(size, 1) if whole else _BLOCK
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
    for block in _blocks(size, whole=closed or tier == "exact"):
        here = _Progress(convention, format, tier, start.reshape(-1)[block])
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
                if not np.isfinite(grad).all():
                    poisoned |= ~np.isfinite(grad)
                if poisoned.any():
                    grad = np.where(poisoned, 0.0, grad)
                here.take(grad, h, lifted[t])
            values[t, block] = here.value
            bounds[t, block] = here.bound
            if poisoned.any():
                values[t, block][poisoned] = np.nan
                bounds[t, block][poisoned] = np.inf
            if truths is not None:
                truths.append(here.theta.reshape(start.shape))
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
