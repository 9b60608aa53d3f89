"""Large parameters are stepped block by block to the same bits; shown state stays as it was."""

import copy

import pytest
import torch

from momentum.sgd import MomentumSGD
from momentum.sgd._applying import BLOCK


@pytest.mark.parametrize("convention", ["accumulated", "averaged_debiased", "two_point"])
def test_blocks_give_the_bits_of_the_whole_in_pieces(convention: str) -> None:
    generator = torch.Generator().manual_seed(0)
    size, cut = BLOCK + 1000, BLOCK // 2
    start = torch.randn(size, generator=generator)
    large, *small = (torch.nn.Parameter(x.clone()) for x in (start, start[:cut], start[cut:cut * 2],
                                                              start[cut * 2:]))  # fmt: skip
    ends = []
    for params in ([large], small):
        optimizer = MomentumSGD(params, convention, lr=0.1, momentum=0.9, weight_decay=0.01)
        gradients = torch.Generator().manual_seed(1)
        for _ in range(3):
            whole = torch.randn(size, generator=gradients)
            for p, g in zip(params, whole.split([len(p) for p in params])):
                p.grad = g.clone()
            optimizer.step()
        ends.append(torch.cat([p.detach() for p in params]))
    assert torch.equal(*ends)


def test_a_state_that_was_shown_is_not_written_to() -> None:
    p = torch.nn.Parameter(torch.ones(BLOCK + 1))
    p.grad = torch.ones_like(p)
    optimizer = MomentumSGD([p], lr=0.1, momentum=0.9)
    optimizer.step()
    shown = optimizer.state_dict()
    before = copy.deepcopy(shown)
    address = p.data_ptr()
    for _ in range(3):
        optimizer.step()
    assert torch.equal(shown["state"][0]["v"], before["state"][0]["v"])
    assert not torch.equal(optimizer.state[p]["v"], before["state"][0]["v"])
    assert p.data_ptr() == address
