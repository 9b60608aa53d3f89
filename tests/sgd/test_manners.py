"""What MomentumSGD leaves alone, and what it refuses."""

import copy
import math
from typing import Any

import pytest
import torch

import momentum
from momentum.conventions import CONVENTIONS
from momentum.sgd import MomentumSGD


def parameter(values: Any = (1.0, 2.0), grad: Any = (0.5, -0.5)) -> torch.Tensor:
    p = torch.tensor(values).requires_grad_()
    p.grad = None if grad is None else torch.tensor(grad)
    return p


BAD = [
    ({"lr": math.nan}, "lr = nan, wanted one finite number, at least 0"),
    ({"lr": math.inf}, "lr = inf"),
    ({"lr": -0.1}, "lr = -0.1"),
    ({"lr": None}, "lr = None"),
    ({"lr": "0.1"}, "lr = '0.1'"),
    ({"lr": True}, "lr = True"),
    ({"lr": 10**400}, "lr = 1000"),
    ({"lr": torch.zeros(2)}, "lr = tensor"),
    ({"lr": torch.tensor(math.nan)}, "lr = tensor"),
    ({"momentum": math.nan}, "momentum = nan"),
    ({"momentum": -0.1}, "momentum = -0.1"),
    ({"dampening": math.inf}, "dampening = inf"),
    ({"dampening": -1}, "dampening = -1"),
    ({"weight_decay": math.nan}, "weight_decay = nan"),
    ({"weight_decay": -1.0}, "weight_decay = -1.0"),
    ({"nu": math.nan}, "nu = nan, wanted one finite number$"),
    ({"nesterov": "yes"}, "nesterov = 'yes', wanted True or False"),
    ({"maximize": None}, "maximize = None, wanted True or False"),
    ({"convention": "scald"}, "unknown convention 'scald'"),
    ({"convention": "scaled:soon"}, "unknown weight decay 'soon'"),
    ({"convention": 0.1}, "convention = 0.1, wanted a name or a Convention"),
    ({"convention": "scaled", "dampening": 0.5}, "scaled has no dampening: got dampening=0.5"),
    ({"convention": "look_ahead", "nesterov": True}, "look_ahead has no nesterov"),
    ({"convention": "accumulated", "nu": 0.5}, "accumulated has no nu"),
    ({"convention": "averaged_debiased", "momentum": 1.0}, "divides by zero with momentum = 1.0"),
]


@pytest.mark.parametrize(("options", "message"), BAD)
def test_momentum_sgd_refuses_bad_hyper_parameters_of_defaults_and_groups(
    options: dict[str, Any], message: str
) -> None:
    with pytest.raises(ValueError, match=f"^defaults: .*{message}"):
        MomentumSGD([parameter()], **options)
    groups = [{"params": [parameter()]}, {"params": [parameter()], **options}]
    with pytest.raises(ValueError, match=f"^parameter group 1: .*{message}"):
        MomentumSGD(groups)
    optimizer = MomentumSGD([parameter()])
    with pytest.raises(ValueError, match=f"^parameter group 1: .*{message}"):
        optimizer.add_param_group({"params": [parameter()], **options})
    assert len(optimizer.param_groups) == 1


@pytest.mark.parametrize("name", ["lr", "momentum", "dampening", "weight_decay", "nu"])
def test_momentum_sgd_refuses_a_nan_of_mid_run_before_anything_moves(name: str) -> None:
    first, second = parameter(), parameter()
    optimizer = MomentumSGD([{"params": [first]}, {"params": [second]}])
    optimizer.param_groups[1][name] = math.nan
    with pytest.raises(ValueError, match=f"^parameter group 1: {name} = nan"):
        optimizer.step()
    assert first.tolist() == second.tolist() == [1.0, 2.0]
    assert not optimizer.state


def test_momentum_sgd_refuses_parameters_given_twice() -> None:
    p, q = parameter(), parameter()
    with pytest.raises(ValueError, match=r"parameter group 0: params\[2\] was given before"):
        MomentumSGD([p, q, p])
    with pytest.raises(ValueError, match="more than one parameter group"):
        MomentumSGD([{"params": [p]}, {"params": [p]}])


@pytest.mark.parametrize("group", [{"lr": 0.1}, [1], None])
def test_momentum_sgd_refuses_what_is_no_parameter_group(group: Any) -> None:
    with pytest.raises(ValueError, match="a parameter group is a dict with params"):
        MomentumSGD([parameter()]).add_param_group(group)


def trained(shape: tuple[int, ...] = (2,), convention: str = "accumulated") -> MomentumSGD:
    p = torch.ones(shape, requires_grad=True)
    p.grad = torch.ones(shape)
    optimizer = MomentumSGD([p], convention, lr=0.1, momentum=0.9)
    optimizer.step()
    return optimizer


def of_torch() -> dict[str, Any]:
    p = parameter()
    optimizer = torch.optim.SGD([p], lr=0.1, momentum=0.9)
    optimizer.step()
    return optimizer.state_dict()


def tampered(**changes: Any) -> dict[str, Any]:
    saved = trained().state_dict()
    saved["state"][0] = saved["state"][0] | changes
    return saved


FOREIGN = [
    (of_torch(), "convention = None"),
    ({}, "state_dict has no param_groups, state"),
    (trained((3,)).state_dict(), r"params\[0\]: v has shape \(3,\), wanted a tensor of .*\(2,\)"),
    (tampered(momentum_buffer=1), "state of step, v, momentum_buffer, but convention accumulated"),
    (tampered(v=None), "v is None, wanted a tensor"),
    (trained().state_dict() | {"state": {0: torch.zeros(2)}}, "state of tensor"),
    (
        trained().state_dict() | {"state": {7: {}}},
        r"state of parameters that are in no group: \{7\}",
    ),
    (trained().state_dict() | {"param_groups": []}, "different number of parameter groups"),
]


@pytest.mark.parametrize(("saved", "message"), FOREIGN)
def test_momentum_sgd_refuses_a_foreign_state_and_stays_as_it_was(
    saved: dict[str, Any], message: str
) -> None:
    optimizer = trained()
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(ValueError, match=message):
        optimizer.load_state_dict(saved)
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"]
    assert torch.equal(after["state"][0]["v"], before["state"][0]["v"])


def test_momentum_sgd_refuses_a_convention_that_its_state_does_not_fit() -> None:
    optimizer = trained()
    optimizer.param_groups[0]["convention"] = "averaged_debiased"
    with pytest.raises(ValueError, match="averaged_debiased keeps step, v, weight"):
        optimizer.step()


@pytest.mark.parametrize("lr", [0.1, torch.tensor(0.1)], ids=["number", "tensor"])
def test_momentum_sgd_leaves_the_callers_groups_alone(lr: Any) -> None:
    group = {"params": iter([parameter()]), "lr": lr}
    optimizer = MomentumSGD([group])
    late = {"params": parameter(), "momentum": 0.5, "name": "late"}
    optimizer.add_param_group(late)
    assert set(group) == {"params", "lr"}
    assert set(late) == {"params", "momentum", "name"}
    assert group["lr"] is lr
    assert optimizer.param_groups[0]["lr"] is not lr or isinstance(lr, float)
    assert optimizer.param_groups[1]["name"] == "late"


def test_momentum_sgd_steps_a_late_group_as_a_new_one() -> None:
    first, late = parameter(), parameter()
    optimizer = MomentumSGD([first], lr=0.5, momentum=0.5)
    optimizer.step()
    optimizer.add_param_group({"params": [late], "momentum": 0.0})
    optimizer.step()
    g = [0.5, -0.5]
    for p, fed, gamma in ((first, [g, g], 0.5), (late, [None, g], 0.0)):
        exact = momentum.replay("torch", [1.0, 2.0], fed, lr=0.5, momentum=gamma)
        assert p.tolist() == exact.values[-1].tolist()  # dyadic numbers: no rounding


@pytest.mark.parametrize("name", CONVENTIONS)
def test_momentum_sgd_keeps_no_graph_no_gradient_and_the_parameters_storage(name: str) -> None:
    p = torch.ones(4, requires_grad=True)
    optimizer, place = MomentumSGD([p], name, lr=0.1, momentum=0.5), p.data_ptr()
    for _ in range(3):
        (p.grad,) = torch.autograd.grad((p**3).sum(), [p], create_graph=True)
        optimizer.step()
        v = optimizer.state[p]["v"]
        assert p.data_ptr() == place
        assert v.grad_fn is None
        assert not v.requires_grad
        assert v.data_ptr() not in (p.data_ptr(), p.grad.data_ptr())
        assert p.is_leaf


@pytest.mark.parametrize("name", CONVENTIONS)
def test_momentum_sgd_takes_a_sparse_gradient_as_the_dense_one(name: str) -> None:
    weights = []
    for sparse in (True, False):
        torch.manual_seed(0)
        table = torch.nn.Embedding(6, 2, sparse=sparse)
        optimizer = MomentumSGD(table.parameters(), name, lr=0.1, momentum=0.9, weight_decay=0.1)
        for words in ([0, 1, 1], [3], [5, 0]):
            optimizer.zero_grad()
            table(torch.tensor(words)).square().sum().backward()
            assert table.weight.grad.is_sparse == sparse
            optimizer.step()
        weights.append(table.weight.tolist())
    assert weights[0] == weights[1]


def test_momentum_sgd_passes_by_a_parameter_without_gradient() -> None:
    p = parameter()
    optimizer = MomentumSGD([p], lr=0.1, momentum=0.9, weight_decay=0.5)
    optimizer.step()
    values, kept = p.tolist(), optimizer.state[p]
    optimizer.zero_grad()
    optimizer.step()
    assert p.tolist() == values
    assert optimizer.state[p] is kept
