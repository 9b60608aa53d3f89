"""Hyper-parameters as a subject computes with them: estimates, with their intervals.

The residual of a step is the subject's iterate minus the exact step from its own last iterate. To
first order it is the sum over hyper-parameters of (sensitivity) (deviation), plus rounding; least
squares over all coordinates and steps averages the rounding away. Standard errors are clustered by
coordinate, as the rounding of a velocity is felt in the steps that follow.
Source: White 1980, A heteroskedasticity-consistent covariance matrix estimator; Liang and Zeger
1986, section 2, for clusters.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from momentum.arithmetic import exact, exact_array, format_of, nearest, nearest_array
from momentum.arithmetic.dual import Dual
from momentum.arithmetic.number import Number
from momentum.conventions import Hyper
from momentum.diagnosis.hypothesis import Hypothesis
from momentum.diagnosis.probes import tried
from momentum.subjects.drive import Observation
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Facts, Subject

Array = NDArray[np.float64]

SETTING = {"lr": 0.7, "momentum": 0.9, "weight_decay": 0.3, "dampening": 0.2, "nu": 0.6}
"""Decimal, so that no binary format holds them, and large, so that rounding hides little.

In the order in which they are told apart.
"""

COORDINATES, STEPS, ROUNDS = 1024, 10, 8
REACH = 4
"""Standard errors to either side that the interval spans."""


@dataclass(frozen=True)
class Estimate:
    """One hyper-parameter as measured. deviation: from the value set, with more digits than value.

    standard_error: of deviation. readings: simple values inside the interval, in words.
    tied: where it is not measurable, the ones that it cannot be told apart from.
    rounding: a deviation below it leads to no more, in any step, than rounding may.
    """

    name: str
    set: float
    value: float
    deviation: float
    standard_error: float
    readings: tuple[str, ...] = ()
    tied: tuple[str, ...] = ()
    rounding: float = 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """Deviation from the value set: least and most, 4 standard errors to either side."""
        reach = REACH * self.standard_error
        return self.deviation - reach, self.deviation + reach


def setting(facts: Facts, known: frozenset[str] | None = None) -> Hyper:
    """Every number that the subject takes, and a convention knows, is on."""
    wanted = {n: x for n, x in SETTING.items() if known is None or n in known}
    return facts.domain.combined(wanted)


def measure(
    subject: Subject, hypothesis: Hypothesis, dtype: str, h: Hyper | None = None
) -> tuple[Estimate, ...]:
    """Estimates of all numbers that are on in `h`; every option that is off stays off."""
    observation = wide_run(subject, setting(subject.facts) if h is None else h, dtype, 5)
    return () if observation is None else estimate(observation, hypothesis, dtype)


def wide_run(
    subject: Subject, h: Hyper, dtype: str, seed: int, kind: str = "from_zero", steps: int = STEPS
) -> Observation | None:
    """A run of one parameter of many coordinates; None where the subject refuses it."""
    size = min(COORDINATES, subject.facts.largest)
    found = tried(subject, Problem(dtype, ((size,),), ((h,),) * steps, (0,), kind, seed=seed))
    return None if isinstance(found, str) else found


def estimate(
    observation: Observation, hypothesis: Hypothesis, dtype: str, names: Sequence[str] = ()
) -> tuple[Estimate, ...]:
    """The same from one parameter's run that has been made already, with constant numbers.

    names: those to estimate, all that are on where none is given. None where numbers of the run
    are not finite, or the hypothesis takes a run in another way than by its rule alone.
    """
    _, fed, got = _columns(observation)
    if hypothesis.tellings or not all(np.isfinite(x).all() for x in (*fed, got)):
        return ()
    h = observation.problem.hypers[0][0]
    off = Hyper._field_defaults
    wanted = [n for n in names or SETTING if n in names or n == "lr" or getattr(h, n) != off[n]]
    here = {n: exact(getattr(h, n)) for n in wanted}
    kept = _independent(_sensitivities(observation, hypothesis, h, wanted)[1], wanted)
    for _ in range(ROUNDS):
        now = h.having(**{n: nearest(here[n]) for n in kept})
        residual, slopes = _sensitivities(observation, hypothesis, now, kept)
        if dtype == "float64":
            residual = _exact_residual(observation, hypothesis, h, here)
        change, errors = _least_squares(residual, slopes)
        if not (np.isfinite(change).all() and np.isfinite(errors).all()):
            return ()
        here |= {n: here[n] + exact(c) for n, c in zip(kept, change)}
        if np.all(np.abs(change) <= errors):
            break
    found = []
    for n, error in zip(kept, errors):
        deviation = nearest(here[n] - exact(getattr(h, n)))
        least = _least_seen(observation, slopes[kept.index(n)], dtype)
        one = Estimate(
            n, float(getattr(h, n)), nearest(here[n]), deviation, float(error), rounding=least
        )
        found.append(replace(one, readings=_readings(one, h, dtype)))
    for n in wanted:
        if n not in kept:
            number = float(getattr(h, n))
            found.append(Estimate(n, number, number, 0.0, np.inf, tied=tuple(kept)))
    return tuple(found)


def rates(observation: Observation, hypothesis: Hypothesis) -> Array:
    """By how much the learning rate of each step deviates from the one set."""
    h = observation.problem.hypers[0][0]
    residual, (slopes,) = _sensitivities(observation, hypothesis, h, ("lr",))
    with np.errstate(all="ignore"):
        return np.asarray(np.sum(residual * slopes, axis=1) / np.sum(slopes * slopes, axis=1))


def momenta(observation: Observation, hypothesis: Hypothesis) -> Array:
    """The momentum of each step; nan where it has no share in the step.

    Without Nesterov's form a step is linear in it: what it is at 0 and at 1 shows it.
    """
    h = observation.problem.hypers[0][0]
    here, fed, got = _columns(observation)
    state, found = hypothesis.convention.initial, []
    for grad, seen in zip(fed, got):
        at = [hypothesis.convention.step(here, grad, state, h._replace(momentum=m)) for m in (0, 1)]
        (without, _), (whole, _) = at
        slope = whole - without
        with np.errstate(all="ignore"):
            one = float(np.sum((seen - without) * slope) / np.sum(slope * slope))
        found.append(one)
        used = h.momentum if np.isnan(one) else one
        state = hypothesis.convention.step(here, grad, state, h._replace(momentum=used))[1]
        here = seen
    return np.array(found)


def _sensitivities(
    observation: Observation, hypothesis: Hypothesis, h: Hyper, names: Sequence[str]
) -> tuple[Array, Array]:
    """Residuals (steps, size) and their slopes (names, steps, size), by the rule over duals."""
    start, fed, got = _columns(observation)
    variables = {n: Dual.variable(float(getattr(h, n)), i, len(names)) for i, n in enumerate(names)}
    lifted = h.having(**variables)
    state, here = hypothesis.convention.initial, cast(Number, start)
    residual, slopes = np.empty_like(got), np.zeros((len(names), *got.shape))
    for t, grad in enumerate(fed):
        theta, state = hypothesis.convention.step(here, grad, state, lifted)
        if isinstance(theta, Dual):  # else no variable has entered yet
            slopes[:, t] = theta.slope
            theta = theta.value
        residual[t] = got[t] - theta
        here = got[t]
    return residual, slopes


def _exact_residual(
    observation: Observation, hypothesis: Hypothesis, h: Hyper, numbers: dict[str, fmpq]
) -> Array:
    """The residuals in rational arithmetic, for subjects as precise as float64."""
    start, fed, got = _columns(observation)
    lifted = h.lifted(exact).having(**numbers)
    state: Any = hypothesis.convention.initial
    here, residual = exact_array(start), np.empty_like(got)
    for t, grad in enumerate(fed):
        theta, state = hypothesis.convention.step(here, exact_array(grad), state, lifted)
        here = exact_array(got[t])
        residual[t] = nearest_array(here - theta)
    return residual


def _columns(observation: Observation) -> tuple[Array, list[Array], Array]:
    start = observation.problem.start[0].reshape(-1)
    fed = [np.ravel(np.asarray(row[0])) for row in observation.fed]
    return start, fed, np.array([row[0].reshape(-1) for row in observation.iterates])


def _independent(slopes: Array, names: Sequence[str]) -> list[str]:
    """The names whose slopes are no combination of those before them."""
    columns = slopes.reshape(len(names), -1)
    kept: list[int] = []
    for i in range(len(names)):
        rows = columns[[*kept, i]]
        sizes = np.linalg.norm(rows, axis=1, keepdims=True)
        if np.all(sizes > 0) and np.linalg.matrix_rank(rows / sizes) == len(rows):
            kept.append(i)
    return [names[i] for i in kept]


def _least_squares(residual: Array, slopes: Array) -> tuple[Array, Array]:
    """Deviations and standard errors, clustered by coordinate."""
    count, steps, size = slopes.shape
    rows = slopes.reshape(count, steps * size)
    bread = np.linalg.inv(rows @ rows.T)
    change = bread @ (rows @ residual.reshape(-1))
    left = residual - np.tensordot(change, slopes, axes=1)
    scores = np.einsum("kts,ts->ks", slopes, left)
    spread = bread @ (scores @ scores.T) @ bread * (size / max(size - 1, 1))
    return change, np.sqrt(np.diag(spread))


def _least_seen(observation: Observation, slopes: Array, dtype: str) -> float:
    """The least deviation whose effect is that of a few roundings of where an element was so far.

    What keeps the way gone in place of the parameter rounds numbers as large as these.
    """
    start, _, got = _columns(observation)
    largest = np.maximum.accumulate(np.abs(np.vstack([start, got])))[1:]
    with np.errstate(all="ignore"):
        least = 8 * format_of(dtype).u * largest / np.abs(slopes)
    return float(np.min(least[np.isfinite(least)], initial=np.inf))


def _readings(found: Estimate, h: Hyper, dtype: str) -> tuple[str, ...]:
    """Simple values that lie in the interval."""
    candidates: list[tuple[str, Any]] = [("as set", exact(found.set))]
    number = exact(found.set)
    for name in dict.fromkeys((dtype, "float32", "float16", "bfloat16")):
        rounded = float(format_of(name).round(found.set))
        candidates.append((f"rounded to {name}", exact(rounded)))
        if found.name in ("dampening", "momentum", "nu"):
            kept = float(format_of(name).round(1 - found.set))
            candidates.append((f"1 - {found.name} rounded to {name}", 1 - exact(kept)))
    products: list[tuple[str, Any]] = []
    one, lr = exact(1), exact(h.lr)
    others = {"lr": lr, "(1 - momentum)": one - exact(h.momentum), "momentum": exact(h.momentum)}
    others |= {"(1 - dampening)": one - exact(h.dampening), "2": exact(2)}
    for name, factor in others.items():
        if factor != 0 and name != found.name:
            products.append((f"times {name}", number * factor))
            products.append((f"divided by {name}", number / factor))
    low, high = (exact(x) for x in found.interval)
    words: dict[Any, str] = {}
    for text, value in candidates:
        if low <= value - number <= high:
            words.setdefault(value, text)
    u = exact(format_of(dtype).u)
    for text, value in products:  # whoever multiplies rounds, and so may what is multiplied with
        if low - 3 * u * abs(value) <= value - number <= high + 3 * u * abs(value):
            words.setdefault(value, text)
    return tuple(words.values())
