"""Velocity as the exponentially weighted moving average of the gradients."""

from momentum.arithmetic.number import Number
from momentum.arithmetic.surd import Exact
from momentum.conventions._convention import OUTSIDE, Convention, Hyper, Source
from momentum.conventions._forms import velocity_forms
from momentum.conventions._inverse import Found, Inverse, Scale, Wanted, averages, shifts_averaging
from momentum.conventions._response import summed
from momentum.conventions._rule import Rule, State
from momentum.conventions._speaker import DECAY, NESTEROV, OPTAX_DECAY, OWN, Spelling


def rule(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    d = grad + h.weight_decay * theta
    v = h.momentum * state.v + (1 - h.momentum) * d
    update = (1 - h.momentum) * d + h.momentum * v if h.nesterov else v
    return theta - h.lr * update, State(state.step + 1, v)


def interpolated(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    """The average as a move from the old one towards the gradient (lerp)."""
    d = grad + h.weight_decay * theta
    v = state.v + (1 - h.momentum) * (d - state.v)
    update = d + h.momentum * (v - d) if h.nesterov else v
    return theta - h.lr * update, State(state.step + 1, v)


def interpolated_back(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    """The average as a move from the gradient back towards the old one."""
    d = grad + h.weight_decay * theta
    v = d + h.momentum * (state.v - d)
    update = v + (1 - h.momentum) * (d - v) if h.nesterov else v
    return theta - h.lr * update, State(state.step + 1, v)


def factors(state: State, h: Hyper) -> tuple[Number, Number, Number]:
    return h.lr, 1 - h.momentum, 1


_velocity_forms = velocity_forms(factors)


def forms(h: Hyper) -> tuple[Rule, ...]:
    return (interpolated, interpolated_back, *_velocity_forms(h))


def rescaled(w: Wanted, found: Found, by: Exact) -> Found | None:
    m = 1 - by * (1 - found.momentum)
    return None if m**2 == 1 else Found(w.P / (1 - m**2), m)


def rescaling(w: Wanted, first: Wanted, found: Found) -> Exact | None:
    if not (w.Q and w.mu and w.kappa):
        return None
    return (w.P * w.mu**2 - 2 * w.kappa * w.mu * w.Q) / (w.kappa**2 * w.Q)


convention = Convention(
    name="averaged",
    label="avg",
    rule=rule,
    words="the velocity is an average, its gradients scaled by 1 - momentum",
    rate=OUTSIDE,
    source=Source("Ng, Deep Learning course 2, week 2; torch.optim.Muon, momentum stage"),
    speakers=(
        Spelling("ng", {"lr": "alpha", "momentum": "beta"},
                 "v = {momentum} v + (1 - {momentum}) g; x = x - {lr} v"),
        Spelling("optax.ema", {"lr": "learning_rate", "momentum": "decay"} | DECAY,
                 "optax.chain(optax.ema({momentum}, debias=False), "
                 "optax.scale_by_learning_rate({lr}))", decay_call=OPTAX_DECAY,
                 source="its signature in 0.2.8"),
        Spelling("muon", OWN | NESTEROV, "Muon's momentum stage, {}",
                 defaults={"momentum": "0.95", "nesterov": True},
                 source="torch.optim.Muon, its signature in 2.13.0"),
    ),
    takes=frozenset({"momentum", "nesterov"}),
    forms=forms,
    response=summed(lambda momentum, h, s: 1 - momentum, rate=lambda momentum: 1 - momentum),
    inverse=Inverse(averages, scale=Scale(rescaled, rescaling, standing=True),
                    shifts=shifts_averaging),
)  # fmt: skip
