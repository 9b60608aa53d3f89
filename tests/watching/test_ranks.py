"""Two ranks with gloo: replicas, sharded optimizers and sharded parameters, right and wrong."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("torch")

from momentum.doors.explain import explain
from momentum.watching import WatchReport, merging, records

HERE = Path(__file__).parent
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
WATCH = [*TORCHRUN, "-m", "momentum", "watch"]


def launched(command: list[str], folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=400, check=False, cwd=folder
    )


STEP_AND_CAUSE = {
    "rate": (1, "they moved 2 times as far as they should"),
    "flip": (6, "its velocity is off by 2^"),
    "tail": (6, "they were left as they were"),
    "unscaled": (6, "the gradient acted 1024 times, as one that is not unscaled"),
    "stale": (6, "the velocity is that from before the loaded state"),
}
FIRST = {"ddp": "0.weight", "zero": "2.weight", "fsdp": "0.weight"}  # of rank 1
FLIPPED = {"ddp": (0, 3), "zero": (0, 3), "fsdp": (15, 3)}  # fsdp: rank 1 has rows 15 to 29


@pytest.mark.parametrize("kind", FIRST)
def test_right_runs_pass_and_planted_defects_are_placed_and_named(
    tmp_path: Path, kind: str
) -> None:
    done = launched([*TORCHRUN, str(HERE / "planted.py"), kind, str(tmp_path)])
    assert done.returncode == 0, done.stderr

    def found(defect: str) -> list[WatchReport]:
        return [records.read(tmp_path / f"{defect}.rank{rank}.jsonl") for rank in (0, 1)]

    right = found("none")
    assert all(report.passed and report.verified == 8 for report in right), right
    assert merging.retell(right).startswith("passed: 2 of 2 ranks left a report")
    for defect, (step, cause) in STEP_AND_CAUSE.items():
        innocent, guilty = found(defect)
        assert not innocent.violations, innocent
        first = guilty.violations[0]
        assert (first.rank, first.step, first.parameter) == (1, step, FIRST[kind]), defect
        assert first.cause.startswith(cause), defect
        told = merging.retell([guilty, innocent])
        assert told.startswith("FAILED: 2 of 2 ranks left a report")
        assert f"step {step}, rank 1, group 0, {FIRST[kind]}[" in told
    assert found("flip")[1].violations[0].coordinate == FLIPPED[kind]
    words = "rank 0 loaded a state after step 5, and rank 1 did not"
    assert [report.parted for report in found("unloaded")] == [words, words]
    assert words in merging.retell(found("unloaded"))
    words = "after step 5 rank 0 loaded the velocities that it had, and rank 1 others"
    assert [report.parted for report in found("older")] == [words, words]


PAGE = (HERE.parents[1] / "docs" / "watch.md").read_text(encoding="utf-8")
SCRIPTS = re.findall(r"^```python no-run\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
SHARDING = {
    name: text
    for name in ("DistributedDataParallel(", "ZeroRedundancyOptimizer(", "fully_shard(")
    for text in SCRIPTS
    if "init_process_group" in text and name in text
    if not (name == "DistributedDataParallel(" and "ZeroRedundancyOptimizer(" in text)
}


@pytest.mark.parametrize("name", SHARDING)
def test_the_scripts_of_the_page_pass_under_torchrun(tmp_path: Path, name: str) -> None:
    assert len(SHARDING) == 3
    assert len(SHARDING[name].splitlines()) <= 12
    (tmp_path / "train.py").write_text(SHARDING[name], encoding="utf-8")
    done = launched(
        [*WATCH, "--jsonl", "found.jsonl", "--html", "found.html", "train.py"], tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("passed: SGD held to accumulated, 20 of 20 steps verified") == 2
    left = [tmp_path / f"found.rank{rank}.jsonl" for rank in (1, 0)]
    told = explain(left, tmp_path / "all.html")
    assert told.startswith("passed: 2 of 2 ranks left a report")
    assert {x.name for x in tmp_path.glob("*.html")} == {
        "all.html", "found.rank0.html", "found.rank1.html",
    }  # fmt: skip


PARTING = """
import os, torch
import torch.distributed as dist

dist.init_process_group("gloo")
p = torch.ones(5, requires_grad=True)
optimizer = torch.optim.SGD([p], lr=0.1, momentum=0.9)
for step in range(6):
    p.grad = torch.full((5,), float(step))
    optimizer.step()
    if step == 2 and dist.get_rank() == 1:
        p.data[0] += 1
    if step == 4 and {dies}:
        dist.barrier()
        dist.get_rank() == 1 and os._exit(3)
dist.barrier()
dist.destroy_process_group()
"""


def test_groups_that_are_freed_at_once_do_not_hang(tmp_path: Path) -> None:
    """A thread of the group gets Python's lock only where the main thread waits for something."""
    (tmp_path / "train.py").write_text(
        "import sys\n"
        "import torch\n"
        "import torch.distributed as dist\n"
        "sys.setswitchinterval(50)\n"
        "dist.init_process_group('gloo')\n"
        "net = torch.nn.parallel.DistributedDataParallel(torch.nn.Linear(8, 4))\n"
        "optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)\n"
        "net(torch.ones(16, 8)).sum().backward()\n"
        "optimizer.step()\n"
        "dist.destroy_process_group()\n"
    )
    done = launched([*WATCH, "train.py"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("1 of 1 steps verified") == 2, done.stderr


def test_replicas_that_part_are_told_with_the_step(tmp_path: Path) -> None:
    (tmp_path / "parting.py").write_text(PARTING.format(dies=False), encoding="utf-8")
    done = launched([*WATCH, "parting.py"], tmp_path)
    told = "from step 4 on params[0] differs between ranks 0 and 1: replicas should stay equal"
    assert done.stderr.count(told) == 2, done.stderr
    assert done.returncode != 0


def test_a_rank_that_dies_leaves_lines_that_are_merged(tmp_path: Path) -> None:
    (tmp_path / "dying.py").write_text(PARTING.format(dies=True), encoding="utf-8")
    done = launched([*WATCH, "--jsonl", "w.jsonl", "dying.py"], tmp_path)
    assert done.returncode != 0
    lines = [json.loads(x) for x in (tmp_path / "w.rank1.jsonl").read_text().splitlines()]
    assert [x["step"] for x in lines if x["record"] == "step"] == [1, 2, 3, 4, 5]
    told = explain(sorted(tmp_path.glob("w.rank*.jsonl")), None)
    assert "rank 1 ended early, after step 5 at the soonest" in told
    assert "from step 4 on params[0] differs between ranks 0 and 1" in told
    one = explain([tmp_path / "w.rank0.jsonl"], None)
    assert "nothing from rank 1: one wrong rank was missed with probability 0.5" in one
