"""The same training in another convention, with a proof, or why there is none."""

from momentum.callable_module import make_callable
from momentum.convert._convert import Conversion, convert
from momentum.convert.proof import Proof
from momentum.convert.remainder import Remainder
from momentum.convert.speakers import Speaker, speaker, speakers

__all__ = [
    "Conversion",
    "Proof",
    "Remainder",
    "Speaker",
    "convert",
    "speaker",
    "speakers",
]

make_callable(__name__)
