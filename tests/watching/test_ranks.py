"""Two ranks with gloo: replicas, sharded optimizers and sharded parameters, right and wrong."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

SCRIPT = """
import os, sys
import torch
import torch.distributed as dist
from torch import nn

kind, defect = sys.argv[1:3]
torch.set_num_threads(1)
dist.init_process_group("gloo")
rank = dist.get_rank()
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(8, 30), nn.Tanh(), nn.Linear(30, 6))
kept = dict(lr=0.1, momentum=0.9)
if kind == "ddp":
    net = nn.parallel.DistributedDataParallel(net)
    optimizer = torch.optim.SGD(net.parameters(), **kept)
elif kind == "zero":
    from torch.distributed.optim import ZeroRedundancyOptimizer
    net = nn.parallel.DistributedDataParallel(net)
    optimizer = ZeroRedundancyOptimizer(net.parameters(), torch.optim.SGD, **kept)
else:
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard
    fully_shard(net, mesh=init_device_mesh("cpu", (2,)))
    optimizer = torch.optim.SGD(net.parameters(), **kept)
inner = getattr(optimizer, "optim", optimizer)
for step in range(8):
    optimizer.zero_grad()
    x = torch.randn((16, 8), generator=torch.Generator().manual_seed(10 * step + rank))
    net(x).pow(2).mean().backward()
    p = inner.param_groups[0]["params"][0]
    if defect == "flip" and rank == 1 and step == 5:
        v = inner.state[p]["momentum_buffer"]
        v = getattr(v, "to_local", lambda: v)().reshape(-1)
        v.view(torch.int32)[3] ^= 1 << 21
    optimizer.step()
dist.barrier()
"""

RATE = """
import torch
own = torch.optim.SGD.step
class Wrong(torch.optim.SGD):
    def step(self, closure=None):
        import torch.distributed as dist
        lr = self.param_groups[0]["lr"]
        if dist.get_rank() == 1:
            self.param_groups[0]["lr"] = 2 * lr
        result = super().step(closure)
        self.param_groups[0]["lr"] = lr
        return result
"""


def launched(tmp_path: Path, kind: str, defect: str) -> tuple[int, str, list[list[dict[str, Any]]]]:
    """Exit code, standard error and each rank's lines of a run with two processes."""
    script = tmp_path / "train.py"
    text = SCRIPT
    if defect == "rate":
        text = RATE + SCRIPT.replace("torch.optim.SGD", "Wrong")
        text = text.replace("class Wrong(Wrong)", "class Wrong(torch.optim.SGD)")
    script.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2",
            "-m", "momentum", "watch", "--sample", "all", "--jsonl", str(tmp_path / "w.jsonl"),
            str(script), kind, defect,
        ],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    lines = [
        [json.loads(line) for line in (tmp_path / f"w.rank{rank}.jsonl").read_text().splitlines()]
        for rank in (0, 1)
    ]
    return done.returncode, done.stderr, lines


@pytest.mark.parametrize("kind", ["ddp", "zero", "fsdp"])
def test_right_runs_on_two_ranks_pass(tmp_path: Path, kind: str) -> None:
    code, text, lines = launched(tmp_path, kind, "none")
    assert code == 0, text
    for head, *violations in lines:
        assert head["verified"] == head["steps"] == 8
        assert not violations


@pytest.mark.parametrize("kind", ["fsdp"])
def test_a_flipped_bit_is_found_on_its_rank_at_its_step(tmp_path: Path, kind: str) -> None:
    code, _, lines = launched(tmp_path, kind, "flip")
    assert code != 0
    assert not lines[0][1:]
    first = lines[1][1]
    assert (first["rank"], first["step"], first["index"], first["wrong"]) == (1, 6, 3, 1)


@pytest.mark.parametrize("kind", ["ddp", "zero"])
def test_a_shard_with_another_rate_is_found_on_its_rank(tmp_path: Path, kind: str) -> None:
    code, _, lines = launched(tmp_path, kind, "rate")
    assert code != 0
    assert not lines[0][1:]
    first = lines[1][1]
    assert (first["rank"], first["step"]) == (1, 1)
    assert first["moved"] == "they moved 2 times as far as they should"


PARTING = """
import torch
import torch.distributed as dist
import momentum

dist.init_process_group("gloo")
p = torch.ones(5, requires_grad=True)
optimizer = torch.optim.SGD([p], lr=0.1, momentum=0.9)
with momentum.watch(optimizer) as report:
    for step in range(6):
        p.grad = torch.full((5,), float(step))
        optimizer.step()
        if step == 2 and dist.get_rank() == 1:
            p.data[0] += 1
print(report.parted)
dist.barrier()
"""


def test_replicas_that_part_are_told_with_the_step(tmp_path: Path) -> None:
    script = tmp_path / "parting.py"
    script.write_text(PARTING, encoding="utf-8")
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    done = subprocess.run(
        [*command, "--nproc-per-node", "2", str(script)],
        capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    told = "from step 4 on params[0] differs between ranks 0 and 1: replicas should stay equal"
    assert done.stdout.count(told) == 2, done.stderr
