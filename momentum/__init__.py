"""Reference oracle and conformance suite for stochastic gradient descent with momentum."""

import lazy_loader

__version__ = "0.1.0"

# On demand: pytest loads this package at every start, and some names need torch or Hypothesis.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
