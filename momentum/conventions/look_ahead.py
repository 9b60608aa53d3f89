"""Nesterov's method as Sutskever writes it: gradient at the look-ahead point, iterate unshifted."""

from collections.abc import Iterator

from momentum.arithmetic import exact
from momentum.arithmetic.number import Number
from momentum.arithmetic.surd import Exact
from momentum.conventions._convention import INSIDE, Convention, Hyper, Source
from momentum.conventions._inverse import Found, Inverse, Scale, Wanted
from momentum.conventions._response import summed
from momentum.conventions._rule import State
from momentum.conventions._speaker import OWN, Spelling


def gradient_point(theta: Number, state: State, h: Hyper) -> Number:
    return theta - h.momentum * state.v


def rule(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    d = grad + h.weight_decay * gradient_point(theta, state, h)
    v = h.momentum * state.v + h.lr * d
    return theta - v, State(state.step + 1, v)


def moved_twice(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    """The parameter goes to the look-ahead point and on from there by the gradient."""
    point = gradient_point(theta, state, h)
    d = grad + h.weight_decay * point
    return point - h.lr * d, State(state.step + 1, h.momentum * state.v + h.lr * d)


def undone(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    """The parameter comes back from the look-ahead point before it moves."""
    point = gradient_point(theta, state, h)
    d = grad + h.weight_decay * point
    v = h.momentum * state.v + h.lr * d
    return (point + h.momentum * state.v) - v, State(state.step + 1, v)


def nudged(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    """The velocity moves from where it is."""
    d = grad + h.weight_decay * gradient_point(theta, state, h)
    v = state.v + (h.lr * d - (1 - h.momentum) * state.v)
    return theta - v, State(state.step + 1, v)


def solve(w: Wanted, nesterov: bool, dampening: bool) -> Iterator[Found]:
    """y = x - m v; v' = m v + lr d; x' = x - v'. m was chosen one step ago."""
    m = w.like.momentum if w.held is None else w.held
    if w.Q is None or not m:
        if not w.Q and w.following != -1:
            yield Found(w.P / (1 + w.following), m, following=w.following)
        if not w.Q and w.P == 0 and w.kappa:  # shifted back by all that the gradient moves
            yield Found(w.like.lr or exact(1), m, following=exact(-1))
        return
    following = w.Q / m
    if following != -1:
        yield Found(w.P / (1 + following), m, following=following)
    elif w.kappa and w.mu:
        yield Found(m * w.kappa / w.mu, m, following=following)


def rescaled(w: Wanted, found: Found, by: Exact) -> Found | None:
    lr = found.lr * by
    return found._replace(lr=lr, following=w.P / lr - 1) if lr else None


def rescaling(w: Wanted, first: Wanted, found: Found) -> Exact | None:
    if not found.lr:
        return None
    if w.Q and w.mu and w.kappa:
        return first.P / found.lr - (w.P * w.mu / w.kappa - w.Q)
    return first.P / found.lr if w.mu is not None and not w.mu else None


convention = Convention(
    name="look_ahead",
    label="ahead",
    rule=rule,
    words="the gradient is taken as if at the look-ahead point",
    rate=INSIDE,
    alike={
        "scaled": "look_ahead differs from scaled in where the gradient is taken, which a subject "
        "that is given its gradients does not show"
    },
    source=Source("Sutskever, Martens, Dahl, Hinton 2013, equations 3 and 4; optim.nag of Torch7"),
    speakers=(
        Spelling("torch7.nag", {"lr": "learningRate", "momentum": "momentum",
                               "weight_decay": "weightDecay"}, "optim.nag(feval, x, {{{}}})"),
        Spelling("river", {"lr": "lr", "momentum": "rho"}, "river.optim.NesterovMomentum({})",
                 defaults={"momentum": "0.9"}, source="its signature in 0.26.1"),
        Spelling("sutskever", OWN, "the paper's iteration, {}"),
    ),
    takes=frozenset({"momentum"}),
    forms=lambda h: (moved_twice, undone, nudged) if h.momentum else (moved_twice, undone),
    response=summed(lambda momentum, h, s: 1, rate=None),
    inverse=Inverse(solve, scale=Scale(rescaled, rescaling)),
    gradient_point=gradient_point,
)  # fmt: skip
