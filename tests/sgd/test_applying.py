"""Large parameters are stepped block by block to the same bits; shown state stays as it was."""

import copy
import shutil

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

import momentum
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


def test_no_step_asks_a_tensor_rate_for_its_number(monkeypatch: pytest.MonkeyPatch) -> None:
    p = torch.nn.Parameter(torch.ones(3))
    optimizer = MomentumSGD([p], lr=torch.tensor(0.5), momentum=0.5, weight_decay=0.25)
    p.grad = torch.zeros(3)

    def refuse(self: torch.Tensor) -> float:
        raise AssertionError("a tensor is asked for its number")

    with monkeypatch.context() as patch:
        for name in ("__float__", "item", "__bool__", "tolist"):
            patch.setattr(torch.Tensor, name, refuse)
        for _ in range(2):
            optimizer.step()
    assert p.tolist() == [0.703125] * 3  # 1 - 1/8 = 7/8; v = 1/8 + 7/32 = 11/32; 7/8 - 11/64


def test_steps_of_many_parameters_make_no_temporary_of_the_size_of_a_large_one() -> None:
    """Of the tensors made in a step, none is larger than a block; parameter and velocity stay."""
    p = torch.nn.Parameter(torch.ones(3 * BLOCK))
    p.grad = torch.ones_like(p)
    optimizer = MomentumSGD([p], lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True)
    optimizer.step()
    v = optimizer.state[p]["v"]
    places = p.data_ptr(), v.data_ptr()
    made: list[int] = []

    class Made(TorchDispatchMode):
        def __torch_dispatch__(self, func, types, args=(), kwargs=None):  # type: ignore[no-untyped-def]
            found = func(*args, **(kwargs or {}))
            if isinstance(found, torch.Tensor) and found.data_ptr() not in {
                x.data_ptr() for x in args if isinstance(x, torch.Tensor)
            }:
                made.append(found.numel())
            return found

    with Made():
        optimizer.step()
    assert made
    assert max(made) <= BLOCK
    assert (p.data_ptr(), optimizer.state[p]["v"].data_ptr()) == places


@pytest.mark.skipif(shutil.which("g++") is None, reason="torch.compile needs a C++ compiler")
def test_a_compiled_step_agrees_with_the_oracle() -> None:
    generator = torch.Generator().manual_seed(3)
    params = [torch.nn.Parameter(torch.randn(40, generator=generator)) for _ in range(2)]
    start = params[1].detach().numpy().copy()
    rates = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.01, "nesterov": True}
    optimizer = MomentumSGD(params, compile=True, **rates)
    fed, seen = [], []
    for _ in range(3):
        for p in params:
            p.grad = torch.randn(40, generator=generator)
        fed.append(params[1].grad.numpy().copy())
        optimizer.step()
        seen.append(params[1].detach().numpy().copy())
    assert momentum.replay("accumulated", start, fed, **rates).compare(seen).passed


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_steps_have_the_same_bits_whether_the_state_was_shown_or_not(dtype: torch.dtype) -> None:
    ends = []
    for shown in (False, True):
        generator = torch.Generator().manual_seed(5)
        p = torch.nn.Parameter(torch.randn(7, generator=generator).to(dtype))
        optimizer = MomentumSGD([p], lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.1)
        for _ in range(6):
            p.grad = torch.randn(7, generator=generator).to(dtype)
            optimizer.step()
            if shown:
                optimizer.state_dict()
        ends.append(p.detach().clone())
    assert torch.equal(*ends)
