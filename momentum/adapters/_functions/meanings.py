"""What an argument of a step holds: one thing, or a record of several."""

import contextlib
import dataclasses
import inspect
import typing
from collections.abc import Callable, Collection, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from momentum.adapters._functions import words
from momentum.conventions import Hyper

CARRIED = frozenset({"theta", "v", "before", "count"})
"""What a run carries from one step to the next; everything else is handed over anew."""

LATE = CARRIED - {"theta"}
"""What a step may put into its state itself, where it is not there yet."""

GRADIENTS = frozenset({"grad", "gradient_of", "loss"})
"""What gives a step its gradient."""


@dataclass(frozen=True, eq=False)
class Record:
    """A dict, list, tuple or object: key or field -> what it holds, and how it is made of that.

    late: its velocity is put in by the first step.
    """

    parts: Mapping[Any, str]
    make: Callable[[Mapping[Any, Any]], Any]
    late: bool = False

    def filled(self, values: Mapping[str, Any]) -> Any:
        """One with these values, by what they are."""
        return self.make({key: values[held] for key, held in self.parts.items() if held in values})


Meaning = str | Record
"""What one argument is: "theta", "v", "before", "grad", "gradient_of", "loss", "count", "size", a
hyper-parameter by our name, or a record of such."""


def holds(meaning: Meaning) -> frozenset[str]:
    """All that an argument is."""
    if isinstance(meaning, str):
        return frozenset({meaning})
    return frozenset(meaning.parts.values()) | ({"v"} if meaning.late else set())


def field(holder: Any, key: Any) -> Any:
    """What is held under a key, or in a field.

    Raises: LookupError or AttributeError where there is none.
    """
    if isinstance(holder, Mapping) or isinstance(key, int):
        return holder[key]
    return getattr(holder, key)


def changed(holder: Any, key: Any, value: object) -> Any:
    """The same with another value there, changed in place where it can be."""
    if isinstance(holder, MutableMapping):
        holder[key] = value
    elif hasattr(holder, "_replace"):
        return holder._replace(**{key: value})
    elif dataclasses.is_dataclass(holder) and not isinstance(holder, type):
        try:
            setattr(holder, key, value)
        except dataclasses.FrozenInstanceError:
            return dataclasses.replace(holder, **{key: value})
    else:
        setattr(holder, key, value)
    return holder


def fields(cls: object) -> list[str]:
    """The fields of a class of records; none where it is no such class."""
    if not isinstance(cls, type):
        return []
    if dataclasses.is_dataclass(cls):
        return [f.name for f in dataclasses.fields(cls) if f.init]
    named: Iterable[str] = getattr(cls, "_fields", ())
    return list(named)


def of_class(cls: type, known: Collection[str] = ()) -> Record:
    """The record that its fields' names tell: a velocity is what nothing else can be.

    known: what is found elsewhere. A field whose name tells nothing keeps its default; a number
    that has none begins at 0.
    """
    parameters = inspect.signature(cls).parameters.values()
    numbers = _numbers(parameters)
    parts = words.meant(fields(cls), known, numbers)
    needed = [p.name for p in parameters if p.default is p.empty and p.name not in parts]
    zeros = {n: 0 for n in needed if n in numbers}
    arrays = dict.fromkeys((n for n in needed if n not in zeros), "v")
    return Record(parts | arrays, lambda held: cls(**zeros, **held))


def _numbers(parameters: Iterable[inspect.Parameter]) -> frozenset[str]:
    """The fields that are no arrays: their defaults or annotations are numbers.

    A velocity may begin as the number 0; and where all others are numbers, arrays stand for such.
    """
    called = [p for p in parameters if not words.hypers([p.name]) and p.name not in words.COUNTS]
    found = {
        p.name
        for p in called
        if isinstance(p.default, int | float) or p.annotation in (int, float, "int", "float")
    }
    if len(found) == len(called):
        return frozenset()
    return frozenset(n for n in found if n.lower() not in words.ROLES["v"])


class _Asked(dict[Any, Any]):
    """A dict and an object that remembers what it was asked for.

    keys, names: asked as keys, as fields. unpacked: it was walked through, or asked by position.
    """

    def __init__(self, values: Mapping[str, Any]) -> None:
        super().__init__()
        held: Mapping[str, Any] = {
            "keys": [], "names": [], "values": values, "unpacked": False,
        }  # fmt: skip
        vars(self).update(held)

    def _note(self, key: object) -> None:
        if isinstance(key, str):
            vars(self)["keys"].append(key)
        elif isinstance(key, int):
            vars(self)["unpacked"] = True

    def _value(self, key: object) -> Any:
        """Of what a name means; a key that means nothing is a velocity's."""
        meant = words.meant([key]).get(key, "v") if isinstance(key, str) else ""
        if not meant:
            raise KeyError(key)
        return vars(self)["values"].get(meant, 0.5)

    def _rate(self, key: object) -> bool:
        """A hyper-parameter's name: one that checks what it is given first finds it here."""
        return isinstance(key, str) and words.meant([key]).get(key) in Hyper._fields

    def get(self, key: Any, default: Any = None) -> Any:
        self._note(key)
        found = super().get(key, default)
        return self._value(key) if found is None and self._rate(key) else found

    def setdefault(self, key: Any, default: Any = None) -> Any:
        self._note(key)
        return super().setdefault(key, default)

    def __contains__(self, key: object) -> bool:
        self._note(key)
        return super().__contains__(key) or self._rate(key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._note(key)
        super().__setitem__(key, value)

    def __missing__(self, key: Any) -> Any:
        self._note(key)
        return self._value(key)

    def __iter__(self) -> Any:
        vars(self)["unpacked"] = True
        return super().__iter__()

    def __getattr__(self, name: str) -> Any:
        if name not in words.meant([name]):  # of arrays, as `shape` is
            raise AttributeError(name)
        vars(self)["names"].append(name)
        return self._value(name)


@dataclass(frozen=True)
class Seen:
    """What a function asked one of its arguments for in a first step."""

    keys: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    unpacked: bool = False


def asked_of(
    function: Callable[..., object], strange: Iterable[str], told: Mapping[str, object],
    values: Mapping[str, object],
) -> dict[str, Seen]:  # fmt: skip
    """What a function asks those arguments for. told: all others. values: of each role."""
    probes = {n: _Asked(values) for n in strange}
    with contextlib.suppress(Exception):  # whatever a stranger's function does
        inspect.unwrap(function)(**{**told, **probes})
    return {
        n: Seen(tuple(dict.fromkeys(x["keys"])), tuple(dict.fromkeys(x["names"])), x["unpacked"])
        for n, x in ((n, vars(probe)) for n, probe in probes.items())
    }


def said(function: Callable[..., object]) -> dict[str, Record]:
    """The arguments of which the annotations say that they are a record."""
    plain = inspect.unwrap(function)
    try:
        hints = typing.get_type_hints(plain)
    except Exception:  # a name that is nowhere, or what else annotations may be
        hints = getattr(plain, "__annotations__", {})
    found = {n: cls for n, cls in hints.items() if fields(cls) and n != "return"}
    others = [n for n in inspect.signature(function).parameters if n not in found]
    return {n: of_class(cls, words.meant(others).values()) for n, cls in found.items()}


def records(
    function: Callable[..., object], seen: Seen, known: Collection[str], carries: bool
) -> list[Record]:
    """The records that an argument may be, by what was asked of it.

    known: what the other arguments are. carries: it is the state.
    """
    if seen.names:
        around = getattr(inspect.unwrap(function), "__globals__", {}).values()
        classes = [cls for cls in around if set(seen.names) <= set(fields(cls))]
        if classes:
            return [of_class(cls, known) for cls in classes]
        return [Record(words.meant(seen.names, known), lambda held: SimpleNamespace(**held))]
    if seen.keys:
        parts = words.meant(seen.keys, known)
        if "theta" not in {*known, *parts.values()}:
            return []
        at_once = {k: held for k, held in parts.items() if held not in LATE}
        full = Record({k: parts.get(k, "v") for k in seen.keys}, dict)
        if not carries:
            return [full] if full.parts == at_once else []
        return [
            Record(at_once, dict, late=True),
            *([full] if holds(full) & {"v", "before"} else []),
        ]
    if seen.unpacked and carries:
        orders = _TUPLES if "theta" in known else _TUPLES_ALL
        return [
            Record(dict(enumerate(order)), lambda held: list(held.values())) for order in orders
        ]
    return []


_TUPLES = (("v", "count"), ("count", "v"), ("v",))
_TUPLES_ALL = (("theta", "v"), ("v", "theta"), ("theta", "v", "count"), ("count", "theta", "v"))
