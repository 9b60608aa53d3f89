"""Which hyper-parameters make a convention take a wanted step.

Every rule, written out for one step, is

    y' = A y - P g - Q v        y: what the model sees, v: the velocity
    v' = r y + m v + k g

with coefficients made of the hyper-parameters. The update fixes P and Q; what the velocity has to
remember fixes m : k = mu : kappa. Here each rule is solved for its hyper-parameters, and no answer
is believed: the search takes the step with the rule itself and compares.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from flint import fmpq

from momentum.arithmetic import exact
from momentum.conventions import Hyper


class Wanted(NamedTuple):
    """One step as the target has to take it.

    P, Q: weights of the gradient and of the velocity in the update; Q is None where there is no
    velocity yet, so that any will do. mu, kappa: in this proportion old velocity and gradient have
    to enter the new one; kappa is None where nothing needs to be remembered, mu where there is no
    old velocity. like: hyper-parameters of the source at this step and momentum at the next;
    where they leave a choice they decide it. first: the velocity starts with the gradient.
    held: momentum that the step before has already laid down, in the look-ahead convention.
    weight: sum of the weights so far, in the debiased one. surds: numbers whose square root would
    have been needed and is irrational; the solvers add to it.
    """

    P: Any
    Q: Any
    mu: Any
    kappa: Any
    like: Hyper
    following: Any
    weight: Any = 0
    first: bool = False
    held: Any = None
    surds: list[Any] = []


class Found(NamedTuple):
    """Hyper-parameters of one step.

    following: momentum of the next step. decay: where it is free, and not the natural one.
    """

    lr: Any
    momentum: Any
    keep: Any = 1
    nu: Any = 1
    following: Any = None
    decay: Any = None


def root(x: fmpq) -> fmpq | None:
    """The rational square root, where there is one."""
    if x < 0:
        return None
    try:
        return fmpq(x.p.root(2), x.q.root(2)) if _square(x.p) and _square(x.q) else None
    except ValueError:
        return None


def _square(n: Any) -> bool:
    return bool(n.root(2) ** 2 == n) if n else True


def roots(x: fmpq, w: Wanted) -> tuple[fmpq, ...]:
    """Both rational square roots; where there are none, x goes on record."""
    found = root(x)
    if found is None:
        w.surds.append(x)
        return ()
    return (found, -found) if found else (found,)


def _momentum(w: Wanted) -> Any:
    return w.like.momentum


def outside(w: Wanted, free: bool) -> Iterator[Found]:
    """v' = m v + k d; y' = y - lr v', with k = 1 or free."""
    free = free and not w.first
    standing = w.P == 0 and not w.Q
    if free and w.like.dampening and w.like.lr and w.P != 0:  # the same rate, if that will do
        lr = w.like.lr
        yield Found(lr, _momentum(w) if w.Q is None else w.Q / lr, w.P / lr)
    if w.P != 0:
        yield Found(w.P, _momentum(w) if w.Q is None else w.Q / w.P)
    elif w.Q and free:
        m = _momentum(w) or exact(1)
        yield Found(w.Q / m, m, exact(0))
    if standing:
        yield from _standing(w, free)


def _standing(w: Wanted, free: bool) -> Iterator[Found]:
    """lr = 0: the parameter stands still and the velocity goes on."""
    zero = exact(0)
    if w.kappa is None or (w.mu is None and w.kappa):
        yield Found(zero, _momentum(w))
        if free and w.kappa is None:
            yield Found(zero, _momentum(w), zero)
    elif w.kappa:
        yield Found(zero, w.mu / w.kappa)
    elif free:
        yield Found(zero, _momentum(w) or exact(1), zero)


def inside(w: Wanted) -> Iterator[Found]:
    """v' = m v + lr d; y' = y - v'."""
    yield Found(w.P, _momentum(w) if w.Q is None else w.Q)


def averaging(w: Wanted) -> Iterator[Found]:
    """v' = m v + (1 - m) d; y' = y - lr v'."""
    total = w.P + (w.Q or 0)
    if w.Q is None:
        m = _momentum(w)
        if m != 1:
            yield Found(w.P / (1 - m), m)
    elif total:
        yield Found(total, w.Q / total)
    elif w.P == 0:
        m = _share(w)
        if m is not None:
            yield Found(exact(0), m)


def _share(w: Wanted) -> Any:
    """m where m : 1 - m = mu : kappa."""
    if w.kappa is None or w.mu is None:
        return _momentum(w)
    return w.mu / (w.mu + w.kappa) if w.mu + w.kappa else None


def debiased(w: Wanted) -> Iterator[Found]:
    """As averaging, with the velocity divided by W' = m W + 1 - m."""
    for found in averaging(w):
        m = found.momentum
        yield Found(found.lr * (m * w.weight + 1 - m), m)


def nesterov_outside(w: Wanted, free: bool) -> Iterator[Found]:
    """v' = m v + k d; y' = y - lr (d + m v'), with k = 1 or free."""
    free = free and not w.first
    one = exact(1)
    if w.P == 0 and not w.Q:
        yield from _standing(w, free)
    if w.Q is None:
        m = _momentum(w)
        yield from (Found(w.P / (1 + m), m) for _ in range(1) if m != -1)
    elif w.Q == 0:
        if not w.mu:
            yield Found(w.P, exact(0))
    elif w.kappa is None and free:
        m = _momentum(w) or one
        yield Found(w.Q / m**2, m, (w.P * m**2 / w.Q - 1) / m)
    elif w.kappa is None:
        for part in roots(w.Q**2 + 4 * w.P * w.Q, w):  # m^2 P = Q (1 + m)
            m = (w.Q + part) / (2 * w.P) if w.P else -one
            yield Found(w.Q / m**2, m) if m else Found(w.P, m)
    elif not free:
        if w.mu is not None and w.kappa and w.mu:
            m = w.mu / w.kappa
            yield Found(w.Q / m**2, m)
    elif w.mu:
        lr = w.P - w.Q * w.kappa / w.mu
        for c in roots(w.Q / (lr * w.mu**2), w) if lr else ():
            yield Found(lr, c * w.mu, c * w.kappa)


def nesterov_inside(w: Wanted) -> Iterator[Found]:
    """v' = m v + lr d; y' = y - lr d - m v'."""
    choices: tuple[Any, ...]
    if w.Q is None:
        choices = (_momentum(w),)
    elif w.kappa and w.mu:
        c = w.P / w.kappa - w.Q / w.mu
        choices = (c * w.mu,)
    else:
        choices = roots(w.Q, w)
    for m in choices:
        if m != -1:
            yield Found(w.P / (1 + m), m)
        elif w.kappa and w.mu:
            yield Found(m * w.kappa / w.mu, m)
    if w.P == 0 and w.Q is None and w.kappa:  # momentum -1 stores the gradient and stands still
        yield Found(w.like.lr or exact(1), exact(-1))


def nesterov_averaging(w: Wanted) -> Iterator[Found]:
    """v' = m v + (1 - m) d; y' = y - lr ((1 - m) d + m v')."""
    choices: tuple[Any, ...] = ()
    if w.Q is None or w.kappa is not None:
        m = _share(w)
        choices = () if m is None else (m,)
    elif w.P + w.Q:
        choices = roots(w.Q / (w.P + w.Q), w)
    elif w.P == 0:
        choices = (_momentum(w),)
    for m in choices:
        if m**2 != 1:
            yield Found(w.P / (1 - m**2), m)
        elif w.P == 0 and w.Q is not None:
            yield Found(w.Q, m)
    if w.P == 0 and w.Q is None:  # momentum 1 keeps the velocity as it is
        yield Found(w.P, exact(1))


def quasi_hyperbolic(w: Wanted) -> Iterator[Found]:
    """v' = m v + (1 - m) d; y' = y - lr ((1 - nu) d + nu v')."""
    m = _share(w)
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


def looking_ahead(w: Wanted) -> Iterator[Found]:
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


def looking_back(w: Wanted) -> Iterator[Found]:
    """y' = y - lr d + m (y - v); v' = y."""
    yield Found(w.P, _momentum(w) if w.Q is None else w.Q)


def solver(name: str, nesterov: bool, dampening: bool) -> Callable[[Wanted], Iterator[Found]]:
    """The solver of a convention."""
    if name in ("accumulated", "zero_started"):
        rule = nesterov_outside if nesterov else outside
        return lambda w: rule(w, dampening)
    return {
        "scaled": nesterov_inside if nesterov else inside,
        "averaged": nesterov_averaging if nesterov else averaging,
        "averaged_debiased": debiased,
        "quasi_hyperbolic": quasi_hyperbolic,
        "two_point": looking_back,
        "look_ahead": looking_ahead,
    }[name]
