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
from momentum.conversion.units import DECOUPLED, UNITS


def allowed(b: Speaker, h: Hyper) -> bool:
    """Whether an API has all hyper-parameters that are on, maximize aside."""
    others = {n: x for n, x in NEUTRAL.items() if n != "maximize"}
    if any(getattr(h, name) != value and not b.takes(name) for name, value in others.items()):
        return False
    return not (h.nesterov and h.dampening and not b.dampened_nesterov)


def told(who: Speaker, given: Hyper | Mapping[str, Any], first: Any = None) -> Hyper:
    """A row of exact hyper-parameters from what was given, in the speaker's spelling or ours.

    first: lr of the first row, that of this one where it is the first.
    Raises: ValueError.
    """
    if isinstance(given, Hyper):
        read: dict[str, Any] = given._asdict()
    else:
        read, units = {}, {}
        for spelling, value in given.items():
            if spelling in UNITS and spelling not in who.names.values():
                units[spelling] = rational(value)
                continue
            name = who.canonical(spelling)
            number: Any = _flag(name, value) if name in FLAGS else rational(value)
            name, number = ("dampening", 1 - number) if name == "kept" else (name, number)
            if name in read:
                raise ValueError(f"{name} is given twice")
            read[name] = number
        read = {**_defaults(who, read), **read}
        if "lr" not in read:
            raise ValueError(f"{who.names['lr']} is missing")
        if who.spelling.per_step and "weight_decay" in read:
            units["decay"] = read.pop("weight_decay")
        for unit in sorted(units, key=list(UNITS).index):
            read |= _in_our_units(who, unit, units[unit], read, first)
    h = Hyper(**read).lifted(rational)
    who.convention.validate(h)
    if not allowed(who, h):
        raise ValueError(f"{who.name} does not have these hyper-parameters: {written(h)}")
    return h


def _in_our_units(
    who: Speaker, unit: str, value: Any, read: Mapping[str, Any], first: Any
) -> Mapping[str, Any]:
    base, coupled = who.convention.name, who.convention.decay == "coupled"
    if unit in DECOUPLED and coupled:
        raise ValueError(
            f"{unit}= is taken off the parameter beside the step, and {who.name} adds its decay to "
            f"the gradient: say --from {base}:before"
        )
    if unit == "l2" and not coupled:
        raise ValueError(
            f"l2= is a penalty in the loss, so it goes through the velocity, and {who.name} takes "
            f"its decay off the parameter: say --from {base}"
        )
    if unit != "accumulated" and read.get("weight_decay"):
        raise ValueError(f"weight_decay is given twice, as {unit} too")
    return UNITS[unit](value, read, read["lr"] if first is None else first)


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
    names = {
        who.canonical(spelling).replace("kept", "dampening")
        for spelling in given if spelling not in UNITS or spelling in who.names.values()
    }  # fmt: skip
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
