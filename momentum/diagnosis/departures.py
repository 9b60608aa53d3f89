"""The departures that are known, by the hyper-parameter that they concern.

Most were seen in released implementations, such as torch_optimizer's SGDW (constant decay), SGDP
(decay over 1 - momentum), nnabla's SgdW (decay relative to the first lr), bitsandbytes (nesterov
and dampening ignored).
"""

from collections.abc import Callable, Sequence
from math import nan
from typing import Any

from momentum.arithmetic.number import Number
from momentum.conventions import Hyper, Moved, Rule, State
from momentum.diagnosis.departure import Departure, around, keeping, plain, scheduled, told
from momentum.diagnosis.hypothesis import Hypothesis


def _off(name: str) -> Callable[[Hypothesis], Hypothesis]:
    return told(lambda h: h._replace(**{name: Hyper._field_defaults[name]}))


def _decay(scaled: Callable[[Hyper], Number]) -> Callable[[Hypothesis], Hypothesis]:
    """Another weight decay, from all hyper-parameters."""
    return told(lambda h: h._replace(weight_decay=scaled(h)))


def _without_decay(h: Hyper) -> Hyper:
    return h._replace(weight_decay=0)


def _constant(step: Rule) -> Rule:
    def stepped(theta: Number, grad: Number, state: State, h: Hyper) -> Moved:
        moved, state = step(theta, grad, state, _without_decay(h))
        return moved - h.lr * h.weight_decay, state

    return stepped


def _of_velocity(step: Rule) -> Rule:
    def stepped(theta: Number, grad: Number, state: State, h: Hyper) -> Moved:
        share = h.weight_decay * state.v
        return step(theta, grad + (-share if h.maximize else share), state, _without_decay(h))

    return stepped


def _other_steps(
    name: str, others: Callable[[Sequence[Hyper]], Sequence[Hyper]]
) -> Callable[[Hypothesis], Hypothesis]:
    """At each step another step's value."""
    return scheduled(
        lambda hypers: [
            h._replace(**{name: getattr(o, name)}) for h, o in zip(hypers, others(hypers))
        ]
    )


def _off_for_good(name: str) -> Callable[[Hypothesis], Hypothesis]:
    """What starts at its neutral value stays there."""
    off = Hyper._field_defaults.get(name)

    def changed(hypers: Sequence[Hyper]) -> Sequence[Hyper]:
        if off is None or getattr(hypers[0], name) != off:
            return hypers
        return [h._replace(**{name: off}) for h in hypers]

    return scheduled(changed)


AtChange = Callable[[Any, Any, Any, Any], Any]
"""From the state, the initial one, and a number as it was and is, to the state that goes on."""


def _at_change(name: str, change: AtChange) -> Callable[[Hypothesis], Hypothesis]:
    """Something happens to the state before every step at which a hyper-parameter has changed."""

    def apply(hypothesis: Hypothesis) -> Hypothesis:
        initial = hypothesis.convention.initial

        def act(
            step: Rule, theta: Number, grad: Number, own: Any, old: Any, h: Hyper
        ) -> tuple[Any, Any, Any]:
            now = getattr(h, name)
            if own.step and plain(old) != plain(now):
                own = change(own, initial, old, now)
            return *step(theta, grad, own, h), now

        return keeping(act)(hypothesis)

    return apply


def _anew(when: Callable[[float, float], bool]) -> AtChange:
    return lambda held, initial, old, now: initial if when(plain(old), plain(now)) else held


def _rescaled(held: Any, initial: Any, old: Any, now: Any) -> Any:
    return held._replace(v=held.v * (now / old)) if plain(old) else held


def unfed(step: Rule) -> Rule:
    """Steps without momentum leave the state as it is."""

    def stepped(theta: Number, grad: Number, state: State, h: Hyper) -> Moved:
        moved, new = step(theta, grad, state, h)
        return moved, new if plain(h.momentum) else state

    return stepped


def _in_proportion(hypers: Sequence[Hyper]) -> Sequence[Hyper]:
    """Weight decay times lr over the first lr."""
    first = hypers[0].lr
    return [
        h._replace(weight_decay=h.weight_decay * (h.lr / first) if first else 0) for h in hypers
    ]


def _per_first_rate(hypers: Sequence[Hyper]) -> Sequence[Hyper]:
    """Weight decay over the first lr; no number where that is 0."""
    first = hypers[0].lr or nan
    return [h._replace(weight_decay=h.weight_decay and h.weight_decay / first) for h in hypers]


# fmt: off
NESTEROV = (
    Departure("nesterov_ignored", "nesterov", "nesterov is accepted and ignored", _off("nesterov")),
    Departure("nesterov_always", "nesterov", "Nesterov's form is taken although nesterov is off",
              told(lambda h: h._replace(nesterov=True))),
    Departure("nesterov_inverted", "nesterov",
              "Nesterov's form is taken where nesterov is off, and not where it is on",
              told(lambda h: h._replace(nesterov=not h.nesterov))),
)

NESTEROV_FORM = Departure(
    "nesterov_form",
    "momentum",
    "each step is in Nesterov's form; where that is meant, the convention is called NAME:nesterov",
    told(lambda h: h._replace(nesterov=True)),
)
"""For what has no flag to turn it off."""

DAMPENING = (
    Departure("dampening_ignored", "dampening", "dampening is accepted and ignored",
              _off("dampening")),
)

MAXIMIZE = (
    Departure("maximize_ignored", "maximize", "maximize is accepted and ignored", _off("maximize")),
    Departure("maximize_ignored_with_nesterov", "maximize",
              "maximize is ignored when nesterov is on",
              told(lambda h: h._replace(maximize=bool(h.maximize and not h.nesterov)))),
    Departure("maximize_after_decay", "maximize",
              "with maximize the sign is turned after the weight decay was added, so that it grows "
              "the parameters",
              told(lambda h: h._replace(weight_decay=-h.weight_decay) if h.maximize else h)),
)

DECAY = (
    Departure("decay_ignored", "weight_decay", "weight_decay is accepted and ignored",
              told(_without_decay)),
    Departure("decay_constant", "weight_decay",
              "the weight decay subtracts lr weight_decay whatever the parameter is",
              around(_constant)),
    *(Departure(f"decay_of_velocity{'' if fed else '_unfed'}", "weight_decay",
                "the weight decay takes the velocity for the parameter",
                around(_of_velocity if fed else lambda step: unfed(_of_velocity(step))))
      for fed in (True, False)),
    Departure("decay_without_lr", "weight_decay",
              "the weight decay is weight_decay / lr: not scaled by the learning rate",
              _decay(lambda h: h.weight_decay / h.lr)),
    Departure("decay_times_lr", "weight_decay",
              "the weight decay is lr weight_decay: scaled by the learning rate once too often",
              _decay(lambda h: h.weight_decay * h.lr)),
    Departure("decay_over_one_minus_momentum", "weight_decay",
              "the weight decay is weight_decay / (1 - momentum)",
              _decay(lambda h: h.weight_decay / (1 - h.momentum))),
    Departure("decay_relative_to_first_lr", "weight_decay",
              "the weight decay is weight_decay lr / (lr of the first step)",
              scheduled(_in_proportion)),
    Departure("decay_over_first_lr", "weight_decay",
              "the weight decay is weight_decay / (lr of the first step)",
              scheduled(_per_first_rate)),
    Departure("decay_halved", "weight_decay", "the weight decay is weight_decay / 2",
              _decay(lambda h: h.weight_decay / 2)),
    Departure("decay_doubled", "weight_decay", "the weight decay is 2 weight_decay",
              _decay(lambda h: 2 * h.weight_decay)),
)

SCHEDULED = tuple(
    Departure(f"{name}_{kind}", f"{name} change", words.format(name), apply)
    for name in ("lr", "momentum", "dampening", "weight_decay", "nu")
    for kind, words, apply in (
        ("held", "{} stays what it was at the start",
         _other_steps(name, lambda hypers: [hypers[0]] * len(hypers))),
        ("off", "{} stays off where it is off at the start", _off_for_good(name)),
        ("late", "a new {} is used one step late",
         _other_steps(name, lambda hypers: [hypers[0], *hypers[:-1]])),
        ("early", "a new {} acts one step early",
         _other_steps(name, lambda hypers: [*hypers[1:], hypers[-1]])),
        ("resets", "the velocity is lost whenever {} changes",
         _at_change(name, _anew(lambda old, now: True))),
    )
)

CORRECTED = tuple(
    Departure(words.replace(" ", "_"), "lr change", words, _at_change("lr", act))
    for words, act in (
        ("the velocity is lost whenever lr rises", _anew(lambda old, now: now > old)),
        ("the velocity is lost whenever lr falls", _anew(lambda old, now: now < old)),
        ("the velocity is multiplied by (new lr / old lr) whenever lr changes", _rescaled),
    )
)
# fmt: on

UNFED = Departure(
    "velocity_unfed_at_zero_momentum",
    "momentum",
    "a step at momentum 0 leaves the velocity of earlier steps as it is",
    around(unfed),
)

DEPARTURES: dict[str, tuple[Departure, ...]] = {
    "nesterov": NESTEROV,
    "dampening": DAMPENING,
    "maximize": MAXIMIZE,
    "weight_decay": DECAY,
    "lr change": tuple(d for d in SCHEDULED if d.about == "lr change"),
    "momentum change": tuple(d for d in SCHEDULED if d.about == "momentum change"),
}
"""The departures to try where a subject takes a hyper-parameter."""
