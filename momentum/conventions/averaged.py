"""Velocity as the exponentially weighted moving average of the gradients."""

from typing import Any

from momentum.conventions._convention import Convention, Hyper, Rule, Source, State
from momentum.conventions._forms import velocity_forms


def rule(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    d = grad + h.weight_decay * theta
    v = h.momentum * state.v + (1 - h.momentum) * d
    update = (1 - h.momentum) * d + h.momentum * v if h.nesterov else v
    return theta - h.lr * update, State(state.step + 1, v)


def interpolated(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    """The average as a move from the old one towards the gradient (lerp)."""
    d = grad + h.weight_decay * theta
    v = state.v + (1 - h.momentum) * (d - state.v)
    update = d + h.momentum * (v - d) if h.nesterov else v
    return theta - h.lr * update, State(state.step + 1, v)


def interpolated_back(theta: Any, grad: Any, state: Any, h: Hyper) -> tuple[Any, Any]:
    """The average as a move from the gradient back towards the old one."""
    d = grad + h.weight_decay * theta
    v = d + h.momentum * (state.v - d)
    update = v + (1 - h.momentum) * (d - v) if h.nesterov else v
    return theta - h.lr * update, State(state.step + 1, v)


def factors(state: Any, h: Hyper) -> tuple[Any, Any, Any]:
    return h.lr, 1 - h.momentum, 1


_velocity_forms = velocity_forms(factors)


def forms(h: Hyper) -> tuple[Rule, ...]:
    return (interpolated, interpolated_back, *_velocity_forms(h))


convention = Convention(
    name="averaged",
    rule=rule,
    formula=(
        "v = 0 before the first step",
        "d = g + weight_decay x",
        "v = momentum v + (1 - momentum) d",
        "x = x - lr v",
        "nesterov: x = x - lr ((1 - momentum) d + momentum v)",
    ),
    source=Source("Ng, Deep Learning course 2, week 2; torch.optim.Muon, momentum stage"),
    spoken_by={"ng": "coupled", "optax.ema": "coupled", "muon": "coupled"},
    takes=frozenset({"momentum", "nesterov"}),
    forms=forms,
)
