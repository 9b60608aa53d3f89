"""What each argument of a step function is, by names, places, annotations and what is asked."""

import inspect
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

from momentum.adapters._functions import words
from momentum.adapters._functions.meanings import (
    LATE,
    Meaning,
    Record,
    Seen,
    asked_of,
    holds,
    records,
    said,
)
from momentum.adapters._functions.words import FUNCTIONS, ROLES
from momentum.adapters._libraries import Library
from momentum.subjects.isolation import Lost, stream, trial_limit


class Arguments(NamedTuple):
    """Argument -> what it is, as far as names and places tell it. strange: those that they do not,
    and that must be given. whole: nothing but a record can hold the parameters. attached: gradients
    are no argument, but what `backward` leaves at the parameters."""

    known: dict[str, str]
    strange: list[str]
    whole: bool
    attached: bool


def arranged(function: Callable[..., object], given: Collection[str] = ()) -> Arguments:
    """Arrays by their names, the rest of them among the first three by their place.

    given: arguments that the caller has fixed.
    """
    parameters = {
        n: p
        for n, p in inspect.signature(function).parameters.items()
        if n not in given and p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)
    }
    annotated = said(function)
    arrays = {r: n for r, n in words.roles(parameters).items() if n not in annotated}
    asking = [n for n in parameters if n in FUNCTIONS]
    if asking:
        arrays.setdefault("grad", asking[0])
    rest = [n for n in parameters if n not in arrays.values() and n not in annotated]
    if "v" not in arrays and "momentum" in words.hypers(n for n in rest if n != "momentum"):
        arrays |= {"v": "momentum"} if "momentum" in rest else {}
    rest = [n for n in rest if n not in arrays.values()]
    numbers = set(words.hypers(rest).values())
    counts = [n for n in rest if n in words.COUNTS and n not in numbers][:1]
    sizes = [n for n in rest if n in words.SIZES and n not in numbers][:1]
    rest = [n for n in rest if n not in {*numbers, *counts, *sizes}]
    missing = [r for r in ROLES if r not in arrays]
    first = [n for n in list(parameters)[: len(ROLES) + len(counts)] if n in rest]
    if annotated.keys() & parameters.keys() and any(
        "theta" in holds(m) for n, m in annotated.items() if n in parameters
    ):
        missing = []
    attached = missing == ["grad"] and len(rest) < 2 and not (rest and len(numbers) > 1)
    if missing and len(first) >= len(missing) and not attached:
        arrays |= dict(zip(missing, first))
        missing = []
    strange = [n for n in rest if n not in arrays.values()]
    strange = [n for n in strange if parameters[n].default is inspect.Parameter.empty]
    if missing == ["v"] and len(strange) == 1:
        arrays["v"] = strange.pop()
    known = {n: r for r, n in arrays.items()}
    known |= dict.fromkeys(counts, "count") | dict.fromkeys(sizes, "size")
    for n, role in known.items():
        if role == "v" and words.is_before(n):
            known[n] = "before"
        elif role == "grad" and n in FUNCTIONS:
            known[n] = FUNCTIONS[n]
    return Arguments(known, strange, "theta" in missing, attached)


def meanings(
    function: Callable[..., object],
    found: Arguments,
    more: Mapping[str, object],
    library: Library,
    given: Collection[str] = (),
) -> Iterator[dict[str, Meaning]]:
    """What the arguments may be, the likeliest first. more: the arguments that are numbers."""
    annotated = {n: m for n, m in said(function).items() if n not in given}
    open_to = [n for n, r in found.known.items() if r == "v" and n not in annotated]
    open_to += [n for n in found.strange if n not in annotated]
    seen = _seen(function, found, open_to, {**more}, library, annotated)
    choices: list[list[tuple[str, Meaning]]] = []
    inner = [r for n, m in annotated.items() for r in holds(m)]
    numbers = words.meant(n for n in more if n not in found.known)
    known = {*numbers.values(), *inner, *found.known.values()} - {"v"}
    for n in open_to:
        v = found.known.get(n) == "v"
        alone: list[Meaning] = ["v"] if v and not found.whole else []
        kinds: list[Meaning] = (
            [*records(function, seen[n], known, v or found.whole)] if n in seen else []
        )
        first = n in seen and (seen[n].keys or seen[n].names)
        only = any(holds(m) - LATE for m in kinds)
        ordered = kinds if only else [*kinds, *alone] if first else [*alone, *kinds]
        choices.append([(n, m) for m in ordered])
    base: dict[str, Meaning] = {n: r for n, r in found.known.items() if n not in open_to}
    for chosen in product(*choices):
        takes = {**base, **annotated, **dict(chosen)}
        yield takes
        if "grad" in takes.values():
            yield {n: "gradient_of" if m == "grad" else m for n, m in takes.items()}


def _seen(
    function: Callable[..., object],
    found: Arguments,
    open_to: Sequence[str],
    more: dict[str, object],
    library: Library,
    annotated: Mapping[str, Record],
) -> dict[str, Seen]:
    """What is asked of the arguments that may be records; a process of its own sees it."""
    ones = library.make([1.0, 1.0, 1.0], "float32")
    if found.attached:
        ones.grad = library.make([1.0, 1.0, 1.0], "float32")
        ones = [ones]
    stands: dict[str, object] = {
        **dict.fromkeys(("theta", "v", "before", "grad"), ones),
        "gradient_of": lambda x, *rest: ones, "loss": lambda x, *rest: x.sum(),
        "count": 1, "size": 3,
    }  # fmt: skip
    more |= {n: stands[r] for n, r in found.known.items()}
    more |= {n: m.filled({**stands, **_HALVES}) for n, m in annotated.items()}

    def asked() -> Iterator[dict[str, Seen]]:
        # An array that is taken for a record ends a step before others are asked.
        yield asked_of(function, open_to, more, stands)
        yield asked_of(function, [n for n in open_to if n in found.strange], more, stands)

    got = [x for x in stream(asked, trial_limit(5.0)) if not isinstance(x, Lost)]
    return {n: x for seen in got for n, x in seen.items() if x != Seen() or n not in got[0]}


_HALVES = dict.fromkeys(("lr", "momentum", "dampening", "weight_decay", "nu"), 0.5)
