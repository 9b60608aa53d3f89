"""Hyper-parameters as people give them, in whatever units, and rows of them in short.

weight_decay is the part of the parameter that is added to the gradient, or taken off times lr.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Any

from flint import fmpq

from momentum.arithmetic import exact
from momentum.arithmetic.exact import Given
from momentum.arithmetic.surd import Exact
from momentum.conventions import Hyper
from momentum.conventions.hyper import FLAGS, NEUTRAL
from momentum.conversion.speakers import Speaker

Said = Given | str
"""A number as people write it: text is the decimal that it says."""


Numbers = Mapping[str, Any]
Row = dict[str, Any]


def _over(value: fmpq, rate: fmpq) -> fmpq:
    if not rate and value:
        raise ValueError("decay that is not scaled by lr has no weight_decay where lr is 0")
    return value / rate if value else value


UNITS: Mapping[str, Callable[[fmpq, Numbers, Any], Row]] = {
    # loss + l2 |x|^2, whose gradient is 2 l2 x
    "l2": lambda value, row, first: {"weight_decay": 2 * value},
    # x loses this part of itself at each step, whatever lr is
    "decay": lambda value, row, first: {"weight_decay": _over(value, row["lr"])},
    # x loses this part of itself times lr / (lr of the first step)
    "decay_relative": lambda value, row, first: {"weight_decay": _over(value, first)},
    # the gradient is the sum of so many that the target gets the mean of
    "accumulated": lambda value, row, first: {
        "lr": row["lr"] * value, "weight_decay": _over(row.get("weight_decay", 0), value)
    },
}  # fmt: skip
"""From a value, the other numbers of its row and the first lr to numbers in our units."""

DECOUPLED = frozenset({"decay", "decay_relative"})
"""Units of decay that acts on the parameter, beside the step."""


def allowed(b: Speaker, h: Hyper) -> bool:
    """Whether an API has all hyper-parameters that are on, maximize aside."""
    others = {n: x for n, x in NEUTRAL.items() if n != "maximize"}
    if any(getattr(h, name) != value and not b.takes(name) for name, value in others.items()):
        return False
    whole = b.spelling.unit_gain and h.momentum == 1  # gradients of weight 0, whatever the rate
    return not (whole or (h.nesterov and h.dampening and not b.dampened_nesterov))


def told(who: Speaker, given: Hyper | Mapping[str, Said], first: Exact | None = None) -> Hyper:
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
        if who.spelling.unit_gain:
            read["lr"] *= 1 - read.get("momentum", 0)
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
    who: Speaker, unit: str, value: fmpq, read: Mapping[str, Any], first: Exact | None
) -> Row:
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


def assumed(who: Speaker, given: Hyper | Mapping[str, Said]) -> str:
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


def rational(value: Said) -> fmpq:
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


def _flag(name: str, value: object) -> bool:
    text = str(value).strip().lower()
    if text in ("true", "1", "yes", "on"):
        return True
    if text in ("false", "0", "no", "off"):
        return False
    raise ValueError(f"{name}={value!r}: wanted true or false")


def evened(path: list[Hyper], holds: Callable[[list[Hyper]], bool]) -> list[Hyper]:
    """The first row made like the second, as far as that changes nothing."""
    if len(path) < 2:
        return path
    candidates = [path[1]]
    if len(set(path[1:])) == 1:  # where several steps are special, the first may be so too
        for names in (("momentum", "dampening"), ("momentum",), ("dampening",)):
            candidates.append(path[0]._replace(**{n: getattr(path[1], n) for n in names}))
    for first in candidates:
        if first == path[0]:
            break
        if holds([first, *path[1:]]):
            return [first, *path[1:]]
    return path


def without_repeats(path: Sequence[Hyper]) -> list[Hyper]:
    """Without the last rows but one, where they are alike."""
    end = len(path)
    while end > 1 and path[end - 1] == path[end - 2]:
        end -= 1
    return list(path[:end])
