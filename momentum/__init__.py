"""Reference oracle and conformance suite for stochastic gradient descent with momentum."""

from typing import Any

import lazy_loader

__version__ = "0.1.0"

# On demand: pytest loads this package at every start, and some names need torch or Hypothesis.
_on_demand, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)


def __getattr__(name: str) -> Any:
    """A public name. Raises: AttributeError where it is none, or a framework is not installed."""
    try:
        return _on_demand(name)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == __name__:
            raise
        # An AttributeError, so that help() passes by what this install does not have.
        raise AttributeError(
            f"momentum.{name} needs {error.name}, which is not installed"
        ) from None
