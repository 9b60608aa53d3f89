"""Departures in which another number acts in place of a hyper-parameter."""

from collections.abc import Callable, Iterator, Sequence

from momentum.arithmetic import FORMATS, Format
from momentum.conventions import Convention, Hyper
from momentum.conventions.hyper import COMMON
from momentum.diagnosis.departure import Departure, plain, scheduled, told

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
        others = {m: FACTORS.get(m, lambda h, m=m: getattr(h, m)) for m in known if m != name}
        rests = {f"(1 - {m})": (lambda h, m=m: 1 - getattr(h, m)) for m in known}
        for text, value in (others | rests).items():
            yield _in_place(name, text.strip("()"), value)
        for text, value in FACTORS.items():
            yield _in_place(name, f"{name} {text}", _times(name, value))
            if text != name:
                yield _in_place(name, f"{name} / {text}", _over(name, value))
        yield from _relative(name)
    yield from _narrow(known)


def _times(name: str, value: Formula) -> Formula:
    return lambda h: getattr(h, name) * value(h)


def _over(name: str, value: Formula) -> Formula:
    def quotient(h: Hyper) -> float:
        divisor, own = value(h), getattr(h, name)
        found: float = own / divisor if plain(divisor) else own
        return found

    return quotient


def _in_place(name: str, text: str, value: Formula) -> Departure:
    acts = told(lambda h: h.having(**{name: value(h)}))
    return Departure(f"in place of {name} acts {text}", acts)


def _narrow(known: Sequence[str]) -> Iterator[Departure]:
    """Numbers held in a narrower format than that of the parameters: one of them, or all."""
    for held in ("float32", "float16", "bfloat16"):
        for names in ([name] for name in known):
            yield _held(names, f"{names[0]} is held in {held}", FORMATS[held])
        yield _held(known, f"{', '.join(known[:-1])} and {known[-1]} are held in {held}",
                    FORMATS[held])  # fmt: skip


def _held(names: Sequence[str], words: str, format: Format) -> Departure:
    def rounded(h: Hyper) -> Hyper:
        return h.having(**{n: float(format.round(float(getattr(h, n)))) for n in names})

    return Departure(words, scheduled(lambda hypers: [rounded(h) for h in hypers]))


def _relative(name: str) -> Iterator[Departure]:
    """Numbers scaled by how the rate has changed."""
    for text, other in (("lr of the first step", 0), ("lr of the step before", -1)):
        for sign, shown in ((1, f"lr / ({text})"), (-1, f"({text}) / lr")):
            words = f"in place of {name} acts {name} {shown}"

            def change(
                hypers: Sequence[Hyper], other: int = other, sign: int = sign
            ) -> list[Hyper]:
                rows = []
                for t, h in enumerate(hypers):
                    before = hypers[max(t - 1, 0) if other else 0].lr
                    above, below = (h.lr, before) if sign > 0 else (before, h.lr)
                    ratio = above / below if below else 1.0
                    rows.append(h._replace(**{name: getattr(h, name) * ratio}))
                return rows

            yield Departure(words, scheduled(change))
