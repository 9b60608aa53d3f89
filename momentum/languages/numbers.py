"""Numbers as text: what the protocol and the vectors write, and what they read."""

import math
import re
import struct
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import Format

_FROM_HEX = float.fromhex
_BITS = {8: ">f", 16: ">d"}
_HEX = re.compile(r"[+-]?0x[0-9a-f]*\.?[0-9a-f]*(p[+-]?\d+)?", re.IGNORECASE)


def texts(values: NDArray[np.floating]) -> list[str]:
    """The numbers of an array, row by row, as hexadecimal floats, which lose nothing."""
    return list(map(float.hex, values.ravel().tolist()))


def number(said: object) -> float:
    """A number as any program may write it: 0.1875, "0.1875", "0x1.8p-3", "inf", "-inf", "nan", or
    the bits of a float32 or float64 as "0x" and 8 or 16 digits.

    Raises: ValueError where it is none.
    """
    if isinstance(said, int | float) and not isinstance(said, bool):
        try:
            return float(said)
        except OverflowError:
            raise ValueError(f"{said!r:.30}… is beyond every float") from None
    if isinstance(said, str):
        digits = said[2:] if said[:2] in ("0x", "0X") else ""
        try:
            if len(digits) in _BITS and not {".", "p", "P"} & set(digits):
                found: float = struct.unpack(_BITS[len(digits)], bytes.fromhex(digits))[0]
                return found
            return float.fromhex(said) if _HEX.fullmatch(said.strip()) else float(said)
        except (ValueError, OverflowError):
            pass
    raise ValueError(f"{said!r:.40} is no number: wanted such as 0.1875 or '0x1.8p-3'")


def numbers(said: Sequence[float | str]) -> list[float]:
    """Numbers as any program may write them. Raises: ValueError."""
    try:  # what most programs write, most quickly
        return [
            x if type(x) is float else _FROM_HEX(x) if type(x) is str and "p" in x else number(x)
            for x in said
        ]
    except (ValueError, OverflowError):
        return [number(x) for x in said]


def meant(values: NDArray[np.float64], format: Format) -> NDArray[np.float64]:
    """The numbers of a format that decimals with all of its digits stand for, 9 for float32.

    What has more digits than that, or is further from a number than half a unit of the last digit,
    stays as it is. Ties may be rounded either way: C takes the even digit, Java and JavaScript the
    larger.
    """
    held = format.round(values)
    odd = np.flatnonzero((held != values) & np.isfinite(values))
    digits = 1 + math.ceil(format.precision * math.log10(2))
    for i in odd:
        said, near = float(values.flat[i]), float(held.flat[i])
        short = Decimal(f"{said:.{digits - 1}e}")
        unit = Decimal((0, (1,), short.adjusted() - digits + 1))
        if float(short) != said or 2 * abs(short - Decimal(near)) > unit:
            held.flat[i] = said
    return held
