"""The departures that are known, by the hyper-parameter that they concern.

Most were seen in released implementations, such as torch_optimizer's SGDW (constant decay), SGDP
(decay over 1 - momentum), nnabla's SgdW (decay relative to the first lr), bitsandbytes (nesterov
and dampening ignored).
"""

from collections import namedtuple
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, cast

from momentum.conventions import Hyper, Rule
from momentum.diagnosis.departing import Departure, around, plain, scheduled, told
from momentum.diagnosis.hypotheses import Hypothesis


def _off(name: str) -> Callable[[Hypothesis], Hypothesis]:
    return told(lambda h: h._replace(**{name: Hyper._field_defaults[name]}))


def _decay(scaled: Callable[[Hyper], Any]) -> Callable[[Hypothesis], Hypothesis]:
    """Another weight decay, from all hyper-parameters."""
    return told(lambda h: h._replace(weight_decay=scaled(h)))


def _without_decay(h: Hyper) -> Hyper:
    return h._replace(weight_decay=0)


def _constant(step: Rule) -> Rule:
    def stepped(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
        moved, state = step(theta, grad, state, _without_decay(h))
        return moved - h.lr * h.weight_decay, state

    return stepped


def _of_velocity(step: Rule) -> Rule:
    def stepped(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
        share = h.weight_decay * state.v
        return step(theta, grad + (-share if h.maximize else share), state, _without_decay(h))

    return stepped


def _first(name: str) -> Callable[[Hypothesis], Hypothesis]:
    """The value of the first step at all steps."""
    return scheduled(
        lambda hypers: [h._replace(**{name: getattr(hypers[0], name)}) for h in hypers]
    )


def _late(name: str) -> Callable[[Hypothesis], Hypothesis]:
    """At each step the value of the step before."""

    def shifted(hypers: Sequence[Hyper]) -> Sequence[Hyper]:
        before = [hypers[0], *hypers[:-1]]
        return [h._replace(**{name: getattr(b, name)}) for h, b in zip(hypers, before)]

    return scheduled(shifted)


def _early(name: str) -> Callable[[Hypothesis], Hypothesis]:
    """At each step the value of the step after it."""

    def shifted(hypers: Sequence[Hyper]) -> Sequence[Hyper]:
        after = [*hypers[1:], hypers[-1]]
        return [h._replace(**{name: getattr(b, name)}) for h, b in zip(hypers, after)]

    return scheduled(shifted)


def _reset(name: str) -> Callable[[Hypothesis], Hypothesis]:
    """The state starts anew at every step where a hyper-parameter has changed."""

    def apply(hypothesis: Hypothesis) -> Hypothesis:
        inner = hypothesis.convention.initial
        kind = cast(Any, namedtuple)("Held", [*inner._fields, f"held_{name}"])

        def wrap(step: Rule) -> Rule:
            def stepped(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
                now = getattr(h, name)
                held = type(inner)(*state[:-1])
                if held.step and plain(state[-1]) != plain(now):
                    held = inner
                theta, held = step(theta, grad, held, h)
                return theta, kind(*held, now)

            return stepped

        changed = around(wrap)(hypothesis)
        convention = replace(changed.convention, initial=kind(*inner, 0.0))
        return replace(changed, convention=convention)

    return apply


def unfed(step: Rule) -> Rule:
    """Steps without momentum leave the state as it is."""

    def stepped(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
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
    """Weight decay over the first lr."""
    first = hypers[0].lr
    return [h._replace(weight_decay=h.weight_decay / first if first else 0) for h in hypers]


NESTEROV = (
    Departure("nesterov_ignored", "nesterov", "nesterov is accepted and ignored", _off("nesterov")),
    Departure(
        "nesterov_always",
        "nesterov",
        "Nesterov's form is taken although nesterov is off",
        told(lambda h: h._replace(nesterov=True)),
    ),
    Departure(
        "nesterov_inverted",
        "nesterov",
        "Nesterov's form is taken where nesterov is off, and not where it is on",
        told(lambda h: h._replace(nesterov=not h.nesterov)),
    ),
)

DAMPENING = (
    Departure(
        "dampening_ignored", "dampening", "dampening is accepted and ignored", _off("dampening")
    ),
)

MAXIMIZE = (
    Departure("maximize_ignored", "maximize", "maximize is accepted and ignored", _off("maximize")),
    Departure(
        "maximize_ignored_with_nesterov",
        "maximize",
        "maximize is ignored when nesterov is on",
        told(lambda h: h._replace(maximize=bool(h.maximize and not h.nesterov))),
    ),
    Departure(
        "maximize_after_decay",
        "maximize",
        "with maximize the sign is turned after the weight decay was added, so that it grows "
        "the parameters",
        told(lambda h: h._replace(weight_decay=-h.weight_decay) if h.maximize else h),
    ),
)

DECAY = (
    Departure(
        "decay_ignored",
        "weight_decay",
        "weight_decay is accepted and ignored",
        told(_without_decay),
    ),
    Departure(
        "decay_constant",
        "weight_decay",
        "the weight decay subtracts lr weight_decay whatever the parameter is",
        around(_constant),
    ),
    *(
        Departure(
            f"decay_of_velocity{'' if fed else '_unfed'}",
            "weight_decay",
            "the weight decay takes the velocity for the parameter",
            around(_of_velocity if fed else lambda step: unfed(_of_velocity(step))),
        )
        for fed in (True, False)
    ),
    Departure(
        "decay_without_lr",
        "weight_decay",
        "the weight decay is weight_decay / lr: not scaled by the learning rate",
        _decay(lambda h: h.weight_decay / h.lr),
    ),
    Departure(
        "decay_times_lr",
        "weight_decay",
        "the weight decay is lr weight_decay: scaled by the learning rate once too often",
        _decay(lambda h: h.weight_decay * h.lr),
    ),
    Departure(
        "decay_over_one_minus_momentum",
        "weight_decay",
        "the weight decay is weight_decay / (1 - momentum)",
        _decay(lambda h: h.weight_decay / (1 - h.momentum)),
    ),
    Departure(
        "decay_relative_to_first_lr",
        "weight_decay",
        "the weight decay is weight_decay lr / (lr of the first step)",
        scheduled(_in_proportion),
    ),
    Departure(
        "decay_over_first_lr",
        "weight_decay",
        "the weight decay is weight_decay / (lr of the first step)",
        scheduled(_per_first_rate),
    ),
    Departure(
        "decay_halved",
        "weight_decay",
        "the weight decay is weight_decay / 2",
        _decay(lambda h: h.weight_decay / 2),
    ),
    Departure(
        "decay_doubled",
        "weight_decay",
        "the weight decay is 2 weight_decay",
        _decay(lambda h: 2 * h.weight_decay),
    ),
)

SCHEDULED = tuple(
    departure
    for name in ("lr", "momentum", "dampening", "weight_decay", "nu")
    for departure in (
        Departure(
            f"{name}_held", f"{name} change", f"{name} stays what it was at the start", _first(name)
        ),
        Departure(
            f"{name}_late", f"{name} change", f"a new {name} is used one step late", _late(name)
        ),
        Departure(
            f"{name}_early", f"{name} change", f"a new {name} acts one step early", _early(name)
        ),
        Departure(
            f"{name}_resets",
            f"{name} change",
            f"the velocity is lost whenever {name} changes",
            _reset(name),
        ),
    )
)

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
