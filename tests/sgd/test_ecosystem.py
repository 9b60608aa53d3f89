"""MomentumSGD among torch's own tools: schedulers, scaler, checkpoints, hooks, copies, closures."""

import contextlib
import copy
import io
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler

import momentum
from momentum.conventions import CONVENTIONS, Convention, get
from momentum.sgd import MomentumSGD

NAMES = [*CONVENTIONS, "scaled:before", "two_point:after"]
STEPS = 6


def parameters(dtype: torch.dtype = torch.float32) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    drawn = [torch.randn(shape, generator=generator).to(dtype) for shape in ((2, 3), (5,))]
    return [p.requires_grad_() for p in drawn]


def gradients(params: list[torch.Tensor], t: int) -> list[torch.Tensor]:
    generator = torch.Generator().manual_seed(1 + t)
    return [torch.randn(p.shape, generator=generator).to(p.dtype) for p in params]


def feed(params: list[torch.Tensor], t: int) -> None:
    for p, g in zip(params, gradients(params, t)):
        p.grad = g


def make(params: list[torch.Tensor], name: str = "accumulated") -> MomentumSGD:
    extra = {"nesterov": True, "dampening": 0.25, "nu": 0.75}
    takes = {k: x for k, x in extra.items() if k in get(name).takes}
    groups = [{"params": [params[0]]}, {"params": params[1:], "lr": 0.5}]
    return MomentumSGD(groups, name, lr=0.1, momentum=0.9, weight_decay=0.01, **takes)


def bits(params: list[torch.Tensor]) -> list[list[float]]:
    return [p.detach().flatten().tolist() for p in params]


def run(params: list[torch.Tensor], optimizer: torch.optim.Optimizer, steps: range) -> None:
    for t in steps:
        feed(params, t)
        optimizer.step()


def straight_on(name: str, dtype: torch.dtype) -> list[list[float]]:
    params = parameters(dtype)
    run(params, make(params, name), range(STEPS))
    return bits(params)


Pair = tuple[list[torch.Tensor], MomentumSGD]


def through_state_dict(params: list[torch.Tensor], optimizer: MomentumSGD) -> Pair:
    file = io.BytesIO()
    torch.save(optimizer.state_dict(), file)
    file.seek(0)
    fresh = [p.detach().clone().requires_grad_() for p in params]
    other = MomentumSGD([{"params": [p]} for p in fresh], lr=9.0)
    other.load_state_dict(torch.load(file, weights_only=True))
    return fresh, other


def through_live_state_dict(params: list[torch.Tensor], optimizer: MomentumSGD) -> Pair:
    fresh = [p.detach().clone().requires_grad_() for p in params]
    other = MomentumSGD([{"params": [p]} for p in fresh])
    saved = optimizer.state_dict()
    run(params, optimizer, range(2))  # what was saved stays as it was
    other.load_state_dict(saved)
    run(params, optimizer, range(2))  # and the two share nothing
    return fresh, other


WAYS: list[Callable[[list[torch.Tensor], MomentumSGD], Pair]] = [
    through_state_dict,
    through_live_state_dict,
    lambda params, optimizer: copy.deepcopy((params, optimizer)),
    lambda params, optimizer: pickle.loads(pickle.dumps((params, optimizer))),
]


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16], ids=str)
@pytest.mark.parametrize("way", WAYS, ids=["saved", "live", "deepcopy", "pickle"])
@pytest.mark.parametrize("name", NAMES)
def test_momentum_sgd_goes_on_bit_for_bit_after_a_copy_at_any_step(
    name: str, way: Callable[[list[torch.Tensor], MomentumSGD], Pair], dtype: torch.dtype
) -> None:
    wanted = straight_on(name, dtype)
    for interrupted in range(STEPS + 1):
        params = parameters(dtype)
        optimizer = make(params, name)
        run(params, optimizer, range(interrupted))
        params, optimizer = way(params, optimizer)
        assert all(s["v"].dtype == dtype for s in optimizer.state.values())
        run(params, optimizer, range(interrupted, STEPS))
        assert bits(params) == wanted


SCHEDULERS: dict[str, Callable[[Any], Any]] = {
    "one_cycle": lambda o: lr_scheduler.OneCycleLR(o, max_lr=[0.4, 0.3], total_steps=STEPS + 1),
    "cyclic": lambda o: lr_scheduler.CyclicLR(o, base_lr=0.1, max_lr=0.5, step_size_up=2),
    "step": lambda o: lr_scheduler.StepLR(o, step_size=2),
    "linear": lambda o: lr_scheduler.LinearLR(o, total_iters=4),
    "cosine": lambda o: lr_scheduler.CosineAnnealingLR(o, T_max=STEPS),
    "by_group": lambda o: lr_scheduler.LambdaLR(o, [lambda t: 1 / (t + 1), lambda t: t / 4]),
}


@pytest.mark.parametrize("lr", [0.2, torch.tensor(0.2)], ids=["number", "tensor"])
@pytest.mark.parametrize("scheduler", SCHEDULERS)
@pytest.mark.parametrize("name", ["accumulated", "scaled", "quasi_hyperbolic"])
def test_momentum_sgd_follows_a_scheduler(name: str, scheduler: str, lr: Any) -> None:
    params, given = parameters(), float(lr)
    start = [p.detach().numpy().copy() for p in params]
    optimizer = MomentumSGD([{"params": [p]} for p in params], name, lr=lr, momentum=0.9)
    schedule = SCHEDULERS[scheduler](optimizer)
    used: list[list[dict[str, float]]] = []
    iterates = []
    for t in range(STEPS):
        feed(params, t)
        used.append([{k: float(g[k]) for k in ("lr", "momentum")} for g in optimizer.param_groups])
        optimizer.step()
        schedule.step()
        iterates.append([p.detach().numpy().copy() for p in params])
    for i in range(len(params)):
        fed = [gradients(params, t)[i].numpy() for t in range(STEPS)]
        hyper = {k: [row[i][k] for row in used] for k in ("lr", "momentum")}
        exact = momentum.replay(name, start[i], fed, **hyper)
        assert exact.compare([row[i] for row in iterates]).passed
    assert len({tuple(row[0].items()) for row in used}) > 1
    assert float(lr) == given  # the caller's own tensor


def test_momentum_sgd_under_a_gradient_scaler_passes_by_the_steps_that_overflow() -> None:
    p = parameters()[0]
    start, optimizer = p.detach().numpy().copy(), MomentumSGD([p], lr=0.1, momentum=0.9)
    scaler = torch.amp.GradScaler("cpu", init_scale=8.0, growth_interval=2)
    fed: list[Any] = []
    iterates = []
    for t in range(STEPS):
        g = gradients([p], t)[0]
        broken = t in (0, 3)
        optimizer.zero_grad()
        scaler.scale((p * (g * float("inf") if broken else g)).sum()).backward()
        scaler.step(optimizer)
        scaler.update()
        fed.append(None if broken else g.numpy())
        iterates.append(p.detach().numpy().copy())
    assert momentum.replay("torch", start, fed, lr=0.1, momentum=0.9).compare(iterates).passed


def test_momentum_sgd_calls_step_hooks_before_and_after() -> None:
    params = parameters()
    optimizer, calls = make(params), []
    before = optimizer.register_step_pre_hook(lambda o, args, kwargs: calls.append(bits(params)))
    optimizer.register_step_post_hook(lambda o, args, kwargs: calls.append(bits(params)))
    wanted = [bits(params)]
    run(params, optimizer, range(1))
    wanted.append(bits(params))
    assert calls == wanted
    before.remove()
    run(params, optimizer, range(1))
    assert len(calls) == 3


def quadratic(p: torch.Tensor) -> torch.Tensor:
    return (torch.tensor([0.5, 2.0], dtype=torch.float64) * p**2).sum()


# Its weights are divided by: no dyadic numbers, so no exact arithmetic in float64.
DYADIC = [name for name in CONVENTIONS if name != "averaged_debiased"]


@pytest.mark.parametrize("with_closure", [True, False])
@pytest.mark.parametrize("name", DYADIC)
def test_momentum_sgd_takes_closed_loops_gradients_where_the_convention_does(
    name: str, with_closure: bool
) -> None:
    """Powers of two and few steps: float64 computes without rounding."""
    p = torch.tensor([-5.0, -2.0], dtype=torch.float64, requires_grad=True)
    start, optimizer = p.detach().numpy().copy(), MomentumSGD([p], name, lr=0.25, momentum=0.5)
    iterates = []
    for _ in range(8):

        def closure() -> float:
            optimizer.zero_grad()
            loss = quadratic(p)
            loss.backward()
            return loss.item()

        if with_closure:
            assert isinstance(optimizer.step(closure), float)
        else:
            with optimizer.look_ahead():
                closure()
            optimizer.step()
        iterates.append(p.tolist())
    exact = momentum.replay(
        name, start, lambda x: x * np.array([1, 4]), lr=0.25, momentum=0.5, dtype="float64",
        tier="exact", steps=8,
    )  # fmt: skip
    assert iterates == exact.values.tolist()


def test_momentum_sgd_look_ahead_brings_parameters_back_bit_for_bit() -> None:
    params = parameters()
    optimizer = make(params, "look_ahead")
    run(params, optimizer, range(3))
    home, places = bits(params), [p.data_ptr() for p in params]
    with contextlib.suppress(KeyError), optimizer.look_ahead():
        assert bits(params) != home
        with pytest.raises(RuntimeError, match=r"step\(\) inside look_ahead\(\)"):
            optimizer.step()
        with pytest.raises(RuntimeError, match=r"look_ahead\(\) inside"), optimizer.look_ahead():
            pass
        raise KeyError
    assert bits(params) == home
    assert [p.data_ptr() for p in params] == places
    optimizer.step()


def test_momentum_sgd_keeps_a_convention_that_has_no_name() -> None:
    def gradient_descent(theta: Any, grad: Any, state: Any, h: Any) -> Any:
        return theta - h.lr * grad, state._replace(step=state.step + 1, v=grad)

    own = Convention("own", gradient_descent, takes=frozenset())
    p = torch.zeros(2, requires_grad=True)
    optimizer = MomentumSGD([p], own, lr=0.5)
    p.grad = torch.tensor([1.0, -2.0])
    optimizer.step()
    assert p.tolist() == [-0.5, 1.0]
    assert optimizer.param_groups[0]["convention"] is own
    p.grad.zero_()
    assert optimizer.state[p]["v"].tolist() == [1.0, -2.0]  # a copy, though the rule kept `grad`


def test_two_that_are_loaded_from_one_state_share_no_memory() -> None:
    params = parameters(torch.float64)
    first = make(params, "accumulated")
    run(params, first, range(2))
    saved, held = first.state_dict(), []
    for _ in range(2):
        fresh = [p.detach().clone().requires_grad_() for p in params]
        other = make(fresh, "accumulated")
        other.load_state_dict(saved)
        kept = [x for p in fresh for x in other.state[p].values() if isinstance(x, torch.Tensor)]
        held += [x.data_ptr() for x in kept]
    assert len(set(held)) == len(held) == 2 * len(params)
