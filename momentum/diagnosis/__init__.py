"""Which convention is this, with which numbers, and why does it fail?"""

from momentum.diagnosis.estimate import Estimate, measure
from momentum.diagnosis.explain import Explainer, explain
from momentum.diagnosis.identify import Identity, identify
from momentum.diagnosis.response import Response, response
from momentum.diagnosis.telling import decisive, describe, summary

__all__ = [
    "Estimate",
    "Explainer",
    "Identity",
    "Response",
    "decisive",
    "describe",
    "explain",
    "identify",
    "measure",
    "response",
    "summary",
]
