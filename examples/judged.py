"""Four step functions for `momentum check`: one is right, three are not."""

import ctypes
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import numpy as np


def right(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> tuple[Any, Any]:
    """The rule of `optax.trace`."""
    v = momentum * v + grad
    return theta - lr * v, v


def wrong_rate(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> tuple[Any, Any]:
    """The same with a rate that is a hundredth too large."""
    return right(theta, v, grad, 1.01 * lr, momentum)


SOURCE = """
void step(float *theta, float *v, const float *grad, float lr, float momentum, long size) {
    for (long i = 0; i + 4 <= size; i += 4)        /* four at a time; the rest is forgotten */
        for (long j = i; j < i + 4; j++) {
            v[j] = momentum * v[j] + grad[j];
            theta[j] -= lr * v[j];
        }
}
"""


def compiled() -> Any:
    """The kernel, as `cc` makes it."""
    place = Path(tempfile.mkdtemp())
    (place / "kernel.c").write_text(SOURCE, encoding="utf-8")
    made = place / "kernel.so"
    command = ["cc", "-O2", "-shared", "-fPIC", "-o", str(made), str(place / "kernel.c")]
    subprocess.run(command, check=True, capture_output=True)
    return ctypes.CDLL(str(made)).step


LOADED: list[Any] = []


def lost_tail(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> tuple[Any, Any]:
    """A kernel in C for float32, called through ctypes."""
    if any(x.dtype != np.float32 for x in (theta, v, grad)):
        raise TypeError("the kernel takes float32 only")
    if not LOADED:
        LOADED.append(compiled())
    theta, v = theta.copy(), v.copy()
    arrays = [x.ctypes.data_as(ctypes.c_void_p) for x in (theta, v, np.ascontiguousarray(grad))]
    size = ctypes.c_long(theta.size)
    LOADED[0](*arrays, ctypes.c_float(lr), ctypes.c_float(momentum), size)
    return theta, v


def refuses(theta: Any, v: Any, grad: Any, lr: float, momentum: float) -> tuple[Any, Any]:
    """One that has no device to run on."""
    raise RuntimeError("no accelerator found")
