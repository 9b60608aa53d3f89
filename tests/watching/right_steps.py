"""Right trainings: paths, rates, scalers, closures and hooks."""

import io
import itertools
from collections.abc import Callable
from typing import Any

import pytest
from trainings import RIGHT, STEPS, batches, loss_of, model, nn, right, sgd, train, watched

import momentum

torch = pytest.importorskip("torch")


def plain(seed: int, dtype: Any, **options: Any) -> Callable[[], Any]:
    def run() -> Any:
        net = model(seed, dtype)
        optimizer = sgd(net, **options)
        with momentum.watch(optimizer) as report:
            train(net, optimizer)
        return report

    return run


SETTINGS: tuple[dict[str, Any], ...] = (
    {"momentum": 0.0},
    {},
    {"nesterov": True, "weight_decay": 0.01},
    {"momentum": 0.5, "dampening": 0.3, "maximize": True, "weight_decay": 0.1},
)


PATHS: tuple[dict[str, Any], ...] = ({"foreach": False}, {"foreach": True}, {"fused": True})


# torch: fused steps in half precision are wrong on the CPU, see the findings
RIGHT |= {
    f"{path}, {dtype}, {setting}": plain(seed, dtype, **path, **setting)
    for seed, (path, dtype, setting) in enumerate(
        itertools.product(PATHS, (torch.float32, torch.float64, torch.bfloat16), SETTINGS)
    )
    if not ("fused" in path and dtype == torch.bfloat16)
}


@right
def schedule_and_tensor_rate() -> Any:
    net = model()
    optimizer = sgd(net, lr=torch.tensor(0.1))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.2, total_steps=STEPS + 1)
    return watched(net, optimizer, lambda t: schedule.step() if t else None)


@right
def clipping_and_accumulation() -> Any:
    net = model()
    optimizer = sgd(net)
    with momentum.watch(optimizer) as report:
        for t, (x, y) in enumerate(batches()):
            loss_of(net, x, y).backward()
            if t % 2:
                nn.utils.clip_grad_norm_(net.parameters(), 0.1)
                optimizer.step()
                optimizer.zero_grad(set_to_none=False)
    return report


def scaled(**options: Any) -> Any:
    """Under a scaler, which leaves one step out."""
    net = model()
    optimizer = sgd(net, **options)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**10)
    with momentum.watch(optimizer) as report:
        for t, (x, y) in enumerate(batches()):
            optimizer.zero_grad()
            scaler.scale(loss_of(net, x, y)).backward()
            if t == 3:
                next(net.parameters()).grad[0] = torch.inf
            scaler.step(optimizer)
            scaler.update()
    return report


@right
def scaler_that_unscales_and_skips() -> Any:
    return scaled()


@right
def scaler_within_the_fused_step() -> Any:
    return scaled(fused=True)


@right
def autocast_and_checkpointing() -> Any:
    net = model()
    optimizer = sgd(net)
    with momentum.watch(optimizer) as report:
        for x, y in batches():
            optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16):
                out = torch.utils.checkpoint.checkpoint(net, x, use_reentrant=False)
            nn.functional.mse_loss(out.float(), y).backward()
            optimizer.step()
    return report


@right
def resumed_from_a_file() -> Any:
    net = model()
    optimizer = sgd(net)
    train(net, optimizer)
    file = io.BytesIO()
    torch.save({"net": net.state_dict(), "optimizer": optimizer.state_dict()}, file)
    file.seek(0)
    saved = torch.load(file)
    net, optimizer = (made := model(5)), sgd(made)
    with momentum.watch(optimizer) as report:
        train(net, optimizer)
        net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        train(net, optimizer)
    return report


@right
def a_compiled_step() -> Any:
    net = model()
    optimizer = sgd(net)
    step = torch.compile(optimizer.step, backend="aot_eager")
    with momentum.watch(optimizer) as report:
        for x, y in batches(steps=4):
            optimizer.zero_grad()
            loss_of(net, x, y).backward()
            step()
    assert report.steps == 4
    return report


@right
def closures() -> Any:
    net = model()
    optimizer = sgd(net, nesterov=True)
    with momentum.watch(optimizer) as report:
        for x, y in batches():

            def closure(x: Any = x, y: Any = y) -> Any:
                optimizer.zero_grad()
                loss = loss_of(net, x, y)
                loss.backward()
                return loss

            optimizer.step(closure)
    return report


@right
def momentum_through_zero() -> Any:
    net = model()
    optimizer = sgd(net, dampening=0.3)

    def change(t: int) -> None:
        optimizer.param_groups[0]["momentum"] = 0.0 if 3 <= t < 6 else 0.9

    return watched(net, optimizer, change, redraw=2)


@right
def hooks_that_clip_before_and_clamp_after() -> Any:
    net = model()
    optimizer = sgd(net)

    def clip(*_: Any) -> None:
        nn.utils.clip_grad_norm_(net.parameters(), 0.1)

    def clamp(*_: Any) -> None:
        for p in net.parameters():
            p.data.clamp_(-0.3, 0.3)

    def halve(*_: Any) -> None:
        net[0].weight.grad.mul_(0.5)

    optimizer.register_step_pre_hook(clip)
    optimizer.register_step_post_hook(clamp)
    with momentum.watch(optimizer) as report:
        optimizer.register_step_pre_hook(halve)
        train(net, optimizer)
    return report


@right
def rates_set_in_closures_and_steps() -> Any:
    class Decaying(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            loss = super().step(closure)
            self.param_groups[0]["lr"] *= 0.9
            return loss

    net = model()
    optimizer = Decaying(net.parameters(), lr=0.1, momentum=0.9)
    with momentum.watch(optimizer) as report:
        for t, (x, y) in enumerate(batches()):

            def closure(t: int = t, x: Any = x, y: Any = y) -> Any:
                optimizer.zero_grad()
                if t == 4:
                    optimizer.param_groups[0]["lr"] = 0.2
                loss = loss_of(net, x, y)
                loss.backward()
                return loss

            optimizer.step(closure)
    return report


def went_on(keep: Callable[[Any, Any], dict[str, Any]]) -> Any:
    """A training that loads its own state midway; keep: where a parameter's velocity stands."""

    class Own(torch.optim.Optimizer):
        def __init__(self, params: Any) -> None:
            super().__init__(params, {"lr": 0.1, "momentum": 0.9})
            self.beside: dict[Any, dict[str, Any]] = {}

        @torch.no_grad()
        def step(self, closure: Any = None) -> None:
            for p in self.param_groups[0]["params"]:
                if p.grad is not None:
                    held = keep(self, p)
                    held["own"] = 0.9 * held["own"] + p.grad if held else p.grad.clone()
                    p.sub_(held["own"], alpha=0.1)

    net = model()
    optimizer = Own(net.parameters())
    with momentum.watch(optimizer, "torch") as report:
        train(net, optimizer)
        before = report.verified
        optimizer.load_state_dict(optimizer.state_dict())
        train(net, optimizer)
    assert report.verified == before > 0  # nothing is claimed of a velocity that is not known
    return report


@right
def a_load_where_the_velocity_is_not_in_the_state() -> Any:
    return went_on(lambda optimizer, p: optimizer.beside.setdefault(p, {}))


@right
def a_load_where_the_velocity_has_a_name_of_its_own() -> Any:
    return went_on(lambda optimizer, p: optimizer.state[p])
