"""What a constructor of torch optimizers takes, found by trying."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import torch

from momentum.adapters._device import CPU
from momentum.adapters._shared import ALSO_CALLED, FLAGS
from momentum.errors import UsageError
from momentum.subjects.isolation import survives


@dataclass(frozen=True)
class Trial:
    """An optimizer of one number, to see what its constructor takes.

    device: where its parameters are in steps; a process that only constructs it leaves it alone.
    """

    build: Callable[..., object]
    names: Mapping[str, str]
    name: str
    device: str = CPU

    def optimizer(
        self,
        dtype: torch.dtype = torch.float32,
        names: bool = False,
        device: str = CPU,
        **hyper: object,
    ) -> torch.optim.Optimizer:
        """Raises: UsageError where none comes out."""
        values = {"lr": 0.5, "momentum": 0.5} | hyper
        parameter = torch.nn.Parameter(torch.zeros(2, dtype=dtype, device=device))
        named = {"differentiable": "differentiable", **self.names}
        given = {theirs: values[n] for n, theirs in named.items() if n in values}
        try:
            made = self.build([("weight", parameter)] if names else [parameter], **given)
        except Exception as error:
            text = " ".join(str(error).split())
            raise UsageError(
                f"{self.name} cannot be built: {type(error).__name__}: {text}"
            ) from None
        if not isinstance(made, torch.optim.Optimizer):
            raise UsageError(f"{self.name} returned {type(made).__name__}, wanted an Optimizer")
        without_leaves(made)
        return made

    @cached_property
    def records(self) -> bool:
        """Whether the constructor lets its steps be differentiated.

        One that takes any name whatever says nothing by taking this one.
        """
        lr = {self.names["lr"]: 0.5} if "lr" in self.names else {}
        if _shows(self.build, "no_such_option", True, lr):
            return False
        try:
            return bool(self.optimizer(differentiable=True).defaults.get("differentiable"))
        except UsageError:
            return False

    @cached_property
    def works(self) -> bool:
        """Whether it steps at all; one that hangs is not tried in every way."""
        return self._survives(False, {})

    def steps(self, sparse: bool = False, **hyper: object) -> bool:
        """Whether it is built and takes two steps so; a step may crash or hang."""
        return self.works and self._survives(sparse, hyper)

    def _survives(self, sparse: bool, hyper: Mapping[str, Any]) -> bool:
        def tried() -> bool:
            try:
                made = self.optimizer(device=self.device, **hyper)
                for _ in range(2):
                    parameter = made.param_groups[0]["params"][0]
                    gradient = torch.tensor([0.0, 1.0], dtype=parameter.dtype, device=self.device)
                    parameter.grad = gradient.to_sparse() if sparse else gradient
                    made.step()
            except Exception:
                return False
            return True

        return survives(tried)


def without_leaves(optimizer: torch.optim.Optimizer) -> None:
    """Let an optimizer whose every step is recorded write in place, which no leaf of a graph lets.

    Only its gradients could then be followed, and those that are fed ask for nothing.
    """
    if optimizer.defaults.get("differentiable"):
        for group in optimizer.param_groups:
            for p in group["params"]:
                p.requires_grad_(False)


def hookable(optimizer: torch.optim.Optimizer) -> bool:
    """Whether hooks can be put around its steps: a wrapper that does not call its base has none."""
    return all(hasattr(optimizer, f"_optimizer_step_{when}_hooks") for when in ("pre", "post"))


def needed_to_step(optimizer: torch.optim.Optimizer) -> list[str]:
    """The arguments without which it takes no step, such as the closure of torch.optim.LBFGS."""
    try:
        taken = inspect.signature(optimizer.step).parameters.values()
    except (TypeError, ValueError):
        return []
    free = inspect.Parameter.VAR_POSITIONAL, inspect.Parameter.VAR_KEYWORD
    return [x.name for x in taken if x.default is x.empty and x.kind not in free]


def handed_on(factory: Callable[..., object], names: Mapping[str, str]) -> dict[str, str]:
    """Hyper-parameters that are taken in **kwargs for somebody else: our name -> its name.

    A class hands them to its bases, which name them; a function to who knows whom. Those only that
    a call accepts and the optimizer's defaults show. names: those known already.
    """
    made = factory.func if isinstance(factory, partial) else factory
    if isinstance(made, type):
        listed = _along_bases(made)
    elif _is_open(made) and not _shows(factory, "no_such_option", 0.5, {}):
        listed = [name for ours, others in ALSO_CALLED.items() for name in (ours, *others)]
    else:
        return {}
    found: dict[str, str] = {}
    # lr and momentum come first, for the others may not be had without.
    for n, others in ALSO_CALLED.items():
        given = {**names, **found}
        beside = {given[x]: 0.5 for x in ("lr", "momentum") if x in given}
        for theirs in (n, *others):
            if n in given or theirs not in listed or theirs in given.values():
                continue
            if _shows(factory, theirs, True if n in FLAGS else 0.5, beside):
                found[n] = given[n] = theirs
    return found


def _is_open(function: Callable[..., object]) -> bool:
    """Whether it takes any keyword."""
    parameters = inspect.signature(function).parameters.values()
    return any(p.kind is p.VAR_KEYWORD for p in parameters)


def _along_bases(made: type) -> list[str]:
    """Arguments of the constructor, and of the next in line as long as there is a **kwargs."""
    taken: list[str] = []
    for base in made.__mro__:
        if "__init__" in vars(base):
            parameters = list(inspect.signature(vars(base)["__init__"]).parameters.values())[1:]
            taken += [
                p.name
                for p in parameters
                if p.kind in (p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
                and (p.name in FLAGS or not isinstance(p.default, bool))  # a switch is no number
            ]
            if not any(p.kind is p.VAR_KEYWORD for p in parameters):
                break
    return taken


def _shows(
    factory: Callable[..., Any], name: str, value: object, beside: Mapping[str, object]
) -> bool:
    """Whether what is passed by a name is found in the optimizer's defaults."""
    try:
        made = factory([torch.nn.Parameter(torch.zeros(2))], **{**beside, name: value})
        return bool(made.defaults[name] == value)
    except Exception:
        return False
