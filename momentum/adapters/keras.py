"""Keras: an optimizer class, on the backend that KERAS_BACKEND names, else on JAX if there is one.

Keras holds the learning rate in a variable of the default float type. That type is set to float64
while a float64 problem runs and to float32 for all others, as it is when nobody sets it. A rate is
thus as precise as the parameters; where a backend still rounds it to float32, the checks say so.
"""

import os
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from typing import Any

from momentum.adapters import _shared
from momentum.adapters._keras_run import KerasRun
from momentum.adapters._record import Adapter
from momentum.adapters._signature import fitted
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Facts, Subject


def prepare() -> None:
    """Before Keras is imported: choose the backend, and keep it from writing in the home."""
    if "KERAS_BACKEND" not in os.environ:
        known = (
            b for b, p in (("jax", "jax"), ("torch", "torch"), ("numpy", "numpy")) if find_spec(p)
        )
        os.environ["KERAS_BACKEND"] = next(known)
    os.environ.setdefault("KERAS_HOME", tempfile.mkdtemp(prefix="keras-"))


def accepts(obj: Any) -> bool:
    """Whether this is a Keras optimizer class."""
    return isinstance(obj, type) and _shared.comes_from(obj, "keras.src.optimizers")


def adapt(obj: Any, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject that steps through `apply`, eagerly."""
    import keras

    backend = keras.backend.backend()
    if backend == "jax":
        from momentum.adapters import _jax_run

        _jax_run.enable_float64()
    names, values, kept = fitted(obj, 0, fixed, name)
    names, kept = _shared.parted(names, values, kept)
    facts = Facts(
        name=name,
        dtypes=("float32", "float64", "float16", "bfloat16"),
        hyper=frozenset(names),
        settable=frozenset(names) & {"lr", "momentum", "weight_decay"},
        fixed=values,
        none_gradients=True,
        offers=frozenset({"resume", "deepcopy", "pickle", "fed", "state_bytes"}),
        flushes_subnormals=backend in ("jax", "tensorflow"),  # their threads flush them
    )

    def begin(parameters: Sequence[Array], hyper: Hyper, dtype: str) -> KerasRun:
        given = _shared.arguments(hyper, names, values)
        if not given.get("weight_decay"):
            given["weight_decay"] = None  # keras: a decay that is off
        return KerasRun(lambda: obj(**given, **kept), parameters, dtype)

    return PlainSubject(facts, begin)


ADAPTER = Adapter(
    name="Keras",
    takes="an optimizer class",
    module="keras",
    distributions={"keras": ("keras",), "tensorflow": ("tensorflow", "tensorflow-cpu")},
    extra="keras",
    accepts=accepts,
    adapt=adapt,
    prepare=prepare,
    speakers=("keras",),
)
