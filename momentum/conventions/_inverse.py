"""Which hyper-parameters make a convention take a wanted step.

Every rule, written out for one step, is

    y' = A y - P g - Q v        y: what the model sees, v: the velocity
    v' = r y + m v + k g

with coefficients made of the hyper-parameters. The update fixes P and Q; what the velocity has to
remember fixes m : k = mu : kappa. A convention that can be converted into solves its rule for its
hyper-parameters, and no answer is believed: the search takes the step with the rule itself and
compares.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from flint import fmpq

from momentum.arithmetic import exact
from momentum.arithmetic.near import Near
from momentum.arithmetic.surd import Exact, Radical, height, new_root, root


class Wanted(NamedTuple):
    """One step as the target has to take it.

    P, Q: weights of the gradient and of the velocity in the update; Q is None where there is no
    velocity yet, so that any will do. mu, kappa: in this proportion old velocity and gradient have
    to enter the new one; kappa is None where nothing needs to be remembered, mu where there is no
    old velocity. like: hyper-parameters of the source at this step and momentum at the next;
    where they leave a choice they decide it. first: no step has been taken.
    held: momentum that the step before has already laid down, in the look-ahead convention.
    weight: sum of the weights so far, in the debiased one. surds: numbers whose square root would
    have been needed and was not to be had; the solvers add to it. radical: the square roots that
    are in use, of `heights` that may be.
    """

    P: Any
    Q: Any
    mu: Any
    kappa: Any
    like: Any
    following: Any
    weight: Any
    first: bool
    held: Any
    surds: list[Exact]
    radical: Radical | None
    heights: float


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


class Scale(NamedTuple):
    """The first velocity is known but for its scale, which a later step may need to be something.

    rescaled: the same first step with so many times the velocity, where the rule leaves that free.
    rescaling: from a later step, the first and its answer, the factor that the later one needs;
    None where it needs none. standing: steps without an update change the scale in between, as
    v' = m v + (1 - m) d does.
    """

    rescaled: Callable[[Wanted, Found, Exact], Found | None]
    rescaling: Callable[[Wanted, Wanted, Found], Exact | None]
    standing: bool = False

    def carried(self, by: Exact | None, standing: Sequence[Wanted]) -> Exact | None:
        """The factor before some steps without an update that is `by` after them.

        Where v' = m v + (1 - m) d, one of them turns s into s (kappa + mu) / (s kappa + mu).
        """
        for w in reversed(standing):
            if by is None or w.mu is None or w.kappa is None or w.kappa + w.mu == by * w.kappa:
                return None
            by = by * w.mu / (w.kappa + w.mu - by * w.kappa)
        return by


class Inverse(NamedTuple):
    """A rule solved for its hyper-parameters.

    solve: solve(wanted, nesterov, dampening is free). seeded: the first velocity is the whole
    gradient, unless one of zeros is there already. scale: where the first velocity's scale is
    free; in Nesterov's form, where the rule has one. shifts: multiples of the parameter whose
    addition to the velocity makes a step possible, which a coupled decay at rate 0 can add.
    """

    solve: Callable[[Wanted, bool, bool], Iterator[Found]]
    seeded: bool = False
    scale: Scale | None = None
    shifts: Callable[[Wanted], Iterator[Exact]] | None = None


def roots(x: Exact, w: Wanted) -> tuple[Exact, ...]:
    """Both square roots; where there is none that may be used, x goes on record."""
    found = root(x, w.radical)
    if found is None and x > 0:
        if isinstance(x, fmpq) and w.heights == math.inf:
            found = Near.of(x).root()
        elif height(w.radical) < w.heights:
            found = new_root(x, w.radical)
    if found is None:
        w.surds.append(x)
        return ()
    return (found, -found) if found else (found,)


def usual(w: Wanted) -> Exact:
    """The momentum where there is no velocity yet, so that any will do: the source's."""
    return w.like.momentum if w.Q is None else w.Q


def share(w: Wanted) -> Exact | None:
    """m where m : 1 - m = mu : kappa."""
    if w.kappa is None or w.mu is None:
        return w.like.momentum
    return w.mu / (w.mu + w.kappa) if w.mu + w.kappa else None


def averaging(w: Wanted) -> Iterator[Found]:
    """v' = m v + (1 - m) d; y' = y - lr v'."""
    total = w.P + (w.Q or 0)
    if w.Q is None:
        m = w.like.momentum
        m = 0 * m if m == 1 else m  # an average of momentum 1 takes no gradient at all
        yield Found(w.P / (1 - m), m)
    elif total:
        yield Found(total, w.Q / total)
    elif w.P == 0:
        m = share(w)
        if m is not None:
            yield Found(exact(0), m)


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
        yield Found(w.P, exact(1))


def averages(w: Wanted, nesterov: bool, free: bool) -> Iterator[Found]:
    """Either form of an average."""
    return nesterov_averaging(w) if nesterov else averaging(w)


def outside(w: Wanted, free: bool) -> Iterator[Found]:
    """v' = m v + k d; y' = y - lr v', with k = 1 or free."""
    standing = w.P == 0 and not w.Q
    if free and w.like.dampening and w.like.lr and w.P != 0:  # the same rate, if that will do
        lr = w.like.lr
        yield Found(lr, w.like.momentum if w.Q is None else w.Q / lr, w.P / lr)
    if w.P != 0:
        yield Found(w.P, w.like.momentum if w.Q is None else w.Q / w.P)
    elif w.Q and free:
        m = w.like.momentum or exact(1)
        yield Found(w.Q / m, m, exact(0))
    if standing:
        yield from _standing(w, free)


def _standing(w: Wanted, free: bool) -> Iterator[Found]:
    """lr = 0: the parameter stands still and the velocity goes on."""
    zero, m = exact(0), w.like.momentum
    if w.kappa is None or (w.mu is None and w.kappa):
        yield Found(zero, m)
        if free and w.kappa is None:
            yield Found(zero, m, zero)
    elif w.kappa:
        yield Found(zero, w.mu / w.kappa)
    elif free:
        yield Found(zero, m or exact(1), zero)


def nesterov_outside(w: Wanted, free: bool) -> Iterator[Found]:
    """v' = m v + k d; y' = y - lr (d + m v'), with k = 1 or free."""
    one = exact(1)
    if w.P == 0 and not w.Q:
        yield from _standing(w, free)
    if w.Q is None:
        m = w.like.momentum
        yield from (Found(w.P / (1 + m), m) for _ in range(1) if m != -1)
    elif w.Q == 0:
        if not w.mu:
            yield Found(w.P, exact(0))
    elif w.kappa is None and free:
        m = w.like.momentum or one
        yield Found(w.Q / m**2, m, (w.P * m**2 / w.Q - 1) / m)
    elif w.kappa is None:
        for m in _doubled(w):
            yield Found(w.Q / m**2, m) if m else Found(w.P, m)
    elif not free:
        if w.mu is not None and w.kappa and w.mu:
            m = w.mu / w.kappa
            yield Found(w.Q / m**2, m)
    elif w.mu:
        lr = w.P - w.Q * w.kappa / w.mu
        for c in roots(w.Q / (lr * w.mu**2), w) if lr else ():
            yield Found(lr, c * w.mu, c * w.kappa)


def rate_outside(w: Wanted, nesterov: bool, free: bool) -> Iterator[Found]:
    """Either form of a sum, with the rate outside."""
    return (nesterov_outside if nesterov else outside)(w, free)


def _doubled(w: Wanted) -> list[Exact]:
    """m with m^2 P = Q (1 + m)."""
    parts = roots(w.Q**2 + 4 * w.P * w.Q, w)
    return [(w.Q + part) / (2 * w.P) if w.P else -exact(1) for part in parts]


def shifts_outside(w: Wanted) -> Iterator[Exact]:
    """Those of Nesterov's form with the rate outside."""
    if w.P and w.Q and w.kappa is not None and w.mu is not None:
        yield from shifts(w, _doubled(w))


def shifts_averaging(w: Wanted) -> Iterator[Exact]:
    """Those of an average in Nesterov's form."""
    if w.P and w.Q and w.P + w.Q and w.kappa is not None and w.mu is not None:
        momenta = roots(w.Q / (w.P + w.Q), w)
        yield from shifts(w, [m / (1 - m) for m in momenta])


def shifts(w: Wanted, momenta: list[Exact]) -> Iterator[Exact]:
    """Multiples s of y whose addition to v makes Nesterov's form with coupled decay possible.

    v + s y turns the part of y that the new velocity takes, and with it mu and kappa, each by a
    multiple of Q and P; the rule wants mu : kappa = n, so that
    s = (n kappa - mu) / ((n P - Q) (mu - kappa Q / P)).
    """
    for n in momenta:
        turned = (n * w.P - w.Q) * (w.mu - w.kappa * w.Q / w.P)
        if turned:
            yield (n * w.kappa - w.mu) / turned
