"""Polyak's heavy ball: no velocity, but the last two iterates."""

from collections.abc import Iterator

from momentum.arithmetic.number import Number
from momentum.conventions._convention import INSIDE, Convention, Hyper, Source
from momentum.conventions._inverse import Found, Inverse, Wanted, usual
from momentum.conventions._response import summed
from momentum.conventions._rule import State
from momentum.conventions._speaker import DECAY, OWN, Spelling


def rule(theta: Number, grad: Number, state: State, h: Hyper) -> tuple[Number, State]:
    d = grad + h.weight_decay * theta
    previous = theta if state.step == 0 else state.v
    return theta - h.lr * d + h.momentum * (theta - previous), State(state.step + 1, theta)


def solve(w: Wanted, nesterov: bool, dampening: bool) -> Iterator[Found]:
    """y' = y - lr d + m (y - v); v' = y."""
    yield Found(w.P, usual(w))


convention = Convention(
    name="two_point",
    label="2-pt",
    rule=rule,
    words="the step is taken from the last two iterates, without a velocity",
    rate=INSIDE,
    alike={"scaled": "scaled is two_point with v = x_previous - x, at any learning rate"},
    source=Source("Polyak 1964, Some methods of speeding up the convergence of iteration methods"),
    speakers=(Spelling("polyak", OWN | DECAY, "the paper's iteration, {}", velocity="x_previous"),),
    takes=frozenset({"momentum"}),
    response=summed(lambda momentum, h, s: 1),
    inverse=Inverse(solve),
    keeps_iterates=True,
)
