"""Which convention is this? Probes, exact replays, and hyper-parameters as they are computed."""

from momentum.callable_module import make_callable
from momentum.identify.identity import Identity, identify
from momentum.identify.measure import Estimate, measure
from momentum.identify.response import Response, response
from momentum.identify.telling import describe, summary

__all__ = [
    "Estimate", "Identity", "Response", "describe", "identify", "measure", "response", "summary",
]  # fmt: skip

make_callable(__name__)
