"""A run of a program that speaks the protocol of `process`."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from momentum.adapters import _shared
from momentum.adapters._program import Program, Refused
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, Gradient, SubjectError


class ProcessRun:
    """A live run in a program that has been started.

    hyper: the names to tell it. fixed: what it has for good.
    """

    def __init__(self, program: Program, hyper: frozenset[str], fixed: Mapping[str, Any]) -> None:
        self.program, self.hyper, self.fixed = program, hyper, fixed
        self.shapes: list[tuple[int, ...]] = []
        self.values: list[Array] = []

    def begin(self, parameters: Sequence[Array], hyper: Hyper, dtype: str) -> None:
        """Start it there.

        Raises: ValueError where it refuses a hyper-parameter.
        """
        self.shapes = [x.shape for x in parameters]
        arrays = [{"shape": x.shape, "values": _texts(x)} for x in parameters]
        said = {"dtype": dtype, "hyper": self._said(hyper), "parameters": arrays}
        try:
            self._ask("start", **said)
        except Refused as error:
            raise ValueError(str(error)) from None

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step; None where there is no gradient."""
        self._ask("step", gradients=[None if g is None else _texts(g) for g in gradients])

    def parameters(self) -> list[Array]:
        """Copies of what it last said."""
        return [x.copy() for x in self.values]

    def set(self, hyper: Hyper, group: int = 0) -> None:
        """New hyper-parameters from the next step on."""
        self.program.ask({"do": "set", "hyper": self._said(hyper)})

    def save(self) -> Any:
        """All of its state."""
        answer = self.program.ask({"do": "save"})
        if "state" not in answer:
            raise SubjectError(f"answered 'save' with {', '.join(answer) or '{}'}, wanted state")
        return answer["state"]

    def load(self, saved: Any) -> None:
        """Go on from what `save` returned."""
        self._ask("load", state=saved)

    def _said(self, hyper: Hyper) -> dict[str, Any]:
        held = _shared.arguments(hyper, {name: name for name in self.hyper}, self.fixed)
        return {n: x if isinstance(x, bool) else x.hex() for n, x in held.items()}

    def _ask(self, what: str, **more: Any) -> None:
        """A request that is answered with all parameters."""
        got = self.program.ask({"do": what, **more}).get("parameters")
        if not isinstance(got, list) or len(got) != len(self.shapes):
            raise SubjectError(f"answered {what!r} without {len(self.shapes)} parameters")
        try:
            arrays = [np.array([_number(x) for x in row], dtype=np.float64) for row in got]
            self.values = [x.reshape(shape) for x, shape in zip(arrays, self.shapes)]
        except (TypeError, ValueError) as error:
            raise SubjectError(f"answered {what!r} with wrong parameters: {error}") from None


def _texts(values: Array) -> list[str]:
    return [float(x).hex() for x in values.ravel()]


def _number(x: Any) -> float:
    if not isinstance(x, str):
        return float(x)
    if "x" not in x.lower() and x.lower().lstrip("+-") not in ("inf", "infinity", "nan"):
        raise ValueError(f"{x!r} is no hexadecimal float such as '0x1.8p-3'")
    return float.fromhex(x)
