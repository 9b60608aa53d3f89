"""What a constructor of torch optimizers takes, found by trying."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch

from momentum.errors import UsageError
from momentum.isolation import survives


@dataclass(frozen=True)
class Trial:
    """An optimizer of one number, to see what its constructor takes."""

    build: Callable[..., Any]
    names: Mapping[str, str]
    name: str

    def optimizer(self, **hyper: Any) -> torch.optim.Optimizer:
        """Raises: UsageError where none comes out."""
        values = {"lr": 0.5, "momentum": 0.5} | hyper
        parameter = torch.nn.Parameter(torch.zeros(2))
        given = {theirs: values[n] for n, theirs in self.names.items() if n in values}
        try:
            made = self.build([parameter], **given)
        except Exception as error:
            text = " ".join(str(error).split())
            raise UsageError(
                f"{self.name} cannot be built: {type(error).__name__}: {text}"
            ) from None
        if not isinstance(made, torch.optim.Optimizer):
            raise UsageError(f"{self.name} returned {type(made).__name__}, wanted an Optimizer")
        return made

    @cached_property
    def works(self) -> bool:
        """Whether it steps at all; one that hangs is not tried in every way."""
        return self._survives(False, {})

    def steps(self, sparse: bool = False, **hyper: Any) -> bool:
        """Whether it is built and takes two steps so; a step may crash or hang."""
        return self.works and self._survives(sparse, hyper)

    def _survives(self, sparse: bool, hyper: Mapping[str, Any]) -> bool:
        def tried() -> bool:
            try:
                made = self.optimizer(**hyper)
                for _ in range(2):
                    gradient = torch.tensor([0.0, 1.0])
                    made.param_groups[0]["params"][0].grad = (
                        gradient.to_sparse() if sparse else gradient
                    )
                    made.step()
            except Exception:
                return False
            return True

        return survives(tried)
