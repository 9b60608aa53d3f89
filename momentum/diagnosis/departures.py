"""The departures that are known, by the hyper-parameter that they concern.

Most were seen in released implementations, such as torch_optimizer's SGDW (constant decay), SGDP
(decay over 1 - momentum), nnabla's SgdW (decay relative to the first lr), bitsandbytes (nesterov
and dampening ignored).
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import accumulate
from math import nan
from operator import ne

from momentum.arithmetic.number import Number
from momentum.conventions import Hyper, Moved, Rule, State
from momentum.conventions.hyper import NUMBERS
from momentum.diagnosis.departure import (
    Apply,
    Departure,
    all_of,
    around,
    keeping,
    plain,
    scheduled,
    told,
)
from momentum.diagnosis.moments import anew_where


def _off(name: str) -> Apply:
    return told(lambda h: h._replace(**{name: Hyper._field_defaults[name]}))


def _decay(scaled: Callable[[Hyper], Number]) -> Apply:
    """Another weight decay, from all hyper-parameters."""
    return told(lambda h: h._replace(weight_decay=scaled(h)))


def _without_decay(h: Hyper) -> Hyper:
    return h._replace(weight_decay=0)


def _constant(step: Rule, theta: Number, grad: Number, state: State, h: Hyper) -> Moved:
    moved, state = step(theta, grad, state, _without_decay(h))
    return moved - h.lr * h.weight_decay, state


def _decayed(step: Rule, theta: Number, grad: Number, state: State, h: Hyper, by: Number) -> Moved:
    """A step whose decay is coupled, and of another number than the parameter."""
    share = h.weight_decay * by
    return step(theta, grad + (-share if h.maximize else share), state, _without_decay(h))


def _of_velocity(step: Rule, theta: Number, grad: Number, state: State, h: Hyper) -> Moved:
    return _decayed(step, theta, grad, state, h, state.v)


def _of_parameter_before(
    step: Rule, theta: Number, grad: Number, own: State, before: Number, h: Hyper
) -> tuple[Number, State, Number]:
    return *_decayed(step, theta, grad, own, h, before if own.step else theta), theta


def _other_steps(name: str, others: Callable[[Sequence[Hyper]], Sequence[Hyper]]) -> Apply:
    """At each step another step's value."""
    return scheduled(
        lambda hypers: [
            h._replace(**{name: getattr(o, name)}) for h, o in zip(hypers, others(hypers))
        ]
    )


def _differ(name: str, old: Hyper, new: Hyper) -> bool:
    return bool(getattr(old, name) != getattr(new, name))


def _off_for_good(name: str) -> Apply:
    """What starts at its neutral value stays there."""
    off = Hyper._field_defaults.get(name)

    def changed(hypers: Sequence[Hyper]) -> Sequence[Hyper]:
        if off is None or getattr(hypers[0], name) != off:
            return hypers
        return [h._replace(**{name: off}) for h in hypers]

    return scheduled(changed)


def _rescaled(
    step: Rule, theta: Number, grad: Number, own: State, old: float, h: Hyper
) -> tuple[Number, State, float]:
    """The velocity goes with the rate, before every step at which that has changed."""
    if own.step and plain(old) not in (0, plain(h.lr)):
        own = own._replace(v=own.v * (h.lr / old))
    return *step(theta, grad, own, h), h.lr


def _reaveraged(
    step: Rule, theta: Number, grad: Number, own: State, old: float, h: Hyper
) -> tuple[Number, State, float]:
    """The velocity kept is (1 - momentum) of it, and is divided by that of every step."""
    if own.step and 1 not in (plain(old), plain(h.momentum)):
        own = own._replace(v=own.v * ((1 - old) / (1 - h.momentum)))
    return *step(theta, grad, own, h), h.momentum


def _first_change(hypers: Sequence[Hyper]) -> Sequence[Hyper]:
    """What is set first, and nothing that is set after it."""
    there = next((t for t, h in enumerate(hypers) if h != hypers[0]), len(hypers))
    return [*hypers[:there], *(hypers[there] for _ in hypers[there:])]


def unfed(step: Rule, theta: Number, grad: Number, state: State, h: Hyper) -> Moved:
    """Steps without momentum leave the state as it is."""
    moved, new = step(theta, grad, state, h)
    return moved, new if plain(h.momentum) else state


def _in_proportion(hypers: Sequence[Hyper]) -> Sequence[Hyper]:
    """Weight decay times lr over the first lr."""
    first = hypers[0].lr
    return [
        h._replace(weight_decay=h.weight_decay * (h.lr / first) if first else 0) for h in hypers
    ]


def _not_so_near(near: float, of: str) -> Apply:
    """A rate stays that of the step before, where it is as near to it."""

    def held(new: float, last: float) -> bool:
        if of == LARGER:
            return abs(new - last) <= near * max(new, last)
        return abs(new - last) < near * (last if of else 1)

    def changed(hypers: Sequence[Hyper]) -> Sequence[Hyper]:
        told = list(hypers[:1])
        for h in hypers[1:]:
            last = told[-1].lr
            told.append(h._replace(lr=last) if held(h.lr, last) else h)
        return told

    return scheduled(changed)


Choice = Callable[..., float]
"""`min` or `max`."""


def _furthest(choose: Choice) -> Apply:
    """In place of each rate the least or the largest so far."""

    def changed(hypers: Sequence[Hyper]) -> Sequence[Hyper]:
        rates = accumulate((h.lr for h in hypers), choose)
        return [h._replace(lr=lr) for h, lr in zip(hypers, rates)]

    return scheduled(changed)


def _furthest_of_its_own(choose: Choice) -> Apply:
    """The same of those steps at which a parameter has a gradient."""

    def act(
        step: Rule, theta: Number, grad: Number, own: State, kept: float, h: Hyper
    ) -> tuple[Number, State, float]:
        kept = choose(kept, h.lr, key=plain) if own.step else h.lr
        return *step(theta, grad, own, h._replace(lr=kept)), kept

    return keeping(act)


def _per_first_rate(hypers: Sequence[Hyper]) -> Sequence[Hyper]:
    """Weight decay over the first lr; no number where that is 0."""
    first = hypers[0].lr or nan
    return [h._replace(weight_decay=h.weight_decay and h.weight_decay / first) for h in hypers]


NESTEROV_FORM = Departure(
    "each step is in Nesterov's form; where that is meant, the convention is called NAME:nesterov",
    told(lambda h: h._replace(nesterov=True)),
)
"""For what has no flag to turn it off."""

UNDECAYED: dict[str, Apply] = {
    "weight_decay is accepted and ignored": told(_without_decay),
    "the weight decay subtracts lr weight_decay whatever the parameter is": around(_constant),
}
"""Without decay its kind is none."""

OPTIONS: dict[str, dict[str, Apply]] = {
    "nesterov": {
        "nesterov is accepted and ignored": _off("nesterov"),
        "Nesterov's form is taken although nesterov is off":
            told(lambda h: h._replace(nesterov=True)),
        "Nesterov's form is taken where nesterov is off, and not where it is on":
            told(lambda h: h._replace(nesterov=not h.nesterov)),
    },
    "dampening": {"dampening is accepted and ignored": _off("dampening")},
    "maximize": {
        "maximize is accepted and ignored": _off("maximize"),
        "maximize is ignored when nesterov is on":
            told(lambda h: h._replace(maximize=bool(h.maximize and not h.nesterov))),
        "with maximize the sign is turned after the weight decay was added, so that it grows the "
        "parameters":
            told(lambda h: h._replace(weight_decay=-h.weight_decay) if h.maximize else h),
    },
    "weight_decay": UNDECAYED | {
        "the weight decay takes the velocity for the parameter": around(_of_velocity),
        "the weight decay takes the velocity, which rests at momentum 0, for the parameter":
            around(lambda step, *at: unfed(partial(_of_velocity, step), *at)),
        "the weight decay takes the parameter as it was a step before":
            keeping(_of_parameter_before),
        "the weight decay shrinks the velocity by 1 - weight_decay, and no parameter":
            around(lambda step, x, g, s, h: step(
                x, g, s._replace(v=s.v - h.weight_decay * s.v), _without_decay(h))),
        "the weight decay is weight_decay / lr: not scaled by the learning rate":
            _decay(lambda h: h.weight_decay / h.lr),
        "the weight decay is lr weight_decay: scaled by the learning rate once too often":
            _decay(lambda h: h.weight_decay * h.lr),
        "the weight decay is weight_decay / (1 - momentum)":
            _decay(lambda h: h.weight_decay / (1 - h.momentum)),
        "the weight decay is weight_decay lr / (lr of the first step)": scheduled(_in_proportion),
        "the weight decay is weight_decay / (lr of the first step)": scheduled(_per_first_rate),
        "the weight decay is weight_decay / 2": _decay(lambda h: h.weight_decay / 2),
        "the weight decay is 2 weight_decay": _decay(lambda h: 2 * h.weight_decay),
    },
}  # fmt: skip
"""By the hyper-parameter that is treated so."""

CHANGES: dict[str, dict[str, Apply]] = {
    name: {
        f"{name} stays what it was at the start":
            _other_steps(name, lambda hypers: [hypers[0]] * len(hypers)),
        f"a new {name} is used one step late":
            _other_steps(name, lambda hypers: [hypers[0], *hypers[:-1]]),
        f"a new {name} acts one step early":
            _other_steps(name, lambda hypers: [*hypers[1:], hypers[-1]]),
        f"the velocity is lost whenever {name} changes":
            anew_where(partial(_differ, name)),
    }
    for name in NUMBERS
}  # fmt: skip
"""By the hyper-parameter that changes in a run."""

TURNED: dict[str, Apply] = {
    f"{name} stays what it was at the start":
        _other_steps(name, lambda hypers: [hypers[0]] * len(hypers))
    for name in ("nesterov", "maximize")
}  # fmt: skip

NEVER_ON: dict[str, Apply] = {
    f"{name} stays off where it is off at the start": _off_for_good(name) for name in NUMBERS
}
"""Of which runs that begin with it on say nothing."""

LARGER = " of the larger of both"
"""As the standard library compares, which takes what is as far as that to be close, too."""

NEAR_RATES: dict[str, Apply] = {
    f"a new lr that is {'at most' if of == LARGER else 'less than'} {near:g}{of} off is not used":
        _not_so_near(near, of)
    for of in (" of the last", LARGER, "")
    for near in (x * 10.0**-k for k in range(3, 9) for x in (3, 1))
}  # fmt: skip

CORRECTED: dict[str, Apply] = {
    "the velocity is lost whenever any hyper-parameter changes": anew_where(ne),
    "the velocity is lost whenever lr rises": anew_where(lambda old, new: new.lr > old.lr),
    "the velocity is lost whenever lr falls": anew_where(lambda old, new: new.lr < old.lr),
    "only the first change of hyper-parameters is heard": scheduled(_first_change),
    **{
        f"in place of lr acts the {words} lr {of}": apply(choose)
        for words, choose in (("smallest", min), ("largest", max))
        for of, apply in (
            ("so far", _furthest),
            ("so far of steps at which a parameter has a gradient", _furthest_of_its_own),
        )
    },
    "the velocity is multiplied by (new lr / old lr) whenever lr changes": keeping(_rescaled),
    "the velocity is multiplied by (1 - old momentum) / (1 - new momentum) whenever momentum "
    "changes":
        keeping(_reaveraged),
}  # fmt: skip

UNFED = "a step at momentum 0 leaves the velocity of earlier steps as it is"

DEPARTURES: dict[str, tuple[Departure, ...]] = {
    **{name: all_of(table) for name, table in OPTIONS.items()},
    **{f"{name} change": all_of(CHANGES[name]) for name in ("lr", "momentum")},
}
"""The departures to try where a subject takes a hyper-parameter."""

KNOWN: tuple[Departure, ...] = (
    *all_of(OPTIONS["nesterov"]),
    NESTEROV_FORM,
    Departure(UNFED, around(unfed)),
    *(d for name in ("dampening", "maximize", "weight_decay") for d in all_of(OPTIONS[name])),
    *(d for table in (*CHANGES.values(), TURNED, NEVER_ON, CORRECTED) for d in all_of(table)),
)
"""All of them."""
