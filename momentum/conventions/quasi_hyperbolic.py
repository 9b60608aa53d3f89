"""A weighted mean of the plain gradient step and the averaged momentum step."""

from collections.abc import Iterator

from flint import fmpq

from momentum.arithmetic import exact
from momentum.arithmetic.number import Number
from momentum.conventions._convention import OUTSIDE, Convention, Hyper, Source
from momentum.conventions._inverse import Found, Inverse, Wanted
from momentum.conventions._inverse import share as share_of
from momentum.conventions._response import Response
from momentum.conventions._rule import Rule, State
from momentum.conventions._speaker import DECAY, OWN, Spelling


def rule(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    d = grad + h.weight_decay * theta
    v = h.momentum * state.v + (1 - h.momentum) * d
    return theta - h.lr * ((1 - h.nu) * d + h.nu * v), State(state.step + 1, v)


def interpolated(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    """Both means as moves from one end towards the other (lerp)."""
    d = grad + h.weight_decay * theta
    v = state.v + (1 - h.momentum) * (d - state.v)
    return theta - h.lr * (d + h.nu * (v - d)), State(state.step + 1, v)


def interpolated_back(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    """The average as a move from the gradient back towards the old one."""
    d = grad + h.weight_decay * theta
    v = d + h.momentum * (state.v - d)
    return theta - h.lr * (d + h.nu * (v - d)), State(state.step + 1, v)


def multiplied_out(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    """Two updates of the parameter, one for each step."""
    d = grad + h.weight_decay * theta
    v = h.momentum * state.v + (1 - h.momentum) * d
    return theta - h.lr * h.nu * v - h.lr * (1 - h.nu) * d, State(state.step + 1, v)


def forms(h: Hyper) -> tuple[Rule, ...]:
    return (interpolated, interpolated_back, multiplied_out)


def solve(w: Wanted, nesterov: bool, dampening: bool) -> Iterator[Found]:
    """v' = m v + (1 - m) d; y' = y - lr ((1 - nu) d + nu v')."""
    m = share_of(w)
    if w.Q is None:
        if m is not None and w.like.nu * m != 1:
            yield Found(w.P / (1 - w.like.nu * m), m, nu=w.like.nu)
        return
    lr = w.P + w.Q
    if w.kappa is None and w.Q and not m:
        m = exact(fmpq(1, 2))
    if m is None:
        return
    if lr and (m or not w.Q):
        yield Found(lr, m, nu=w.Q / (lr * m) if m else w.like.nu)
    elif w.P == 0 and w.Q == 0:
        yield Found(lr, m, nu=w.like.nu)


def share(momentum: fmpq, h: Hyper, s: int, n: int) -> fmpq:
    nu = exact(h.nu)
    return nu * (1 - momentum) * momentum ** (n - s) + ((1 - nu) if n == s else 0)


convention = Convention(
    name="quasi_hyperbolic",
    label="qhm",
    rule=rule,
    words="the step is a mean of the plain and of the averaged one, weighed by nu",
    rate=OUTSIDE,
    contains={"averaged": "averaged is quasi_hyperbolic with nu = 1"},
    source=Source("Ma and Yarats 2019, Quasi-hyperbolic momentum and Adam, equations 3 and 4"),
    speakers=(
        Spelling("qhm", OWN | {"nu": "nu"} | DECAY,
                 "torch_optimizer.QHM(params, {}, weight_decay_type='grad')",
                 defaults={"nu": "0.7"}, source="its signature in 0.3.0"),
        Spelling("qhoptim", OWN | {"nu": "nu"} | DECAY,
                 "qhoptim.pyt.QHM(params, {}, weight_decay_type='grad')"),
    ),
    takes=frozenset({"momentum", "nu"}),
    forms=forms,
    # Ma and Yarats 2019, section 3.
    response=Response(share, lambda momentum, h: 1, lambda momentum, h: 1),
    inverse=Inverse(solve),
)  # fmt: skip
