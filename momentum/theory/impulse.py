"""How a gradient moves the parameter, now and later: the closed forms of a convention's record.

x_t = x_0 -+ lr sum_{s <= t} sum_{n = s..t} share(s, n) g_s
"""

from flint import fmpq

from momentum.arithmetic import exact
from momentum.conventions import Convention, Hyper
from momentum.theory.quadratic import Method


def known(convention: Convention, h: Hyper) -> bool:
    """There is a closed form for this convention and these hyper-parameters."""
    return convention.response is not None and not h.weight_decay and 0 <= h.momentum < 1


def impulse(convention: Convention, h: Hyper, born: int, steps: int) -> list[fmpq]:
    """Displacement after every step, as a multiple of the one gradient, fed at step `born`."""
    assert convention.response is not None
    share, momentum = convention.response.share, exact(h.momentum)
    rate = _rate(h)
    total: fmpq = 0 * rate
    displaced = []
    for n in range(1, steps + 1):
        if n >= born:
            total = total + rate * share(momentum, h, born, n)
        displaced.append(total)
    return displaced


def total(convention: Convention, h: Hyper) -> fmpq | None:
    """Displacement that the first gradient, 1, causes in all; None where no closed form is known.

    lr / (1 - momentum) for sums, lr for averages
    """
    response = convention.response
    if response is None or response.total is None or not known(convention, h):
        return None
    return _rate(h) * response.total(exact(h.momentum), h)


def speed(convention: Convention, h: Hyper) -> fmpq | None:
    """Movement per step that a constant gradient 1 tends to; None where it is not known.

    lr / (1 - momentum) for sums, lr for averages
    """
    if convention.response is None or not known(convention, h):
        return None
    return _rate(h) * convention.response.speed(exact(h.momentum), h)


def recurrence(convention: Convention, h: Hyper) -> tuple[Method, fmpq] | None:
    """The method of momentum.quadratic that a closed loop follows, and its learning rate.

    None where it is none of them: with dampening, bias correction, a mixture, or a gradient that
    is not taken at the parameter itself.
    """
    response = convention.response
    if response is None or response.rate is None or h.weight_decay or h.dampening or h.maximize:
        return None
    rate = exact(h.lr) * response.rate(exact(h.momentum))
    return ("nesterov" if h.nesterov else "heavy_ball"), rate


def _rate(h: Hyper) -> fmpq:
    return exact(h.lr) * (1 if h.maximize else -1)
