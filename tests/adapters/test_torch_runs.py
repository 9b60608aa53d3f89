"""Torch optimizers as subjects: what a run does, and what it shows of itself."""

import numpy as np
import pytest
import torch
from torch_started import SGD, H, ones, started

from momentum.adapters import adapt
from momentum.conventions import Hyper
from momentum.subjects.protocol import LAYOUTS, SubjectError


def test_run_takes_two_steps_worked_by_hand():
    run = started()
    run.step(ones(run))
    run.step(ones(run))  # v = 1, 1.5
    assert run.parameters()[0].tolist() == [-1.25, -1.25]


def test_run_feels_set_from_the_next_step_on():
    run = started()
    run.step(ones(run))
    run.set(H._replace(lr=0.25))
    run.step(ones(run))
    assert run.parameters()[0].tolist() == [-0.875, -0.875]


def test_run_keeps_groups_apart_and_skips_missing_gradients():
    start = [np.zeros(1), np.zeros(1), np.zeros(1)]
    run = started(hypers=(H, H._replace(lr=0.25)), start=start, groups=[1, 0, 1])
    run.step([np.ones(1), np.ones(1), None])
    assert [float(x[0]) for x in run.parameters()] == [-0.25, -0.5, 0.0]


def test_run_adds_a_group():
    run = started()
    run.add_group([np.ones(1)], H._replace(lr=0.25))
    run.step(ones(run))
    assert [x.tolist() for x in run.parameters()] == [[-0.5, -0.5], [0.75]]


def test_run_refuses_bad_numbers_with_value_error():
    with pytest.raises(ValueError, match="Invalid learning rate"):
        started(hypers=(Hyper(-0.5),))


def test_run_refuses_what_the_optimizer_does_not_take():
    with pytest.raises(ValueError, match="nu"):
        started(hypers=(H._replace(nu=0.5),))


@pytest.mark.parametrize("dtype", ["float32", "float64", "float16", "bfloat16"])
def test_run_holds_its_numbers_in_the_dtype(dtype):
    run = started(dtype=dtype)
    assert run.params[0].dtype == getattr(torch, dtype)
    run.step(ones(run))
    assert run.parameters()[0].tolist() == [-0.5, -0.5]


class Promoting(SGD):
    def step(self, closure=None):
        for p in self.param_groups[0]["params"]:
            p.data = p.data.double()


class Flattening(SGD):
    def step(self, closure=None):
        for p in self.param_groups[0]["params"]:
            p.data = p.data.reshape(-1)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (Promoting, "parameter 0 has become float64, was started as float32"),
        (Flattening, r"parameter 0 has shape \(4,\), was started as \(2, 2\)"),
    ],
)
def test_run_reports_parameters_that_are_no_longer_what_they_were(wrong, words):
    run = adapt(wrong, {}, "x").start([np.zeros((2, 2))], [Hyper(0.5)], "float32")
    run.step([np.ones((2, 2))])
    with pytest.raises(SubjectError, match=words):
        run.parameters()


def test_saved_state_is_a_snapshot():
    run, other = started(), started()
    run.step(ones(run))
    saved = run.save()
    run.step(ones(run))
    other.load(saved)
    other.step(ones(other))
    assert other.parameters()[0].tolist() == run.parameters()[0].tolist()


def test_hand_over_leaves_torch_buffers_shared():
    run, other = started(), started()
    run.step(ones(run))
    run.hand_over(other)
    buffers = [r.optimizer.state[r.params[0]]["momentum_buffer"] for r in (run, other)]
    assert buffers[0] is buffers[1]  # pytorch/pytorch#196083


@pytest.mark.parametrize("how", ["deepcopy", "pickle"])
def test_duplicate_goes_on_by_itself(how):
    run = started()
    run.step(ones(run))
    twin = run.duplicate(how)
    twin.step(ones(twin))
    assert run.parameters()[0].tolist() == [-0.5, -0.5]
    assert twin.parameters()[0].tolist() == [-1.25, -1.25]


def test_closure_is_called_by_the_optimizer_and_sets_the_gradients():
    run = started(start=(np.array([2.0, 3.0]), np.zeros(1)))
    returned, loss, calls = run.step_closure([np.array([1.0, -1.0]), None])
    assert (returned, loss, calls) == (-1.0, -1.0, 1)
    assert [x.tolist() for x in run.parameters()] == [[1.5, 3.5], [0.0]]


def test_scaled_step_skips_what_is_not_finite():
    run = started()
    assert not run.scaled_step([np.ones(2)], 8.0)
    assert run.scaled_step([np.array([np.inf, 1.0])], 4.0)
    assert run.parameters()[0].tolist() == [-0.5, -0.5]
    assert not run.scaled_step([np.ones(2)], 4.0)
    assert run.parameters()[0].tolist() == [-1.25, -1.25]


@pytest.mark.parametrize("tensor_lr", [False, True])
def test_scheduler_multiplies_the_learning_rate(tensor_lr):
    options = {"scheduler": (1.0, 0.5, 0.25), "tensor_lr": tensor_lr}
    run = started(hypers=(Hyper(0.5),), options=options)
    for _ in range(4):  # the last factor stays
        run.step(ones(run))
    assert run.parameters()[0].tolist() == [-1.0, -1.0]
    assert isinstance(run.optimizer.param_groups[0]["lr"], torch.Tensor) == tensor_lr


def test_tensor_learning_rate_is_filled_by_set():
    run = started(options={"tensor_lr": True})
    held = run.optimizer.param_groups[0]["lr"]
    run.set(Hyper(0.25))
    assert run.optimizer.param_groups[0]["lr"] is held
    assert float(held) == 0.25


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (2, 3, 2, 2)])
def test_layout_changes_no_number(layout, shape):
    start = np.arange(np.prod(shape, dtype=int), dtype=float).reshape(shape)
    options = {"layout": layout}
    run = started(hypers=(Hyper(1.0),), start=[start] * 3, options=options)
    assert [x.tolist() for x in run.parameters()] == [start.tolist()] * 3
    run.step([start] * 3)
    assert not any(x.any() for x in run.parameters())
    assert all((x == 7.0).all() for x in run.surroundings())


def test_strided_layout_has_surroundings():
    run = started(start=[np.zeros(3)] * 3, options={"layout": "strided"})
    assert [x.size for x in run.surroundings()] == [3, 0, 3]


def test_place_writes_into_the_parameters_and_leaves_the_velocity():
    run = started(start=[np.zeros(1)])
    run.step(ones(run))
    before = run.storage()
    run.place([np.full(1, 8.0)])
    assert run.parameters()[0] == 8.0
    run.step(ones(run))
    assert run.storage() == before
    assert run.parameters()[0] == 8 - 0.5 * 1.5


def test_restart_builds_another_optimizer_for_the_same_parameters():
    fast = Hyper(0.25, 0.5)
    run = started(hypers=(H, fast), start=[np.zeros(1)] * 2, groups=[0, 1])
    run.add_group([np.zeros(1)], fast)
    run.step(ones(run))
    before, old = run.storage(), run.optimizer
    run.set(Hyper(1.0, 0.5), 0)
    run.restart()
    assert run.optimizer is not old
    assert run.storage() == before
    run.step(ones(run))
    assert [float(x[0]) for x in run.parameters()] == [-1.0, -0.5, -0.5]


def test_unknown_options_are_refused():
    with pytest.raises(SubjectError, match="colour"):
        started(options={"colour": "red"})
    with pytest.raises(ValueError, match="unknown layout 'spiral'"):
        started(options={"layout": "spiral"})


def test_mixed_dtypes_are_given_one_by_one():
    start = [np.zeros(1), np.zeros(1)]
    run = started(start=start, options={"dtypes": ("float64", "bfloat16")})
    assert [p.dtype for p in run.params] == [torch.float64, torch.bfloat16]


def test_sparse_gradient_counts_both_entries_of_a_place():
    run = started()
    run.step_sparse([np.array([0.0, 1.0])])
    assert run.parameters()[0].tolist() == [0.0, -0.5]


class Careless(SGD):
    """Keeps its gradients, with their graph, in its state and in a list."""

    kept = []

    def step(self, closure=None):
        for p in self.param_groups[0]["params"]:
            self.state[p]["v"] = p.grad + 0 * p
            self.kept.append(p.grad.clone())
            with torch.no_grad():
                p.grad.mul_(2)
                p.data = p - p.grad


def test_run_shows_what_a_careless_optimizer_does():
    run = started(Careless)
    before, living = run.storage(), run.live_objects()
    run.step(ones(run))
    assert run.fed()[0].tolist() == [2.0, 2.0]
    assert run.storage() != before
    assert run.graph_nodes() == 1
    assert run.state_bytes() == 8
    assert run.live_objects() >= living + 3
    run.overwrite_fed()
    assert np.isnan(run.fed()[0]).all()


def test_caller_dicts_show_what_torch_adds():
    run = started(hypers=(H, H), start=[np.zeros(1)] * 2, groups=[0, 1])
    before, after = run.caller_dicts()
    assert set(after[0]) - set(before[0]) == {"foreach", "fused", "differentiable"}


def test_foreign_states_are_three_and_differ_from_the_right_one():
    run = started()
    run.step(ones(run))
    states = run.foreign_state()
    assert len(states) == 3
    assert "exp_avg" in states["state of Adam"][1]["state"][0]
    with pytest.raises(ValueError, match="parameter group"):
        started().load(states["one parameter fewer"])


def test_a_scaled_step_shows_memory_that_is_never_written():
    class Unwritten(SGD):
        def step(self, closure=None):
            for group in self.param_groups:
                for p in group["params"]:
                    p.data.add_(torch.empty_like(p))

    run = started(Unwritten)
    run.scaled_step(ones(run), 2.0)
    assert np.isnan(run.parameters()[0]).all()
    assert not torch.are_deterministic_algorithms_enabled()
