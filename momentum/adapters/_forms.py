"""How a step function is called and answers, and a run that calls it so."""

import contextlib
import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import takewhile
from typing import Any

import numpy as np

from momentum.adapters import _shared
from momentum.adapters._libraries import Library
from momentum.adapters._run import ArrayRun
from momentum.conventions import Hyper
from momentum.subjects.isolation.child import NoCopies
from momentum.subjects.protocol import Array, SubjectError

_WORDS = {
    "theta": "theta thetas x xs w ws weight weights p param params parameter parameters",
    "v": "v vs vel velocity velocities buf buffer momentum_buffer state states trace config cache",
    "grad": "g gs grad grads gradient gradients dw dx dtheta param_grad param_grads",
}
ROLES: Mapping[str, frozenset[str]] = {r: frozenset(text.split()) for r, text in _WORDS.items()}
"""What people call parameters, velocities and gradients."""

SIZES = frozenset({"n", "size", "length", "numel", "n_elements", "num_elements"})
"""What kernels call the number of elements."""

SPOKEN: Mapping[str, tuple[str, ...]] = {
    "lr": ("rate", "alpha"),
    "momentum": ("gamma",),
    "weight_decay": ("decay", "l2", "lam", "lambda_"),
}
"""What people call hyper-parameters where no framework's names are to be kept apart."""


_THETA, _EARLIER = "|".join(ROLES["theta"]), "prev|previous|old|last"
_PREVIOUS = re.compile(f"({_THETA})_?({_EARLIER})|({_EARLIER})_?({_THETA})", re.IGNORECASE)
"""What people call the iterate before, which a rule of two points keeps in place of a velocity."""


def roles(names: Sequence[str]) -> dict[str, str]:
    """Role -> argument, for each role that one name alone has."""
    found = {}
    for role, called in ROLES.items():
        having = [n for n in names if n.lower() in called]
        if len(having) == 1:
            found[role] = having[0]
    return found


ANSWERS = ("pair", "swapped", "named", "theta", "nothing")
TOLD = {
    "swapped": "(v, theta), the velocity first",
    "theta": "theta alone, and changes v in place",
    "nothing": "nothing, and changes both in place",
}
"""Answers other than the usual ones, in words."""


@dataclass(frozen=True)
class Form:
    """One way to call a function.

    arrays: role -> argument. keywords: arguments that are passed by name. holder: "array", or it
    takes a "list" or "dict" of all arrays at once. answer: "pair" (theta, v), "swapped" (v, theta),
    "named" in a mapping or a record, "theta" with v changed in place, or "nothing" where both are
    changed in place.
    names: our hyper-parameters -> its own. lazy: it makes the first v. entries: v is a dict, empty
    at first but for these hyper-parameters, ours -> its key; None where v is an array.
    flat: its arrays have one axis. size: its argument for the number of elements, if any.
    """

    function: Callable[..., object]
    library: Library
    arrays: Mapping[str, str]
    keywords: frozenset[str]
    names: Mapping[str, str]
    fixed: Mapping[str, object]
    others: Mapping[str, object]
    lazy: bool
    holder: str
    answer: str
    entries: Mapping[str, str] | None = None
    flat: bool = False
    size: str = ""

    def call(self, h: Hyper, **values: Any) -> tuple[Any, Any]:
        """theta and v after one step. values: by role.

        Raises: SubjectError where the answer is of another form.
        """
        entries = self.entries or {}
        told = _shared.arguments(h, {**self.names, **entries}, self.fixed)
        if entries:
            values["v"].update({key: told.pop(key) for key in entries.values()})
        given = {n: values[r] for r, n in self.arrays.items()} | told | dict(self.others)
        if self.size:
            given[self.size] = int(np.prod(values["theta"].shape, dtype=int))
        # By place as far as that goes: what is compiled may take nothing by name.
        first = [given.pop(n) for n in takewhile(given.__contains__, self.places)]
        copies = NoCopies()
        try:
            got = self.function(*first, **given)
        finally:
            copies.end()
        if self.answer == "nothing":
            return values["theta"], values["v"]
        if self.answer == "theta":
            return got, values["v"]
        if self.answer == "named":
            return _field(got, "theta"), _field(got, "v")
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise SubjectError(f"returned {type(got).__name__}, wanted (theta, v)")
        return (got[0], got[1]) if self.answer == "pair" else (got[1], got[0])

    @cached_property
    def places(self) -> list[str]:
        """The arguments that may be given by their place."""
        parameters = inspect.signature(self.function).parameters.values()
        return [p.name for p in parameters if p.kind is not p.KEYWORD_ONLY]

    @property
    def words(self) -> str:
        """How it is called and answers, where it is another way than (theta, v, grad) -> pair."""
        usual = list(self.arrays) == list(ROLES) and not self.keywords
        told = ", ".join(f"{n}={r}" if n in self.keywords else r for r, n in self.arrays.items())
        words = [] if usual else [f"with ({told})"]
        if self.holder != "array":
            words.append(f"with a {self.holder} of all arrays")
        if self.answer in TOLD:
            words.append(f"it answers {TOLD[self.answer]}")
        return ", ".join(words)

    def begin(self, parameters: Sequence[Array], h: Hyper, dtype: str) -> "StepRun":
        """A run that calls it so."""
        return StepRun(self, parameters, h, dtype)

    def settle(self, run: "ArrayRun", start: Array) -> None:
        """Raises: SubjectError where what it returned is not all that it changed."""
        assert isinstance(run, StepRun)
        for x in run.theta:
            if self.library.dtype(x) != run.dtype:
                raise SubjectError(f"returned {x.dtype} for {run.dtype}")
        theta = self.library.numbers(run.theta[0])
        v = None if self.entries is not None else self.library.numbers(run.v[0])
        if self.entries is not None and not run.v[0].keys() - self.entries.values():
            raise SubjectError("left the dict that it was given as it was")
        if self.answer == "nothing" and np.array_equal(theta, start):
            raise SubjectError("returned None and changed nothing in place, wanted (theta, v)")
        if self.answer == "theta" and v is not None and not v.any():
            raise SubjectError("returned theta alone and left v as it was, wanted (theta, v)")


class StepRun(ArrayRun):
    """A live run of a function."""

    state = ("theta", "v", "h")

    def __init__(self, form: Form, parameters: Sequence[Array], h: Hyper, dtype: str) -> None:
        super().__init__(form.library, parameters, dtype, form.flat)
        self.form, self.h = form, h
        self.v = [self._first(x) for x in parameters]

    def _first(self, start: Array) -> Any:
        if self.form.entries is not None:
            return {}
        before = _PREVIOUS.fullmatch(self.form.arrays["v"]) is not None
        return None if self.form.lazy else self.array_of(start if before else np.zeros_like(start))

    def set(self, hyper: Hyper, group: int = 0) -> None:
        self.h = hyper

    def advance(self) -> None:
        """A call for each parameter, or one for all where it takes lists."""
        if self.form.holder != "array":
            hold, held = _HOLDERS[self.form.holder]
            given = None if all(v is None for v in self.v) else hold(self.v)
            theta, v = self.form.call(
                self.h, theta=hold(self.theta), v=given, grad=hold(self.grads)
            )
            self.theta, self.v = held(theta, len(self.shapes)), held(v, len(self.shapes))
        else:
            for i, g in enumerate(self.grads):
                after = self.form.call(self.h, theta=self.theta[i], v=self.v[i], grad=g)
                self.theta[i], self.v[i] = after
        for x, v, shape in zip(self.theta, self.v, self.shapes):
            self._check(x, shape, "theta")
            if self.form.entries is None:
                self._check(v, shape, "v")
            elif not isinstance(v, dict):
                raise SubjectError(f"returned {type(v).__name__} for the dict that it was given")

    def _check(self, x: Any, shape: tuple[int, ...], what: str) -> None:
        """Raises: SubjectError where x is no array of the library, or of another shape."""
        shape = self.handed(shape)
        if not self.library.owns(x) or tuple(x.shape) != shape:
            got = tuple(x.shape) if self.library.owns(x) else type(x).__name__
            raise SubjectError(f"returned {what} of shape {got}, wanted {shape}")


def _all(x: object, count: int) -> list[Any]:
    if not isinstance(x, list | tuple) or len(x) != count:
        raise SubjectError(f"returned {type(x).__name__} for a list of {count} arrays")
    return list(x)


def _named(arrays: Sequence[Any]) -> dict[str, Any]:
    return {f"p{i}": x for i, x in enumerate(arrays)}


def _values(x: object, count: int) -> list[Any]:
    if not isinstance(x, Mapping) or x.keys() != _named(range(count)).keys():
        raise SubjectError(f"returned {type(x).__name__} for a dict of {count} arrays")
    return [x[f"p{i}"] for i in range(count)]


_HOLDERS: Mapping[str, tuple[Callable[[Any], Any], Callable[[Any, int], list[Any]]]] = {
    "list": (lambda arrays: arrays, _all),
    "dict": (_named, _values),
}
"""How all arrays are handed over at once, and read from what comes back."""


def _field(got: object, role: str) -> object:
    """What a mapping or a record holds under one of the role's names."""
    held = got if isinstance(got, Mapping) else getattr(got, "__dict__", {})
    for name, value in held.items():
        if str(name).lower() in ROLES[role]:
            return value
    raise SubjectError(f"returned {type(got).__name__}, which names no {role}")


class _Asked(dict[str, Any]):
    """A dict that remembers what it was asked for, and has a number for every hyper-parameter."""

    def __init__(self) -> None:
        super().__init__()
        self.keys_asked: list[str] = []

    def _note(self, key: object) -> None:
        if isinstance(key, str):  # an array is asked by slices and numbers
            self.keys_asked.append(key)

    def get(self, key: str, default: object = None) -> Any:
        self._note(key)
        return super().get(key, default)

    def setdefault(self, key: str, default: object = None) -> Any:
        self._note(key)
        return super().setdefault(key, default)

    def __contains__(self, key: object) -> bool:
        self._note(key)
        return super().__contains__(key)

    def __setitem__(self, key: str, value: object) -> None:
        self._note(key)
        super().__setitem__(key, value)

    def __missing__(self, key: str) -> float:
        self._note(key)
        if _shared.known_names([key], SPOKEN):
            return 0.5
        raise KeyError(key)


def asked_of(
    function: Callable[..., object], arrays: Mapping[str, str], more: Mapping[str, object]
) -> list[str]:
    """The keys that a function asks its dict v for in a first step; none where v is no dict."""
    asked = _Asked()
    values = {"theta": np.ones(3), "v": asked, "grad": np.ones(3)}
    with contextlib.suppress(Exception):  # whatever a stranger's function does
        function(**{n: values[r] for r, n in arrays.items()}, **more)
    return asked.keys_asked


def arranged(function: Callable[..., object]) -> tuple[dict[str, str], frozenset[str]]:
    """The three arrays by role in the order of the arguments, and those passed by name alone.

    By their names where these say it, the last of the first three by the others' names; else
    theta, v and grad are the first three.
    """
    parameters = inspect.signature(function).parameters
    names = list(parameters)
    found = roles(names)
    left = [n for n in names[: len(ROLES)] if n not in found.values()]
    if len(left) == 1 and len(found) == len(ROLES) - 1:
        found |= dict.fromkeys(ROLES.keys() - found, left[0])
    if set(found) != set(ROLES):
        found = dict(zip(ROLES, names))
    ordered = {r: n for n in names for r, named in found.items() if named == n}
    by_name = {n for n in names if parameters[n].kind is inspect.Parameter.KEYWORD_ONLY}
    if list(ordered.values()) != names[: len(ordered)]:
        by_name |= set(ordered.values())  # something else stands between them
    return ordered, frozenset(by_name)
