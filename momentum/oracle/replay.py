"""The oracle: the exact trajectory of a convention on a problem, and how far rounding may lead."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray

from momentum.arithmetic import format_of
from momentum.conventions import Convention, Hyper, get
from momentum.oracle.block import Tier
from momentum.oracle.deviation import Comparison, Deviation
from momentum.oracle.given import Array, Floats, as_array, helped, named_format
from momentum.oracle.power import COORDINATES, power
from momentum.oracle.sinks import Errors, Values, distance
from momentum.oracle.solving import Solving

Gradients = Sequence[Any] | Callable[[Any], Any]


@dataclass(frozen=True)
class Trajectory:
    """What a convention computes on a problem.

    values[t]: parameters after step t + 1, as float64 (the nearest, where the tier is exact).
    bound[t]: how far an implementation in the working format may be from them.
    rest: what is left of the exact values then, where the tier is exact. gradients: as fed.
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
    rest: Array | None

    @cached_property
    def exact(self) -> list[NDArray[np.object_]] | None:
        """Parameters after each step as object arrays of rationals, where the tier is exact."""
        if self.tier == "fast":
            return None
        sink = Values(len(self.hypers), self.start.size)
        run = self._run(sink, rational=True)
        return run.truths

    def _run(
        self, sink: Values, iterates: Sequence[Floats] | None = None, rational: bool = False
    ) -> Solving:
        run = Solving(
            self.convention, self.start, self.gradients, self.hypers, format_of(self.dtype),
            self.tier, sink, iterates, rational,
        )  # fmt: skip
        run.run()
        return run

    def compare(self, iterates: Sequence[object] | Array) -> Comparison:
        """The iterates of a subject, one array after each step, against this trajectory.

        Raises: ValueError where number or shape do not fit.
        """
        got = [as_array(x) for x in iterates]
        if len(got) != len(self.gradients):
            raise ValueError(f"got {len(got)} iterates for {len(self.gradients)} steps")
        for t, x in enumerate(got, 1):
            if x.shape != self.start.shape:
                raise ValueError(f"iterate {t} has shape {x.shape}, wanted {self.start.shape}")
        flat = [x.reshape(-1) for x in got]
        shape = len(got), self.start.size
        rest = None if self.rest is None else self.rest.reshape(shape)
        sink = Errors(flat, self.values.reshape(shape), rest)
        self._run(sink, flat)
        apart, single, bound = (
            x.reshape(self.values.shape) for x in (sink.apart, sink.single, sink.bounds)
        )
        return Comparison(Deviation(apart, self.bound), Deviation(single, bound), self)

    @cached_property
    def power(self) -> dict[str, float]:
        """The smallest relative error of each hyper-parameter that `compare` would have failed.

        Of the first coordinates: enough to see how an error shows.
        """
        if self.start.size <= COORDINATES:
            return self.power_of_all()
        start = self.start.reshape(-1)[:COORDINATES]
        fed = [x if x is None else x[:COORDINATES] for x in self._flat]
        few = replay_steps(self.convention, start, fed, self.hypers, dtype=self.dtype, tier="fast")
        return few.power_of_all()

    def power_of_all(self) -> dict[str, float]:
        """The same of all coordinates, which takes long where they are many."""
        shape = len(self.hypers), self.start.size
        bounds = [x.reshape(shape) for x in (self.bound, self.compare(self.values).step.bound)]
        start, fed = self.start.reshape(-1), self._flat
        return power(self.convention, self.hypers, start, fed, (bounds[0], bounds[1]), self.dtype)

    @property
    def _flat(self) -> list[Array | None]:
        """Gradients as arrays of one axis."""
        return [
            None if g is None else np.asarray(as_array(g), dtype=np.float64).reshape(-1)
            for g in self.gradients
        ]

    def deviation(self, iterates: Array) -> Deviation:
        """Distance of iterates from this trajectory alone. Shapes: as values."""
        error = np.empty(self.values.shape)
        distance(iterates, self.values, error, self.rest)
        return Deviation(error, self.bound)


def replay(
    convention: str | Convention,
    start: object,
    gradients: Gradients,
    *,
    lr: ArrayLike,
    momentum: ArrayLike = 0.0,
    dampening: ArrayLike = 0.0,
    weight_decay: ArrayLike = 0.0,
    nesterov: bool = False,
    maximize: bool = False,
    nu: ArrayLike = 1.0,
    dtype: DTypeLike = "float32",
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
    start, gradients: lists, NumPy arrays (also of ml_dtypes) or tensors, on any device.
    lr, momentum, dampening, weight_decay, nu: a number, or a sequence with one value a step; a
    closed loop takes as many steps as the sequence has, where `steps` is not given.
    dtype: a name, or what NumPy, torch or ml_dtypes call it; `float32:flushing` is a name.
    tier: "exact" computes with rationals; "fast" with float64, whose own rounding the bound holds.

    Shapes: start and every gradient alike. Units: none.
    Raises: ValueError for shapes that differ, numbers that are not finite (gradients may be), an
    unknown name, or a hyper-parameter that the convention does not have.
    """
    chosen, format = get(convention), named_format(dtype)
    origin = np.array(as_array(start), dtype=np.float64)
    given = {
        "lr": lr,
        "momentum": momentum,
        "dampening": dampening,
        "weight_decay": weight_decay,
        "nu": nu,
    }
    if callable(gradients):
        if steps is None:
            steps = _length(given)
        fed: Any = helped(gradients)
    else:
        fed = [None if g is None else as_array(g) for g in gradients]
        if steps is not None and steps != len(fed):
            raise ValueError(f"steps={steps}, but there are {len(fed)} gradients")
        steps = len(fed)
        for t, g in enumerate(fed, 1):
            if g is not None and g.shape != origin.shape:
                raise ValueError(f"gradient {t} has shape {g.shape}, wanted {origin.shape}")
    numbers = {name: _each_step(name, value, steps) for name, value in given.items()}
    flags = {"nesterov": bool(nesterov), "maximize": bool(maximize)}
    rows = list(zip(*numbers.values()))
    known = {row: Hyper(**flags, **dict(zip(numbers, row))) for row in set(rows)}
    hypers = tuple(known[row] for row in rows)
    if tier not in ("fast", "exact"):
        raise ValueError(f"unknown tier {tier!r}: known are 'fast' and 'exact'")
    return replay_steps(chosen, origin, fed, hypers, dtype=format, tier=tier)


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
    for h in dict.fromkeys(hypers):
        convention.validate(h)
    sink = Values(len(hypers), start.size)
    run = Solving(convention, start, gradients, tuple(hypers), format_of(dtype), tier, sink)
    run.run()
    shape = (len(hypers), *start.shape)
    fed = tuple(run.recorded if run.closed else gradients)
    values, bounds = sink.values.reshape(shape), sink.bounds.reshape(shape)
    rest = None if sink.rest is None else sink.rest.reshape(shape)
    return Trajectory(convention, tuple(hypers), dtype, tier, start, fed, values, bounds, rest)


def _length(given: Mapping[str, object]) -> int:
    """The steps that the sequences among the hyper-parameters have."""
    lengths = {n: len(x) for n, v in given.items() if (x := as_array(v)).ndim}
    if not lengths:
        raise ValueError("a closed loop needs steps=, or a sequence of lr, to know its length")
    return next(iter(lengths.values()))


def _each_step(name: str, value: object, steps: int) -> list[float]:
    if isinstance(value, (int, float)) and math.isfinite(value):
        return [float(value)] * steps
    numbers = np.asarray(as_array(value), dtype=np.float64)
    if numbers.ndim and numbers.shape != (steps,):
        raise ValueError(f"{name} has shape {numbers.shape}, wanted one value or {steps}")
    if not np.all(np.isfinite(numbers)):
        raise ValueError(f"{name} must be finite, got {value}")
    return [float(x) for x in np.broadcast_to(numbers, (steps,))]
