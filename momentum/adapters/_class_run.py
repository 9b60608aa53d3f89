"""Objects of somebody's own class, driven as their method wants it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import numpy as np

from momentum.adapters import _shared
from momentum.adapters._attributes import attributes, keeping
from momentum.adapters._libraries import Library
from momentum.adapters._run import ArrayRun
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, SubjectError

H = TypeVar("H")


@dataclass(frozen=True)
class Way:
    """How a class is driven.

    order: role -> argument, in the order of the arguments. key: the argument for a parameter's
    name, empty where there is none. holder: "array", "list" or "dict". held: the constructor's
    argument for the parameters, empty where the method takes them. attached: gradients are the
    `grad` of each parameter, as a backward pass leaves them. takes_none: so may lists be with None.
    """

    library: Library
    make: Callable[[Hyper, Mapping[str, object]], object]
    method: str
    order: Mapping[str, str]
    key: str
    names: Mapping[str, str]
    holder: str
    held: str
    attached: bool = False
    takes_none: bool = False

    @property
    def question(self) -> tuple[int, int]:
        """One of its own."""
        return id(self), 0

    def made(self, h: Hyper, theta: object) -> object:
        """An object, of these parameters where it wants to hold them."""
        return self.make(h, {self.held: theta} if self.held else {})

    def stepped(self, made: object, theta: H, grad: H, h: Hyper, key: str = "") -> H:
        """The new parameters."""
        values = {"theta": theta, "grad": grad}
        given: dict[str, object] = {named: values[role] for role, named in self.order.items()}
        given |= {self.key: key} if self.key else {}
        given |= {theirs: getattr(h, n) for n, theirs in self.names.items()}
        got = getattr(made, self.method)(**given)
        if "theta" not in self.order and got is None:
            got = getattr(made, self.held, None)
        return theta if got is None else cast(H, got)

    def begin(self, parameters: Sequence[Array], h: Hyper, dtype: str) -> "ClassRun":
        """A run that drives it so."""
        return ClassRun(self, parameters, h, dtype)

    def settle(self, run: ArrayRun, start: Sequence[Array]) -> None:
        """Raises: SubjectError where a step moves nothing."""
        if any(np.array_equal(x, begun) for x, begun in zip(run.parameters(), start)):
            raise SubjectError("a step moves nothing")


class ClassRun(ArrayRun):
    """A live run of such an object, or of one for each parameter."""

    state = ("theta", "all", "made", "h")

    def __init__(self, way: Way, parameters: Sequence[Array], h: Hyper, dtype: str) -> None:
        super().__init__(way.library, parameters, dtype, attached=way.attached)
        self.way, self.h = way, _shared.plain(h)
        self.takes_none = way.attached or way.takes_none
        self.keys = [f"p{i}" for i in range(len(self.theta))]
        named = way.holder == "dict"
        self.all: Any = dict(zip(self.keys, self.theta)) if named else list(self.theta)
        alone = way.holder == "array" and not way.key
        self.made = [way.made(self.h, x) for x in (self.theta if alone else (self.all,))]

    def advance(self) -> None:
        way, keys = self.way, self.keys
        outside_of_graphs = way.library.outside_of_graphs
        if way.attached and outside_of_graphs is not None:
            self.attach()
            with outside_of_graphs():
                getattr(self.made[0], way.method)()
        elif way.holder == "array":
            self.theta = [
                way.stepped(self.made[i if len(self.made) > 1 else 0], x, g, self.h, keys[i])
                for i, (x, g) in enumerate(zip(self.theta, self.grads))
            ]
        elif way.holder == "list":
            self.all = way.stepped(self.made[0], self.all, self.grads, self.h)
            self.theta = list(self.all)
        else:
            fed = {keys[i]: self.grads[i] for i in self.order or range(len(keys))}
            self.all = way.stepped(self.made[0], self.all, fed, self.h)
            self.theta = [self.all[key] for key in keys]
        for x, shape in zip(self.theta, self.shapes, strict=True):
            if not way.library.owns(x) or tuple(x.shape) != shape:
                raise SubjectError(f"made {type(x).__name__} of a parameter of shape {shape}")

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.h = _shared.plain(hyper)
        for made in self.made:
            for kept in keeping(made):
                for n, names in attributes(kept).items():
                    kept.update(dict.fromkeys(names, getattr(self.h, n)))
