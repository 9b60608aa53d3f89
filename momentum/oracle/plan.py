"""The steps of a run as matrices, one after another."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property, lru_cache
from typing import Any

from flint import fmpq

from momentum.arithmetic import FORMATS, Format, nearest
from momentum.arithmetic.expanded import NotLinear, Term
from momentum.conventions import Convention, Hyper
from momentum.conventions.hyper import NUMBERS
from momentum.oracle.coefficients import Measure, Number, Step
from momentum.oracle.expansion import Kind, Output, Text, expansion
from momentum.oracle.given import Array

_GENERIC = Hyper(lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.01, nu=0.7)

Pure = tuple[tuple[str, Number], ...]
"""The pure numbers of a state, by name."""


class Plan:
    """What each step of a convention does, from the hyper-parameters alone.

    arrays: the fields of the state that are arrays; the others are pure numbers, kept here.
    Raises: NotLinear where the rule is no linear function of its arrays.
    """

    def __init__(self, convention: Convention, format: Format, own_error: bool) -> None:
        self.convention, self.format, self.own_error = convention, format, own_error
        self.fields: tuple[str, ...] = type(convention.initial)._fields
        self.arrays = _arrays(Text(convention))
        self.numbers: dict[str, Number] = {
            n: Number.given(x, FORMATS["float64"])
            for n, x in zip(self.fields, convention.initial)
            if n not in self.arrays
        }
        self.begun = False
        self._last: tuple[Hyper, tuple[Kind, ...], Step] | None = None

    def initial(self, name: str) -> float:
        """What an array field holds before the first step."""
        x = getattr(self.convention.initial, name)
        return nearest(x) if isinstance(x, fmpq) else float(x)

    def next(self, h: Hyper) -> Step:
        """The next step that the parameter takes, with these hyper-parameters."""
        told = tuple(map(self._told, self.fields))
        if self._last is not None and self._last[0] is h and self._last[1] == told:
            return self._counted(self._last[2])  # the same again, but for a count nobody reads
        outputs = expansion(self.convention, h, told)
        self.text = _text(outputs, self.fields, self.arrays)
        read = tuple((n, x) for n, x in self.numbers.items() if n in self.text.read)
        step, followed = _measured(self.text, h, self.format, self.own_error, read)
        self._last = None if read or followed else (h, told, step)
        self.begun = True
        self._counted(step)
        self.numbers |= dict(followed)
        return step

    def _counted(self, step: Step) -> Step:
        for n in self.text.counted:
            self.numbers[n] = self.numbers[n]._replace(value=self.numbers[n].value + 1.0)
        return step

    def _told(self, name: str) -> Kind:
        if name in self.arrays:
            return "array" if self.begun or getattr(self.convention.initial, name) != 0 else 0
        value, error = self.numbers[name]
        return "number" if error or value not in (0, 1) else int(value)

    def plain_state(self, rows: Mapping[str, Array]) -> Any:
        """The state as the rule takes it, from the array fields in `rows`."""
        numbers = {n: int(x.value) if x.value.is_integer() else x.value
                   for n, x in self.numbers.items()}  # fmt: skip
        return type(self.convention.initial)(**{**numbers, **rows})


@lru_cache(maxsize=256)
def _arrays(key: Text) -> tuple[str, ...]:
    """Fields of the state that some step makes an array."""
    fields, found = type(key.convention.initial)._fields, set[str]()
    state: list[Kind] = [0] * len(fields)
    for _ in fields:  # one may become an array by another
        outputs = expansion(key.convention, _GENERIC, state)[1:]
        found |= {n for n, x in zip(fields, outputs) if x.is_array}
        state = ["array" if n in found else 2 for n in fields]
    return tuple(n for n in fields if n in found)


@lru_cache(maxsize=256)
def _planned(
    key: Text, initial: object, format: Format, own_error: bool, hypers: tuple[Hyper | None, ...]
) -> tuple[Step | None, ...]:
    plan = Plan(replace(key.convention, initial=initial), format, own_error)
    return tuple(None if h is None else plan.next(h) for h in hypers)


def planned(
    convention: Convention, format: Format, own_error: bool, hypers: tuple[Hyper | None, ...]
) -> tuple[Step | None, ...]:
    """The steps of a whole run; None where the parameter is passed by."""
    return _planned(Text(convention), convention.initial, format, own_error, hypers)


class _Named:
    """The outputs of a step by name: moving arrays, and the pure numbers beside them."""

    def __init__(
        self, outputs: tuple[Output, ...], fields: tuple[str, ...], arrays: tuple[str, ...]
    ) -> None:
        named = dict(zip(("theta", *fields), outputs))
        self.moving = {n: named[n] for n in ("theta", *arrays)}
        self.atoms = {n: i for i, n in enumerate(
            ("theta", *(f"state {n}" for n in arrays), "grad"))}  # fmt: skip
        self.pure = {n: x for n, x in named.items() if n not in self.moving}
        if any(x.is_array for x in self.pure.values()):
            raise NotLinear("a number of the state becomes an array")
        terms = (t for x in self.moving.values() for form in x.forms for t in form)
        if any(t.atom not in self.atoms for t in terms):
            raise NotLinear("a number is added to every element of an array")

    @cached_property
    def counted(self) -> tuple[str, ...]:
        """Numbers that grow by one."""
        return tuple(n for n, x in self.pure.items()
                     if x.forms == ((Term(1, (f"state {n}",)), Term(1)),))  # fmt: skip

    @cached_property
    def read(self) -> frozenset[str]:
        """Numbers of the state that something but their own count is made of."""
        others = (x for n, x in self.pure.items() if n not in self.counted)
        names = frozenset(n for x in (*self.moving.values(), *others) for n in x.names)
        return frozenset(n.removeprefix("state ") for n in names if n.startswith("state "))


@lru_cache(maxsize=1024)
def _text(outputs: tuple[Output, ...], fields: tuple[str, ...], arrays: tuple[str, ...]) -> _Named:
    return _Named(outputs, fields, arrays)


@lru_cache(maxsize=4096)
def _measured(
    text: _Named, h: Hyper, format: Format, own_error: bool, numbers: Pure
) -> tuple[Step, Pure]:
    """A step, and the pure numbers after it with the largest error of all forms as they stand."""
    given = {n: Number.given(getattr(h, n), format) for n in NUMBERS}
    measure = Measure(given | {f"state {n}": x for n, x in numbers}, format, own_error)
    followed = []
    for name, output in text.pure.items():
        if name not in text.counted:
            value = measure.sum(output.forms[0]).value
            error = max(measure.sum(form).error for form in output.forms)
            followed.append((name, Number(value, error)))
    return measure.step(text.moving, text.atoms), tuple(followed)
