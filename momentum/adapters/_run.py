"""What runs on arrays of any library share: numbers there and back, and copies."""

import copy
import pickle
from collections.abc import Sequence
from functools import partial
from typing import Any, Self

import numpy as np

from momentum.adapters import _shared
from momentum.adapters._libraries import Library
from momentum.conventions import Hyper
from momentum.subjects.offers import copied
from momentum.subjects.protocol import Array, Gradient
from momentum.subjects.settings import around_unusual, shown

COPIES = frozenset({"resume", "deepcopy", "pickle"})
"""What every such run offers, where nothing of its framework is in the way."""

OF_GRADIENTS = frozenset({"fed", "again", "one_gradient"})
"""What it offers about its gradients."""

IN_PLACE = frozenset({"overwrite", "storage", "settings", "another_thread"})
"""What it offers beside, where its arrays are NumPy's."""


class ArrayRun:
    """A live run of which only `advance` and `set` are its framework's own.

    theta: the parameters. grads: the last gradients, None where there was none. state: the names
    of the attributes that hold all that a later step depends on. takes_none: gradients may be None.
    flat: every array is handed over with one axis. dtypes: of each parameter, where they differ.
    attached: gradients are an attribute of the parameters, `grad`, as a backward pass leaves them.
    order: of parameters, in which gradients are handed over by name; empty for their own.
    """

    state: tuple[str, ...] = ("theta", "optimizer")
    takes_none = False
    order: Sequence[int] = ()
    optimizer: Any

    def __init__(
        self,
        library: Library,
        parameters: Sequence[Array],
        dtype: str,
        flat: bool = False,
        dtypes: Sequence[str] = (),
        attached: bool = False,
    ) -> None:
        self.library, self.dtype, self.flat = library, dtype, flat
        self.dtypes = dtypes or [dtype] * len(parameters)
        self.shapes = [np.shape(x) for x in parameters]
        self.theta = [self.array_of(x, d) for x, d in zip(parameters, self.dtypes)]
        self.grads: list[Any] = []
        self.attached, self.given = attached, list[Array | None]()
        if attached:
            self.takes_none = True
            self.theta = [library.recording(x) for x in self.theta]

    def attach(self) -> None:
        """Put the gradients where the step finds them."""
        self.given = self._numbers_of_grads()
        for x, g in zip(self.theta, self.grads):
            x.grad = None if g is None else self.library.at_parameters(g)

    def array_of(self, values: Array, dtype: str = "") -> Any:
        """An array of the library, with one axis where no others are taken."""
        return self.library.make(np.ravel(values) if self.flat else values, dtype or self.dtype)

    def numbers_of(self, array: object, shape: tuple[int, ...]) -> Array:
        """A float64 copy of an array; one with a single axis gets back those of the parameter."""
        values = self.library.numbers(array)
        return values.reshape(shape) if values.shape == self.handed(shape) else values

    def handed(self, shape: tuple[int, ...]) -> tuple[int, ...]:
        """The shape in which a parameter of this one is handed over."""
        return (int(np.prod(shape, dtype=int)),) if self.flat else shape

    def advance(self) -> None:
        """One step of `theta` along `grads`."""
        raise NotImplementedError

    def set(self, hyper: Hyper, group: int = 0) -> None:
        """New hyper-parameters from the next step on."""
        raise NotImplementedError

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step; None where there is no gradient."""
        given = gradients if self.takes_none else _shared.complete(gradients)
        self.grads = [
            None if g is None else self.array_of(g, d) for g, d in zip(given, self.dtypes)
        ]
        self.advance()

    def again(self) -> None:
        """A step along the last gradients as they are; those that were cleared are given anew."""
        if self.attached and self._cleared(self._read_back()):
            self.grads = [
                None if g is None else self.array_of(g, d) for g, d in zip(self.given, self.dtypes)
            ]
        self.advance()

    def step_one(self, gradient: Array) -> None:
        """A step whose parameters have one object as their gradient."""
        self.grads = [self.array_of(gradient, self.dtypes[0])] * len(self.shapes)
        self.advance()

    def step_keyed(self, gradients: Sequence[Gradient], order: Sequence[int]) -> None:
        """A step whose gradients come in another order than the parameters."""
        self.order = order
        self.step(gradients)
        self.order = ()

    def arrays(self) -> Sequence[Any]:
        """The parameters as arrays of the library."""
        return self.theta

    def parameters(self) -> list[Array]:
        """Copies as float64."""
        return [
            _shared.read(i, self.numbers_of(x, shape), self.library.dtype(x), self.dtypes[i], shape)
            for i, (x, shape) in enumerate(zip(self.arrays(), self.shapes, strict=True))
        ]

    def fed(self) -> list[Array | None]:
        """The last gradients, as they read now.

        Cleared ones that are attached count as left alone: who clears them does so on purpose.
        """
        if not self.attached:
            return self._numbers_of_grads()
        found = self._read_back()
        return list(self.given) if self._cleared(found) else found

    def _read_back(self) -> list[Array | None]:
        return [None if x.grad is None else self.library.numbers(x.grad) for x in self.theta]

    def _cleared(self, gradients: Sequence[Array | None]) -> bool:
        return all(g is None or not g.any() for g in gradients)

    def _numbers_of_grads(self) -> list[Array | None]:
        return [
            None if g is None else self.numbers_of(g, s) for g, s in zip(self.grads, self.shapes)
        ]

    def overwrite_fed(self) -> None:
        """Fill the last gradients with nan, in place."""
        assert self.library.fill is not None, "not offered where arrays never change"
        for g in self.grads:
            if g is not None:
                self.library.fill(g)

    def storage(self) -> list[object]:
        """Where the parameters are, as NumPy or torch tells it."""
        if self.attached:
            return [x.data_ptr() for x in self.arrays()]
        return [(id(x), x.ctypes.data) for x in self.arrays()]

    def settings(self) -> dict[str, object]:
        """What is set for the whole process."""
        return shown()

    def unusual_step(
        self, gradients: Sequence[Gradient]
    ) -> tuple[dict[str, object], dict[str, object]]:
        """A step among other settings than usual, and what is set before and after."""
        return around_unusual(partial(self.step, gradients), self.settings)

    def restore(self) -> None:
        """Nothing here, for what guards a run puts it back."""

    def save(self) -> object:
        """All state, parameters and hyper-parameters too."""
        return pickle.dumps({n: getattr(self, n) for n in self.state})

    def load(self, saved: Any) -> None:
        """Go on from what `save` returned."""
        vars(self).update(pickle.loads(saved))

    def duplicate(self, how: str) -> Self:
        """An independent copy of this run, by deepcopy or pickle."""
        twin = copy.copy(self)
        vars(twin).update(copied({n: getattr(self, n) for n in self.state}, how))
        return twin
