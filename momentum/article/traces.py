"""The article's four traces on f(x1, x2) = 0.1 x1^2 + 2 x2^2, from (-5, -2), 20 steps.

Source: Zhang, Lipton, Li and Smola, Dive into Deep Learning, section "Momentum".
"""

from dataclasses import dataclass

from momentum.conventions import Hyper, get
from momentum.theory.quadratic import Method, Quadratic

SPECTRUM = (0.2, 4.0)  # f = 0.1 x1^2 + 2 x2^2 is half of 0.2 x1^2 + 4 x2^2
START = (-5.0, -2.0)
STEPS = 20

Point = tuple[float, float]


@dataclass(frozen=True)
class Trace:
    """One trace of the article and the last point that it prints."""

    name: str
    lr: float
    momentum: float
    article: Point

    @property
    def method(self) -> Method:
        """Gradient descent is the article's rule with momentum 0."""
        return "heavy_ball" if self.momentum else "gradient_descent"


TRACES = (
    Trace("gradient descent", 0.4, 0.0, (-0.943467, -0.000073)),
    Trace("gradient descent", 0.6, 0.0, (-0.387814, -1673.365109)),
    Trace("momentum", 0.4, 0.5, (-0.062843, 0.001202)),
    Trace("momentum", 0.6, 0.5, (0.007188, 0.002553)),
)


def points(trace: Trace, steps: int = STEPS) -> list[Point]:
    """The iterates of the article's rule, the start included. Shapes: steps + 1 points."""
    convention = get("scaled")
    h = Hyper(lr=trace.lr, momentum=trace.momentum)
    quadratic = Quadratic(SPECTRUM)
    theta = START
    states = [convention.initial, convention.initial]
    result = [theta]
    for _ in range(steps):
        moved = [
            convention.rule(x, grad, state, h)
            for x, grad, state in zip(theta, quadratic.gradient(theta), states)
        ]
        theta = (moved[0][0], moved[1][0])
        states = [state for _, state in moved]
        result.append(theta)
    return result
