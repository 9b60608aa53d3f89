"""Moving average of the gradients, divided by the sum of its weights."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from flint import fmpq

from momentum.arithmetic.number import Number
from momentum.conventions._convention import OUTSIDE, Convention, Hyper, Source
from momentum.conventions._inverse import Found, Inverse, Wanted, averaging
from momentum.conventions._response import Response
from momentum.conventions._rule import Rule
from momentum.conventions._speaker import DECAY, OPTAX_DECAY, Spelling


class State(NamedTuple):
    """Steps taken, the average, and the sum of its weights (1 - momentum^t if constant)."""

    step: int = 0
    v: Any = 0
    weight: Any = 0


def rule(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    d = grad + h.weight_decay * theta
    v = h.momentum * state.v + (1 - h.momentum) * d
    weight = h.momentum * state.weight + (1 - h.momentum)
    return theta - h.lr * (v / weight), State(state.step + 1, v, weight)


def interpolated(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    """The average as a move from the old one towards the gradient (lerp)."""
    d = grad + h.weight_decay * theta
    v = state.v + (1 - h.momentum) * (d - state.v)
    weight = state.weight + (1 - h.momentum) * (1 - state.weight)
    return theta - h.lr * (v / weight), State(state.step + 1, v, weight)


def interpolated_back(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    """The average as a move from the gradient back towards the old one."""
    d = grad + h.weight_decay * theta
    v = d + h.momentum * (state.v - d)
    weight = h.momentum * state.weight + (1 - h.momentum)
    return theta - h.lr * (v / weight), State(state.step + 1, v, weight)


def forms(h: Hyper) -> tuple[Rule, ...]:
    return (interpolated, interpolated_back)


def solve(w: Wanted, nesterov: bool, dampening: bool) -> Iterator[Found]:
    """As averaging, with the velocity divided by W' = m W + 1 - m."""
    for found in averaging(w):
        m = found.momentum
        yield Found(found.lr * (m * w.weight + 1 - m), m)


def share(momentum: fmpq, h: Hyper, s: int, n: int) -> fmpq:
    return (1 - momentum) * momentum ** (n - s) / (1 - momentum**n)


convention = Convention(
    name="averaged_debiased",
    label="avg-d",
    rule=rule,
    words="the velocity is an average, divided by the sum of its weights",
    rate=OUTSIDE,
    source=Source("Kingma and Ba 2015, Adam, section 3 (bias correction)"),
    speakers=(
        Spelling("optax.ema_debiased", {"lr": "learning_rate", "momentum": "decay"} | DECAY,
                 "optax.chain(optax.ema({momentum}), optax.scale_by_learning_rate({lr}))",
                 decay_call=OPTAX_DECAY, source="its signature in 0.2.8"),
    ),
    takes=frozenset({"momentum"}),
    forms=forms,
    response=Response(share, None, lambda momentum, h: 1),
    inverse=Inverse(solve),
    initial=State(),
)  # fmt: skip
