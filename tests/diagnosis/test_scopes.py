"""Elements that go wrong, and those of other sizes that do not."""

from typing import Any

import numpy as np
from machines import ACCUMULATED, ROW, cause, machine

from momentum.conventions import Hyper
from momentum.diagnosis.context import Context
from momentum.diagnosis.kept import Kept
from momentum.diagnosis.scopes import ELEMENTS
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._families import standing
from momentum.subjects.problems import Problem


def test_an_element_that_is_left_alone_is_no_tail_of_some_block() -> None:
    """`range(0, n - 1, 256)` leaves out no more than one element, of 513 as of 257."""
    alone = standing.made(
        lambda run, x: (
            (np.arange(x.size).reshape(x.shape) == x.size - 1)
            & (x.size > 256)
            & (x.size % 256 == 1)
        )
    )
    words = cause(alone, Problem("float32", ((4097,),), (ROW,) * 3, (0,)))
    assert words == (
        "from step 1 on: elements that are left alone after whole blocks of 256: left as they were"
    )


def test_blocks_that_overlap_at_the_end_are_named() -> None:
    """What is left after whole blocks of 16 is done by one more that ends where it does."""

    class Overlapping(MachineRun):
        def advanced(self, i: int, theta: Any, grad: Any, h: Hyper) -> Any:
            moved, state = super().advanced(i, theta, grad, h)
            k, n = np.arange(theta.size).reshape(theta.shape), theta.size
            both = (k >= n - 16) & (k < n // 16 * 16) & (n % 16 > 0)
            self.states[i] = state
            again, after = super().advanced(i, moved, grad, h)
            v = np.where(both, after.v, state.v)
            return np.where(both, again, moved), state._replace(v=v)

    words = cause(Overlapping, Problem("float32", ((65,),), (ROW,) * 3, (0,)))
    assert words == (
        "from step 1 on: the elements of the last block of 16 that whole blocks hold as well:"
        " stepped twice at every step"
    )


def test_sizes_around_a_number_are_tried_as_the_only_parameter_too() -> None:
    """What is wrong in a parameter of some size is not told from what is so in the first."""
    context = Context(Problem("float32", ((9,),), (ROW,) * 2, (0,)), ())
    scope = next(s for s in ELEMENTS if s.words == "the elements after the last whole block of 8")
    tried = Kept(machine(), ACCUMULATED).trials.around(context, scope)
    shapes = [o.problem.shapes for o in tried]
    assert all((size,) in shapes for size in scope.around)
    assert {(7,), (8,), (9,), (17,)} <= {*scope.around}
