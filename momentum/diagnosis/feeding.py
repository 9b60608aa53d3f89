"""Departures that are no other rule: other gradients, other groups' numbers, elements left out."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from itertools import combinations, pairwise

import numpy as np

from momentum.arithmetic.number import Number
from momentum.conventions import Convention, Hyper, Moved, Rule, State
from momentum.diagnosis.departure import (
    Apply,
    Departure,
    all_of,
    around,
    fed,
    present,
    scheduled,
    taken_as,
    told,
)
from momentum.diagnosis.departures import NEAR_RATES, unfed
from momentum.diagnosis.hypothesis import Hypothesis, Strand, Telling
from momentum.diagnosis.moments import at_steps, begun, closed_up
from momentum.diagnosis.numbers import in_place_of_numbers
from momentum.subjects.drive import Observation

UNTIL_SET = ", until hyper-parameters are set in the run"
"""End of what is said of options that a constructor drops."""

OPTIONS = ("momentum", "dampening", "weight_decay", "nesterov", "maximize")


def departures(convention: Convention, groups: bool) -> Iterator[Departure]:
    """All of them for a convention; groups: the problem has several."""
    yield Departure("left as they were", fed(lambda strand: [None] * len(strand.grads)))
    yield Departure("stepped twice at every step", taken_as(_twice))
    yield from _several_off(convention)
    yield from all_of(GRADIENTS)
    yield from all_of(NEAR_RATES)
    if convention.decay == "coupled":
        yield from all_of(COUPLED)
    yield from at_steps()
    words = "the gradients that there are go to the first parameters, in order"
    yield Departure(words, taken_as(closed_up))
    yield from in_place_of_numbers(convention)
    yield from _by_size()
    if groups:
        yield from _groups()


def _twice(observation: Observation, strand: Strand) -> Iterable[Strand]:
    yield strand._replace(
        grads=tuple(g for g in strand.grads for _ in range(2)),
        hypers=tuple(h for h in strand.hypers for _ in range(2)),
        rows=tuple(r for row in strand.rows for r in (-1, row)),
    )


def _at_zeros(told: Callable[[Hyper], Hyper] | None = None, counted: bool = False) -> Telling:
    """Where the gradient is 0 elements are told other numbers, or left out of the step.

    counted: it is a step nevertheless, after which no other one is the first.
    """

    def telling(observation: Observation, strand: Strand) -> Iterable[Strand]:
        rows = [np.zeros(strand.start.size, bool) if g is None else g == 0 for g in strand.grads]
        for part, zero in strand.alike(np.array(rows)):
            if told is not None:
                changed = (told(h) if z else h for h, z in zip(part.hypers, zero))
                yield part._replace(hypers=tuple(changed))
            else:
                left = (None if z else g for g, z in zip(part.grads, zero))
                late = counted and next((z for g, z in zip(part.grads, zero) if g is not None), 0)
                yield (begun(part) if late else part)._replace(grads=tuple(left))

    return telling


SIZES: dict[str, Callable[[tuple[int, ...]], float]] = {
    "its number of elements": math.prod,
    "the square root of its number of elements": lambda shape: math.sqrt(math.prod(shape)),
    "the length of its first axis": lambda shape: shape[0] if shape else 1,
    "the length of its last axis": lambda shape: shape[-1] if shape else 1,
}
"""Of a parameter, by its shape."""


def _by_size() -> Iterator[Departure]:
    """Numbers that depend on the shape of a parameter."""
    for words, size in SIZES.items():
        for verb, power in (("divided", -1), ("multiplied", 1)):
            for name in ("lr", "weight_decay"):
                telling = partial(_sized, size, power, name)
                text = f"{name} is {verb} for each parameter by {words}"
                yield Departure(text, taken_as(telling, slack=4))


def _sized(
    size: Callable[[tuple[int, ...]], float],
    power: int,
    name: str,
    observation: Observation,
    strand: Strand,
) -> Iterable[Strand]:
    share = max(size(observation.problem.shapes[strand.parameter]), 1) ** power
    hypers = (h._replace(**{name: getattr(h, name) * share}) for h in strand.hypers)
    yield strand._replace(hypers=tuple(hypers))


GRADIENTS: dict[str, Apply] = {
    "every step uses the gradient of the first one": fed(present(lambda g: [g[0]] * len(g))),
    "every step uses the gradient of the step before": fed(present(lambda g: [g[0], *g[:-1]])),
    "every step uses the gradient of the step before, the first one none":
        fed(present(lambda g: [np.zeros_like(g[0]), *g[:-1]])),
    "every step uses the gradient of the step before, the first one is left out":
        fed(lambda strand: (None, *strand.grads[:-1])),
    "the gradient counts as 0 at every step": fed(present(lambda g: map(np.zeros_like, g))),
    "every step uses the mean of its gradient and the last one":
        fed(present(lambda g: [g[0], *((a + b) / 2 for a, b in pairwise(g))]), slack=4),
    "gradients of earlier steps are added to each gradient":
        fed(present(lambda g: np.cumsum(g, axis=0)), slack=4),
    "elements whose gradient is 0 are left out of the step": taken_as(_at_zeros()),
    "elements whose gradient is 0 are left out of the step, which counts":
        taken_as(_at_zeros(counted=True)),
    "elements whose gradient is 0 do not move, but their velocities go on":
        taken_as(_at_zeros(lambda h: h._replace(lr=0.0))),
    "elements whose gradient is 0 do not decay":
        taken_as(_at_zeros(lambda h: h._replace(weight_decay=0.0))),
}  # fmt: skip


def _undampened(step: Rule, theta: Number, grad: Number, state: State, h: Hyper) -> Moved:
    """What dampening takes from the decay alone is put back; a step is linear in its arrays."""
    moved, new = step(theta, grad, state, h)
    whole, after = step(theta, 0 * grad, state, h._replace(dampening=0))
    less, damped = step(theta, 0 * grad, state, h)
    return moved + (whole - less), new._replace(v=new.v + (after.v - damped.v))


def _twice_decayed(
    of: Callable[[Number, Number], Number],
    step: Rule, theta: Number, grad: Number, state: State, h: Hyper,
) -> Moved:  # fmt: skip
    """of: the number that decays once more, from the parameter before and after the step."""
    moved, new = step(theta, grad, state, h)
    return moved - h.lr * h.weight_decay * of(theta, moved), new


COUPLED: dict[str, Apply] = {
    "the decay is not dampened": around(_undampened),
    "decayed twice, in the gradient and before the step":
        around(lambda step, x, g, s, h: step(x - h.lr * h.weight_decay * x, g, s, h)),
    "decayed twice, in the gradient and beside the step":
        around(partial(_twice_decayed, lambda old, new: old)),
    "decayed twice, in the gradient and after the step":
        around(partial(_twice_decayed, lambda old, new: new)),
}  # fmt: skip


def _several_off(convention: Convention) -> Iterator[Departure]:
    """Options without effect, one and more at once."""
    known = [n for n in OPTIONS if n in convention.knows]
    if "dampening" in known:
        unweighted = scheduled(lambda hypers: [h._replace(momentum=0.0) for h in hypers])
        yield Departure("momentum has no effect, and dampening has", unweighted)
    for count in range(1, len(known) + 1):
        for names in combinations(known, count):
            plain = set(known) - set(names) <= {"maximize", "dampening", "nesterov"}
            plain = plain and {"momentum", "weight_decay"} <= set(names)
            words = f"{', '.join(names[:-1])}{' and ' * (count > 1)}{names[-1]}"
            words += " have no effect" if count > 1 else " has no effect"
            words += ": a step of plain gradient descent" * plain
            if count > 1 or names == ("momentum",):  # the others are known by themselves
                yield Departure(words, told(partial(_without, names)))
            for kept in (True, False):
                yield Departure(words + UNTIL_SET, _until_set(names, kept))


def _until_set(names: Sequence[str], kept: bool) -> Apply:
    """What was given at the start has no effect. kept: steps without momentum leave a velocity."""

    def change(hypers: Sequence[Hyper]) -> Sequence[Hyper]:
        first = next((t for t, h in enumerate(hypers) if h != hypers[0]), len(hypers))
        return [_without(names, h) if t < first else h for t, h in enumerate(hypers)]

    def apply(hypothesis: Hypothesis) -> Hypothesis:
        return scheduled(change)(hypothesis if kept else around(unfed)(hypothesis))

    return apply


def _without(names: Sequence[str], h: Hyper) -> Hyper:
    return h._replace(**{n: Hyper._field_defaults[n] for n in names})


Choice = Callable[[Observation, int, int], int]
"""Of a group, for a parameter at a step (from 0)."""


def _groups() -> Iterator[Departure]:
    """Another group's numbers; an optimizer is made with those of the first group."""
    places: dict[str, Callable[[int, int], int]] = {
        "the first group, or of the constructor,": lambda g, n: 0,
        "the last group": lambda g, n: n - 1,
        "the group before": lambda g, n: max(g - 1, 0),
        "the group after": lambda g, n: min(g + 1, n - 1),
        "the group before (for the first group: the last)": lambda g, n: (g - 1) % n,
        "the group after (for the last group: the first)": lambda g, n: (g + 1) % n,
    }
    choices: dict[str, Choice] = {where: partial(_placed, place) for where, place in places.items()}
    choices["the first group that has a gradient of the same shape"] = _of_its_shape
    for where, choice in choices.items():
        for names in (Hyper._fields, *((n,) for n in Hyper._fields)):
            shown = "hyper-parameters" if len(names) > 1 else names[0]
            words = f"the {shown} of {where} {'act' if len(names) > 1 else 'acts'}"
            yield Departure(words, taken_as(_of_group(choice, names)))


def _placed(place: Callable[[int, int], int], observation: Observation, i: int, t: int) -> int:
    problem = observation.problem
    return place(problem.groups[i], len(problem.hypers[0]))


def _of_its_shape(observation: Observation, i: int, t: int) -> int:
    problem, fed = observation.problem, observation.fed[t]
    those = zip(problem.groups, problem.shapes, fed)
    shape = problem.shapes[i]
    return min((g for g, s, x in those if s == shape and x is not None), default=problem.groups[i])


def _of_group(choice: Choice, names: tuple[str, ...]) -> Telling:
    def telling(observation: Observation, strand: Strand) -> Iterable[Strand]:
        problem = observation.problem
        hypers = [
            h._replace(**{n: getattr(row[choice(observation, strand.parameter, t)], n)
                          for n in names})
            for t, (h, row) in enumerate(zip(strand.hypers, problem.hypers))
        ]  # fmt: skip
        # Without momentum there is no velocity that could be dampened.
        yield strand._replace(
            hypers=tuple(h if h.momentum else h._replace(dampening=0.0) for h in hypers)
        )

    return telling
