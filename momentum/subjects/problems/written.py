"""Problems as one line of JSON, and back: what may come from a person is looked at in full."""

import math
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from momentum.arithmetic import format_of
from momentum.conventions import Hyper

STEPS = 100_000
"""Steps that a written problem may have."""

ELEMENTS = 1 << 26
"""Elements that its parameters may have together."""

Count = Annotated[int, Meta(ge=0)]
Number = str | bool


class Record(msgspec.Struct, forbid_unknown_fields=True):
    """What a line holds; see Problem. hypers: (how many steps, one list a group) for each stretch.

    A number is a float in hexadecimal, in the order of Hyper's fields.
    """

    dtype: str
    shapes: list[list[Count]]
    hypers: list[tuple[Annotated[int, Meta(ge=1, le=STEPS)], list[list[Number]]]]
    groups: list[Count]
    kind: str
    seed: Count
    missing: list[tuple[Count, Count]]
    options: list[tuple[str, Any]]


def record(text: str) -> Record:
    """The record that a text holds, of a problem that can be run.

    Raises: ValueError where it is none.
    """
    try:
        found = msgspec.json.decode(text, type=Record)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        names = ", ".join(Record.__struct_fields__)
        raise ValueError(f"not a problem ({error}); wanted JSON with {names}") from None
    format_of(found.dtype)
    steps = sum(times for times, _ in found.hypers)
    amounts = {len(row) for _, row in found.hypers}
    for wrong, words in (
        (not 1 <= steps <= STEPS, f"it has {steps} steps, wanted 1 to {STEPS}"),
        (not found.shapes, "it has no parameters"),
        (sum(map(math.prod, found.shapes)) > ELEMENTS, f"it has more than {ELEMENTS} elements"),
        (len(amounts) != 1 or 0 in amounts, "not all steps have the same number of groups"),
        (len(found.groups) != len(found.shapes), "not every parameter has a group"),
        (amounts and max(found.groups, default=0) >= max(amounts), "there is no such group"),
        (any(t >= steps for t, _ in found.missing), "a gradient is missing after the last step"),
        (any(i >= len(found.shapes) for _, i in found.missing), "there is no such parameter"),
    ):
        if wrong:
            raise ValueError(f"not a problem: {words}")
    return found


def numbers(h: Hyper) -> list[Number]:
    """Hyper-parameters as a record holds them."""
    return [x if isinstance(x, bool) else float(x).hex() for x in h]


def hyper(values: list[Number]) -> Hyper:
    """Hyper-parameters of a record.

    Raises: ValueError where they are not as many, not finite, or of another kind.
    """
    if len(values) != len(Hyper._fields):
        raise ValueError(f"not a problem: {len(values)} hyper-parameters, wanted {Hyper._fields}")
    found: dict[str, Any] = {}
    for name, value in zip(Hyper._fields, values):
        if isinstance(value, bool) is not isinstance(Hyper._field_defaults.get(name), bool):
            raise ValueError(f"not a problem: {name} is {value!r}")
        found[name] = value if isinstance(value, bool) else _finite(name, value)
    return Hyper(**found)


def _finite(name: str, text: str) -> float:
    try:
        value = float.fromhex(text)
    except (ValueError, OverflowError):
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"not a problem: {name} is {text[:40]!r}, wanted a float in hexadecimal")
    return value
