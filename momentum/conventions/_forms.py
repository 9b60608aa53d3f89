"""The same rule in other algebra.

Most conventions are v = momentum v + keep inner d; theta -= outer v and differ only in what
`inner`, `outer` and `keep` stand for. Implementations multiply such a rule out in several ways,
equal in exact arithmetic and different in rounding; an error bound has to cover them all.
"""

from collections.abc import Callable

from momentum.arithmetic.number import Number
from momentum.conventions._convention import Hyper
from momentum.conventions._rule import Rule, State

Stepped = tuple[Number, State]

Factors = Callable[[State, Hyper], tuple[Number, Number, Number]]
"""factors(state, h) -> (outer, inner, keep)."""


def velocity_forms(factors: Factors) -> Callable[[Hyper], tuple[Rule, ...]]:
    """The other forms of a velocity rule, as far as a step's hyper-parameters tell them apart."""

    def velocity(theta: Number, grad: Number, state: State, h: Hyper) -> Number:
        _, inner, keep = factors(state, h)
        decay = inner * keep * h.weight_decay * theta
        return h.momentum * state.v + inner * keep * grad + decay

    def multiplied_out(theta: Number, grad: Number, state: State, h: Hyper) -> Stepped:
        """Decay on the parameter itself, then the terms of the update one by one."""
        outer, inner, keep = factors(state, h)
        v = velocity(theta, grad, state, h)
        if h.nesterov:
            kept = (1 - outer * inner * h.weight_decay) * theta
            moved = kept - outer * inner * grad - outer * h.momentum * v
        else:
            kept = (1 - outer * inner * keep * h.weight_decay) * theta
            moved = kept - outer * (h.momentum * state.v + inner * keep * grad)
        return moved, State(state.step + 1, v)

    def from_old_velocity(theta: Number, grad: Number, state: State, h: Hyper) -> Stepped:
        """Nesterov's form of Bengio, Boulanger-Lewandowski and Pascanu 2013, equation 7."""
        outer, inner, keep = factors(state, h)
        d = grad + h.weight_decay * theta
        update = h.momentum * h.momentum * state.v + (1 + h.momentum * keep) * inner * d
        return theta - outer * update, State(state.step + 1, velocity(theta, grad, state, h))

    def from_both_velocities(theta: Number, grad: Number, state: State, h: Hyper) -> Stepped:
        """Nesterov's form in Caffe: (1 + momentum) v_new - momentum v_old."""
        outer, inner, keep = factors(state, h)
        d = grad + h.weight_decay * theta
        v = velocity(theta, grad, state, h)
        update = (1 + h.momentum) * v - h.momentum * state.v + (1 - keep) * inner * d
        return theta - outer * update, State(state.step + 1, v)

    def nudged(theta: Number, grad: Number, state: State, h: Hyper) -> Stepped:
        """The velocity moves from where it is: v += inner d - (1 - momentum) v."""
        outer, inner, keep = factors(state, h)
        d = grad + h.weight_decay * theta
        v = state.v + (inner * keep * d - (1 - h.momentum) * state.v)
        update = inner * d + h.momentum * v if h.nesterov else v
        return theta - outer * update, State(state.step + 1, v)

    def forms(h: Hyper) -> tuple[Rule, ...]:
        moving = (nudged,) if h.momentum else ()
        if h.nesterov:
            return (multiplied_out, from_old_velocity, from_both_velocities, *moving)
        return (multiplied_out, *moving) if h.weight_decay else moving

    return forms


def difference_forms(factors: Factors) -> Callable[[Hyper], tuple[Rule, ...]]:
    """The rule whose velocity is what the parameter has moved, and takes on its rounding.

    v = (x_old - x) / outer, which Nesterov's form does not have.
    """

    def displaced(theta: Number, grad: Number, state: State, h: Hyper) -> Stepped:
        outer, inner, keep = factors(state, h)
        d = grad + h.weight_decay * theta
        moved = theta - outer * (h.momentum * state.v + inner * keep * d)
        return moved, State(state.step + 1, (theta - moved) / outer)

    return lambda h: (displaced,) if h.lr and h.momentum and not h.nesterov else ()
