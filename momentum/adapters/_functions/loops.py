"""Functions that are a whole training: generators of iterates, and loops that return the last.

def sgd(theta, lr, momentum): ... grad = yield theta        is sent gradients
def sgd(theta, grads, lr, momentum): ... yield theta        takes them from an iterator
def sgd(grad_fn, x0, lr, momentum, n_iters): ... return x   asks for them; run anew each step
"""

import copy
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from momentum.adapters._functions import words
from momentum.adapters._shared import argument_names

_LENGTHS = frozenset({"n", "T", "N"}) | {
    before + what
    for what in ("iter", "iters", "iterations", "steps", "epochs")
    for before in ("", "n_", "num_", "max_")
}
"""What people call the number of steps to take."""


def stepped(function: Any) -> type | None:
    """A class that takes the steps of such a function; None where it is none."""
    if not inspect.isfunction(function):
        return None
    names = argument_names(function)
    found = words.roles(names)
    asking = next((n for n in names if n in words.FUNCTIONS), found.get("grad", ""))
    length = next((n for n in names if n in _LENGTHS), "")
    yields = inspect.isgeneratorfunction(function)
    if "theta" not in found or "v" in found or not (yields or (asking and length)):
        return None
    inside = {asking, length} if not yields else {asking}
    parameters = inspect.signature(function).parameters.values()
    needed = {p.name for p in parameters if p.default is p.empty} - inside - {found["theta"]}
    if not needed <= set(words.hypers(names).values()):
        return None  # one of them is a velocity
    return type(function.__name__, (_Yielding if yields else _Repeating,), {
        "function": staticmethod(function), "theta": found["theta"], "asking": asking,
        "length": length, "__module__": function.__module__,
        "__signature__": inspect.Signature([p for p in parameters if p.name not in inside]),
    })  # fmt: skip


class _Whole:
    """What goes through all steps by itself; each such function has a class of its own."""

    function: Callable[..., Any]
    theta: str
    asking: str
    length: str


class _Yielding(_Whole):
    """A generator, which is at its next gradient."""

    def __init__(self, **given: Any) -> None:
        self.next: Any = None
        if self.asking:
            asks = self.asking in words.FUNCTIONS
            given[self.asking] = (lambda x: self.next) if asks else self._fed()
        self.steps = self.function(**given)
        if not self.asking:
            next(self.steps)

    def _fed(self) -> Iterator[Any]:
        while True:
            yield self.next

    def step(self, grads: Any) -> Any:
        """The next iterate."""
        self.next = grads
        return next(self.steps) if self.asking else self.steps.send(grads)


class _Repeating(_Whole):
    """A loop, run anew for one step more."""

    def __init__(self, **given: Any) -> None:
        self.given, self.fed = given, list[Any]()

    def step(self, grads: Any) -> Any:
        """Where it ends now."""
        # Of its own run anew, not of theirs, that gradients are what they were.
        left = iter([*copy.deepcopy(self.fed), grads])
        self.fed.append(copy.deepcopy(grads))
        told = {self.asking: lambda x, *rest: next(left), self.length: len(self.fed)}
        got = self.function(**copy.deepcopy(self.given), **told)
        if isinstance(got, list) and not isinstance(self.given[self.theta], list):
            return got[-1]  # the whole path
        return got[0] if isinstance(got, tuple) else got
