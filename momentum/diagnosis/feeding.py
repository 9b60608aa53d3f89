"""Departures that are no other rule: other gradients, other groups' numbers, elements left out."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np

from momentum.arithmetic.number import Number
from momentum.conventions import Convention, Hyper, Moved, Rule, State
from momentum.diagnosis.departure import Departure, around, fed, scheduled, taken_as, told
from momentum.diagnosis.departures import unfed
from momentum.diagnosis.hypothesis import Hypothesis, Strand, Telling
from momentum.diagnosis.moments import at_steps, closed_up
from momentum.diagnosis.numbers import in_place_of_numbers
from momentum.subjects.drive import Observation

ORDINALS = {2: "second", 3: "third"}
OPTIONS = ("momentum", "dampening", "weight_decay", "nesterov", "maximize")


def departures(convention: Convention, groups: bool) -> Iterator[Departure]:
    """All of them for a convention; groups: the problem has several."""
    yield Departure("still", "", "left as they were", taken_as(_still))
    yield Departure("doubled_step", "", "stepped twice at every step", taken_as(_twice))
    yield from _several_off(convention)
    yield from GRADIENTS
    for place, wrap in DECAYED_TWICE.items() if convention.decay == "coupled" else ():
        words = f"decayed twice, in the gradient and {place} the step"
        yield Departure(f"decayed_twice_{place}", "weight_decay", words, around(wrap))
    yield from at_steps()
    words = "the gradients that there are go to the first parameters, in order"
    yield Departure("gradients_closed_up", "", words, taken_as(closed_up))
    yield from in_place_of_numbers(convention)
    if groups:
        yield from _groups()


def _still(observation: Observation, strand: Strand) -> Iterable[Strand]:
    yield strand._replace(grads=(None,) * len(strand.grads))


def _twice(observation: Observation, strand: Strand) -> Iterable[Strand]:
    yield strand._replace(
        grads=tuple(g for g in strand.grads for _ in range(2)),
        hypers=tuple(h for h in strand.hypers for _ in range(2)),
        rows=tuple(r for row in strand.rows for r in (-1, row)),
    )


def _at_zeros(**numbers: Any) -> Telling:
    """Where the gradient is 0 elements are told other numbers, or left out where none are given."""

    def telling(observation: Observation, strand: Strand) -> Iterable[Strand]:
        rows = [np.zeros(strand.start.size, bool) if g is None else g == 0 for g in strand.grads]
        for part, zero in strand.alike(np.array(rows)):
            if numbers:
                changed = (h._replace(**numbers) if z else h for h, z in zip(part.hypers, zero))
                yield part._replace(hypers=tuple(changed))
            else:
                left = (None if z else g for g, z in zip(part.grads, zero))
                yield part._replace(grads=tuple(left))

    return telling


def _one_late(observation: Observation, strand: Strand) -> Iterable[Strand]:
    yield strand._replace(grads=(None, *strand.grads[:-1]))


GRADIENTS = (
    Departure("first_gradient", "", "every step uses the gradient of the first one",
              taken_as(fed(lambda g: [g[0]] * len(g)))),
    Departure("late_gradient", "", "every step uses the gradient of the step before",
              taken_as(fed(lambda g: [g[0], *g[:-1]]))),
    Departure("late_gradient_from_zero", "", "every step uses the gradient of the step before, "
              "the first one none", taken_as(fed(lambda g: [np.zeros_like(g[0]), *g[:-1]]))),
    Departure("late_gradient_from_none", "", "every step uses the gradient of the step before, "
              "the first one is left out", taken_as(_one_late)),
    Departure("smoothed_gradient", "", "every step uses the mean of its gradient and the last one",
              taken_as(fed(lambda g: [g[0], *((a + b) / 2 for a, b in pairwise(g))]), slack=4)),
    Departure("summed_gradient", "", "gradients of earlier steps are added to each gradient",
              taken_as(fed(lambda g: list(np.cumsum(g, axis=0))), slack=4)),
    Departure("zero_elements_still", "", "elements whose gradient is 0 are left out of the step",
              taken_as(_at_zeros())),
    Departure("zero_elements_frozen", "", "elements whose gradient is 0 do not move, but their "
              "velocities go on", taken_as(_at_zeros(lr=0.0))),
    Departure("zero_elements_undecayed", "weight_decay", "elements whose gradient is 0 do not "
              "decay", taken_as(_at_zeros(weight_decay=0.0))),
)  # fmt: skip


def _less(taken: Moved, h: Hyper, theta: Number) -> Moved:
    """A step, and the decay of a parameter beside it."""
    return taken[0] - h.lr * h.weight_decay * theta, taken[1]


def _decayed_after(step: Rule) -> Rule:
    def stepped(theta: Number, grad: Number, state: State, h: Hyper) -> Moved:
        taken = step(theta, grad, state, h)
        return _less(taken, h, taken[0])

    return stepped


DECAYED_TWICE: dict[str, Callable[[Rule], Rule]] = {
    "before": lambda step: lambda x, g, s, h: step(x - h.lr * h.weight_decay * x, g, s, h),
    "beside": lambda step: lambda x, g, s, h: _less(step(x, g, s, h), h, x),
    "after": _decayed_after,
}
"""Where a parameter is decayed that the gradient has decayed already."""


def _several_off(convention: Convention) -> Iterator[Departure]:
    """Options without effect, one and more at once."""
    known = [n for n in OPTIONS if n in convention.knows]
    for count in range(1, len(known) + 1):
        for names in combinations(known, count):
            off = {n: Hyper._field_defaults[n] for n in names}
            plain = set(known) - set(names) <= {"maximize", "dampening", "nesterov"}
            plain = plain and {"momentum", "weight_decay"} <= set(names)
            words = f"{', '.join(names[:-1])}{' and ' * (count > 1)}{names[-1]}"
            words += " have no effect" if count > 1 else " has no effect"
            words += ": a step of plain gradient descent" * plain
            if count > 1 or names == ("momentum",):  # the others are known by themselves
                yield Departure(f"{'_'.join(names)}_off", names[0], words, told(_put(off)))
            for kept in (True, False):
                until = Departure(
                    f"{'_'.join(names)}_off_until_set{'_unfed' * (not kept)}", names[0],
                    f"{words}, until hyper-parameters are set in the run", _until_set(off, kept),
                )  # fmt: skip
                yield until


def _until_set(off: dict[str, Any], kept: bool) -> Callable[[Hypothesis], Hypothesis]:
    """What was given at the start has no effect. kept: steps without momentum leave a velocity."""

    def change(hypers: Sequence[Hyper]) -> Sequence[Hyper]:
        first = next((t for t, h in enumerate(hypers) if h != hypers[0]), len(hypers))
        return [h._replace(**off) if t < first else h for t, h in enumerate(hypers)]

    def apply(hypothesis: Hypothesis) -> Hypothesis:
        return scheduled(change)(hypothesis if kept else around(unfed)(hypothesis))

    return apply


def _put(values: dict[str, Any]) -> Callable[[Hyper], Hyper]:
    return lambda h: h._replace(**values)


def _groups() -> Iterator[Departure]:
    """Another group's numbers."""
    places: dict[str, Callable[[int, int], int]] = {
        "the first group": lambda g, n: 0,
        "the last group": lambda g, n: n - 1,
        "the group before": lambda g, n: max(g - 1, 0),
        "the group after": lambda g, n: min(g + 1, n - 1),
    }
    for where, place in places.items():
        for names in (Hyper._fields, *((n,) for n in Hyper._fields)):
            shown = "hyper-parameters" if len(names) > 1 else names[0]
            words = f"the {shown} of {where} acts" if len(names) == 1 else f"the {shown} of {where}"
            words += "" if len(names) == 1 else " act"
            name = f"{shown}_of_{where.replace(' ', '_')}"
            yield Departure(name, "groups", words, taken_as(_of_group(place, names)))


def _of_group(place: Callable[[int, int], int], names: tuple[str, ...]) -> Telling:
    def telling(observation: Observation, strand: Strand) -> Iterable[Strand]:
        problem = observation.problem
        g = place(problem.groups[strand.parameter], len(problem.hypers[0]))
        hypers = [
            h._replace(**{n: getattr(row[g], n) for n in names})
            for h, row in zip(strand.hypers, problem.hypers)
        ]
        # Without momentum there is no velocity that could be dampened.
        yield strand._replace(
            hypers=tuple(h if h.momentum else h._replace(dampening=0.0) for h in hypers)
        )

    return telling
