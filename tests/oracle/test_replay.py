"""The oracle: its two tiers, its comparisons, and what it refuses."""

from typing import Any

import numpy as np
import pytest
from flint import fmpq
from hypothesis import given, settings
from hypothesis import strategies as st

import momentum
from momentum.arithmetic import FORMATS, exact, nearest
from momentum.conventions import CONVENTIONS, get

DTYPES = list(FORMATS)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    convention = draw(st.sampled_from(list(CONVENTIONS)))
    takes, dtype = CONVENTIONS[convention].takes, draw(st.sampled_from(DTYPES))
    steps = draw(st.integers(1, 6))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    shape = draw(st.sampled_from([(), (1,), (5,), (2, 3)]))
    decay = draw(st.sampled_from(["", ":before", ":simultaneous", ":after"]))
    return {
        "convention": convention + decay,
        "start": FORMATS[dtype].round(rng.standard_normal(shape)),
        "gradients": [FORMATS[dtype].round(rng.standard_normal(shape)) for _ in range(steps)],
        "lr": list(rng.uniform(0.01, 1, steps)),
        "momentum": list(rng.uniform(0.1, 0.99, steps)),
        "dampening": 0.3 if "dampening" in takes and draw(st.booleans()) else 0.0,
        "weight_decay": draw(st.sampled_from([0.0, 0.07])),
        "nesterov": "nesterov" in takes and draw(st.booleans()),
        "maximize": draw(st.booleans()),
        "nu": 0.7 if "nu" in takes else 1.0,
        "dtype": dtype,
    }


def test_a_rule_that_divides_is_rounded_rightly_where_its_numbers_run_away() -> None:
    """Weight decay of 2/lr doubles all errors at every step: balls need more and more bits."""
    rng, steps = np.random.default_rng(8), 120
    start, *grads = rng.standard_normal((steps + 1, 2))
    rates = {"lr": 4.0, "momentum": 0.3, "weight_decay": 0.75}
    truth = momentum.replay("averaged_debiased", start, grads, tier="exact", **rates)
    assert truth.exact is not None
    assert all(truth.values[-1] == [nearest(x) for x in truth.exact[-1]])
    assert truth.compare(list(truth.values)).trajectory.error[-1].max() > 0


def test_the_exact_tier_says_where_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("momentum.oracle.solving._LONG", 0.0)
    with pytest.warns(UserWarning, match="exact tier may take"):
        momentum.replay("torch", [0.0], [[1.0]], lr=0.5, tier="exact")


@given(cases())
@settings(max_examples=150)
def test_tiers_agree_within_the_bound(case: dict[str, Any]) -> None:
    """The fast value's own rounding is counted in its bound, which is never the smaller one."""
    fast = momentum.replay(**case)
    truth = momentum.replay(**case, tier="exact")
    assert np.all(np.abs(fast.values - truth.values) <= fast.bound)
    assert np.all(fast.bound >= truth.bound)


@given(cases())
def test_exact_tier_equals_the_rule_over_rationals(case: dict[str, Any]) -> None:
    """Coordinate 0 walked by the convention's own step, one number at a time."""
    truth = momentum.replay(**case, tier="exact")
    convention = get(case["convention"])
    theta, state = exact(case["start"].flat[0]), convention.initial
    for t, h in enumerate(truth.hypers):
        grad = exact(case["gradients"][t].flat[0])
        theta, state = convention.step(theta, grad, state, h.lifted(exact))
        assert truth.exact is not None
        assert truth.exact[t].flat[0] == theta
        assert truth.values[t].flat[0] == nearest(theta)


@given(cases())
def test_the_exact_trajectory_itself_passes(case: dict[str, Any]) -> None:
    truth = momentum.replay(**case, tier="exact")
    rounded = [FORMATS[case["dtype"]].round(x) for x in truth.values]
    # Rounding what is exact is one rounding, and every rule has at least that one.
    assert np.all(truth.compare(rounded).trajectory.ratio <= 1)


def test_replay_reproduces_the_articles_velocity_by_hand() -> None:
    """x = -5, -2; gradients 0.2 x1, 4 x2; lr 0.6, momentum 0.5; two steps worked by hand."""

    def gradient(x: Any) -> Any:
        return np.array([fmpq(1, 5) * x[0], fmpq(4) * x[1]], dtype=object)

    got = momentum.replay(
        "article", [-5.0, -2.0], gradient, lr=0.625, momentum=0.5, tier="exact", steps=2
    )
    # v1 = 0.625 (-1, -8) = (-5/8, -5); x1 = (-35/8, 3); the gradient -7/8 is rounded to float64.
    assert [str(x) for x in got.exact[0]] == ["-35/8", "3"]
    assert str(got.exact[1][1]) == "-2"  # v2 = -5/2 + 0.625 * 12 = 5


def test_closed_loop_takes_the_gradient_at_the_look_ahead_point() -> None:
    seen: list[float] = []

    def gradient(y: Any) -> Any:
        seen.append(float(y[0]))
        return y

    momentum.replay("look_ahead", [1.0], gradient, lr=0.5, momentum=0.5, steps=3)
    # x: 1, v = 1/2, x = 1/2; y = 1/4, v = 1/4 + 1/8 = 3/8, x = 1/8; y = 1/8 - 3/16 = -1/16.
    assert seen == [1.0, 0.25, -0.0625]


def test_a_missing_gradient_passes_parameter_and_velocity_by() -> None:
    got = momentum.replay("torch", [0.0], [[1.0], None, [0.0]], lr=1, momentum=0.5, tier="exact")
    assert [float(x[0]) for x in got.values] == [-1.0, -1.0, -1.5]
    compared = got.compare([[-1.0], [-1.0], [-1.5]])
    assert compared.passed
    assert compared.step.bound[1, 0] == 0


@pytest.mark.parametrize("tier", ["fast", "exact"])
def test_a_step_that_passes_by_is_judged_from_the_iterate_itself(tier: Any) -> None:
    start, gradients = [0.0625], [np.array([0.3]), None, np.array([0.1])]
    truth = momentum.replay("torch", start, gradients, lr=0.1, momentum=0.9, tier=tier)
    kept = np.float32(truth.values[0])
    assert truth.compare([kept, kept, np.float32(truth.values[2])]).passed
    assert not truth.compare([kept, np.nextafter(kept, 1), np.float32(truth.values[2])]).passed


def test_dyadic_numbers_leave_a_right_subject_no_error() -> None:
    got = momentum.replay("torch", [0.0], [[1.0], [0.0]], lr=1, momentum=0.5, tier="exact")
    assert np.all(got.compare([[-1.0], [-1.5]]).trajectory.error == 0)


def test_step_comparison_judges_late_steps_as_sharply_as_the_first() -> None:
    steps = 300
    rng = np.random.default_rng(3)
    grads = [np.float32(rng.standard_normal(4)).astype(np.float64) for _ in range(steps)]
    x, v, path = np.zeros(4, np.float32), np.zeros(4, np.float32), []
    for t, g in enumerate(grads):
        v = np.float32(0.9) * v + g.astype(np.float32)
        lr = np.float32(0.1 if t != steps - 1 else 0.1 * (1 + 2.0**-10))
        x = x - lr * v
        path.append(x.astype(np.float64))
    compared = momentum.replay("torch", np.zeros(4), grads, lr=0.1, momentum=0.9).compare(path)
    assert np.all(compared.trajectory.ratio <= 1)  # drowned in the bound of 300 steps
    assert np.all(compared.step.ratio[:-1] <= 1)
    assert compared.step.ratio[-1].max() > 10
    assert compared.step.worst[0] == steps - 1


@pytest.mark.parametrize("off_by", [8, 32])
def test_a_momentum_off_by_a_few_units_is_found_at_step_two(off_by: int) -> None:
    wrong = np.float32(0.9) + np.float32(off_by * 2.0**-24)
    x, v, path = np.zeros(1, np.float32), np.zeros(1, np.float32), []
    grads = [[1.0], [0.0], [0.0]]
    for g in np.float32(grads):
        v = wrong * v + g
        x = x - v
        path.append(x.astype(np.float64))
    compared = momentum.replay("torch", [0.0], grads, lr=1, momentum=0.9).compare(path)
    assert not compared.passed
    assert np.argmax(compared.trajectory.ratio.max(axis=1) > 1) == 1


def test_a_poisoned_coordinate_is_left_out_and_the_others_are_judged() -> None:
    grads = [[1.0, np.inf], [1.0, 1.0]]
    got = momentum.replay("torch", [0.0, 0.0], grads, lr=1, momentum=0.5, tier="exact")
    assert np.array_equal(np.isinf(got.bound), [[False, True], [False, True]])
    assert got.compare([[-1.0, -np.inf], [-2.5, -np.inf]]).passed
    assert not got.compare([[-1.0, -np.inf], [-2.625, -np.inf]]).passed


def test_a_result_that_is_not_finite_fails_where_the_exact_one_is() -> None:
    got = momentum.replay("torch", [0.0], [[1.0]], lr=1)
    assert not got.compare([[np.nan]]).passed


def test_a_parameter_without_elements_passes() -> None:
    got = momentum.replay("torch", np.zeros((0, 3)), [np.zeros((0, 3))], lr=0.1)
    assert got.compare([np.zeros((0, 3))]).passed


@pytest.mark.parametrize("size", [40_000, 300_000])  # in one thread, and in several
def test_large_arrays_are_cut_into_blocks_without_a_seam(size: int) -> None:
    rng = np.random.default_rng(0)
    start, grads = rng.standard_normal(size), rng.standard_normal((3, size))
    whole = momentum.replay("keras", start, grads, lr=0.1, momentum=0.9, weight_decay=0.01)
    part = slice(size // 3, size - 7_000)
    cut = momentum.replay(
        "keras", start[part], grads[:, part], lr=0.1, momentum=0.9, weight_decay=0.01
    )
    assert np.array_equal(whole.values[:, part], cut.values)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"convention": "adam"}, "unknown convention"),
    ({"dtype": "float8"}, "unknown dtype"),
    ({"tier": "slow"}, "unknown tier"),
    ({"gradients": [[1.0, 2.0]]}, "gradient 1 has shape"),
    ({"gradients": lambda x: x}, "needs steps"),
    ({"lr": [0.1, 0.2]}, "lr has shape"),
    ({"lr": float("nan")}, "lr must be finite"),
    ({"momentum": float("inf")}, "momentum must be finite"),
    ({"start": [float("nan")]}, "start must be finite"),
    ({"convention": "scaled", "dampening": 0.5}, "no dampening"),
    ({"steps": 4}, "steps=4"),
    ({"steps": 0}, "steps=0"),
    ({"lr": [0.1], "momentum": []}, "momentum has shape"),
    ({"gradients": [None, [1.0], []]}, "gradient 3 has shape"),
]


@pytest.mark.parametrize(("change", "message"), REFUSED)
def test_replay_refuses_at_the_door(change: dict[str, Any], message: str) -> None:
    call: dict[str, Any] = {"convention": "torch", "start": [0.0], "gradients": [[1.0]], "lr": 0.1}
    with pytest.raises(ValueError, match=message):
        momentum.replay(**(call | change))


@pytest.mark.parametrize(
    ("iterates", "message"),
    [
        ([], "0 iterates for 1 steps"),
        ([[1.0], [2.0]], "2 iterates"),
        ([[1.0, 2.0]], "iterate 1 has shape"),
        ([[]], "iterate 1 has shape"),
    ],
)
def test_compare_refuses_what_does_not_fit(iterates: Any, message: str) -> None:
    got = momentum.replay("torch", [0.0], [[1.0]], lr=0.1)
    with pytest.raises(ValueError, match=message):
        got.compare(iterates)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("convention", CONVENTIONS)
def test_bounds_are_finite_and_shrink_with_the_unit_roundoff(convention: str, dtype: str) -> None:
    rng = np.random.default_rng(1)
    grads = [FORMATS["bfloat16"].round(rng.standard_normal(8)) for _ in range(10)]
    got = momentum.replay(convention, np.zeros(8), grads, lr=0.1, momentum=0.9, dtype=dtype)
    scale = np.max(np.abs(got.values))
    # Ten steps of at most a dozen roundings each, of numbers at most ten times the result's size
    # (1 / (1 - momentum)), each kept and summed by the velocity at most ten times over.
    assert np.all(got.bound <= 10 * 12 * 10 * 10 * FORMATS[dtype].u * scale)


def test_a_step_is_judged_where_a_number_is_lost_and_not_after_it() -> None:
    """0/0 in bfloat16, where 1 - 0.999 is 0, is right, and nan for good."""
    rows = {"lr": 0.5, "momentum": [0.999, 0.5, 0.5]}
    exact = momentum.replay("averaged_debiased", [1.0], [[1.0]] * 3, dtype="bfloat16", **rows)
    lost = exact.compare([[np.nan]] * 3)
    assert np.isposinf(lost.step.bound[0])
    assert np.all(lost.step.ratio <= 1)
    plain = momentum.replay("scaled", [1.0], [[1.0]] * 3, lr=0.5, momentum=0.5)
    wrong = plain.compare([plain.values[0], [np.nan], [np.nan]])
    assert wrong.step.ratio.ravel().tolist()[1:] == [np.inf, 0.0]
    assert not wrong.passed
