"""The same training in another convention, with a proof, or why there is none."""

from momentum.conversion.convert import Conversion, convert
from momentum.conversion.proof import Proof
from momentum.conversion.remainder import Remainder
from momentum.conversion.speakers import Speaker, speaker, speakers

__all__ = [
    "Conversion",
    "Proof",
    "Remainder",
    "Speaker",
    "convert",
    "speaker",
    "speakers",
]
