"""A rule's own text on the parameters of a group: many at once, large ones block by block."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal, NamedTuple, TypeGuard

import torch
from torch import Tensor

from momentum.conventions import Convention, Hyper
from momentum.oracle.expansion import Text
from momentum.sgd._program import Pattern, Program, Run, pattern, program

BLOCK = 1 << 18
"""Elements of a block: they stay in the processor's cache from one operation to the next, and
Python counts for little. Parameters with more are taken in blocks, where no device takes them."""


Fuse = Literal["", "lists", "each"]
"""Whether torch.compile is to make kernels, and of what. A processor's kernel of one tensor writes
in place, where operations on lists make new ones; a graphics card takes a list in one kernel."""


Held = Tensor | float
State = dict[str, Held]
"""A rule's state by name: tensors and numbers."""


class Due(NamedTuple):
    """A parameter that is due for a step, with its gradient and what was kept of it."""

    p: Tensor
    grad: Tensor
    kept: State


@lru_cache(maxsize=512)
def _program(
    key: Text, told: Pattern, rates: frozenset[str], first: bool, lists: bool, own: bool, fuse: Fuse
) -> Program | None:
    """The program of a step, None where the rule cannot be read."""
    try:
        found = program(key.convention, told, rates, first, lists and fuse != "each", own)
    except (TypeError, ValueError):
        return None
    if not fuse:
        return found
    return found._replace(run=torch.compile(_each(found) if fuse == "each" else found.run))


def _each(program: Program) -> Run:
    """The program of one tensor as that of a list of them."""

    def run(
        theta: Sequence[Tensor], grad: Sequence[Tensor], state: Mapping[str, Any], h: Hyper
    ) -> dict[str, Any]:
        parts = [
            program.run(p, g, {n: x[i] if n in program.arrays else x for n, x in state.items()}, h)
            for i, (p, g) in enumerate(zip(theta, grad))
        ]
        return {n: [part[n] for part in parts] if n in program.arrays else parts[0][n]
                for n in parts[0]}  # fmt: skip

    return run


class Group:
    """What all parameters of a group share. own: velocities may be written to."""

    def __init__(self, convention: Convention, h: Hyper, own: bool, compile: bool = False) -> None:
        self.convention, self.h, self.own, self.compile = convention, h, own, compile
        self.key, self.told = Text(convention), pattern(h)
        self.rates = frozenset(n for n, x in zip(h._fields, h) if isinstance(x, Tensor))
        self.names = convention.initial._asdict().keys()
        self.fields = [n for n in self.names if n != "step"]

    def apply(self, due: Sequence[Due]) -> list[State]:
        """Step parameters in place; returns what to keep of each. Rules act on elements alone."""
        on_cpu = bool(due) and due[0].p.device.type == "cpu"
        self.fuse: Fuse = "" if not self.compile else "each" if on_cpu else "lists"
        later = self._get(first=False, lists=True)
        if later is None:
            return [self._whole(one) for one in due]
        numbers = [n for n in self.fields if n not in later.arrays]
        together: dict[Any, list[Due]] = {}
        for i, one in enumerate(due):
            large = on_cpu and one.p.numel() > BLOCK and not self.compile and _dense(one)
            first = not one.kept or not one.kept["step"]
            key = first, large and f"by itself: {i}", *(one.kept.get(n) for n in numbers)
            together.setdefault(key, []).append(one)
        found: dict[Tensor, State] = {}
        for (first, large, *_), some in together.items():
            kept = self._blocks(some[0], first) if large else self._lists(some, first)
            found.update(zip((one.p for one in some), kept))
        return [found[one.p] for one in due] if len(together) > 1 else list(found.values())

    def _get(self, first: bool, lists: bool) -> Program | None:
        return _program(
            self.key, self.told, self.rates, first, lists, not first, self.fuse if lists else ""
        )

    def _lists(self, due: Sequence[Due], first: bool) -> list[State]:
        lists = len(due) > 1 or self.compile
        run = self._get(first, lists)
        assert run is not None
        columns: dict[str, Any] = {}
        for n in self.fields:
            values = [self._held(one, n, run, first) for one in due]
            columns[n] = values if lists and n in run.arrays else values[0]
        if not lists:
            columns |= run.run(due[0].p, due[0].grad, columns, self.h)
            return [self._kept(due[0], columns)]
        columns |= run.run([one.p for one in due], [one.grad for one in due], columns, self.h)
        if self.fields == ["v"]:
            return [self._kept(one, {"v": v}) for one, v in zip(due, columns["v"])]
        return [
            self._kept(one, {n: x[i] if n in run.arrays else x for n, x in columns.items()})
            for i, one in enumerate(due)
        ]

    def _held(self, one: Due, name: str, run: Program, first: bool) -> Held:
        x = one.kept[name] if one.kept else getattr(self.convention.initial, name)
        if _is(x) and not self.own:
            return x.clone()  # the same operations, whoever else holds it: the same bits
        return torch.full_like(one.p, float(x)) if name in run.arrays and not _is(x) else x

    def _kept(self, one: Due, parts: Mapping[str, Held]) -> State:
        """The state after the step: the same dict where nobody else has it."""
        step = one.kept["step"] + 1 if one.kept else 1
        if one.kept and self.own:
            one.kept.update(parts, step=step)
            return one.kept
        return {n: step if n == "step" else parts[n] for n in self.convention.initial._fields}

    def _blocks(self, one: Due, first: bool) -> list[State]:
        run = self._get(first, lists=False)
        assert run is not None
        state = {n: one.kept[n] if one.kept else getattr(self.convention.initial, n)
                 for n in self.fields}  # fmt: skip
        # What is not to be written to is copied at once, so that blocks have where to write.
        for n in run.arrays:
            x = state[n]
            if not _is(x):
                state[n] = torch.full_like(one.p, float(x))
            elif not self.own:
                state[n] = x.clone()
        inside = _program(self.key, self.told, self.rates, first, False, True, "")
        assert inside is not None
        parts = {n: _blocks(x) for n, x in state.items() if n in run.arrays and _is(x)}
        numbers = {n: x for n, x in state.items() if n not in run.arrays}
        new: dict[str, Any] = {}
        for i, (p, g) in enumerate(zip(_blocks(one.p), _blocks(one.grad))):
            new = inside.run(p, g, {**numbers, **{n: x[i] for n, x in parts.items()}}, self.h)
        return [self._kept(one, {**state, **{n: new[n] for n in numbers if n in new}})]

    def _whole(self, one: Due) -> State:
        state = type(self.convention.initial)(**one.kept) if one.kept else self.convention.initial
        moved, state = self.convention.step(one.p, one.grad, state, self.h)
        # A rule may keep what it was given; the next step must find it unchanged.
        kept = {n: x.clone() if x is one.p or x is one.grad else x
                for n, x in state._asdict().items()}  # fmt: skip
        one.p.copy_(moved)
        return kept


def _blocks(x: Tensor) -> tuple[Tensor, ...]:
    return torch.split(x.view(-1), BLOCK)


def _is(x: object) -> TypeGuard[Tensor]:
    return isinstance(x, Tensor)


def _dense(one: Due) -> bool:
    tensors = [one.p, one.grad, *(x for x in one.kept.values() if _is(x))]
    return all(x.is_contiguous() for x in tensors)
