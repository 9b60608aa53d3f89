"""The ways in which a step function may be called and answer, the likeliest first."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from momentum.adapters._functions import counts as _counts
from momentum.adapters._functions import pairs, pointers
from momentum.adapters._functions.arguments import Arguments, meanings
from momentum.adapters._functions.forms import answers
from momentum.adapters._functions.holders import HOLDERS
from momentum.adapters._functions.meanings import GRADIENTS, Meaning, holds
from momentum.adapters._functions.steps import Way
from momentum.adapters._libraries import Library
from momentum.arithmetic import FORMATS


def alternatives_of(
    function: Callable[..., object],
    found: Arguments,
    more: Mapping[str, object],
    library: Library,
    given: Mapping[str, object],
) -> list[dict[str, Meaning]]:
    """What the arguments may be. more: those that are numbers. given: those that the caller has."""
    if isinstance(function, pairs.Pair):
        return [dict(found.known)]
    return list(meanings(function, found, more, library, given))


def ways_of(
    steps: Sequence[Callable[..., object]],
    kinds: Sequence[Library],
    takings: Sequence[Mapping[str, Meaning]],
    begins: Mapping[str, int],
    common: Mapping[str, Any],
) -> list[Way]:
    """All ways in which one of the steps may be called, the likeliest first.

    takings: what the arguments may be. begins: from where the caller says that it counts.
    """
    return [
        Way(
            function=step,
            library=library,
            takes=takes,
            keywords=keywords,
            holder=holder,
            answer=answer,
            first=_first(step, takes),
            attached=attached,
            count=count,
            **common,
        )
        for library in kinds
        for step in steps
        for taking in takings
        if library.name != "numpy" or "loss" not in taking.values()
        for attached in [not GRADIENTS & {*taking.values()}]
        for takes, keywords in [_ordered(step, taking)]
        for holder in (("list", "array", "dict") if attached else _holders(step, takes))
        for count in _starts(step, takes, begins)
        for answer in _answers(step, takes)
    ]


def _ordered(
    step: Callable[..., object], held: Mapping[str, Any]
) -> tuple[dict[str, Any], frozenset[str]]:
    """What the arguments are, in their order, and those that are passed by name."""
    parameters = inspect.signature(step).parameters
    ordered = {n: held[n] for n in parameters if n in held}
    by_name = {n for n in ordered if parameters[n].kind is inspect.Parameter.KEYWORD_ONLY}
    return ordered, frozenset(by_name)


def _holders(step: Callable[..., object], held: Mapping[str, Any]) -> Sequence[str]:
    """How arrays may be handed over, first as the annotations say."""
    if "size" in held.values():
        return ("array",)
    theta = next((n for n, m in held.items() if m == "theta"), "")
    said_of = str(getattr(step, "__annotations__", {}).get(theta, "")).lower()
    named = [h for h, words in _CALLED.items() if any(w in said_of for w in words)]
    return [*named, *(h for h in ("array", *HOLDERS) if h not in named)]


_CALLED = {"dict": ("dict", "mapping"), "list": ("list", "sequence", "iterable")}


def _first(step: Any, held: Mapping[str, Any]) -> Callable[[Any, Any], Any] | None:
    """What makes the first v, where it is not zeros."""
    if isinstance(step, pairs.Pair):
        return step.init
    v = next((n for n, m in held.items() if m == "v"), "")
    parameters = inspect.signature(step).parameters
    return (lambda theta, told: None) if v and parameters[v].default is None else None


def _starts(
    step: Callable[..., object], held: Mapping[str, Any], begins: Mapping[str, Any]
) -> Sequence[int]:
    """From where its steps may be counted."""
    n = next((n for n, m in held.items() if m == "count"), None)
    if n is None:
        return _counts.STARTS if any("count" in holds(m) for m in held.values()) else (0,)
    default = begins.get(n, inspect.signature(step).parameters[n].default)
    return (default,) if isinstance(default, int) else _counts.STARTS


def _answers(step: Any, held: Mapping[str, Any]) -> list[tuple[str, ...]]:
    if pointers.is_reading(step):
        return [()]
    if not isinstance(step, pairs.Pair):
        return answers(held)
    whole = any("theta" in holds(m) for m in held.values())
    return [*(answers(held) if whole else []), *answers(held, adds=True)]


def narrowed(library: Library, annotations: str) -> Library:
    """A library with those dtypes alone that annotations name; all where they name none."""
    named = [d for d in FORMATS if d in annotations]
    return library._replace(dtypes=tuple(d for d in library.dtypes if not named or d in named))
