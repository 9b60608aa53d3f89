"""Binary floating-point formats.

Source: IEEE Std 754-2019, table 3.5 (binary16, binary32, binary64); bfloat16 is binary32 cut to
8 bits of precision.
"""

from dataclasses import dataclass, replace
from functools import cache, cached_property

import numpy as np
from numpy.typing import NDArray

from momentum.errors import did_you_mean

# Bounds are computed in float64 themselves, and an implementation may compute in float64 and then
# round to float32: this covers some 10^6 roundings of the former and the one of the latter.
_SLACK = 1.0 + 2.0**-28


@dataclass(frozen=True)
class Format:
    """A binary floating-point format with gradual underflow and rounding to nearest even.

    ``precision`` counts the significand's bits, the hidden one included; ``emax`` is the exponent
    of the largest binade; ``flushes``: subnormal results and operands may become zero.
    """

    name: str
    precision: int
    emax: int
    flushes: bool = False

    @cached_property
    def u(self) -> float:
        """Unit roundoff: the largest relative error of one rounding, 2^-precision."""
        return 2.0**-self.precision

    @cached_property
    def operation_u(self) -> float:
        """The largest relative error of one operation of an implementation.

        In fewer bits than float32 it may round twice, in float32 and then in this format.
        """
        return (self.u + (2.0**-24 if self.precision < 24 else 0.0)) * _SLACK

    @cached_property
    def operation_u_beside_float64(self) -> float:
        """The same, and the float64 rounding of the oracle that it is compared with."""
        return self.operation_u + 2.0**-53 * _SLACK

    @cached_property
    def smallest_normal(self) -> float:
        """2^(1 - emax)."""
        return 2.0 ** (1 - self.emax)

    @cached_property
    def smallest_subnormal(self) -> float:
        """Spacing of the subnormal numbers, 2^(2 - emax - precision)."""
        return 2.0 ** (2 - self.emax - self.precision)

    @cached_property
    def underflow(self) -> float:
        """Largest error of a product or quotient through underflow."""
        if self.flushes:
            return 2.0 * self.smallest_normal
        # Half of float64's smallest number is no float64: rounded up, lest the bound be zero.
        return max(self.smallest_subnormal / 2, 2.0**-1074)

    @cached_property
    def lost_in_sums(self) -> float:
        """Largest error of a sum through underflow: operands and result may each be flushed."""
        return 3.0 * self.smallest_normal if self.flushes else 0.0

    @cached_property
    def largest(self) -> float:
        """Largest finite number, (2 - 2^(1 - precision)) 2^emax."""
        return float((2.0 - 2.0 ** (1 - self.precision)) * 2.0**self.emax)

    @cached_property
    def _native(self) -> type[np.floating] | None:
        """NumPy's own type, where it has one and converts to it with one correct rounding."""
        natives: dict[str, type[np.floating]] = {"float32": np.float32, "float16": np.float16}
        return natives.get(self.name)

    def round(self, values: object) -> NDArray[np.float64]:
        """Round float64 values to this format; too large becomes infinite.

        Shapes: any, kept. The result is float64 and holds numbers of this format only.
        """
        if self.precision == 53:
            return np.asarray(values, dtype=np.float64)
        with np.errstate(all="ignore"):
            return self.cast(values)

    def cast(self, values: object) -> NDArray[np.float64]:
        """The same for a caller that ignores overflow: NumPy takes its time to be told."""
        x = np.asarray(values, dtype=np.float64)
        if self.precision == 53:
            return x
        if self._native is not None:
            return x.astype(self._native).astype(np.float64)
        rounded = self._round_normal(x)
        size = np.abs(x)
        odd = ~((size >= self.smallest_normal) & (size <= self.largest) | (size == 0))
        if np.any(odd):
            rounded = np.where(odd, self._round_any(x), rounded)
        return rounded

    def _round_normal(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Add half of the last kept bit, a little less before an even one, and cut."""
        cut = np.uint64(53 - self.precision)
        bits = x.view(np.uint64)
        half = np.uint64((1 << (52 - self.precision)) - 1) + ((bits >> cut) & np.uint64(1))
        return (((bits + half) >> cut) << cut).view(np.float64)

    def _round_any(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Round to a multiple of the spacing at x; right for every number, and slow."""
        _, exponent = np.frexp(np.where(np.isfinite(x), x, 0.0))
        spacing = np.maximum(exponent - self.precision, 2 - self.emax - self.precision)
        rounded = np.ldexp(np.rint(np.ldexp(x, -spacing)), spacing)
        rounded = np.where(np.isfinite(x), rounded, x)
        return np.where(np.abs(rounded) > self.largest, np.copysign(np.inf, x), rounded)


FORMATS = {
    f.name: f
    for f in (
        Format("float64", precision=53, emax=1023),
        Format("float32", precision=24, emax=127),
        Format("float16", precision=11, emax=15),
        Format("bfloat16", precision=8, emax=127),
    )
}


SHORT = {
    **{"fp64": "float64", "f64": "float64", "double": "float64"},
    **{"fp32": "float32", "f32": "float32", "single": "float32", "float": "float32"},
    **{"fp16": "float16", "f16": "float16", "half": "float16"},
    **{"bf16": "bfloat16"},
}
"""Other names of formats, in lower case."""


@cache
def format_of(name: str) -> Format:
    """The format of that name; `float32:flushing` is float32 without subnormal numbers.

    Raises: ValueError, naming the known ones.
    """
    plain, _, suffix = name.partition(":")
    try:
        found = FORMATS[SHORT.get(plain.lower(), plain.lower())]
        if suffix not in ("", "flushing"):
            raise KeyError(suffix)
        return replace(found, flushes=True) if suffix else found
    except KeyError:
        known = f"known are {', '.join(FORMATS)}{did_you_mean(plain, FORMATS)}"
        raise ValueError(f"unknown dtype {name!r}: {known}") from None
