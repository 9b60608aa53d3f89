"""How a step function is called and answers, found by its names and by trials."""

import contextlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from momentum.adapters._libraries import Library
from momentum.subjects.isolation import NoCopies, survives
from momentum.subjects.protocol import SubjectError

_WORDS = {
    "theta": "theta thetas x xs w ws weight weights p param params parameter parameters",
    "v": "v vs vel velocity velocities buf buffer momentum_buffer state states trace",
    "grad": "g gs grad grads gradient gradients dw dx dtheta param_grad param_grads",
}
ROLES: Mapping[str, frozenset[str]] = {r: frozenset(text.split()) for r, text in _WORDS.items()}
"""What people call parameters, velocities and gradients."""

START = (8.0, -4.0, 16.0)
SHIFT = 8.0
"""Where trials start: numbers on which no right rule rounds, and which a shift moves exactly."""


class Misunderstood(Exception):
    """A trial shows that a function is not of this form; the text is for people."""

    def __init__(self, text: str, raised: bool = False) -> None:
        super().__init__(" ".join(text.split())[:300])
        self.raised = raised


def roles(names: Sequence[str]) -> dict[str, str]:
    """Role -> argument, for each role that one name alone has."""
    found = {}
    for role, called in ROLES.items():
        having = [n for n in names if n.lower() in called]
        if len(having) == 1:
            found[role] = having[0]
    return found


@dataclass(frozen=True)
class Form:
    """One way to call a function.

    arrays: role -> argument. keywords: arguments that are passed by name. many: it takes lists of
    arrays. answer: "pair" (theta, v), "swapped" (v, theta), "theta" with v changed in place,
    "nothing" where both are changed in place, or "named" in a mapping or a record.
    """

    library: Library
    arrays: Mapping[str, str]
    keywords: frozenset[str] = frozenset()
    many: bool = False
    answer: str = "pair"

    def call(
        self, function: Callable[..., Any], values: Mapping[str, object], more: Mapping[str, object]
    ) -> tuple[Any, Any]:
        """theta and v after one step. values: by role.

        Raises: SubjectError where the answer is of another form.
        """
        copies = NoCopies()
        try:
            got = function(*self._first(values), **self._named(values), **more)
        finally:
            copies.end()
        if self.answer == "nothing":
            return values["theta"], values.get("v")
        if self.answer == "theta":
            return got, values.get("v")
        if self.answer == "named":
            return _field(got, "theta"), _field(got, "v") if "v" in values else None
        if not isinstance(got, tuple | list) or len(got) != 2:
            raise SubjectError(f"returned {type(got).__name__}, wanted (theta, v)")
        return (got[0], got[1]) if self.answer == "pair" else (got[1], got[0])

    def _first(self, values: Mapping[str, object]) -> list[Any]:
        return [values[r] for r, n in self.arrays.items() if n not in self.keywords]

    def _named(self, values: Mapping[str, object]) -> dict[str, Any]:
        return {n: values[r] for r, n in self.arrays.items() if n in self.keywords}

    def check(self, x: Any, shape: tuple[int, ...], what: str) -> None:
        """Raises: SubjectError where x is no array of this library, or of another shape."""
        if not self.library.owns(x) or tuple(x.shape) != shape:
            got = tuple(x.shape) if self.library.owns(x) else type(x).__name__
            raise SubjectError(f"returned {what} of shape {got}, wanted {shape}")


def _field(got: Any, role: str) -> Any:
    """What a mapping or a record holds under one of the role's names."""
    held = got if isinstance(got, Mapping) else getattr(got, "__dict__", {})
    for name, value in held.items():
        if str(name).lower() in ROLES[role]:
            return value
    raise SubjectError(f"returned {type(got).__name__}, which names no {role}")


def arranged(function: Callable[..., Any]) -> tuple[dict[str, str], frozenset[str]]:
    """The three arrays by role in the order of the arguments, and those passed by name alone.

    By their names where these say it, else theta, v and grad are the first three.
    """
    parameters = inspect.signature(function).parameters
    names = list(parameters)
    found = roles(names)
    if set(found) != set(ROLES):
        found = dict(zip(ROLES, names))
    ordered = {r: n for n in names for r, named in found.items() if named == n}
    by_name = {n for n in names if parameters[n].kind is inspect.Parameter.KEYWORD_ONLY}
    if list(ordered.values()) != names[: len(ordered)]:
        by_name |= set(ordered.values())  # something else stands between them
    return ordered, frozenset(by_name)


def understood(
    function: Callable[..., Any], forms: Sequence[Form], more: Mapping[str, object], lazy: bool
) -> tuple[Form, tuple[str, ...]] | None:
    """The first form that fits, with its answer, and the dtypes that are kept in it.

    None where it raises in every form, or does not come back: that is for the checks to tell.
    Raises: Misunderstood, with the reason of the first form, where none fits.
    """
    # Its first calls may hang or end the process; XLA's threads do not outlive a fork.
    if "jax" not in sys.modules and not survives(lambda: _tried(function, forms, more, lazy), 20.0):
        return None
    reasons: list[str] = []
    raised = True
    for form in forms:
        fits: dict[str, tuple[Form, bool]] = {}
        for dtype in form.library.dtypes:
            try:
                fits[dtype] = _fitting(function, form, more, lazy, dtype)
            except Misunderstood as error:
                reasons.append(str(error))
                raised = raised and error.raised
        if fits:
            # Where some dtypes give numbers that make sense and others do not, as a kernel for
            # float32 does that takes the memory of whatever comes, those others are not claimed.
            sound = [d for d, (_, moved) in fits.items() if moved] or list(fits)
            return fits[sound[0]][0], tuple(sound)
    if raised:
        return None
    raise Misunderstood(reasons[0])


def _tried(
    function: Callable[..., Any], forms: Sequence[Form], more: Mapping[str, object], lazy: bool
) -> bool:
    """Every call that `understood` may make."""
    for form in forms:
        for dtype in form.library.dtypes:
            with contextlib.suppress(Misunderstood):
                _fitting(function, form, more, lazy, dtype)
    return True


def _fitting(
    function: Callable[..., Any], form: Form, more: Mapping[str, object], lazy: bool, dtype: str
) -> tuple[Form, bool]:
    """The form with its answer, and whether theta moved along when its start was shifted.

    Raises: Misunderstood.
    """
    reasons = []
    for answer in ("pair", "named", "theta", "nothing"):
        tried = replace(form, answer=answer)
        try:
            slots = [_trial(function, tried, more, lazy, dtype, s) for s in (0.0, SHIFT)]
        except SubjectError as error:
            reasons.append(str(error))
            continue
        except Exception as error:  # whatever a stranger's function does
            text = f"raised {type(error).__name__}: {error} in a trial"
            raise Misunderstood(text, raised=True) from None
        (theta, v), (shifted, shifted_v) = slots
        along = _moved(theta, shifted)
        if answer == "pair" and not along and _moved(v, shifted_v):
            return replace(form, answer="swapped"), True
        return tried, along
    raise Misunderstood(reasons[0])


def _moved(before: Any, after: Any) -> bool:
    """Nearer to a move by SHIFT than to none: a wrong rate makes the trial's numbers round."""
    return bool(np.all(np.abs(after - before - SHIFT) < abs(SHIFT) / 2))


def _trial(
    function: Callable[..., Any],
    form: Form,
    more: Mapping[str, object],
    lazy: bool,
    dtype: str,
    shift: float,
) -> tuple[Any, Any]:
    """Numbers of theta and v after one step.

    Raises: SubjectError where the answer is of another form, or theta has another dtype.
    """
    library = form.library
    start = np.array(START) + shift
    makers = {"theta": start, "v": np.zeros(3), "grad": np.array([1.0, 2.0, -4.0])}
    made = {r: library.make(x, dtype) for r, x in makers.items() if r in form.arrays}
    values = {
        r: [x, library.make(makers[r], dtype), library.make(makers[r], dtype)] if form.many else x
        for r, x in made.items()
    }
    if lazy and "v" in values:
        values["v"] = None
    theta, v = form.call(function, values, more)
    pairs = [(theta, v)] if not form.many else list(zip(_all(theta), _all(v)))
    if form.many and len(pairs) != 3:
        raise SubjectError(f"returned {len(pairs)} arrays, wanted 3")
    for x, y in pairs:
        form.check(x, (3,), "theta")
        if y is not None or form.answer in ("pair", "swapped", "named"):
            form.check(y, (3,), "v")
        if str(x.dtype).rpartition(".")[2] != dtype:
            raise SubjectError(f"returned {x.dtype} for {dtype}")
    after = library.numbers(pairs[0][0])
    if form.answer == "nothing" and np.array_equal(after, start):
        raise SubjectError("returned None and changed nothing in place, wanted (theta, v)")
    held = pairs[0][1]
    if form.answer == "theta" and held is not None and not library.numbers(held).any():
        raise SubjectError("returned theta alone and left v as it was, wanted (theta, v)")
    return after, library.numbers(held) if held is not None else np.zeros(3)


def _all(x: Any) -> list[Any]:
    if not isinstance(x, list | tuple):
        raise SubjectError(f"returned {type(x).__name__} for a list")
    return list(x)
