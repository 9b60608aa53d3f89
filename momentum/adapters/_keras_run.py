"""A live Keras optimizer with its variables, on whatever backend."""

import copy
import pickle
from collections.abc import Sequence
from typing import Any

import numpy as np

from momentum.adapters import _shared
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Gradient


# Neither way converts in the framework: XLA would flush subnormals.
def _typed(values: Array, dtype: str) -> Any:
    """An array of the dtype; Keras brings NumPy's bfloat16 along."""
    return values.astype(np.dtype(dtype))


def _numbers(tensor: Any) -> Array:
    """A float64 copy of a tensor of whatever backend."""
    if hasattr(tensor, "detach"):
        tensor = tensor.detach().double().cpu()  # torch: NumPy has no bfloat16
    return np.array(np.asarray(tensor), dtype=np.float64)


class KerasRun:
    """A live run. make: constructor without arguments."""

    def __init__(self, make: Any, parameters: Sequence[Array], dtype: str) -> None:
        import keras

        self.dtype, self.shapes = dtype, [np.shape(x) for x in parameters]
        self._choose_precision()
        self.variables = [
            keras.Variable(_typed(x, dtype), dtype=dtype, name=f"p{i}")
            for i, x in enumerate(parameters)
        ]
        self.optimizer = make()
        self.optimizer.build(self.variables)
        self.grads: list[Any] = []

    def _choose_precision(self) -> None:
        import keras

        keras.config.set_floatx("float64" if self.dtype == "float64" else "float32")

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step; None where there is no gradient."""
        import keras

        self._choose_precision()
        self.grads = [
            None if g is None else keras.ops.convert_to_tensor(_typed(g, self.dtype))
            for g in gradients
        ]
        # keras: a step without any gradient is refused, so a training has to leave it out.
        if any(g is not None for g in self.grads):
            self.optimizer.apply(self.grads, self.variables)

    def parameters(self) -> list[Array]:
        """Copies as float64."""
        from keras.backend import standardize_dtype  # each backend writes a dtype its own way

        return [
            _shared.read(
                i, _numbers(v.value), standardize_dtype(v.value.dtype), self.dtype, self.shapes[i]
            )
            for i, v in enumerate(self.variables)
        ]

    def set(self, hyper: Hyper, group: int = 0) -> None:
        """New hyper-parameters from the next step on."""
        self._choose_precision()
        self.optimizer.learning_rate = float(hyper.lr)
        self.optimizer.momentum = float(hyper.momentum)
        # keras: None is a decay that is off; it is read anew at every step.
        self.optimizer.weight_decay = float(hyper.weight_decay) or None

    def fed(self) -> list[Array | None]:
        """The last gradients, as they read now."""
        return [None if g is None else _numbers(g) for g in self.grads]

    def save(self) -> Any:
        """Parameters, the optimizer's variables and its configuration."""
        store: dict[str, Any] = {}
        self.optimizer.save_own_variables(store)
        state = {name: np.array(x) for name, x in store.items()}
        plain = {n: getattr(self.optimizer, n) for n in ("momentum", "weight_decay")}
        return [_numbers(v.value) for v in self.variables], state, plain

    def load(self, saved: Any) -> None:
        """Go on from what `save` returned."""
        values, state, plain = saved
        for v, x in zip(self.variables, values):
            v.assign(_typed(x, self.dtype))
        self.optimizer.load_own_variables(state)
        vars(self.optimizer).update(plain)  # keras: these are no variables but configuration

    def duplicate(self, how: str) -> "KerasRun":
        """A copy of the optimizer, by deepcopy or pickle, with variables of its own."""
        import keras

        twin = copy.copy(self)
        twin.variables = [
            keras.Variable(_typed(_numbers(v.value), self.dtype), dtype=self.dtype, name=v.name)
            for v in self.variables
        ]
        twin.optimizer = (
            copy.deepcopy(self.optimizer)
            if how == "deepcopy"
            else pickle.loads(pickle.dumps(self.optimizer))
        )
        return twin

    def state_bytes(self) -> int:
        """Bytes of all the optimizer's variables."""
        return sum(int(np.asarray(v.value).nbytes) for v in self.optimizer.variables)
