"""How all arrays are handed over at once: in a list, in a dict, or in dicts of layers.

    parameters["W1"], ["b1"], ["W2"], …    grads["dW1"], ["db1"], …    v["dW1"], ["db1"], …

as courses write it: half as many layers as parameters, so that an odd one has a copy for its b.
"""

import copy
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from momentum.subjects.protocol import SubjectError


class Holder(NamedTuple):
    """fill(arrays, role): what is handed over. read(held, count, role): the arrays again.

    Raises: SubjectError where there is something else in their place.
    """

    words: str
    fill: Callable[[Sequence[Any], str], Any]
    read: Callable[[Any, int, str], list[Any]]


def _all(x: object, count: int, role: str) -> list[Any]:
    if not isinstance(x, list | tuple) or len(x) != count:
        raise SubjectError(f"returned {type(x).__name__} for a list of {count} arrays")
    return list(x)


def _plain(count: int, role: str) -> list[str]:
    return [f"p{i}" for i in range(count)]


def _of_layers(with_d: Collection[str], count: int, role: str) -> list[str]:
    """with_d: roles in which names begin with d."""
    d = "d" if role in with_d else ""
    return [f"{d}{'Wb'[i % 2]}{i // 2 + 1}" for i in range(count + count % 2)]


def _named(words: str, names: Callable[[int, str], list[str]]) -> Holder:
    def fill(arrays: Sequence[Any], role: str) -> dict[str, Any]:
        keys = names(len(arrays), role)
        odd = [copy.deepcopy(arrays[-1])] if len(keys) > len(arrays) else []
        return dict(zip(keys, [*arrays, *odd]))

    def read(x: object, count: int, role: str) -> list[Any]:
        keys = names(count, role)
        if not isinstance(x, Mapping) or x.keys() != {*keys}:
            raise SubjectError(f"returned {type(x).__name__} for a dict of {count} arrays")
        return [x[key] for key in keys[:count]]

    return Holder(words, fill, read)


HOLDERS: Mapping[str, Holder] = {
    "list": Holder("list of all arrays", lambda arrays, role: list(arrays), _all),
    "dict": _named("dict of all arrays", _plain),
    "layers": _named("dict of W1, b1, … (dW1, db1, …)", partial(_of_layers, ("grad", "v"))),
    "gradients of layers": _named(
        "dict of W1, b1, … (of gradients dW1, db1, …)", partial(_of_layers, ("grad",))
    ),
}
