"""Keras: an optimizer class, on the backend that KERAS_BACKEND names, else on JAX if there is one.

Keras holds the learning rate in a variable of the default float type. That type is set to float64
while a float64 problem runs and to float32 for all others, as it is when nobody sets it. A rate is
thus as precise as the parameters; where a backend still rounds it to float32, the checks say so.
"""

import copy
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from momentum.adapters import _libraries
from momentum.adapters._declared import DeclaredRun
from momentum.adapters._libraries import FOUR, XLA, Claims, Library
from momentum.adapters._record import classes_of, framework
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.subjects.offers import copied
from momentum.subjects.protocol import Array

if TYPE_CHECKING:
    import keras


def prepare() -> None:
    """Before Keras is imported: choose the backend, and keep it from writing in the home."""
    if "KERAS_BACKEND" not in os.environ:
        known = (b for b in ("jax", "torch", "numpy") if find_spec(b))
        os.environ["KERAS_BACKEND"] = next(known)
    os.environ.setdefault("KERAS_HOME", tempfile.mkdtemp(prefix="keras-"))


SCHEDULES: Mapping[str, tuple[Any, ...]] = {
    "ExponentialDecay": (2, 0.5),
    "InverseTimeDecay": (2, 0.5),
    "PolynomialDecay": (4, 0.01, 2.0),
    "CosineDecay": (4, 0.1),
    "CosineDecayRestarts": (2,),
}
"""Schedules that take a rate, as Keras names them, and their next arguments."""


# Neither way converts in the framework: XLA would flush subnormals.
def _typed(values: Array, dtype: str) -> NDArray[np.floating]:
    """An array of the dtype; Keras brings NumPy's bfloat16 along."""
    return values.astype(np.dtype(dtype))


def _numbers(tensor: Any) -> Array:
    """A float64 copy of a tensor of whatever backend."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().double().cpu()  # torch: NumPy has no bfloat16
    elif hasattr(tensor, "numpy"):
        tensor = tensor.numpy()  # TensorFlow: a scalar in bfloat16 is no array
    return np.array(np.asarray(tensor), dtype=np.float64)


def _choose_precision(dtype: str) -> None:
    import keras

    keras.config.set_floatx("float64" if dtype == "float64" else "float32")


def _library() -> Library:
    import keras

    def make(values: Array, dtype: str) -> "keras.KerasTensor":
        _choose_precision(dtype)
        return keras.ops.convert_to_tensor(_typed(values, dtype))

    def dtype_of(tensor: "keras.KerasTensor") -> str:  # each backend writes it its own way
        return str(keras.backend.standardize_dtype(tensor.dtype))

    backend = keras.backend.backend()
    if backend == "jax":
        _libraries.jax()  # has 64 bits from now on
    claims = XLA if backend in ("jax", "tensorflow") else Claims()  # so are its threads set
    return Library("keras", FOUR, make, _numbers, keras.ops.is_tensor, None, claims, dtype_of)


class _Run(DeclaredRun):
    """It steps through `apply`, eagerly."""

    of_library = _library
    settable = ("lr", "momentum", "weight_decay")
    attributes: Mapping[str, str] = {"lr": "learning_rate", "momentum": "momentum"}
    offers = DeclaredRun.offers | {"own_schedules", "names"}
    options = ("schedule", "names")
    takes_none = True

    def begin(self, hyper: Hyper, schedule: str = "", names: Sequence[str] = ()) -> None:
        """schedule: one of the framework's, in place of the rate. names: of the variables."""
        _choose_precision(self.dtype)
        self.names = names or [f"p{i}" for i in range(len(self.theta))]
        self.variables = self._variables([_numbers(x) for x in self.theta])
        self.begun = hyper
        given = self.said.arguments(hyper)
        given["weight_decay"] = given.get("weight_decay") or None  # keras: a decay that is off
        if schedule:
            given[self.said.names["lr"]] = self._schedule(schedule)
        self.optimizer = self.said.function(**given)
        self.optimizer.build(self.variables)

    @classmethod
    def adapt(cls, obj: Callable[..., Any], fixed: Mapping[str, object], name: str) -> PlainSubject:
        """What it keeps under no attribute of Keras' own name cannot be set in a run."""
        subject = super().adapt(obj, fixed, name)
        try:
            run = cast(_Run, subject.start([np.zeros(1)], [Hyper(lr=0.1)], "float32"))
        except Exception:  # whatever it raises, the checks tell
            return subject
        there = {n for n, kept in cls.attributes.items() if hasattr(run.optimizer, kept)}
        settable = subject.facts.settable - (cls.attributes.keys() - there)
        return replace(subject, facts=replace(subject.facts, settable=settable))

    def _schedule(self, name: str) -> "keras.optimizers.schedules.LearningRateSchedule":
        import keras

        return getattr(keras.optimizers.schedules, name)(float(self.begun.lr), *SCHEDULES[name])

    def schedules(self, steps: int) -> dict[str, list[list[Hyper]]]:
        """What each says when it is asked step by step."""
        return {
            name: [
                [self.begun._replace(lr=float(_numbers(self._schedule(name)(t))))]
                for t in range(steps)
            ]
            for name in SCHEDULES
        }

    def _variables(self, values: Sequence[Array]) -> "list[keras.Variable]":
        import keras

        made = []
        for i, (x, name) in enumerate(zip(values, self.names)):
            with keras.name_scope(f"layer{i}"):  # keras: each layer has a kernel, by another path
                made.append(keras.Variable(_typed(x, self.dtype), dtype=self.dtype, name=name))
        return made

    def arrays(self) -> "list[keras.KerasTensor]":
        return [v.value for v in self.variables]

    def advance(self) -> None:
        # keras: a step without any gradient is refused, so a training has to leave it out.
        if any(g is not None for g in self.grads):
            self.optimizer.apply(self.grads, self.variables)

    def set(self, hyper: Hyper, group: int = 0) -> None:
        _choose_precision(self.dtype)
        super().set(hyper, group)
        # keras: None is a decay that is off; it is read anew at every step.
        self.optimizer.weight_decay = float(hyper.weight_decay) or None

    def save(self) -> object:
        """Parameters, the optimizer's variables and its configuration."""
        store: dict[str, Any] = {}
        self.optimizer.save_own_variables(store)
        state = {name: np.array(x) for name, x in store.items()}
        names = ("momentum", "weight_decay")
        plain = {n: getattr(self.optimizer, n) for n in names if hasattr(self.optimizer, n)}
        return [_numbers(x) for x in self.arrays()], state, plain

    def load(self, saved: Any) -> None:
        values, state, plain = saved
        for v, x in zip(self.variables, values):
            v.assign(_typed(x, self.dtype))
        self.optimizer.load_own_variables(state)
        vars(self.optimizer).update(plain)  # keras: these are no variables but configuration

    def duplicate(self, how: str) -> Self:
        """A copy of the optimizer, with variables of its own."""
        twin = copy.copy(self)
        twin.variables = self._variables([_numbers(x) for x in self.arrays()])
        twin.optimizer = copied(self.optimizer, how)
        return twin

    def state_bytes(self) -> int:
        return sum(int(np.asarray(v.value).nbytes) for v in self.optimizer.variables)


ADAPTER = framework(
    "keras",
    "Keras",
    distributions={"keras": ("keras",), "tensorflow": ("tensorflow", "tensorflow-cpu")},
    accepts=classes_of("keras.src.optimizers"),
    adapt=_Run.adapt,
    prepare=prepare,
)
