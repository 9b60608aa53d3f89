"""What people hand to the oracle, and what they read from it."""

from typing import Any

import numpy as np
import pytest

import momentum

torch = pytest.importorskip("torch")
CALL: dict[str, Any] = {"lr": 0.5, "momentum": 0.5}


def forms_of(x: list[float]) -> list[Any]:
    return [
        x,
        np.float32(x),
        torch.tensor(x),
        torch.tensor(x, dtype=torch.bfloat16, requires_grad=True),
    ]


@pytest.mark.parametrize("i", range(4))
def test_replay_and_compare_take_lists_arrays_and_tensors(i: int) -> None:
    start, grad, end = (forms_of(x)[i] for x in ([1.0, 2.0], [0.5, 1.0], [0.75, 1.5]))
    truth = momentum.replay("torch", start, [grad], **CALL)
    assert truth.values.tolist() == [[0.75, 1.5]]
    assert truth.compare([end]).passed


def test_an_array_of_tensors_is_one_of_their_numbers() -> None:
    start = np.empty((2, 1), dtype=object)
    for i, x in enumerate((1.0, 2.0)):
        start[i, 0] = torch.tensor(x, dtype=torch.bfloat16)  # which NumPy does not read
    assert momentum.replay("torch", start, [[[0.5], [1.0]]], **CALL).values.tolist() == [
        [[0.75], [1.5]]
    ]


@pytest.mark.parametrize("dtype", ["bfloat16", "torch.bfloat16", torch.bfloat16])
def test_dtype_takes_names_and_the_dtypes_of_libraries(dtype: Any) -> None:
    assert momentum.replay("torch", [1.0], [[1.0]], dtype=dtype, **CALL).dtype == "bfloat16"


def test_arrays_and_dtypes_of_ml_dtypes_are_taken() -> None:
    ml_dtypes = pytest.importorskip("ml_dtypes")
    start, grad = (np.array([x], dtype=ml_dtypes.bfloat16) for x in (1.0, 0.5))
    for dtype in (ml_dtypes.bfloat16, start.dtype):
        truth = momentum.replay("torch", start, [grad], dtype=dtype, **CALL)
        assert (truth.dtype, truth.values.tolist()) == ("bfloat16", [[0.75]])


@pytest.mark.parametrize("dtype", ["flaot32", np.int32, object(), torch.complex64])
def test_a_wrong_dtype_is_a_value_error_that_names_the_right_ones(dtype: Any) -> None:
    with pytest.raises(ValueError, match="float32"):
        momentum.replay("torch", [1.0], [[1.0]], dtype=dtype, **CALL)


def test_a_closed_loop_of_many_elements_sees_all_of_them() -> None:
    start = np.arange(20000.0)
    truth = momentum.replay("torch", start, lambda x: x - x.max(), lr=0.5, steps=1)
    assert truth.values[0].tolist() == (start - 0.5 * (start - 19999.0)).tolist()


def test_a_closed_loop_takes_its_length_from_a_sequence_of_rates() -> None:
    truth = momentum.replay("torch", [1.0], lambda x: x, lr=[0.5, 0.25, 0.125])
    assert [float(x[0]) for x in truth.values] == [0.5, 0.375, 0.328125]


def test_a_gradient_function_may_be_written_in_torch() -> None:
    truth = momentum.replay("torch", [1.0], lambda x: 2 * torch.tensor(x), lr=0.25, steps=2)
    assert truth.values[:, 0].tolist() == [0.5, 0.25]


def test_floats_among_rationals_get_an_error_that_helps() -> None:
    with pytest.raises(TypeError, match=r"momentum\.exact"):
        momentum.replay("torch", [1.0], lambda x: 0.1 * x, lr=0.5, steps=1, tier="exact")
    truth = momentum.replay(
        "torch", [1.0], lambda x: momentum.exact(0.5) * x, lr=0.5, steps=1, tier="exact"
    )
    assert truth.values.tolist() == [[0.75]]


def test_what_holds_no_numbers_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="real numbers"):
        momentum.replay("torch", ["one"], [[1.0]], **CALL)
    with pytest.raises(ValueError, match="real numbers"):
        momentum.replay("torch", [1.0], lambda x: ["one"], steps=1, **CALL)


def test_a_list_of_tensors_that_ask_for_gradients_is_a_value_error() -> None:
    torch = pytest.importorskip("torch")
    asking = torch.tensor(1.0, requires_grad=True)
    with pytest.raises(ValueError, match="real numbers"):
        momentum.replay("torch", [asking, asking], [[1.0, 1.0]], **CALL)


def test_a_comparison_prints_as_a_few_lines() -> None:
    truth = momentum.replay("torch", [1.0, 2.0], [[0.5, 1.0]] * 2, lr=0.5, momentum=0.0)
    said = str(truth.compare([[0.75, 1.5], [0.5, 1.25]])).splitlines()
    assert said[0] == "failed"
    assert said[1].startswith("trajectory: worst ratio")
    assert "step 2, coordinate 1" in said[1]
    assert said[3].startswith("power: the smallest relative error that would have failed: lr ")
    assert len(said) == 4
    assert str(truth.compare([[0.75, 1.5], [0.5, 1.0]])).startswith("passed")


@pytest.mark.parametrize("tier", ["fast", "exact"])
def test_a_gradient_function_may_have_none_at_a_step(tier: Any) -> None:
    """v = 1, 1, 1.5 at momentum 0.5, where the second step passes the parameter by."""
    answers = iter([np.ones(1), None, np.ones(1)])
    truth = momentum.replay(
        "accumulated", [1.0], lambda x: next(answers), lr=0.25, momentum=0.5, steps=3, tier=tier
    )
    assert truth.values.tolist() == [[0.75], [0.75], [0.375]]


def test_a_bound_counts_roundings_and_a_fast_one_those_of_its_own_value_too() -> None:
    """x takes part in one float64 sum, lr g in that sum and in a product, here and there."""
    case = {"start": [1.0], "gradients": [[1.0]], "lr": 0.3, "dtype": "float64"}
    fast, exact = (
        float(momentum.replay("accumulated", tier=tier, **case).bound[0, 0])
        for tier in ("fast", "exact")
    )
    own = (1 + 2 * 0.3) * 2.0**-53
    assert own <= exact <= own * (1 + 2.0**-20)
    assert own <= fast - exact <= own * (1 + 2.0**-20)
