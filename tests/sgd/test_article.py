"""The article's function: its numbers, its manners, and what it refuses."""

from typing import Any

import pytest
import torch

from momentum.sgd import init_momentum_states, sgd_momentum

TRACES = [(0.4, 0.5, ["-0.062843", "0.001202"]), (0.6, 0.5, ["0.007188", "0.002553"])]


@pytest.mark.parametrize(("lr", "gamma", "printed"), TRACES)
def test_sgd_momentum_traces_the_articles_function(
    lr: float, gamma: float, printed: list[str]
) -> None:
    x = torch.tensor([-5.0, -2.0], dtype=torch.float64, requires_grad=True)
    v = torch.zeros_like(x)
    for _ in range(20):
        x.grad = None
        (torch.tensor([0.1, 2.0], dtype=torch.float64) * x**2).sum().backward()
        sgd_momentum([x], [v], {"lr": lr, "momentum": gamma})
    assert [f"{number:.6f}" for number in x.tolist()] == printed


def test_sgd_momentum_keeps_storage_and_passes_by_what_has_no_gradient() -> None:
    w, b = torch.ones(5, 1, requires_grad=True), torch.ones(1, requires_grad=True)
    states = init_momentum_states()
    places = [x.data_ptr() for x in (w, b, *states)]
    w.grad = torch.ones(5, 1)
    sgd_momentum([w, b], states, {"lr": 0.5, "momentum": 0.5})
    assert [x.data_ptr() for x in (w, b, *states)] == places
    assert w.flatten().tolist() == [0.5] * 5
    assert states[0].flatten().tolist() == [0.5] * 5
    assert (b.item(), states[1].item()) == (1.0, 0.0)
    assert torch.equal(w.grad, torch.ones(5, 1))


@pytest.mark.parametrize("features", [3, torch.empty(10, 3)])
def test_init_momentum_states_takes_a_number_or_the_matrix(features: Any) -> None:
    assert [tuple(v.shape) for v in init_momentum_states(features)] == [(3, 1), (1,)]
    assert not any(v.any() for v in init_momentum_states(features))


@pytest.mark.parametrize("features", [0, -1, 2.0, True, "5", torch.empty(3)])
def test_init_momentum_states_refuses_what_is_no_number_of_features(features: Any) -> None:
    with pytest.raises(ValueError, match="wanted a number from 1 on, or a matrix"):
        init_momentum_states(features)


GOOD = {"lr": 0.5, "momentum": 0.5}
BAD = [
    ({"momentum": 0.5}, "hyperparams: no lr"),
    ({"lr": 0.5}, "hyperparams: no momentum"),
    (GOOD | {"nesterov": True}, "hyperparams has nesterov: wanted lr and momentum only"),
    (GOOD | {"lr": float("nan")}, "lr = nan, wanted one finite number, at least 0"),
    (GOOD | {"lr": float("inf")}, "lr = inf"),
    (GOOD | {"lr": -0.5}, "lr = -0.5"),
    (GOOD | {"lr": "0.5"}, "lr = '0.5'"),
    (GOOD | {"lr": None}, "lr = None"),
    (GOOD | {"lr": torch.zeros(2)}, "lr = tensor"),
    (GOOD | {"momentum": float("nan")}, "momentum = nan"),
    (GOOD | {"momentum": -1}, "momentum = -1"),
]


@pytest.mark.parametrize(("hyperparams", "message"), BAD)
def test_sgd_momentum_refuses_bad_hyper_parameters(
    hyperparams: dict[str, Any], message: str
) -> None:
    p = torch.ones(2, requires_grad=True)
    p.grad = torch.ones(2)
    with pytest.raises(ValueError, match=message):
        sgd_momentum([p], [torch.zeros(2)], hyperparams)
    assert p.tolist() == [1.0, 1.0]


@pytest.mark.parametrize("states", [[], [torch.zeros(1)], [torch.zeros(2), torch.zeros(2)]])
def test_sgd_momentum_refuses_states_that_do_not_fit(states: list[torch.Tensor]) -> None:
    p = torch.ones(2, requires_grad=True)
    with pytest.raises(ValueError, match=r"states for 1 parameters|shape \(1,\), wanted \(2,\)"):
        sgd_momentum([p], states, GOOD)
