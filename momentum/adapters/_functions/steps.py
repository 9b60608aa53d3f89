"""A run that steps through a function, called as its form says."""

import copy
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from momentum.adapters._functions.forms import NAMED, Form
from momentum.adapters._functions.holders import HOLDERS
from momentum.adapters._functions.meanings import Record, fields, holds
from momentum.adapters._libraries import Library
from momentum.adapters._run import ArrayRun
from momentum.conventions import Hyper
from momentum.subjects.layouts import SPREAD, between, laid_out
from momentum.subjects.protocol import Array, SubjectError


class _AskedAt(Exception):
    """Where a gradient is wanted: raised by the function that is to give it."""


class StepRun(ArrayRun):
    """A live run. held: what is carried of each parameter, or of all where they go together."""

    state = ("theta", "held", "h")

    def __init__(
        self,
        form: Form,
        parameters: Sequence[Array],
        h: Hyper,
        dtype: str,
        layout: str = "contiguous",
    ) -> None:
        super().__init__(form.library, parameters, dtype, form.flat, attached=form.attached)
        self.form, self.h = form, h
        self.layout = layout if layout in form.layouts else "contiguous"
        self.spread: list[Any] = []
        self.theta = self._laid(self.theta, gradients=False)
        zeros = self._laid([self.array_of(np.zeros(s)) for s in self.shapes], gradients=False)
        # What is changed in place is not to change the other.
        before = self.theta
        if any("before" in holds(m) for m in form.carried.values()):
            before = self._laid([self.array_of(x) for x in parameters], gradients=False)
        self.held = [
            form.begun(x, earlier, v, h)
            for x, earlier, v in zip(
                self.handed_over(self.theta, "theta"),
                self.handed_over(before, "theta"),
                self.handed_over(zeros, "v"),
            )
        ]

    def handed_over(self, arrays: Sequence[Any], role: str) -> Sequence[Any]:
        """What each call is given of them."""
        if self.form.holder == "array":
            return arrays
        held = HOLDERS[self.form.holder].fill(arrays, role)
        if role == "grad" and self.order:
            keys = list(held)
            held = {keys[i]: held[keys[i]] for i in self.order}
        return [held]

    def _laid(self, arrays: Sequence[Any], gradients: bool) -> list[Any]:
        """Parameters 0, 3, … have the layout in both places; 1, 4, … in the gradient only."""
        if self.layout == "contiguous" or not (gradients or self.form.own_layout):
            return list(arrays)
        plain = 2 if gradients else 1
        laid = [
            x if i % 3 == plain else laid_out(x, self.layout, gradients)
            for i, x in enumerate(arrays)
        ]
        if self.layout in SPREAD:
            self.spread += [x for i, x in enumerate(laid) if i % 3 != plain]
        return laid

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.h = hyper

    def advance(self) -> None:
        """A call for each parameter, or one for all where they go together."""
        self.grads = self._laid(self.grads, gradients=True)
        if self.attached:
            self.attach()
        after: list[Any] = []
        for held, g in zip(self.held, self.handed_over(self.grads, "grad")):
            asked: list[Any] = []

            def gradient_of(x: Any, *rest: object, g: Any = g, asked: Any = asked) -> Any:
                asked.append(x)
                return g

            self.form.call(self.h, held, self.values(g, gradient_of))
            if self.form.asks and len(asked) != 1:
                raise SubjectError(f"asks {len(asked)} times for a gradient in a step, wanted once")
            after.append(self.form.theta(held))
        self.theta = after if self.form.holder == "array" else self._each(after[0])
        for x, shape in zip(self.theta, self.shapes):
            self._check(x, shape, "theta")
        v = next((n for n, m in self.form.carried.items() if m in ("v", "before")), None)
        if v is not None and self.form.first is None:
            kept = [held[v] for held in self.held]
            for x, shape in zip(
                kept if self.form.holder == "array" else self._each(kept[0], "v"), self.shapes
            ):
                self._check(x, shape, "v")

    def _each(self, held: Any, role: str = "theta") -> list[Any]:
        return HOLDERS[self.form.holder].read(held, len(self.shapes), role)

    def values(self, g: Any, gradient_of: Any) -> Mapping[str, Any]:
        """What a step is given of a gradient."""

        def loss(x: Any, *rest: object) -> Any:
            """Whose gradient it is, wherever it is asked for."""
            gradient_of(x)
            if self.form.holder == "array":
                return (x * g).sum()
            terms = [(a * b).sum() for a, b in zip(self._each(x), self._each(g, "grad"))]
            return sum(terms[1:], terms[0])

        sized = "size" in self.form.takes.values()
        size = {"size": int(np.prod(g.shape, dtype=int))} if sized else {}
        return {"grad": g, "gradient_of": gradient_of, "loss": loss, **size}

    def _check(self, x: Any, shape: tuple[int, ...], what: str) -> None:
        """Raises: SubjectError where x is no array of the library, or of another shape."""
        shape = self.handed(shape)
        if not self.library.owns(x):
            kind = type(x).__name__
            raise SubjectError(f"returned {what} as {kind}, wanted an array of shape {shape}")
        if tuple(x.shape) != shape:
            raise SubjectError(f"returned {what} of shape {tuple(x.shape)}, wanted {shape}")
        self.library.computed(x)

    def point(self) -> list[Array]:
        """Where it asks for the next gradient: a copy does, and steps no further."""

        def gradient_of(x: Any, *rest: object) -> Any:
            raise _AskedAt(x)

        found: list[Any] = []
        for held, g in zip(copy.deepcopy(self.held), self.handed_over(self.theta, "theta")):
            try:
                self.form.call(self.h, held, self.values(g, gradient_of))
            except _AskedAt as asked:
                found.append(asked.args[0])
            else:
                raise SubjectError("takes a step without asking for a gradient")
        each = found if self.form.holder == "array" else self._each(found[0])
        return [self.numbers_of(x, shape) for x, shape in zip(each, self.shapes)]

    def surroundings(self) -> list[Array]:
        """The memory between the elements of the strided arrays that were handed over."""
        return [between(x) for x in self.spread]


class Way(Form):
    """A form that can be tried."""

    def begin(
        self, parameters: Sequence[Array], h: Hyper, dtype: str, layout: str = "contiguous"
    ) -> StepRun:
        """A run that calls it so."""
        return StepRun(self, parameters, h, dtype, layout)

    def settle(self, run: ArrayRun, start: Sequence[Array]) -> None:
        """Raises: SubjectError where what it returned is not all that it changed."""
        assert isinstance(run, StepRun)
        for x in run.theta:
            if self.library.dtype(x) != run.dtype:
                raise SubjectError(f"returned {x.dtype} for {run.dtype}")
        before = self.begin(start, run.h, run.dtype)
        for n, meaning in self.carried.items():
            given_back = n in self.answer or f"+{n}" in self.answer or self.answer == NAMED
            # After a first step the iterate before is the start, as it was.
            if given_back or not holds(meaning) & {"theta", "v"}:
                continue
            if _same(run.held[0][n], before.held[0][n], self.library):
                raise SubjectError(_unchanged(self, n))


def _unchanged(form: Form, n: str) -> str:
    if isinstance(form.carried[n], Record):
        return f"left the {n} that it was given as it was"
    if form.answer:
        return "returned theta alone and left v as it was, wanted (theta, v)"
    return "returned None and changed nothing in place, wanted (theta, v)"


def _same(a: object, b: object, library: Library) -> bool:
    x, y = _leaves(a, library), _leaves(b, library)
    return len(x) == len(y) and all(np.array_equal(p, q, equal_nan=True) for p, q in zip(x, y))


def _leaves(x: Any, library: Library) -> list[Array]:
    """All numbers that something holds."""
    if library.owns(x):
        return [library.numbers(x)]
    if isinstance(x, int | float):
        return [np.array(float(x))]
    inside = x.values() if isinstance(x, Mapping) else x if isinstance(x, list | tuple) else ()
    inside = inside or getattr(x, "__dict__", {}).values()
    inside = inside or [getattr(x, n) for n in fields(type(x))]  # of slots
    return [leaf for part in inside for leaf in _leaves(part, library)]
