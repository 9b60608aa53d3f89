"""Nesterov's method of 1983, a convention of one's own: `--as examples/nesterov_1983.py`.

    y = x - lr d;  x_new = y + momentum (y - y_old)

The parameter is the point x where the gradient is taken; the state is the last y, at first x.
While momentum stays the same this is Nesterov's form of `scaled`. Where it changes it is not, for
y - y_old was weighed by the momentum of the step before; nor does it round as a velocity does.
"""

from momentum.arithmetic.number import Number
from momentum.conventions import Convention, Hyper, Source, State


def rule(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    """One step; state.v is y_old."""
    y = theta - h.lr * (grad + h.weight_decay * theta)
    y_old = theta if state.step == 0 else state.v
    return y + h.momentum * (y - y_old), State(state.step + 1, y)


convention = Convention(
    name="nesterov_1983",
    rule=rule,
    words="the step is extrapolated from the last two gradient steps, without a velocity",
    source=Source("Nesterov 1983, A method of solving a convex programming problem, O(1/k^2)"),
    keeps_iterates=True,
)
