"""What people hand to the oracle: arrays of any library, dtypes, gradient functions."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from momentum.arithmetic import FORMATS, format_of

Array = NDArray[np.float64]

Floats = NDArray[np.floating]
"""An array in a float type that NumPy has."""


def as_array(x: Any) -> Floats:
    """A NumPy array of the same numbers, in a float type that NumPy has.

    x: a number, a list, an array (also of ml_dtypes), or a tensor of torch, also of bfloat16, with
    a gradient or on a device. Raises: ValueError where it holds no real numbers.
    """
    if type(x) is np.ndarray and x.dtype.char in "efd" and x.dtype.isnative:
        return x
    if hasattr(x, "detach") and hasattr(x, "cpu"):  # torch: NumPy knows no bfloat16
        x = x.detach().cpu()
        x = x.double().numpy() if "bfloat16" in str(x.dtype) else x.numpy()
    try:
        array = np.asarray(x)
        plain = array.dtype in (np.float16, np.float32, np.float64)
        return array if plain else array.astype(np.float64)
    except (TypeError, ValueError, RuntimeError) as error:  # torch: tensors that ask for gradients
        raise ValueError(f"wanted real numbers, got {type(x).__name__}: {error}") from None


def named_format(dtype: DTypeLike) -> str:
    """The name of a format, from a name or from a dtype of NumPy, torch or ml_dtypes.

    Raises: ValueError, naming the known ones.
    """
    if isinstance(dtype, str):
        name = dtype.removeprefix("torch.").removeprefix("np.").removeprefix("numpy.")
    elif str(dtype).startswith("torch."):
        name = str(dtype).removeprefix("torch.")
    else:
        try:
            name = np.dtype(dtype).name
        except TypeError:
            raise ValueError(f"dtype {dtype!r} is no name or dtype: {', '.join(FORMATS)}") from None
    name = {"float": "float32", "half": "float16", "double": "float64"}.get(name, name)
    format_of(name)
    return name


def helped(gradient: Callable[[Any], Any]) -> Callable[[Any], NDArray[Any] | None]:
    """A gradient function whose mixing of rationals and floats gets an error that helps."""

    def called(point: NDArray[Any]) -> NDArray[Any] | None:
        try:
            answer = gradient(point)
        except TypeError as error:
            if "fmpq" not in str(error):
                raise
            raise TypeError(
                f"the gradient function mixes rationals and floats ({error}): the exact tier calls"
                " it with rationals; write momentum.exact(0.1) * x for 0.1 * x"
            ) from error
        rational = not hasattr(answer, "detach") and np.asarray(answer).dtype == object
        return answer if rational else as_array(answer)  # None is an object, too

    return called
