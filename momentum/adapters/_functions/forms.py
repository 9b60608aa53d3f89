"""How a step function is called and answers, and a run that calls it so."""

import inspect
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any

from momentum.adapters import _shared
from momentum.adapters._functions.holders import HOLDERS
from momentum.adapters._functions.meanings import CARRIED, Meaning, Record, changed, field, holds
from momentum.adapters._functions.words import ROLES
from momentum.adapters._libraries import Library
from momentum.conventions import Hyper
from momentum.subjects.isolation.child import NoCopies
from momentum.subjects.protocol import LAYOUTS, SubjectError

NAMED = ("named",)
ALONE = ""
"""What stands for the argument of parameters that are no argument."""

Held = dict[str, Any]
"""What is carried of a parameter, or of all of them: argument -> what it held last."""


def answers(takes: Mapping[str, Meaning], adds: bool = False) -> list[tuple[str, ...]]:
    """In which ways what is carried may be answered, the likeliest first.

    adds: what is answered for the parameters is what is to be added to them.
    """
    theta, v, count = (
        next((n for n, m in takes.items() if isinstance(m, str) and m in called), None)
        for called in (("theta",), ("v", "before"), ("count",))
    )
    whole = [n for n, m in takes.items() if not isinstance(m, str) and holds(m) & CARRIED]
    if theta is None and not any("theta" in holds(m) for m in takes.values()):
        theta = ALONE
    both = [n for n in (theta, v, *whole) if n is not None]
    if adds:
        return [(f"+{both[0]}", *both[1:]), (*both[1:], f"+{both[0]}")]
    if len(both) == 1:
        pairs = [tuple(both), ()]
        return [(both[0], count), (count, both[0]), *pairs] if count else pairs
    pairs = [tuple(both), tuple(both[::-1]), NAMED, (both[0],), ()]
    if count is None:
        return pairs
    x, y = both
    return [(x, y, count), (count, x, y), (x, count, y), (y, x, count), *pairs]


@dataclass(frozen=True)
class Form:
    """One way to call a function.

    takes: argument -> what it is, the hyper-parameters left out that are fixed. keywords: arguments
    that are passed by name. free: hyper-parameters that are taken. holder: "array", or the one of
    HOLDERS in which all arrays come at once. answer: the arguments of which it returns what comes
    next, one alone or several in a tuple; NAMED where it names them; the others are changed in
    place. first: makes the first v of parameters and hyper-parameters, zeros where there is none.
    count: of the first step. attached: gradients are an attribute of the parameters.
    flat: its arrays have one axis. layouts: those of memory that it takes; in any other, arrays
    come in C order. own_layout: parameters, too, have them, not gradients alone.
    """

    function: Callable[..., object]
    library: Library
    takes: Mapping[str, Meaning]
    keywords: frozenset[str]
    free: frozenset[str]
    fixed: Mapping[str, object]
    others: Mapping[str, object]
    holder: str
    answer: tuple[str, ...]
    first: Callable[[Any, Mapping[str, Any]], Any] | None = None
    count: int = 0
    attached: bool = False
    flat: bool = False
    layouts: frozenset[str] = frozenset(LAYOUTS)
    own_layout: bool = True

    @cached_property
    def carried(self) -> dict[str, Meaning]:
        """The arguments whose values a run keeps, and the parameters where they are in none."""
        kept = {n: m for n, m in self.takes.items() if holds(m) & CARRIED}
        if not any("theta" in holds(m) for m in kept.values()):
            kept[ALONE] = "theta"
        return kept

    @property
    def question(self) -> tuple[Hashable, ...]:
        """The same for forms that differ in nothing but how the answer is read."""
        return self.library.name, id(self.function), id(self.takes), self.holder, self.count

    @cached_property
    def counts(self) -> bool:
        """Whether it is told how many steps were taken."""
        return any("count" in holds(m) for m in self.carried.values())

    @cached_property
    def asks(self) -> bool:
        """Whether it asks for its gradients itself."""
        return any(m in ("gradient_of", "loss") for m in self.takes.values())

    def begun(self, theta: Any, before: Any, zeros: Any, h: Hyper) -> Held:
        """What is carried into the first step. before: a copy of theta, for the iterate before.

        theta, before, zeros: of one parameter, or all of them.
        """
        told = {**self.fixed, **self.told(h)}
        v = zeros if self.first is None else self.first(theta, told)
        values = {"theta": theta, "v": v, "before": before, "count": self.count, **told}
        return {
            n: values[m] if isinstance(m, str) else m.filled(values)
            for n, m in self.carried.items()
        }

    def told(self, h: Hyper) -> dict[str, Any]:
        """The hyper-parameters that are taken. Raises: ValueError where one differs from those."""
        return _shared.arguments(h, {n: n for n in self.free}, self.fixed)

    def call(self, h: Hyper, held: Held, values: Mapping[str, Any]) -> None:
        """One step: what is carried is what it was. values: gradients, by what they are.

        Raises: SubjectError where the answer is of another form.
        """
        now = {**values, **self.fixed, **self.told(h)}
        given: dict[str, Any] = {}
        for n, meaning in self.takes.items():
            if n in self.carried:
                if isinstance(meaning, Record):
                    for key, what in meaning.parts.items():
                        if what in now:
                            held[n] = changed(held[n], key, now[what])
                given[n] = held[n]
            else:
                given[n] = now[meaning] if isinstance(meaning, str) else meaning.filled(now)
        given |= self.others
        # By place as far as that goes: what is compiled may take nothing by name.
        first = [given.pop(n) for n in takewhile(given.__contains__, self.places)]
        copies = NoCopies()
        try:
            got = self.function(*first, **given)
        finally:
            copies.end()
        self._take(got, held)
        for n, meaning in self.carried.items():
            if meaning == "count" and n not in self.answer:
                held[n] += 1

    def _take(self, got: Any, held: Held) -> None:
        """What was returned, in the place of what it comes after."""
        if self.answer == NAMED:
            for n, meaning in self.carried.items():
                if isinstance(meaning, str) and meaning != "count":
                    held[n] = _named_field(got, "theta" if meaning == "theta" else "v")
            return
        if len(self.answer) == 1:
            got = (got,)
        elif self.answer and (not isinstance(got, tuple | list) or len(got) != len(self.answer)):
            raise SubjectError(f"returned {type(got).__name__}, wanted {self.wanted}")
        for n, x in zip(self.answer, got if self.answer else ()):
            if n.startswith("+"):
                held[n[1:]] = self._added(held[n[1:]], x)
            else:
                held[n] = x

    def _added(self, theta: Any, change: Any) -> Any:
        if self.holder == "array":
            if isinstance(change, list | tuple):  # it takes an array for a list of numbers
                raise SubjectError(f"returned {type(change).__name__}, wanted an array")
            return theta + change
        holder = HOLDERS[self.holder]
        old, changes = (holder.read(each, len(theta), "theta") for each in (theta, change))
        return holder.fill([x + c for x, c in zip(old, changes)], "theta")

    @property
    def wanted(self) -> str:
        """What it was expected to return."""
        return f"({', '.join('theta' if n == ALONE else n for n in self.answer)})"

    def theta(self, held: Held) -> Any:
        """The parameters. Raises: SubjectError where they are gone."""
        n, meaning = next((n, m) for n, m in self.carried.items() if "theta" in holds(m))
        if isinstance(meaning, str):
            return held[n]
        key = next(k for k, m in meaning.parts.items() if m == "theta")
        try:
            return field(held[n], key)
        except (LookupError, AttributeError, TypeError):
            raise SubjectError(
                f"returned {type(held[n]).__name__} for {n}, which has no {key!r}"
            ) from None

    @cached_property
    def places(self) -> list[str]:
        """The arguments that may be given by their place."""
        parameters = inspect.signature(self.function).parameters.values()
        return [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]

    @property
    def words(self) -> str:
        """How it is called and answers, where it is another way than (theta, v, grad) -> pair."""
        told = {n: m for n, m in self.takes.items() if holds(m) - self.free - {"size"}}
        usual = list(told.values()) == list(ROLES) and not self.keywords
        words = [] if usual else [f"with ({', '.join(map(self._told, told.items()))})"]
        words += ["gradients at the parameters"] if self.attached else []
        if self.holder != "array":
            words.append(f"with a {HOLDERS[self.holder].words}")
        if self.counts:
            words.append(f"its count begins at {self.count}")
        told_of = {n: self._role(n) for n in self.carried}
        changed_in_place = [r for n, r in told_of.items() if n not in self.answer and r != "count"]
        if any(n.startswith("+") for n in self.answer):
            words.append("it answers what is added to theta")
        elif not self.answer:
            words.append("it answers nothing, and changes both in place")
        elif self.answer != NAMED and changed_in_place:
            words.append(f"it answers theta alone, and changes {changed_in_place[0]} in place")
        elif [told_of[n] for n in self.answer if n in told_of][:2] == ["v", "theta"]:
            words.append("it answers (v, theta), the velocity first")
        return ", ".join(words)

    def _told(self, item: tuple[str, Meaning]) -> str:
        n, meaning = item
        if isinstance(meaning, Record):
            inside = (k if isinstance(k, str) else m for k, m in meaning.parts.items())
            return f"{n} of {', '.join(inside)}" if meaning.parts else n
        if meaning in ("gradient_of", "loss"):
            return f"a function {n}"
        role = "v" if meaning == "before" else meaning
        return f"{n}={role}" if n in self.keywords else role

    def _role(self, n: str) -> str:
        meaning = self.carried[n]
        if isinstance(meaning, str):
            return "v" if meaning == "before" else meaning
        return "theta" if "theta" in holds(meaning) else "v"


def _named_field(got: object, role: str) -> object:
    """What a mapping or a record holds under one of the role's names."""
    held = got if isinstance(got, Mapping) else getattr(got, "__dict__", {})
    held = got._asdict() if hasattr(got, "_asdict") else held
    for name, value in held.items():
        if str(name).lower() in ROLES[role]:
            return value
    raise SubjectError(f"returned {type(got).__name__}, which names no {role}")
