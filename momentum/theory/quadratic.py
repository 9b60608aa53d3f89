"""Constant-step methods on a quadratic: stability, rates, trajectories.

One coordinate of the eigenbasis at a time, f(x) = eigenvalue x^2 / 2, where every method is a
linear recurrence  x_{t+1} = a x_t - b x_{t-1}  with the polynomial  z^2 - a z + b:

    gradient_descent  a = 1 - lr eigenvalue                   b = 0
    heavy_ball        a = 1 + momentum - lr eigenvalue        b = momentum
    nesterov          a = (1 + momentum)(1 - lr eigenvalue)   b = momentum (1 - lr eigenvalue)

Gradient descent takes a momentum too and ignores it. Where the learning rate stands makes no
difference while it is constant.
Sources: Polyak 1964, Some methods of speeding up the convergence of iteration methods; Lessard,
Recht and Packard 2016, Analysis and design of optimization algorithms via integral quadratic
constraints, proposition 1.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal, TypeVar, get_args

import numpy as np
from flint import arb, ctx, fmpq
from numpy.typing import NDArray

from momentum.arithmetic import exact, nearest
from momentum.arithmetic.exact import Given

N = TypeVar("N", float, fmpq, Fraction, NDArray[np.float64])

Method = Literal["gradient_descent", "heavy_ball", "nesterov"]
METHODS: tuple[Method, ...] = get_args(Method)


@dataclass(frozen=True)
class Quadratic:
    """A quadratic with minimum 0 at 0 and a given spectrum.

    f(x) = (1/2) sum_i spectrum_i y_i^2,  y = P x
    gradient = P (spectrum * y)

    P is the identity, or the reflection I - 2 n n^T / (n^T n) at the plane with the given normal:
    it couples the coordinates, keeps the spectrum and is rational where the normal is.
    Shapes: spectrum (n,), normal (n,); points are sequences of n numbers or arrays.
    """

    spectrum: tuple[Any, ...]
    normal: tuple[Any, ...] | None = None

    def __post_init__(self) -> None:
        if self.normal is not None and len(self.normal) != len(self.spectrum):
            raise ValueError(
                f"normal has {len(self.normal)} entries; the spectrum has {len(self.spectrum)}"
            )
        if self.normal is not None and all(entry == 0 for entry in self.normal):
            raise ValueError("normal is zero: it gives no plane to reflect at")

    def _reflect(self, x: Sequence[N]) -> list[N]:
        if len(x) != len(self.spectrum):
            raise ValueError(f"point has {len(x)} coordinates; wanted {len(self.spectrum)}")
        if self.normal is None:
            return list(x)
        along = sum(n * c for n, c in zip(self.normal, x))
        twice = 2 * along / sum(n * n for n in self.normal)
        return [c - twice * n for n, c in zip(self.normal, x)]

    def value(self, x: Sequence[N]) -> N:
        """f(x). Raises: ValueError for a wrong number of coordinates."""
        return sum(e * y * y for e, y in zip(self.spectrum, self._reflect(x))) / 2

    def gradient(self, x: Sequence[N]) -> list[N]:
        """The gradient at x. Raises: ValueError for a wrong number of coordinates."""
        return self._reflect([e * y for e, y in zip(self.spectrum, self._reflect(x))])


def recurrence(method: Method, lr: N, momentum: N, eigenvalue: N | int) -> tuple[N, N]:
    """The pair (a, b) of x_{t+1} = a x_t - b x_{t-1}, in the arithmetic of the arguments.

    Raises: ValueError for an unknown method.
    """
    kept = 1 - lr * eigenvalue
    if method == "gradient_descent":
        return kept, 0 * kept
    if method == "heavy_ball":
        return kept + momentum, momentum
    if method == "nesterov":
        return (1 + momentum) * kept, momentum * kept
    raise ValueError(f"unknown method {method!r}: known are {', '.join(METHODS)}")


def is_stable(
    method: Method, lr: Given, momentum: Given, spectrum: Iterable[Given], *, radius: Given = 1
) -> bool:
    """Whether the iterates tend to 0 from every start, decided without rounding.

    Both roots of z^2 - a z + b lie inside |z| < r  if and only if
    |b| < r^2  and  r |a| < r^2 + b

    All numbers are taken exactly (floats as the rationals that they are), and any sign is allowed.
    The boundary counts as unstable: lr = 0, eigenvalue = 0 and lr eigenvalue at its limit leave a
    root on the circle. A negative momentum is decided like any other. Heavy ball is unstable for
    every momentum >= 1; Nesterov's method is not, because b = momentum (1 - lr eigenvalue) may
    still be small. With `radius` r the question is whether the error shrinks faster than r^t.

    Raises: ValueError for an unknown method, an inf or a nan, a radius that is not positive, or
    an empty spectrum, about which nothing can be said.
    Source: Jury 1964, Theory and Application of the z-Transform Method, chapter 3, for order 2;
    Schur 1917; Cohn 1922.
    """
    r, rate, gamma = exact(radius), exact(lr), exact(momentum)
    if r <= 0:
        raise ValueError(f"radius = {radius}: wanted a positive number")
    eigenvalues = [exact(e) for e in spectrum]
    if not eigenvalues:
        raise ValueError("the spectrum is empty: wanted at least one eigenvalue")
    for eigenvalue in eigenvalues:
        a, b = recurrence(method, rate, gamma, eigenvalue)
        if not (abs(b) < r * r and r * abs(a) < r * r + b):
            return False
    return True


def stability_limit(method: Method, momentum: Given = 0) -> fmpq:
    """The exact L such that a method is stable exactly when 0 < lr eigenvalue < L.

    gradient_descent  L = 2
    heavy_ball        L = 2 (1 + momentum)
    nesterov          L = 2 (1 + momentum) / (1 + 2 momentum)

    Raises: ValueError for an unknown method, or unless 0 <= momentum < 1: outside, the stable set
    of Nesterov's method is another interval, and `is_stable` decides.
    """
    gamma = exact(momentum)
    if method not in METHODS:
        raise ValueError(f"unknown method {method!r}: known are {', '.join(METHODS)}")
    if not 0 <= gamma < 1:
        raise ValueError(f"momentum = {momentum}: this limit holds for 0 <= momentum < 1")
    if method == "gradient_descent":
        return fmpq(2)
    heavy = 2 * (1 + gamma)
    return heavy if method == "heavy_ball" else heavy / (1 + 2 * gamma)


def spectral_radius(method: Method, lr: Given, momentum: Given, eigenvalue: Given) -> float:
    """Largest modulus of the two roots: the error shrinks (or grows) like radius^t.

    a^2 < 4 b:  radius = sqrt(b)
    otherwise:  radius = (|a| + sqrt(a^2 - 4 b)) / 2

    The nearest float64, infinite only where the radius is beyond the largest one. The discriminant
    is exact, so a double root, at which the error shrinks like t radius^t, is told from a near one.
    Whether the radius is below 1 is for `is_stable` to say: a rounded 1.0 does not tell.

    Raises: ValueError for an unknown method, an inf or a nan.
    """
    return nearest(radius_of(method, lr, momentum, eigenvalue))


RADIUS_BITS = 512
"""Digits of a radius: below these two radii are not told apart, far below a float64's 53."""


def radius_of(method: Method, lr: Given, momentum: Given, eigenvalue: Given) -> fmpq:
    """The largest modulus of the two roots as a rational, to a relative 2^-500.

    Raises: ValueError for an unknown method, an inf or a nan.
    """
    a, b = recurrence(method, exact(lr), exact(momentum), exact(eigenvalue))
    discriminant = a * a - 4 * b
    with ctx.workprec(RADIUS_BITS):
        if discriminant < 0:
            return _middle(arb(b).sqrt())
        return _middle((arb(abs(a)) + arb(discriminant).sqrt()) / 2)


def _middle(ball: arb) -> fmpq:
    mantissa, exponent = ball.mid().man_exp()
    return fmpq(mantissa) * fmpq(2) ** int(exponent)


def rate(method: Method, lr: Given, momentum: Given, spectrum: Iterable[Given]) -> float:
    """Asymptotic factor per step of the slowest coordinate: the largest spectral radius.

    Raises: ValueError as `spectral_radius`, or for an empty spectrum.
    """
    radii = [spectral_radius(method, lr, momentum, e) for e in spectrum]
    if not radii:
        raise ValueError("the spectrum is empty: wanted at least one eigenvalue")
    return max(radii)


Form = Literal["shifted", "plain"]


def _first(method: Method, lr: N, momentum: N, eigenvalue: N | int, form: Form) -> N:
    """x_1 / x_0 from velocity 0."""
    slope = lr * eigenvalue
    if method == "nesterov" and form == "shifted":
        return 1 - (1 + momentum) * slope
    return 1 - slope


def iterate(
    method: Method,
    lr: N,
    momentum: N,
    eigenvalue: N | int,
    start: N,
    step: int,
    *,
    form: Form = "shifted",
) -> N:
    """The iterate after `step` steps from velocity 0, in closed form.

    (x_{t+1}, x_t) = C^t (x_1, x_0),  C = [[a, -b], [1, 0]]

    by repeated squaring of the companion matrix, so rationals give the exact iterate in about
    2 log2(step) products, double roots included, and floats a rounded one. The form matters for
    Nesterov's method only: "shifted" is the sequence at which gradients are taken, which
    libraries keep in the parameter (x_1 = (1 - (1 + momentum) lr eigenvalue) x_0); "plain" is the
    sequence of the look-ahead form (x_1 = (1 - lr eigenvalue) x_0).

    Raises: ValueError for an unknown method or a negative step.
    Source: Elaydi 2005, An Introduction to Difference Equations, section 2.3 (companion matrix).
    """
    if step < 0:
        raise ValueError(f"step = {step}: wanted a count, 0 or more")
    a, b = recurrence(method, lr, momentum, eigenvalue)
    if step == 0:
        return start
    # C^t = [[p_t, -b p_{t-1}], [p_{t-1}, -b p_{t-2}]]: two numbers hold the whole power.
    newer, older = _power(a, b, step - 1)
    return (newer * _first(method, lr, momentum, eigenvalue, form) - b * older) * start


def _power(a: N, b: N, step: int) -> tuple[N, N]:
    """(p_t, p_{t-1}) with p_t = a p_{t-1} - b p_{t-2}, p_0 = 1, p_{-1} = 0, by doubling.

    p_{2t} = p_t^2 - b p_{t-1}^2,  p_{2t-1} = p_{t-1} (2 p_t - a p_{t-1})
    """
    if step == 0:
        return a * 0 + 1, a * 0
    newer, older = _power(a, b, step // 2)
    even, odd = newer * newer - b * older * older, older * (2 * newer - a * older)
    return (a * even - b * odd, even) if step % 2 else (even, odd)
