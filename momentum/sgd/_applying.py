"""A rule's own text on tensors, large ones block by block."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import torch
from torch import Tensor

from momentum.conventions import Convention, Hyper

BLOCK = 1 << 18
"""Elements of a block: its temporaries are used again and again, and Python counts for little."""


class Due(NamedTuple):
    """A parameter that is due for a step, with its gradient and state."""

    p: Tensor
    grad: Tensor
    convention: Convention
    state: Any
    h: Hyper


def apply(due: Iterable[Due], in_place: bool) -> dict[Tensor, dict[str, Any]]:
    """Step all parameters, in place; returns the new states. Rules act on each element alone.

    in_place: velocities of large parameters may be written to.
    """
    states: dict[Tensor, dict[str, Any]] = {}
    for one in due:
        dense = one.p.is_contiguous() and one.grad.is_contiguous() and _flat(one.state)
        large = one.p.numel() > BLOCK and dense
        states[one.p] = _in_blocks(one, in_place) if large else _whole(one)
    return states


def _flat(state: Any) -> bool:
    return all(x.is_contiguous() for x in state if isinstance(x, Tensor))


def _whole(one: Due) -> dict[str, Any]:
    moved, state = one.convention.step(one.p, one.grad, one.state, one.h)
    # A rule may keep what it was given; the next step must find it unchanged.
    kept = {
        name: x.clone() if x is one.p or x is one.grad else x for name, x in state._asdict().items()
    }
    one.p.copy_(moved)
    return kept


def _in_blocks(one: Due, in_place: bool) -> dict[str, Any]:
    names = type(one.state)._fields
    x, g = one.p.view(-1), one.grad.view(-1)
    old = {n: s.view(-1) for n, s in zip(names, one.state) if isinstance(s, Tensor)}
    new: dict[str, Tensor] = dict(old) if in_place else {}
    kept: dict[str, Any] = {}
    for first in range(0, x.numel(), BLOCK):
        part = slice(first, first + BLOCK)
        held = one.state._replace(**{n: s[part] for n, s in old.items()})
        here = x[part]
        moved, state = one.convention.step(here, g[part], held, one.h)
        for name, value in zip(names, state):
            if not isinstance(value, Tensor):
                kept[name] = value
                continue
            if name not in new:
                new[name] = torch.empty_like(x)
            new[name][part] = value
        here.copy_(moved)
    whole: dict[str, Any] = {n: s.view_as(one.p) for n, s in new.items()}
    return {n: whole.get(n, kept.get(n)) for n in names}
