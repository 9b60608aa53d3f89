"""At a learning rate of 0.6 gradient descent diverges where momentum 0.5 converges.

f(x) = curvature x^2 / 2. Gradient descent multiplies x by 1 - 0.6 curvature, whose modulus
exceeds 1 where 0.6 curvature > 2. With momentum m the iterates satisfy

    x_{t+1} = a x_t - m x_{t-1},  a = 1 + m - 0.6 curvature,

and where a^2 < 4 m both roots have modulus sqrt(m), so that they tend to 0:

    |x_t| <= (t |x_1| + (t - 1) sqrt(m) |x_0|) sqrt(m)^(t-1)
"""

from itertools import pairwise

import torch
from hypothesis import given
from hypothesis import strategies as st

from momentum.sgd import sgd_momentum

LR, MOMENTUM = 0.6, 0.5

# 2 < 0.6 curvature <= 2.9: unstable without momentum, complex roots with it.
CURVATURES = st.integers(2001, 2900).map(lambda share: share / 1000 / LR)
STARTS = st.floats(-1e3, 1e3).filter(lambda x: abs(x) > 1e-3)


def distances(curvature: float, start: float, momentum: float, steps: int) -> list[float]:
    """|x| at the start and after every step of the article's own optimizer."""
    x = torch.tensor([start], dtype=torch.float64, requires_grad=True)
    v = torch.zeros(1, dtype=torch.float64)
    seen = [abs(start)]
    for _ in range(steps):
        x.grad = None
        (curvature * x * x / 2).sum().backward()
        sgd_momentum([x], [v], {"lr": LR, "momentum": momentum})
        seen.append(abs(x.item()))
    return seen


@given(CURVATURES, STARTS)
def test_gradient_descent_diverges_from_every_start(curvature: float, start: float) -> None:
    seen = distances(curvature, start, momentum=0.0, steps=60)
    assert all(after > before for before, after in pairwise(seen))
    assert seen[-1] > seen[0] * (LR * curvature - 1) ** 59  # 60 steps, less one for rounding


@given(CURVATURES, STARTS)
def test_momentum_converges_from_every_start(curvature: float, start: float) -> None:
    steps = 200
    seen = distances(curvature, start, MOMENTUM, steps)
    root = MOMENTUM**0.5
    limit = (steps * seen[1] + (steps - 1) * root * seen[0]) * root ** (steps - 1)
    assert seen[-1] <= 2 * limit  # twice: the iterates are rounded
    assert 2 * limit < seen[0]  # else it would say nothing


def test_the_articles_own_example_diverges_and_converges() -> None:
    assert f"{distances(4.0, -2.0, 0.0, steps=20)[-1]:.6f}" == "1673.365109"
    assert f"{distances(4.0, -2.0, MOMENTUM, steps=20)[-1]:.6f}" == "0.002553"
