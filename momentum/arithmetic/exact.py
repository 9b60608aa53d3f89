"""Exact numbers: rationals of python-flint, to and from floats and hexadecimal strings.

Every binary float is a dyadic rational, so `+ - *` over floats stays dyadic, and a hexadecimal
string with enough digits writes each result down without loss.
"""

import math
import re
from fractions import Fraction
from typing import SupportsFloat, SupportsIndex, cast

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from momentum.arithmetic.near import Near
from momentum.arithmetic.surd import EXACT, Surd

Rationals = NDArray[np.object_]
"""An array of fmpq."""

Given = SupportsFloat | SupportsIndex
"""A real number of any type: float, Fraction, scalar of NumPy, fmpq, what is exact already."""

_HEX = re.compile(
    r"(?P<sign>[+-]?)0x(?P<whole>[0-9a-f]+)(?:\.(?P<part>[0-9a-f]*))?(?:p(?P<exponent>[+-]?\d+))?",
    re.IGNORECASE,
)


def exact(value: Given) -> fmpq:
    """The rational that `value` (float, int, Fraction, NumPy scalar or fmpq) stands for.

    What is exact already and no rational (`Surd`) stays what it is.
    Raises: ValueError for inf and nan, which no rational equals.
    """
    if isinstance(value, EXACT):
        return cast(fmpq, value)  # what runs over one runs over the other
    if isinstance(value, (int, Fraction)):
        return fmpq(*value.as_integer_ratio())
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"{number} has no exact value; wanted a finite number")
    return fmpq(*number.as_integer_ratio())


_exact_elements = np.frompyfunc(exact, 1, 1)


def exact_array(values: object) -> Rationals:
    """An object array of rationals.

    Shapes: any, kept. Raises: ValueError where an element is not finite.
    """
    if isinstance(values, fmpq):
        return np.array(values, dtype=object)
    return np.asarray(_exact_elements(np.asarray(values)), dtype=object)


def nearest(value: fmpq | Surd | Near) -> float:
    """The float64 nearest to an exact number (ties to even); infinite beyond the largest."""
    if isinstance(value, (Surd, Near)):
        return float(value)
    try:
        return int(value.p) / int(value.q)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


_nearest_elements = np.frompyfunc(nearest, 1, 1)


def nearest_array(values: Rationals) -> NDArray[np.float64]:
    """The float64 array nearest to an array of rationals. Shapes: any, kept."""
    return np.asarray(_nearest_elements(values), dtype=np.float64)


def to_hex(value: Given) -> str:
    """Hexadecimal text that `from_hex` reads back without loss: `-0x1.8p+3`, `-0x0.0p+0`, `inf`.

    A dyadic rational takes as many digits as it needs.
    Raises: ValueError for a rational whose denominator is no power of two.
    """
    if not isinstance(value, (fmpq, Fraction)):
        return float(value).hex()
    number = exact(value)
    numerator, denominator = int(number.p), int(number.q)
    if denominator & (denominator - 1):
        raise ValueError(f"{value} is not dyadic, so no hexadecimal string equals it")
    if numerator == 0:
        return "0x0.0p+0"
    exponent = abs(numerator).bit_length() - 1
    part = abs(numerator) - (1 << exponent)
    digits = -(-exponent // 4)
    text = f"{part << (4 * digits - exponent):0{digits}x}".rstrip("0") if digits else ""
    power = exponent - (denominator.bit_length() - 1)
    return f"{'-' if numerator < 0 else ''}0x1.{text or '0'}p{power:+d}"


def from_hex(text: str) -> fmpq | float:
    """The number that a hexadecimal string writes: a rational, or the float -0.0, inf or nan.

    Raises: ValueError where the text is none of these.
    """
    stripped = text.strip()
    match = _HEX.fullmatch(stripped)
    if match is None:
        word = stripped.lower().lstrip("+-")
        if word in ("inf", "infinity", "nan"):
            return float(stripped)
        raise ValueError(f"{text!r} is no hexadecimal float; wanted one like '0x1.8p-3'")
    part = match["part"] or ""
    scale = int(match["exponent"] or 0) - 4 * len(part)
    digits = int(match["whole"] + part, 16)
    if digits == 0 and match["sign"] == "-":
        return -0.0
    signed = -digits if match["sign"] == "-" else digits
    return fmpq(signed) * fmpq(2) ** scale if scale >= 0 else fmpq(signed, 1 << -scale)
