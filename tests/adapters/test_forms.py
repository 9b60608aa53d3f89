"""Step functions in the forms in which people write them: each takes the same steps."""

import ctypes
import subprocess
import sys
from collections import namedtuple
from functools import partial

import numpy as np
import pytest
import torch

from momentum.adapters import adapt
from momentum.conventions import Hyper, get
from momentum.errors import UsageError
from momentum.subjects.drive import observe
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem

Moved = namedtuple("Moved", ["velocity", "weights"])


def pure(theta, v, grad, lr, momentum):
    v = momentum * v + grad
    return theta - lr * v, v


def swapped(theta, v, grad, lr, momentum):
    v = momentum * v + grad
    return v, theta - lr * v


def gradient_first(grads, params, velocity, lr, momentum):
    velocity = momentum * velocity + grads
    return params - lr * velocity, velocity


def keywords_alone(*, lr, momentum, w, v, dw):
    v = momentum * v + dw
    return w - lr * v, v


def in_place(x, v, g, eta, mu):
    v *= mu
    v += g
    x -= eta * v


def velocity_in_place(x, v, g, lr, momentum):
    v *= momentum
    v += g
    return x - lr * v


def mapping(theta, v, grad, lr, momentum):
    v = momentum * v + grad
    return {"params": theta - lr * v, "velocity": v}


def record(theta, v, grad, lr, momentum):
    v = momentum * v + grad
    return Moved(v, theta - lr * v)


def lists_in_place(params, velocities, grads, lr, momentum):
    for p, v, g in zip(params, velocities, grads):
        v[...] = momentum * v + g
        p[...] -= lr * v


def lists(params, grads, state, lr=0.1, momentum=0.9):
    state = [momentum * v + g for v, g in zip(state, grads)]
    return [p - lr * v for p, v in zip(params, state)], state


def first_velocity_is_none(theta, grad, v=None, lr=0.1, momentum=0.9):
    v = 1 * grad if v is None else momentum * v + grad
    return theta - lr * v, v


def tensors(theta: torch.Tensor, v: torch.Tensor, grad: torch.Tensor, lr, momentum):
    v = momentum * v + grad
    return theta - lr * v, v


def tensors_by_their_methods(params, v, grads, lr, momentum):
    v.mul_(momentum).add_(grads)
    params.sub_(v, alpha=lr)


def further(momentum, scale, theta, v, grad, lr):
    v = momentum * v + scale * grad
    return theta - lr * v, v


class Called:
    def __call__(self, theta, v, grad, lr, momentum):
        return pure(theta, v, grad, lr, momentum)


FORMS = [
    *(pure, swapped, gradient_first, keywords_alone, in_place, velocity_in_place, mapping, record),
    *(lists_in_place, lists, first_velocity_is_none, tensors, tensors_by_their_methods, Called()),
    *(partial(further, scale=1.0), partial(pure, momentum=0.9), torch.compiler.disable(pure)),
]


def name(f):
    return getattr(f, "__name__", type(f).__name__)


def problem(dtype, shapes=((3,), (2, 2))):
    rows = [Hyper(0.1, 0.9)] * 2 + [Hyper(0.03, 0.7)] * 2
    return Problem(dtype, shapes, tuple((h,) for h in rows), (0,) * len(shapes), "normal", seed=2)


def ratio(subject, dtype, **more):
    seen = observe(subject, problem(dtype, **more))
    return max(m.ratio for m in judge(subject, seen, get("zero_started")))


CALLED = {
    pure: "",
    swapped: "it answers (v, theta), the velocity first",
    gradient_first: "with (grad, theta, v)",
    keywords_alone: "with (w=theta, v=v, dw=grad)",
    in_place: "it answers nothing, and changes both in place",
    velocity_in_place: "it answers theta alone, and changes v in place",
}


@pytest.mark.parametrize("f", CALLED, ids=name)
def test_how_a_function_is_called_is_said(f):
    assert adapt(f, {}, "f").facts.called == CALLED[f]


@pytest.mark.parametrize("f", FORMS, ids=name)
def test_form_is_understood(f):
    subject = adapt(f, {}, "mine")
    assert {"float32", "float64"} <= set(subject.facts.dtypes)
    assert all(ratio(subject, dtype) <= 1 for dtype in subject.facts.dtypes)


@pytest.mark.parametrize("f", FORMS, ids=name)
def test_form_can_be_resumed(f, goes_on):
    assert goes_on(adapt(f, {}, "mine"), "resume", "float32")


@pytest.mark.parametrize(
    ("function", "library"),
    [(pure, "numpy"), (tensors, "torch"), (tensors_by_their_methods, "torch")],
)
def test_library_is_that_of_the_annotations_else_the_first_that_works(function, library):
    run = adapt(function, {}, "mine").start([np.ones(3)], [Hyper(0.5, 0.5)], "float32")
    assert run.library.name == library


def test_dtypes_of_the_annotations_are_all_that_is_claimed():
    def narrow(theta: "np.float32", v, grad, lr, momentum):
        return pure(theta, v, grad, lr, momentum)

    assert adapt(narrow, {}, "mine").facts.dtypes == ("float32",)


def test_numpy_alone_is_not_asked_for_bfloat16():
    pytest.importorskip("ml_dtypes")
    assert adapt(pure, {}, "mine").facts.dtypes == ("float32", "float64", "float16")


def test_kernel_that_takes_any_memory_for_float32_claims_float32_alone():
    libm = ctypes.CDLL(None)
    single = ctypes.POINTER(ctypes.c_float)
    libm.fmaf.restype, libm.fmaf.argtypes = ctypes.c_float, [ctypes.c_float] * 3

    def kernel(x, v, g, lr, momentum):
        at = [a.ctypes.data_as(single) for a in (x, v, g)]
        for i in range(x.size):
            at[1][i] = libm.fmaf(momentum, at[1][i], at[2][i])
            at[0][i] = libm.fmaf(-lr, at[1][i], at[0][i])

    subject = adapt(kernel, {}, "kernel")
    assert subject.facts.dtypes == ("float32",)
    assert ratio(subject, "float32") <= 1


def test_scalars_and_empty_arrays_are_tried():
    def rows(theta, v, grad, lr, momentum):
        v[:] = momentum * v + grad
        theta[:] -= lr * v

    facts = adapt(rows, {}, "rows").facts
    assert not facts.scalars
    assert facts.empty
    assert adapt(pure, {}, "pure").facts.scalars


def test_what_no_argument_takes_is_what_the_caller_says():
    def held(theta, v, grad, lr):
        return pure(theta, v, grad, lr, 0.9)

    with pytest.raises(UsageError, match=r"held takes no momentum .* --set momentum=VALUE"):
        adapt(held, {}, "held")
    facts = adapt(held, {"momentum": 0.9}, "held").facts
    assert facts.fixed == {"momentum": 0.9}
    assert facts.hyper == {"lr"}


COMPILED = """
import sys
sys.path.insert(0, "tests/adapters")
from momentum.adapters import adapt
from test_forms import Hyper, np, pure, ratio
{made}
subject = adapt(step, {{}}, "compiled")
run = subject.start([np.ones(3)], [Hyper(0.5, 0.5)], subject.facts.dtypes[0])
print(run.library.name, *subject.facts.dtypes)
assert all(ratio(subject, d) <= 1 for d in subject.facts.dtypes)
"""


@pytest.mark.parametrize(
    ("module", "made", "kept"),
    [
        ("jax", "import jax; step = jax.jit(pure)", "jax float32 float64 float16 bfloat16"),
        ("numba", "import numba; step = numba.njit(pure)", "numpy float64"),
    ],
)
def test_compiled_functions_are_understood(module, made, kept):
    pytest.importorskip(module)
    code = COMPILED.format(made=made)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.strip() == kept, done.stderr


def rate_off_by_a_thousandth(theta, v, grad, lr, momentum):
    v = momentum * v + 1.001 * grad
    return theta - lr * v, v


def test_wrong_numbers_cost_no_dtype():
    """The trial's numbers round where the rate is wrong: the dtypes are judged all the same."""
    assert adapt(rate_off_by_a_thousandth, {}, "off").facts.dtypes == (
        adapt(pure, {}, "pure").facts.dtypes
    )
