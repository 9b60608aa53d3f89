"""Parameters as small frameworks on NumPy have them: objects with `data` and `grad`.

for p in self.params:
    p.data -= self.lr * p.grad        # or p.grad.data, where gradients are such objects, too
"""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np
from numpy.typing import NDArray

from momentum.adapters._libraries import Library, numpy

_ARRAYS = numpy()


class Parameter:
    """An array, and its gradient after a backward pass."""

    def __init__(self, values: object, dtype: str) -> None:
        self.data = _ARRAYS.make(values, dtype)
        self.grad: object = None

    @property
    def value(self) -> Any:
        """The array by its other name."""
        return self.data

    @value.setter
    def value(self, array: Any) -> None:
        self.data = array

    def numpy(self) -> NDArray[Any]:
        """A copy of the array, as variables give it."""
        return np.array(self.data)

    def assign(self, values: Any) -> None:
        """Other numbers, of the same format."""
        self.data = np.array(values, dtype=self.dtype)

    def assign_add(self, change: Any) -> None:
        """The array moved forwards."""
        self.assign(self.data + change)

    def assign_sub(self, change: Any) -> None:
        """The array moved back."""
        self.assign(self.data - change)

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the array."""
        return np.shape(self.data)

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the array."""
        return np.asarray(self.data).dtype


def _array(x: Parameter | NDArray[Any]) -> NDArray[Any]:
    return np.array(x.data if isinstance(x, Parameter) else x, dtype=np.float64)


def _library(at_parameters: Callable[[Any], Any]) -> Library:
    return Library(
        "parameters",
        _ARRAYS.dtypes,
        Parameter,
        _array,
        lambda x: isinstance(x, Parameter),
        lambda x: x.data.fill(np.nan),
        outside_of_graphs=nullcontext,
        at_parameters=at_parameters,
    )


def own() -> list[Library]:
    """Such parameters with arrays for gradients, and with their like."""
    return [_library(lambda g: g.data), _library(lambda g: g)]
