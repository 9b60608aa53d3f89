"""Hyper-parameters as people give them, and rows of them in short."""

import re
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from flint import fmpq

from momentum.arithmetic import exact
from momentum.conventions import Hyper
from momentum.conventions.hyper import FLAGS, NEUTRAL
from momentum.conversion.speakers import Speaker


def allowed(b: Speaker, h: Hyper) -> bool:
    """Whether an API has all hyper-parameters that are on, maximize aside."""
    others = {n: x for n, x in NEUTRAL.items() if n != "maximize"}
    if any(getattr(h, name) != value and not b.takes(name) for name, value in others.items()):
        return False
    return not (h.nesterov and h.dampening and not b.dampened_nesterov)


def told(who: Speaker, given: Hyper | Mapping[str, Any]) -> Hyper:
    """A row of exact hyper-parameters from what was given, in the speaker's spelling or ours.

    Raises: ValueError.
    """
    if isinstance(given, Hyper):
        read: dict[str, Any] = given._asdict()
    else:
        read = {}
        for spelling, value in given.items():
            name = who.canonical(spelling)
            number: Any = _flag(name, value) if name in FLAGS else rational(value)
            name, number = ("dampening", 1 - number) if name == "kept" else (name, number)
            if name in read:
                raise ValueError(f"{name} is given twice")
            read[name] = number
        read = {**_defaults(who, read), **read}
        if "lr" not in read:
            raise ValueError(f"{who.names['lr']} is missing")
    h = Hyper(**read).lifted(rational)
    who.convention.validate(h)
    if not allowed(who, h):
        raise ValueError(f"{who.name} does not have these hyper-parameters: {written(h)}")
    return h


def _defaults(who: Speaker, read: Mapping[str, Any]) -> dict[str, Any]:
    """What the API takes for the hyper-parameters that were left out."""
    found: dict[str, Any] = {}
    for name, value in who.spelling.defaults.items():
        if isinstance(value, str) and value in Hyper._fields:
            value = read.get(value, found.get(value, NEUTRAL.get(value, 0)))
        found[name] = value if isinstance(value, bool) else rational(value)
    return found


def assumed(who: Speaker, given: Hyper | Mapping[str, Any]) -> str:
    """The API's own values of what was left out, in words; empty where it has none."""
    if isinstance(given, Hyper):
        return ""
    names = {who.canonical(spelling).replace("kept", "dampening") for spelling in given}
    parts = [
        f"{who.names.get(name, name)}={str(value).lower()}"
        for name, value in who.spelling.defaults.items()
        if name not in names
    ]
    return f"{', '.join(parts)} ({who.spelling.source})" if parts else ""


def written(h: Hyper) -> str:
    """A row in short: what differs from its default."""
    parts = [f"lr={h.lr}"]
    for name, value in h._asdict().items():
        if name != "lr" and value != NEUTRAL[name]:
            parts.append(f"{name}={value}")
    return ", ".join(parts)


DIGITS = 1000
"""That a number may have; the exact value of one written with a large exponent has no end."""


def rational(value: Any) -> fmpq:
    """The exact number: text as the decimal or fraction that it says, a float as it is.

    Raises: ValueError.
    """
    if not isinstance(value, str):
        return exact(value)
    exponent = re.search(r"[eE][+-]?0*(\d+)", value)
    if len(value) > DIGITS or (exponent and len(exponent[1]) > len(str(DIGITS))):
        raise ValueError(f"{value[:40]!r} has more than {DIGITS} digits")
    try:
        return exact(Fraction(value.strip()))
    except (ValueError, ZeroDivisionError):
        raise ValueError(f"{value!r} is no number") from None


def _flag(name: str, value: Any) -> bool:
    text = str(value).strip().lower()
    if text in ("true", "1", "yes", "on"):
        return True
    if text in ("false", "0", "no", "off"):
        return False
    raise ValueError(f"{name}={value!r}: wanted true or false")
