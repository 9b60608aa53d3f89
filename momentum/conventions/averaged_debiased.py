"""Moving average of the gradients, divided by the sum of its weights."""

from typing import Any, NamedTuple

from momentum.conventions._convention import Convention, Hyper, Rule, Source


class State(NamedTuple):
    """Steps taken, the average, and the sum of its weights (1 - momentum^t if constant)."""

    step: int = 0
    v: Any = 0
    weight: Any = 0


def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    d = grad + h.weight_decay * theta
    v = h.momentum * state.v + (1 - h.momentum) * d
    weight = h.momentum * state.weight + (1 - h.momentum)
    return theta - h.lr * (v / weight), State(state.step + 1, v, weight)


def interpolated(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    """The average as a move from the old one towards the gradient (lerp)."""
    d = grad + h.weight_decay * theta
    v = state.v + (1 - h.momentum) * (d - state.v)
    weight = state.weight + (1 - h.momentum) * (1 - state.weight)
    return theta - h.lr * (v / weight), State(state.step + 1, v, weight)


def interpolated_back(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    """The average as a move from the gradient back towards the old one."""
    d = grad + h.weight_decay * theta
    v = d + h.momentum * (state.v - d)
    weight = h.momentum * state.weight + (1 - h.momentum)
    return theta - h.lr * (v / weight), State(state.step + 1, v, weight)


def forms(h: Hyper) -> tuple[Rule, ...]:
    return (interpolated, interpolated_back)


convention = Convention(
    name="averaged_debiased",
    rule=rule,
    formula=(
        "v = 0, w = 0 before the first step",
        "d = g + weight_decay x",
        "v = momentum v + (1 - momentum) d",
        "w = momentum w + (1 - momentum)",
        "x = x - lr v / w",
    ),
    source=Source("Kingma and Ba 2015, Adam, section 3 (bias correction)"),
    spoken_by={"optax.ema_debiased": "coupled"},
    takes=frozenset({"momentum"}),
    forms=forms,
    initial=State(),
)
