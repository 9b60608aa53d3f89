"""How a gradient moves the parameter, now and later, in closed form.

With constant hyper-parameters and no weight decay every convention is a weighted sum,

    x_t = x_0 -+ lr sum_{s <= t} sum_{n = s..t} share(s, n) g_s

with share(s, n): part of the gradient of step s in the update of step n (both from 1). A
convention's shares come from the theory of moving averages; they are not derived from its rule.
"""

from collections.abc import Callable
from typing import NamedTuple

from flint import fmpq

from momentum.conventions.hyper import Hyper


class Response(NamedTuple):
    """Closed forms of a convention, with an exact momentum; hyper-parameters may be exact too.

    share: share(momentum, h, s, n). total: sum over n of share(1, n); None where it is not known.
    speed: limit of sum over s of share(s, n). rate: factor on the learning rate that makes a
    closed loop on a quadratic heavy ball, or Nesterov's method; None where it is neither.
    """

    share: Callable[[fmpq, Hyper, int, int], fmpq | int]
    total: Callable[[fmpq, Hyper], fmpq | int] | None
    speed: Callable[[fmpq, Hyper], fmpq | int]
    rate: Callable[[fmpq], fmpq | int] | None = None


def summed(
    inner: Callable[[fmpq, Hyper, int], fmpq | int],
    rate: Callable[[fmpq], fmpq | int] | None = lambda momentum: 1,
) -> Response:
    """inner(s) momentum^(n - s); in Nesterov's form momentum times that, and the gradient at once.

    Source: Zhang, Lipton, Li and Smola, Dive into Deep Learning, section Momentum.
    """

    def at_once(momentum: fmpq, h: Hyper, s: int) -> fmpq | int:
        return inner(momentum, h._replace(dampening=0), s)

    def share(momentum: fmpq, h: Hyper, s: int, n: int) -> fmpq | int:
        kept = inner(momentum, h, s) * momentum ** (n - s)
        if not h.nesterov:
            return kept
        return momentum * kept + (at_once(momentum, h, s) if n == s else 0)

    def whole(momentum: fmpq, h: Hyper, s: int) -> fmpq | int:
        kept = inner(momentum, h, s) / (1 - momentum)
        return at_once(momentum, h, s) + momentum * kept if h.nesterov else kept

    return Response(
        share, lambda momentum, h: whole(momentum, h, 1), lambda momentum, h: whole(momentum, h, 2),
        rate,
    )  # fmt: skip
