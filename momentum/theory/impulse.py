"""How a gradient moves the parameter, now and later, in closed form.

With constant hyper-parameters and no weight decay every convention is a weighted sum,

    x_t = x_0 -+ lr sum_{s <= t} sum_{n = s..t} share(s, n) g_s

with share(s, n): part of the gradient of step s in the update of step n (both from 1). The shares
are written down here from the theory of moving averages, not derived from the rules.
Source: Zhang, Lipton, Li and Smola, Dive into Deep Learning, section Momentum (leaky averages);
Kingma and Ba 2015, section 3 (bias correction); Ma and Yarats 2019, section 3 (quasi-hyperbolic).
"""

from collections.abc import Callable
from typing import Any

from momentum.arithmetic import exact
from momentum.conventions import Convention, Hyper
from momentum.theory.quadratic import Method

Share = Callable[[Any, Hyper, int, int], Any]
"""share(momentum, h, s, n) with an exact momentum."""


def _sum(inner: Callable[[Any, Hyper, int], Any]) -> Share:
    """inner momentum^(n - s); in Nesterov's form momentum times that, and the gradient at once."""

    def share(momentum: Any, h: Hyper, s: int, n: int) -> Any:
        kept = inner(momentum, h, s) * momentum ** (n - s)
        if not h.nesterov:
            return kept
        return momentum * kept + (inner(momentum, h._replace(dampening=0), s) if n == s else 0)

    return share


def _debiased(momentum: Any, h: Hyper, s: int, n: int) -> Any:
    return (1 - momentum) * momentum ** (n - s) / (1 - momentum**n)


def _quasi(momentum: Any, h: Hyper, s: int, n: int) -> Any:
    nu = exact(h.nu)
    return nu * (1 - momentum) * momentum ** (n - s) + ((1 - nu) if n == s else 0)


SHARES: dict[str, Share] = {
    "accumulated": _sum(lambda momentum, h, s: 1 if s == 1 else 1 - exact(h.dampening)),
    "zero_started": _sum(lambda momentum, h, s: 1 - exact(h.dampening)),
    "scaled": _sum(lambda momentum, h, s: 1),
    "averaged": _sum(lambda momentum, h, s: 1 - momentum),
    "averaged_debiased": _debiased,
    "quasi_hyperbolic": _quasi,
    "two_point": _sum(lambda momentum, h, s: 1),
    "look_ahead": _sum(lambda momentum, h, s: 1),
}


def known(convention: Convention, h: Hyper) -> bool:
    """There is a closed form for this convention and these hyper-parameters."""
    return convention.name in SHARES and not h.weight_decay and 0 <= h.momentum < 1


def impulse(convention: Convention, h: Hyper, born: int, steps: int) -> list[Any]:
    """Displacement after every step, as a multiple of the one gradient, fed at step `born`."""
    share, momentum = SHARES[convention.name], exact(h.momentum)
    rate = exact(h.lr) * (1 if h.maximize else -1)
    total, displaced = 0 * rate, []
    for n in range(1, steps + 1):
        if n >= born:
            total = total + rate * share(momentum, h, born, n)
        displaced.append(total)
    return displaced


AVERAGES = ("averaged", "averaged_debiased", "quasi_hyperbolic")


def total(convention: Convention, h: Hyper) -> Any | None:
    """Displacement that the first gradient, 1, causes in all; None where no closed form is known.

    lr / (1 - momentum) for sums, lr for averages
    """
    if not known(convention, h) or convention.name == "averaged_debiased":
        return None
    rate = exact(h.lr) * (1 if h.maximize else -1)
    if convention.name in AVERAGES:
        return rate
    momentum = exact(h.momentum)
    kept = 1 - exact(h.dampening) if convention.name == "zero_started" else 1
    whole = kept / (1 - momentum)
    return rate * (1 + momentum * whole if h.nesterov else whole)


def speed(convention: Convention, h: Hyper) -> Any | None:
    """Movement per step that a constant gradient 1 tends to; None where it is not known.

    lr / (1 - momentum) for sums, lr for averages
    """
    if not known(convention, h):
        return None
    rate = exact(h.lr) * (1 if h.maximize else -1)
    if convention.name in AVERAGES:
        return rate
    momentum = exact(h.momentum)
    limit = (1 - exact(h.dampening)) / (1 - momentum)
    return rate * (1 + momentum * limit if h.nesterov else limit)


def recurrence(convention: Convention, h: Hyper) -> tuple[Method, Any] | None:
    """The method of momentum.quadratic that a closed loop follows, and its learning rate.

    None where it is none of them: with dampening, bias correction, a mixture, or a gradient that
    is not taken at the parameter itself.
    """
    rate = exact(h.lr)
    if h.weight_decay or h.dampening or h.maximize:
        return None
    if convention.name == "averaged":
        rate = rate * (1 - exact(h.momentum))
    elif convention.name not in ("accumulated", "zero_started", "scaled", "two_point"):
        return None
    return ("nesterov" if h.nesterov else "heavy_ball"), rate
