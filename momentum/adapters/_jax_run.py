"""A run whose parameters are JAX arrays and whose state is a tree of them."""

from typing import Any

import numpy as np

from momentum.adapters import _libraries
from momentum.adapters._run import COPIES, ArrayRun

CLAIMS: dict[str, Any] = {"dtypes": _libraries.FOUR, **_libraries.XLA}
OFFERS = COPIES | {"state_bytes"}


class JaxRun(ArrayRun):
    """A live run. inner: the optimizer's state, which may hold the parameters too."""

    inner: object

    def state_bytes(self) -> int:
        """Bytes of the optimizer's state, without the parameters where it holds them."""
        import jax

        own = [x for x in jax.tree.leaves(self.inner) if not any(x is p for p in self.theta)]
        return sum(int(np.asarray(x).nbytes) for x in own)
