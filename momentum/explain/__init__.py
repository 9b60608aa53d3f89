"""Why does it fail? Causes that explain runs which they were not chosen by."""

from momentum.callable_module import make_callable
from momentum.explain.retelling import retell
from momentum.explain.why import Explainer, explain

__all__ = ["Explainer", "explain", "retell"]

make_callable(__name__)
