"""Velocity as the exponentially weighted moving average of the gradients."""

from collections.abc import Iterator

from momentum.arithmetic.number import Number
from momentum.arithmetic.surd import Exact
from momentum.conventions._convention import OUTSIDE, Convention, Hyper, Source
from momentum.conventions._forms import velocity_forms
from momentum.conventions._inverse import (  # fmt: skip
    Found,
    Inverse,
    Scale,
    Wanted,
    averaging,
    roots,
    share,
    shifts,
)
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


def solve(w: Wanted, nesterov: bool, dampening: bool) -> Iterator[Found]:
    return nesterov_averaging(w) if nesterov else averaging(w)


def nesterov_averaging(w: Wanted) -> Iterator[Found]:
    """v' = m v + (1 - m) d; y' = y - lr ((1 - m) d + m v')."""
    choices: tuple[Exact, ...] = ()
    if w.Q is None or w.kappa is not None:
        m = share(w)
        choices = () if m is None else (m,)
    elif w.P + w.Q:
        choices = roots(w.Q / (w.P + w.Q), w)
    elif w.P == 0:
        choices = (w.like.momentum,)
    for m in choices:
        if m**2 != 1:
            yield Found(w.P / (1 - m**2), m)
        elif w.P == 0 and w.Q is not None:
            yield Found(w.Q, m)
    if w.P == 0 and w.Q is None:  # momentum 1 keeps the velocity as it is
        yield Found(w.P, 1 + 0 * w.P)


def rescaled(w: Wanted, found: Found, by: Exact) -> Found | None:
    m = 1 - by * (1 - found.momentum)
    return None if m**2 == 1 else Found(w.P / (1 - m**2), m)


def rescaling(w: Wanted, first: Wanted, found: Found) -> Exact | None:
    if not (w.Q and w.mu and w.kappa):
        return None
    return (w.P * w.mu**2 - 2 * w.kappa * w.mu * w.Q) / (w.kappa**2 * w.Q)


def shifts_averaging(w: Wanted) -> Iterator[Exact]:
    if w.P and w.Q and w.P + w.Q and w.kappa is not None and w.mu is not None:
        momenta = roots(w.Q / (w.P + w.Q), w)
        yield from shifts(w, [m / (1 - m) for m in momenta if m != 1])


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
        Spelling("cntk", OWN | {"weight_decay": "l2_regularization_weight"},
                 "cntk.momentum_sgd(parameters, {})"),
        Spelling("muon", OWN | NESTEROV, "Muon's momentum stage, {}",
                 defaults={"momentum": "0.95", "nesterov": True},
                 source="torch.optim.Muon, its signature in 2.13.0"),
    ),
    takes=frozenset({"momentum", "nesterov"}),
    forms=forms,
    response=summed(lambda momentum, h, s: 1 - momentum, rate=lambda momentum: 1 - momentum),
    inverse=Inverse(solve, scale=Scale(rescaled, rescaling, standing=True),
                    shifts=shifts_averaging),
)  # fmt: skip
