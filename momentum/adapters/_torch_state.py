"""What a torch optimizer keeps: saved, loaded, copied and counted."""

import copy
import gc
import io
from collections.abc import Sequence
from typing import Any, Self

import torch
from torch import Tensor
from torch.optim.optimizer import StateDict

from momentum.adapters._torch_stepping import Stepping
from momentum.adapters._torch_tensors import bytes_of, tensor, tensors_in
from momentum.subjects.offers import copied
from momentum.subjects.protocol import Array

Saved = tuple[list[Tensor], StateDict]
"""Parameters, and the state dict of their optimizer."""


class Kept(Stepping):
    """The part of a run that is about its state; each method is described in OFFERS."""

    def save(self) -> Saved:
        return copy.deepcopy(([p.detach() for p in self.params], self.optimizer.state_dict()))

    def load(self, saved: Saved) -> None:
        values, state = saved
        self._copy(values)
        self.optimizer.load_state_dict(state)

    def through_file(self, saved: Saved) -> Saved:
        values, state = saved
        file = io.BytesIO()
        torch.save({"values": values, "state": state}, file)
        file.seek(0)
        read = torch.load(file, weights_only=True)
        return read["values"], read["state"]

    def hand_over(self, other: "Kept") -> None:
        other._copy(self.params)
        other.optimizer.load_state_dict(self.optimizer.state_dict())

    def place(self, values: Sequence[Array]) -> None:
        self._copy([tensor(x, p.dtype, device=self.device) for x, p in zip(values, self.params)])

    def _copy(self, values: Sequence[Tensor]) -> None:
        with torch.no_grad():
            for p, x in zip(self.params, values):
                p.copy_(x)

    def duplicate(self, how: str) -> Self:
        twin = copy.copy(self)
        twin.params, twin.optimizer = copied((self.params, self.optimizer), how)
        twin.placed = [p.detach() for p in twin.params]
        return twin

    def foreign_state(self) -> dict[str, Saved]:
        wrong_shape, fewer = self.save(), self.save()
        kept: dict[Any, Any] = wrong_shape[1]["state"]
        for entry in kept.values():
            for name, value in entry.items():
                if isinstance(value, Tensor) and value.ndim:
                    entry[name] = value.new_zeros(value.numel() + 1)
        fewer[1]["param_groups"][0]["params"].pop()
        return {
            "velocities of another shape": wrong_shape,
            "state of Adam": (wrong_shape[0], self._of_adam()),
            "one parameter fewer": fewer,
        }

    def _of_adam(self) -> StateDict:
        groups = [[torch.zeros_like(p) for p in g["params"]] for g in self.optimizer.param_groups]
        for p in (p for group in groups for p in group):
            p.grad = torch.zeros_like(p)
        adam = torch.optim.Adam([{"params": group} for group in groups])
        adam.step()
        return adam.state_dict()

    def storage(self) -> list[object]:
        return [(id(p), p.data_ptr()) for g in self.optimizer.param_groups for p in g["params"]]

    def state_bytes(self) -> int:
        return bytes_of(tensors_in(list(self.optimizer.state.values())))

    def graph_nodes(self) -> int:
        state = [x for x in tensors_in(list(self.optimizer.state.values())) if x.requires_grad]
        wanted = not self.optimizer.defaults.get("differentiable")
        return len(state) + sum(not p.is_leaf or p.requires_grad != wanted for p in self.params)

    def live_objects(self) -> int:
        gc.collect(1)  # what a few steps leave behind is young
        return sum(issubclass(type(x), Tensor) for x in gc.get_objects())
