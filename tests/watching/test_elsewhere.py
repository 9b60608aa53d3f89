"""Tensors on another device: a watched step waits for it once at most.

torch's fake tensors have a device and no numbers, and raise where a number is asked for, as by
`.item()`. What the watch brings to the host is given back as zeros, under which every step passes.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import momentum
from momentum.watching import queue, reading

torch = pytest.importorskip("torch")
fake_tensor = pytest.importorskip("torch._subclasses.fake_tensor")


@pytest.mark.parametrize("every", [1, 4])
def test_a_watched_step_asks_its_device_for_numbers_once_at_most(
    every: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    moves: list[set[str]] = []

    def moved(parts: Sequence[Any]) -> list[Any]:
        moves.append({x.device.type for x in parts})
        return [np.zeros(x.numel(), dtype=np.float32) for x in parts]

    monkeypatch.setattr(queue, "moved_to_host", moved)
    with fake_tensor.FakeTensorMode(allow_non_fake_inputs=True):
        params = [torch.randn(n, device="cuda", requires_grad=True) for n in (5, 3000, 7)]
        rate = torch.tensor(0.1, device="cuda")
        with pytest.raises(fake_tensor.DataDependentOutputException):
            rate.item()
        # torch: SGD itself asks a rate that is a tensor for its number
        optimizer = torch.optim.SGD(params, lr=0.1, momentum=0.9, foreach=False)
        options: Any = {"every": every, "sample": 500, "redraw": 3}
        with momentum.watch(optimizer, hyper=lambda g: {**g, "lr": rate}, **options) as report:
            for step in range(9):
                for p in params[step % 2 :]:
                    p.grad = torch.randn(p.shape, device="cuda")
                before = len(moves)
                optimizer.step()
                assert len(moves) - before == (step % every == 0)
    assert report.steps == 9
    assert not report.violations
    assert moves[0] == {"cuda"}


def test_what_is_brought_to_the_host_comes_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    moves, own = [], torch.Tensor.cpu
    monkeypatch.setattr(torch.Tensor, "cpu", lambda x: (moves.append(x.numel()), own(x))[1])
    parts = [torch.arange(3), torch.ones(2, dtype=torch.bfloat16), torch.tensor([2.0**-30])]
    host = reading.moved_to_host(parts)
    assert moves == [6]
    assert [x.tolist() for x in host] == [[0, 1, 2], [1, 1], [2.0**-30]]
