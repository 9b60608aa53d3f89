"""Where one step leaves a choice that a later step decides: scale and shift of the velocity.

At the first step nothing is known of the velocity but its direction, and at rate 0 a coupled
decay moves nothing but the velocity. Both are free until a step needs them to be something.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from momentum.conversion.inverse import Found, Wanted, roots


def rescaled(name: str, nesterov: bool, w: Wanted, found: Found, by: Any) -> Found | None:
    """The same first step with `by` times the velocity, where the rule leaves that free."""
    if name == "scaled" and nesterov and found.lr:
        lr = found.lr * by
        return Found(lr, w.P / lr - 1)  # -1 again where P is 0
    if name == "look_ahead" and found.lr:
        lr = found.lr * by
        return found._replace(lr=lr, following=w.P / lr - 1)
    if name == "averaged" and nesterov:
        m = 1 - by * (1 - found.momentum)
        return None if m**2 == 1 else Found(w.P / (1 - m**2), m)
    return None


def rescaling(name: str, w: Wanted, first: Wanted, found: Found) -> Any:
    """The factor on the first velocity that the second step needs; None where it needs none."""
    if not (w.Q and w.mu and w.kappa):
        if name == "look_ahead" and found.lr and w.mu is not None and not w.mu:
            return first.P / found.lr
        return None
    if name == "scaled":
        return (w.P / w.kappa - w.Q / w.mu) ** 2 * w.mu**2 / w.Q
    if name == "averaged":
        return (w.P * w.mu**2 - 2 * w.kappa * w.mu * w.Q) / (w.kappa**2 * w.Q)
    if name == "look_ahead" and found.lr:
        return first.P / found.lr - (w.P * w.mu / w.kappa - w.Q)
    return None


def shifts(name: str, w: Wanted) -> Iterator[Any]:
    """Multiples s of y whose addition to v makes Nesterov's form with coupled decay possible.

    v + s y turns the part of y that the new velocity takes, and with it mu and kappa, each by a
    multiple of Q and P; the rule wants mu : kappa = n, so that
    s = (n kappa - mu) / ((n P - Q) (mu - kappa Q / P)).
    """
    if not (w.P and w.Q and w.kappa is not None and w.mu is not None):
        return
    if name in ("accumulated", "zero_started"):
        wanted = [(w.Q + part) / (2 * w.P) for part in roots(w.Q**2 + 4 * w.P * w.Q, w)]
    elif name == "averaged" and w.P + w.Q:
        wanted = [m / (1 - m) for m in roots(w.Q / (w.P + w.Q), w) if m != 1]
    else:
        return
    for n in wanted:
        turned = (n * w.P - w.Q) * (w.mu - w.kappa * w.Q / w.P)
        if turned:
            yield (n * w.kappa - w.mu) / turned


def carried(by: Any, standing: Sequence[Wanted]) -> Any:
    """The factor before some steps that is `by` after them, where v' = m v + (1 - m) d.

    One of them turns s into s (kappa + mu) / (s kappa + mu).
    """
    for w in reversed(standing):
        if by is None or w.mu is None or w.kappa is None or w.kappa + w.mu == by * w.kappa:
            return None
        by = by * w.mu / (w.kappa + w.mu - by * w.kappa)
    return by
