"""Departures in which another number acts in place of a hyper-parameter."""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from operator import attrgetter
from typing import Any

from momentum.arithmetic import FORMATS
from momentum.conventions import Convention, Hyper
from momentum.conventions.hyper import COMMON
from momentum.diagnosis.departure import Apply, Departure, plain, scheduled, told

Formula = Callable[[Hyper], float]
"""A number made of hyper-parameters."""

FACTORS: dict[str, Formula] = {
    "lr": lambda h: h.lr,
    "momentum": lambda h: h.momentum,
    "(1 - momentum)": lambda h: 1 - h.momentum,
    "(1 + momentum)": lambda h: 1 + h.momentum,
    "(1 - dampening)": lambda h: 1 - h.dampening,
    "(1 - lr)": lambda h: 1 - h.lr,
    "2": lambda h: 2,
}


def in_place_of_numbers(convention: Convention) -> Iterator[Departure]:
    """A formula of all hyper-parameters in place of one of them, or what a format keeps of it."""
    known = [n for n in COMMON if n in convention.knows]
    for name in known:
        for text, value in _formulas(name, known):
            acts = told(partial(_with, name, value))
            yield Departure(f"in place of {name} acts {text}", acts)
        yield from _relative(name)
    for words, kept in _KEPT.items():
        for name in known if "held" in words else known[:2]:
            yield Departure(f"{name} is {words}", held([name], kept))
        if "held" in words and "dampening" in known:
            rest = held(["dampening"], partial(_rest_kept, kept))
            yield Departure(f"1 - dampening is {words}", rest)
        yield Departure(f"{', '.join(known[:-1])} and {known[-1]} are {words}", held(known, kept))


def _rounded(form: str, x: float) -> float:
    return float(format(x, form))


_KEPT: dict[str, Callable[[float], Any]] = {
    **{f"held in {f}": FORMATS[f].round for f in ("float32", "float16", "bfloat16")},
    **{f"rounded to {n} significant digits": partial(_rounded, f".{n}g") for n in range(3, 9)},
    **{f"rounded to {n} decimals": partial(_rounded, f".{n}f") for n in range(3, 9)},
}
"""What may be left of a number, on its way through a format or a text."""


def _rest_kept(kept: Callable[[float], Any], x: float) -> float:
    return 1 - float(kept(1 - x))


def _with(name: str, value: Formula, h: Hyper) -> Hyper:
    return h.having(**{name: value(h)})


def _formulas(name: str, known: Sequence[str]) -> Iterator[tuple[str, Formula]]:
    for other in known:
        if other != name:
            yield other, attrgetter(other)
    for other in known:
        yield f"1 - {other}", partial(_rest, other)
    for text, value in FACTORS.items():
        yield f"{name} {text}", partial(_times, name, value)
        if text != name:
            yield f"{name} / {text}", partial(_over, name, value)


def _rest(name: str, h: Hyper) -> Any:
    return 1 - getattr(h, name)


def _times(name: str, value: Formula, h: Hyper) -> Any:
    return getattr(h, name) * value(h)


def _over(name: str, value: Formula, h: Hyper) -> Any:
    own, divisor = getattr(h, name), value(h)
    return own / divisor if plain(divisor) else own


def held(names: Sequence[str], kept: Callable[[float], Any]) -> Apply:
    """Numbers of which less is kept."""

    def rounded(h: Hyper) -> Hyper:
        return h.having(**{n: float(kept(float(getattr(h, n)))) for n in names})

    return scheduled(lambda hypers: list(map(rounded, hypers)))


def _relative(name: str) -> Iterator[Departure]:
    """Numbers scaled by how the rate has changed."""
    for text, first in (("lr of the first step", True), ("lr of the step before", False)):
        for above, shown in ((True, f"lr / ({text})"), (False, f"({text}) / lr")):
            words = f"in place of {name} acts {name} {shown}"
            yield Departure(words, scheduled(partial(_rescaled, name, first, above)))


def _rescaled(name: str, first: bool, above: bool, hypers: Sequence[Hyper]) -> list[Hyper]:
    rows = []
    for t, h in enumerate(hypers):
        old = hypers[0 if first else max(t - 1, 0)].lr
        over, under = (h.lr, old) if above else (old, h.lr)
        ratio = over / under if under else 1.0
        rows.append(h._replace(**{name: getattr(h, name) * ratio}))
    return rows
