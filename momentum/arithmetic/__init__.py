"""Number types: machine formats, exact rationals, and values that carry their rounding error."""

from momentum.arithmetic.exact import exact, exact_array, from_hex, nearest, nearest_array, to_hex
from momentum.arithmetic.formats import FORMATS, Format, format_of
from momentum.arithmetic.grid import Grid
from momentum.arithmetic.rounded import Rounded

__all__ = [
    "FORMATS",
    "Format",
    "Grid",
    "Rounded",
    "exact",
    "exact_array",
    "format_of",
    "from_hex",
    "nearest",
    "nearest_array",
    "to_hex",
]
