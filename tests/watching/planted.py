"""Run under torchrun: trainings of one kind of sharding, right and with each defect on rank 1."""

import copy
import sys
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

import momentum

KIND, FOLDER = sys.argv[1:3]
DEFECTS = ("none", "rate", "flip", "tail", "unscaled", "stale", "unloaded", "older")
AT = 5  # steps before the wrong one


def here(x: Any) -> Any:
    return getattr(x, "to_local", lambda: x)().reshape(-1)


class Wrong(torch.optim.SGD):
    """SGD, but for one defect on rank 1."""

    defect = "none"
    t = 0

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        bad, first = dist.get_rank() == 1 and self.t == AT, self.param_groups[0]["params"][0]
        lr, kept = self.param_groups[0]["lr"], here(first)[-5:].clone()
        if self.defect == "rate" and dist.get_rank() == 1:
            self.param_groups[0]["lr"] = 2 * lr
        if self.defect == "flip" and bad:
            here(self.state[first]["momentum_buffer"]).view(torch.int32)[3] ^= 1 << 21
        if self.defect == "unscaled" and bad:
            first.grad.mul_(1024)
        for p, v in self.__dict__.pop("mine", {}).items():
            self.state[p]["momentum_buffer"] = v
        super().step()
        self.param_groups[0]["lr"] = lr
        if self.defect == "tail" and bad:
            here(first)[-5:] = kept
        if self.defect == "unscaled" and bad:
            first.grad.div_(1024)
        self.t += 1

    def load_state_dict(self, state_dict: Any) -> None:
        if self.defect == "stale" and dist.get_rank() == 1:
            self.mine = {p: s["momentum_buffer"].clone() for p, s in self.state.items()}
        super().load_state_dict(state_dict)


def made(params: Any) -> tuple[Any, Any]:
    torch.manual_seed(0)
    net: Any = nn.Sequential(nn.Linear(8, 30), nn.Tanh(), nn.Linear(30, 6))
    options = {"lr": 0.1, "momentum": 0.9}
    if KIND == "fsdp":
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
        return net, Wrong(net.parameters(), **options)
    net = nn.parallel.DistributedDataParallel(net)
    if KIND == "ddp":
        return net, Wrong(net.parameters(), **options)
    from torch.distributed.optim import ZeroRedundancyOptimizer

    return net, ZeroRedundancyOptimizer(net.parameters(), Wrong, **options)


def train(defect: str) -> None:
    Wrong.defect = defect
    net, optimizer = made(None)
    inner = getattr(optimizer, "optim", optimizer)
    saved: Any = None
    with momentum.watch(optimizer, sample="all", jsonl=f"{FOLDER}/{defect}.jsonl"):
        for step in range(8):
            if step == 3:
                saved = copy.deepcopy(inner.state_dict())
            forgets = defect == "unloaded" and dist.get_rank() == 1
            if step == AT and defect in ("stale", "unloaded") and not forgets:
                inner.load_state_dict(saved)
            if step == AT and defect == "older":
                now = copy.deepcopy(inner.state_dict())
                inner.load_state_dict(saved if dist.get_rank() == 1 else now)
            optimizer.zero_grad()
            x = torch.randn((16, 8), generator=torch.Generator().manual_seed(10 * step))
            net(x + dist.get_rank()).pow(2).mean().backward()
            optimizer.step()


torch.set_num_threads(1)
dist.init_process_group("gloo")
for name in DEFECTS:
    train(name)
dist.destroy_process_group()
