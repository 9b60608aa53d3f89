"""One live torch optimizer with its parameters: how it begins, and what it is set to."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor
from torch.optim import lr_scheduler as own

from momentum.adapters import _shared
from momentum.adapters._torch_tensors import DTYPES, array, tensor
from momentum.adapters._torch_trial import without_leaves
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array, SubjectError

if TYPE_CHECKING:
    from momentum.adapters.torch import TorchSubject

H = TypeVar("H")

Optimizer = torch.optim.Optimizer


def cycles(defaults: Mapping[str, object]) -> bool:
    """Whether a schedule of torch finds a momentum to set."""
    return "momentum" in defaults and "betas" not in defaults


SCHEDULES: Mapping[str, Callable[[Optimizer], Any]] = {
    "StepLR": lambda o: own.StepLR(o, 2, gamma=0.5),
    "MultiStepLR": lambda o: own.MultiStepLR(o, [1, 3], gamma=0.1),
    "ConstantLR": lambda o: own.ConstantLR(o, factor=0.25, total_iters=2),
    "LinearLR": lambda o: own.LinearLR(o, start_factor=0.3, total_iters=4),
    "ExponentialLR": lambda o: own.ExponentialLR(o, gamma=0.9),
    "PolynomialLR": lambda o: own.PolynomialLR(o, total_iters=5, power=2.0),
    "CosineAnnealingLR": lambda o: own.CosineAnnealingLR(o, T_max=4),
    "CosineAnnealingWarmRestarts": lambda o: own.CosineAnnealingWarmRestarts(o, T_0=3),
    "MultiplicativeLR": lambda o: own.MultiplicativeLR(o, lambda t: 0.7),
    "CyclicLR": lambda o: own.CyclicLR(o, 0.05, 0.3, step_size_up=2, cycle_momentum=False),
    "OneCycleLR": lambda o: own.OneCycleLR(
        o, 0.3, total_steps=8, cycle_momentum=cycles(o.defaults)
    ),
    "SequentialLR": lambda o: own.SequentialLR(
        o, [own.ConstantLR(o, 0.1, 2), own.ExponentialLR(o, 0.5)], milestones=[2]
    ),
    "ChainedScheduler": lambda o: own.ChainedScheduler(
        [own.ConstantLR(o, 0.1, 2), own.ExponentialLR(o, 0.9)]
    ),
}
"""Every schedule of torch that sets the learning rate by itself; one sets the momentum, too."""


@dataclass(frozen=True)
class Asked:
    """The options of `start`, each described in OFFERS."""

    scheduler: Sequence[float] = ()
    schedule: str = ""
    tensor_lr: bool = False
    layout: str = "contiguous"
    dtypes: Sequence[str] = ()
    names: Sequence[str] = ()
    complex: bool = False
    differentiable: bool = False
    generator: bool = False
    integers: bool = False


class Begun:
    """One that has begun; what it offers is described in OFFERS, method by method.

    placed: the parameters' memory. begun: hyper-parameters of each group; members: the group of
    each parameter. tape: gradients of each step, where steps are recorded.
    """

    def __init__(
        self,
        subject: "TorchSubject",
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None,
        options: Mapping[str, Any],
    ) -> None:
        if strange := set(options) - {f.name for f in fields(Asked)}:
            raise SubjectError(f"unknown options {', '.join(strange)}")
        self.build, self.named, self.device = subject.build, subject.named, subject.device
        self.asked = Asked(**options)
        self.dtypes = [DTYPES[n] for n in self.asked.dtypes or [dtype] * len(parameters)]
        self.shapes = [x.shape for x in parameters]
        # The first keeps its layout in parameter and gradient, the second in one, and so on.
        self.placed = [
            tensor(x, self.dtypes[i], self._layout(i, parameter=True), self.device)
            for i, x in enumerate(parameters)
        ]
        self.tape: list[list[Tensor | None]] = []
        if self.asked.complex:
            self.placed = [torch.view_as_complex(x) for x in self.placed]
        self.params = [torch.nn.Parameter(x) for x in self.placed]
        if self.asked.differentiable:  # it writes in place, which no leaf lets happen
            self.params = [p.clone() for p in self.params]  # type: ignore[misc]  # in name only
        self.fed_tensors: list[Tensor | None] = [None] * len(self.params)
        self.begun = list(hypers)
        self.members = list(groups or [0] * len(parameters))
        self.restart()

    def restart(self) -> None:
        self.dicts: list[dict[str, Any]] = []
        settings = [self._arguments(h) for h in self.begun]
        names = self.asked.names
        told: list[Any] = list(zip(names, self.params)) if names else self.params
        if len(settings) > 1:
            for g, setting in enumerate(settings):
                mine = [p for p, member in zip(told, self.members) if member == g]
                self.dicts.append({"params": self._handed(mine), **setting})
        self.before = [_summary(d) for d in self.dicts]
        setting = self._arguments(self.begun[0])
        if self.asked.differentiable:
            setting["differentiable"] = True
        self.optimizer = self.build(self.dicts or self._handed(told), **setting)
        if not self.asked.differentiable:
            without_leaves(self.optimizer)
        self.scheduler: Any = None
        if self.asked.schedule:
            self.scheduler = SCHEDULES[self.asked.schedule](self.optimizer)
        if factors := self.asked.scheduler:
            self.scheduler = torch.optim.lr_scheduler.LambdaLR(
                self.optimizer, lambda t: factors[min(t, len(factors) - 1)]
            )
        self.scaler: Any = None

    def _layout(self, i: int, parameter: bool) -> str:
        """Parameters 0, 3, … have the layout in both places; 1, 4, … in the gradient only."""
        layout = self.asked.layout
        plain = i % 3 == (1 if parameter else 2) or (parameter and layout == "expanded")
        return "contiguous" if plain else layout

    def _arguments(self, h: Hyper) -> dict[str, object]:
        given = self.named(h)
        if self.asked.integers:
            whole = {n: int(x) for n, x in given.items() if not isinstance(x, bool) and x == int(x)}
            given |= whole
        if self.asked.tensor_lr:
            wide = torch.float64 if torch.float64 in self.dtypes else torch.float32
            name = next(iter(self.named(h)))
            learned = self.asked.differentiable
            given[name] = torch.tensor(given[name], dtype=wide, requires_grad=learned)
        return given

    def _handed(self, listed: list[H]) -> Iterable[H]:
        return iter(listed) if self.asked.generator else listed

    def parameters(self) -> list[Array]:
        shown: Sequence[Tensor] = self.params
        if self.asked.complex:
            shown = [torch.view_as_real(p.detach()) for p in self.params]
        return [
            _shared.read(i, array(p), p.dtype, str(dtype).rpartition(".")[2], shape)
            for i, (p, shape, dtype) in enumerate(zip(shown, self.shapes, self.dtypes))
        ]

    def point(self) -> list[Array]:
        if not hasattr(self.optimizer, "look_ahead"):
            return self.parameters()
        with self.optimizer.look_ahead():
            return self.parameters()

    def set(self, hyper: Hyper, group: int = 0) -> None:
        for name, value in self.named(hyper).items():
            held = self.optimizer.param_groups[group]
            old = held.get(name)
            # torch: groups that say nothing share the default's own tensor, and so what fills it.
            own = old is not self.optimizer.defaults.get(name) or self.asked.tensor_lr
            if isinstance(old, Tensor):
                held[name] = old.fill_(value) if own else torch.full_like(old, value)
            elif name in held:
                held[name] = value

    def add_group(self, parameters: Sequence[Array], hyper: Hyper | None) -> None:
        added = [
            torch.nn.Parameter(tensor(x, self.dtypes[0], device=self.device)) for x in parameters
        ]
        own = {} if hyper is None else self._arguments(hyper)
        self.optimizer.add_param_group({"params": added, **own})
        without_leaves(self.optimizer)
        self.members += [len(self.begun)] * len(added)
        self.begun.append(self.begun[0] if hyper is None else hyper)
        self.params += added
        self.placed += [p.detach() for p in added]
        self.shapes += [x.shape for x in parameters]
        self.dtypes += [self.dtypes[0]] * len(added)
        self.fed_tensors += [None] * len(added)

    def caller_dicts(self) -> tuple[list[dict[str, object]], list[dict[str, object]]]:
        return self.before, [_summary(d) for d in self.dicts]


def _summary(group: Mapping[str, object]) -> dict[str, object]:
    """A group's dict as plain data: parameters by identity."""
    kept = {name: value for name, value in group.items() if name != "params"}
    told = group["params"]
    return {**kept, "params": (type(told), [id(p) for p in told] if isinstance(told, list) else [])}
