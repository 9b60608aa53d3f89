"""What watching costs of a training step: ten million parameters, batches of 256, on the CPU.

Two equal trainings take turns in one process, one of them watched; the ratio of a turn is free of
what the machine does meanwhile. Wall time is what a user waits; processor time is steadier where
others use the machine, and leaves out what other threads could have done.
"""

from collections.abc import Callable
from itertools import pairwise
from time import perf_counter, process_time
from typing import Any

import pytest
import torch
from torch import nn

import momentum

WIDTHS = (1024, 2048, 2048, 1792, 10)
BATCH, ROUNDS = 256, 12
GOALS = {1: 1.10, 10: 1.03}


def training() -> tuple[torch.optim.Optimizer, Callable[[], None]]:
    torch.manual_seed(0)
    layers = [x for a, b in pairwise(WIDTHS) for x in (nn.Linear(a, b), nn.ReLU())][:-1]
    net = nn.Sequential(*layers)
    assert 9.9e6 < sum(p.numel() for p in net.parameters()) < 10.1e6
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=1e-4)
    x, y = torch.randn(BATCH, WIDTHS[0]), torch.randint(0, WIDTHS[-1], (BATCH,))

    def step() -> None:
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        optimizer.step()

    return optimizer, step


def timed(step: Callable[[], None], times: int) -> tuple[float, float]:
    wall, processor = perf_counter(), process_time()
    for _ in range(times):
        step()
    return perf_counter() - wall, process_time() - processor


@pytest.mark.benchmark(group="a watched step of ten million parameters")
@pytest.mark.parametrize("every", GOALS)
def test_watching(benchmark: Any, said: Callable[..., None], every: int) -> None:
    (_, plain), (optimizer, watched) = training(), training()
    ours: list[tuple[float, float]] = []
    theirs: list[tuple[float, float]] = []
    with momentum.watch(optimizer, every=every) as report:
        for step in (plain, watched):
            timed(step, every + 1)
        benchmark.pedantic(
            lambda: ours.append(timed(watched, every)),
            setup=lambda: theirs.append(timed(plain, every)),
            rounds=ROUNDS,
        )
    assert report.passed, str(report)
    for i, clock in enumerate(("wall", "processor")):
        ratios = [a[i] / b[i] for a, b in zip(ours, theirs)]
        said(f"watched step / step, every {every}, {clock} time", ratios, "times", GOALS[every])
    benchmark.extra_info |= {
        "threads": torch.get_num_threads(), "watched": report.watched,
        "torch": torch.__version__,
    }  # fmt: skip
