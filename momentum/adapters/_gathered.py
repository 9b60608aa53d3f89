"""Classes whose method takes parameters and gradients together, as ones that take both as lists.

    opt.apply_gradients(grads_and_vars)     in place, of arrays or of objects with assign and numpy
    opt.update_params(layer)                layer.weights, .dweights, .biases, .dbiases; .W, .dW …

What stands before and after it, `pre_update_params()`, is called once a step.
"""

import copy
import inspect
from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

from momentum.adapters._parameters import Parameter
from momentum.adapters._shared import argument_names

_PAIRS: Mapping[str, bool] = {
    **dict.fromkeys(("grads_and_vars", "grads_and_params", "gradients_and_variables"), True),
    **dict.fromkeys(("params_and_grads", "vars_and_grads", "params_grads"), False),
}
"""What people call a list of pairs: whether the gradient is the first of each."""

_LAYER = (("weights", "weight", "W", "w"), ("biases", "bias", "b"))
_GRADIENT = ("d{}", "d_{}", "grad_{}", "{}_grad")
"""What people call the parameters of a layer, and the gradient of each."""


class Gathered:
    """What is made of such a class takes lists when it is called."""

    method: str


class _Pairs(Gathered):
    gradient_first: bool

    def __call__(self, params: Sequence[Any], grads: Sequence[Any]) -> None:
        arrays = [g.data if isinstance(g, Parameter) else g for g in grads]
        pairs = zip(arrays, params) if self.gradient_first else zip(params, arrays)
        getattr(self, self.method)(list(pairs))


class _Layers(Gathered):
    def __call__(self, params: Sequence[Any], grads: Sequence[Any]) -> list[Any]:
        """An odd parameter has a copy for its bias."""
        both = list(zip(params, grads))
        both += copy.deepcopy(both[-1:]) if len(both) % 2 else []
        held = vars(self).setdefault("_layers", [SimpleNamespace() for _ in both[::2]])
        self._around("pre_")
        after = [x for i, layer in enumerate(held) for x in self._moved(layer, both[2 * i :][:2])]
        self._around("post_")
        return after[: len(params)]

    def _around(self, when: str) -> None:
        getattr(self, when + self.method, lambda: None)()

    def _moved(self, layer: SimpleNamespace, both: Sequence[tuple[Any, Any]]) -> list[Any]:
        """Its parameters, each under all its names, of which the one that is written is read."""
        for names, (x, g) in zip(_LAYER, both):
            vars(layer).update(dict.fromkeys(names, x))
            vars(layer).update({f.format(n): g for n in names for f in _GRADIENT})
        getattr(self, self.method)(layer)
        now = [[getattr(layer, n) for n in names] for names in _LAYER]
        return [next((y for y in ys if y is not x), x) for ys, (x, _) in zip(now, both)]


def gathered(cls: object, methods: Sequence[str]) -> type | None:
    """The class that takes lists in the place of such a one; None where it is none."""
    if not isinstance(cls, type):
        return None
    for name in methods:
        method = getattr(cls, name, None)
        taken = argument_names(method)[1:] if inspect.isfunction(method) else []
        if taken == ["layer"]:
            return type(cls.__name__, (_Layers, cls), {"method": name})
        if taken and taken[0] in _PAIRS:
            kept = {"method": name, "gradient_first": _PAIRS[taken[0]]}
            return type(cls.__name__, (_Pairs, cls), kept)
    return None
