"""The corners that random small problems do not meet, and rules written down a second time."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
import pytest
from flint import fmpq
from ordinary import solved

import momentum
from momentum.arithmetic import FORMATS, Rounded, format_of
from momentum.conventions import Convention, Hyper, State
from momentum.oracle.block import _rounded, largest
from momentum.oracle.deviation import Comparison, Deviation
from momentum.oracle.linear import Linear
from momentum.oracle.plan import Plan

SINGLE: dict[str, Any] = {"float64": np.float64, "float32": np.float32, "float16": np.float16}
MANY = 200_000


def torch_steps(
    start: Any, grads: Sequence[Any], lr: float, momentum: float, kind: Any, subtract: bool = False
) -> list[Any]:
    """The rule of torch in NumPy; subtract: old velocity and gradient leave x one by one."""
    x, v, path = start.astype(kind), None, []
    lr, momentum = kind(lr), kind(momentum)
    for g in (g.astype(kind) for g in grads):
        if subtract and v is not None:
            x = x - lr * (momentum * v) - lr * g
        v = g if v is None else momentum * v + g
        if not subtract or not path:
            x = x - lr * v
        path.append(x.astype(np.float64))
    return path


@pytest.mark.parametrize("subtract", [False, True], ids=["once", "one_by_one"])
@pytest.mark.parametrize(("lr", "momentum_"), [(0.5, 0.5), (0.75, 0.625), (0.375, 0.9375)])
@pytest.mark.parametrize("dtype", SINGLE)
def test_few_bit_rates_hold_over_many_elements(
    dtype: str, lr: float, momentum_: float, subtract: bool
) -> None:
    """Rates that are held without error leave the bound nothing but the roundings themselves."""
    rng = np.random.default_rng(7)
    format = FORMATS[dtype]
    start, *grads = (format.round(rng.standard_normal(MANY)) for _ in range(4))
    path = torch_steps(start, grads, lr, momentum_, SINGLE[dtype], subtract)
    compared = momentum.replay(
        "torch", start, grads, lr=lr, momentum=momentum_, dtype=dtype
    ).compare(path)
    worst = max(compared.trajectory.ratio.max(), compared.step.ratio.max())
    assert worst <= 1
    # The corner is met: rounding nearly uses up its bound. The oracle's own float64 rounds alike.
    assert worst > 0.3 or dtype == "float64"


@pytest.mark.parametrize("dtype", SINGLE)
def test_power_of_two_rates_hold_among_subnormal_numbers(dtype: str) -> None:
    format = FORMATS[dtype]
    rng = np.random.default_rng(3)
    tiny = format.smallest_subnormal
    start, *grads = (rng.integers(-40, 40, 500) * tiny for _ in range(6))
    path = torch_steps(start, grads, 0.5, 0.25, SINGLE[dtype])
    truth = momentum.replay("torch", start, grads, lr=0.5, momentum=0.25, dtype=dtype, tier="exact")
    compared = truth.compare(path)
    assert compared.passed
    assert compared.trajectory.error.max() > 0  # the products did round
    path[-1] = path[-1] + 8 * tiny
    assert not truth.compare(path).passed


@pytest.mark.parametrize(("part", "claimed"), [(0.4, True), (0.9, False)])
def test_a_sum_that_may_overflow_inside_is_not_claimed(part: float, claimed: bool) -> None:
    """momentum v + g with both near the largest number, and a result that is small again."""
    format = FORMATS["float16"]
    big = float(format.round(part * format.largest))
    truth = momentum.replay(
        "torch", [0.0, 0.0], [[big, 1.0], [big, 1.0]], lr=2.0**-10, momentum=0.9375,
        dtype="float16",
    )  # fmt: skip
    assert np.isfinite(truth.bound[0]).all()
    assert np.array_equal(np.isfinite(truth.bound[1]), [claimed, True])


def test_a_flushing_run_is_right_where_flushing_is_said_and_wrong_where_not() -> None:
    f = np.float32
    tiny = f(FORMATS["float32"].smallest_normal)

    def flushed(x: Any) -> Any:
        return np.where(np.abs(x) < tiny, f(0), x)

    rng = np.random.default_rng(1)
    start, *grads = (f(rng.standard_normal(300)) * tiny for _ in range(5))
    for lr in (f(0.1), f(5.0)):
        x, v, path = flushed(start), f(0) * start, []
        for g in grads:
            v = flushed(flushed(f(0.9) * v) + flushed(g))
            x = flushed(x - flushed(lr * v))
            path.append(x.astype(np.float64))
        judged = {
            dtype: momentum.replay(
                "zero_started", start, grads, lr=float(lr), momentum=0.9, dtype=dtype
            ).compare(path).passed
            for dtype in ("float32", "float32:flushing")
        }  # fmt: skip
        assert judged == {"float32": False, "float32:flushing": True}


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_a_debiased_average_near_momentum_one_holds(dtype: str) -> None:
    """momentum 1 - 2^-9 is held without error, and 1 - momentum is a small difference."""
    kind, m = SINGLE[dtype], 1 - 2.0**-9
    rng = np.random.default_rng(5)
    start, *grads = (FORMATS[dtype].round(rng.standard_normal(2000)) for _ in range(20))
    x, v, weight, path = start.astype(kind), kind(0), kind(0), []
    for g in grads:
        v = kind(m) * v + kind(1 - m) * g.astype(kind)
        weight = kind(kind(m) * weight + kind(1 - m))
        x = x - kind(0.125) * (v / weight)
        path.append(x.astype(np.float64))
    truth = momentum.replay("averaged_debiased", start, grads, lr=0.125, momentum=m, dtype=dtype)
    assert truth.compare(path).passed
    undivided = [start - (start - y) * (1 - m) for y in path]
    # In float16 half of the digits go where 1 - momentum is formed, and the bound says so.
    assert truth.compare(undivided).passed is (dtype == "float16")


def test_a_rate_wrong_only_in_the_last_of_many_steps_is_found_there() -> None:
    rng = np.random.default_rng(2)
    f, steps = np.float32, 300
    start, *grads = (f(rng.standard_normal(50)).astype(np.float64) for _ in range(steps + 1))
    path = torch_steps(start, grads, 0.1, 0.9, f)
    late = torch_steps(start, grads[:-1], 0.1, 0.9, f)
    v = f(0)
    for g in grads:
        v = f(0.9) * v + g.astype(f)
    late.append((late[-1].astype(f) - f(0.1 * (1 + 2.0**-12)) * v).astype(np.float64))
    truth = momentum.replay("torch", start, grads, lr=0.1, momentum=0.9)
    assert truth.compare(path).passed
    found = truth.compare(late)
    assert not found.passed
    assert found.trajectory.ratio.max() <= 1
    assert found.step.worst[0] == steps - 1


def test_an_input_beyond_the_format_is_judged_by_the_rounded_one() -> None:
    """What is fed need not fit: its own rounding is in the bound."""
    start, grads = [1.0 + 2.0**-20], [[1.0 + 2.0**-19]]
    truth = momentum.replay("torch", start, grads, lr=0.5, dtype="float16")
    half = np.float16(1.0) - np.float16(0.5) * np.float16(1.0)
    assert truth.compare([[float(half)]]).passed
    assert truth.bound[0, 0] >= 2.0**-20 + 2.0**-20


def test_a_comparison_passes_only_where_both_do() -> None:
    good = Deviation(np.array([[0.5]]), np.array([[1.0]]))
    bad = Deviation(np.array([[2.0]]), np.array([[1.0]]))
    assert [Comparison(a, b).passed for a in (good, bad) for b in (good, bad)] == [
        True, False, False, False,
    ]  # fmt: skip


# Every convention a second time, by its textbook, one number at a time.

F = Fraction
Numbers = list[tuple[F, F, F, F]]
"""lr, momentum, weight decay and gradient of each step."""


def by_torch(x: F, rows: Numbers, nesterov: bool) -> list[F]:
    path: list[F] = []
    buffer: F | None = None
    for lr, mu, decay, g in rows:
        g = g + decay * x
        buffer = g if buffer is None else mu * buffer + g
        x = x - lr * (g + mu * buffer if nesterov else buffer)
        path.append(x)
    return path


def by_optax(x: F, rows: Numbers, nesterov: bool) -> list[F]:
    path, trace = [], F(0)
    for lr, decay_rate, decay, g in rows:
        g += decay * x
        trace = g + decay_rate * trace
        x += -lr * (g + decay_rate * trace if nesterov else trace)
        path.append(x)
    return path


def by_article(x: F, rows: Numbers, nesterov: bool) -> list[F]:
    """Without Nesterov; with it Keras: w += momentum velocity - lr g."""
    path, velocity = [], F(0)
    for lr, mu, decay, g in rows:
        g += decay * x
        velocity = mu * velocity - lr * g
        x += mu * velocity - lr * g if nesterov else velocity
        path.append(x)
    return path


def by_average(x: F, rows: Numbers, nesterov: bool) -> list[F]:
    path, mean = [], F(0)
    for lr, mu, decay, g in rows:
        g += decay * x
        mean += (1 - mu) * (g - mean)
        x -= lr * (g + mu * (mean - g) if nesterov else mean)
        path.append(x)
    return path


def by_debiasing(x: F, rows: Numbers, nesterov: bool) -> list[F]:
    """Each average is the sum of its gradients, weighed, over the sum of the weights."""
    path: list[F] = []
    weights: list[F] = []
    seen: list[F] = []
    for lr, mu, decay, g in rows:
        weights = [mu * w for w in weights] + [1 - mu]
        seen.append(g + decay * x)
        x -= lr * sum((w * d for w, d in zip(weights, seen)), F(0)) / sum(weights)
        path.append(x)
    return path


def by_qhm(x: F, rows: Numbers, nesterov: bool) -> list[F]:
    path, buffer, nu = [], F(0), F(7, 8)
    for lr, mu, decay, g in rows:
        g += decay * x
        buffer = (1 - mu) * g + mu * buffer
        x -= lr * ((1 - nu) * g + nu * buffer)
        path.append(x)
    return path


def by_polyak(x: F, rows: Numbers, nesterov: bool) -> list[F]:
    path, last = [], x
    for lr, mu, decay, g in rows:
        x, last = (1 + mu - lr * decay) * x - mu * last - lr * g, x
        path.append(x)
    return path


def by_sutskever(x: F, rows: Numbers, nesterov: bool) -> list[F]:
    path, v = [], F(0)
    for lr, mu, decay, g in rows:
        v = mu * v - lr * (g + decay * (x + mu * v))
        x += v
        path.append(x)
    return path


TEXTBOOK: dict[str, Callable[[F, Numbers, bool], list[F]]] = {
    "accumulated": by_torch,
    "zero_started": by_optax,
    "scaled": by_article,
    "averaged": by_average,
    "averaged_debiased": by_debiasing,
    "quasi_hyperbolic": by_qhm,
    "two_point": by_polyak,
    "look_ahead": by_sutskever,
}


def test_every_convention_has_its_textbook() -> None:
    assert set(TEXTBOOK) == set(momentum.CONVENTIONS)


@pytest.mark.parametrize("decay", [0.0, 0.125])
@pytest.mark.parametrize("nesterov", [False, True])
@pytest.mark.parametrize("name", TEXTBOOK)
def test_replay_is_the_textbook_in_fractions(name: str, nesterov: bool, decay: float) -> None:
    if nesterov and "nesterov" not in momentum.CONVENTIONS[name].takes:
        pytest.skip(f"{name} has no Nesterov form")
    rng = np.random.default_rng(11)
    lrs, mus, grads = rng.uniform(0.01, 1, 7), rng.uniform(0.1, 0.99, 7), rng.standard_normal(7)
    got = momentum.replay(
        name, [0.75], grads[:, None], lr=lrs, momentum=mus, weight_decay=decay, nesterov=nesterov,
        nu=0.875 if name == "quasi_hyperbolic" else 1.0, tier="exact",
    )  # fmt: skip
    rows = [(F(lr), F(mu), F(decay), F(g)) for lr, mu, g in zip(lrs, mus, grads)]
    wanted = TEXTBOOK[name](F(3, 4), rows, nesterov)
    assert got.exact is not None
    assert [F(int(x[0].p), int(x[0].q)) for x in got.exact] == wanted


def test_torch_in_float64_is_a_few_units_from_the_exact_path() -> None:
    """Trusts no bound: 20 steps of at most six roundings, of numbers below 8."""
    torch = pytest.importorskip("torch")
    rng = np.random.default_rng(4)
    start, *grads = (rng.standard_normal(16) for _ in range(21))
    p = torch.nn.Parameter(torch.from_numpy(start.copy()))
    optimizer = torch.optim.SGD([p], lr=0.1, momentum=0.5, weight_decay=0.01)
    path = []
    for g in grads:
        p.grad = torch.from_numpy(g.copy())
        optimizer.step()
        path.append(p.detach().numpy().copy())
    truth = momentum.replay(
        "torch", start, grads, lr=0.1, momentum=0.5, weight_decay=0.01, dtype="float64",
        tier="exact",
    )  # fmt: skip
    assert np.abs(truth.values).max() < 8
    assert np.abs(truth.values - path).max() <= 20 * 6 * 8 * format_of("float64").u


def test_a_rule_may_add_a_number_to_every_element() -> None:
    def rule(theta: Any, grad: Any, state: State, h: Hyper) -> tuple[Any, State]:
        v = h.momentum * state.v + grad + 1
        return theta - h.lr * v, State(state.step + 1, v)

    convention = Convention(name="constant", rule=rule)
    zeros = [np.zeros(2)] * 2
    truth = momentum.replay(convention, [1.0, 2.0], zeros, lr=0.5, momentum=0.5, dtype="float32")
    assert truth.values.tolist() == [[0.5, 1.5], [-0.25, 0.75]]  # v = 1, then 1.5
    assert np.all((truth.bound > 0) & (truth.bound < 1e-6))
    jumped = np.array([[0.5, 1.75], [-0.25, 1.0]])  # a jump in the first step, none in the second
    for tier in ("fast", "exact"):
        truth = momentum.replay(
            convention, [1.0, 2.0], zeros, lr=0.5, momentum=0.5, dtype="float32", tier=tier
        )
        step = truth.compare(jumped).step
        assert step is not None
        assert step.error.tolist() == [[0, 0.25], [0, 0]]


@pytest.mark.parametrize("tier", ["fast", "exact"])
def test_a_closed_loop_of_a_rule_that_is_not_linear_is_asked_where_it_says(tier: Any) -> None:
    """v = 1/2 v + g + 1; x = x - 1/2 v; g = y, taken at y = x - 1/2 v."""

    def rule(theta: Any, grad: Any, state: State, h: Hyper) -> tuple[Any, State]:
        v = h.momentum * state.v + grad + 1
        return theta - h.lr * v, State(state.step + 1, v)

    def ahead(theta: Any, state: State, h: Hyper) -> Any:
        return theta - h.momentum * state.v

    convention = Convention(name="constant", rule=rule, gradient_point=ahead)
    seen: list[list[float]] = []

    def gradient(y: Any) -> Any:
        seen.append([float(x) for x in y])
        return y

    truth = momentum.replay(
        convention, [1.0, 3.0], gradient, lr=0.5, momentum=0.5, steps=2, tier=tier
    )
    assert seen == [[1.0, 3.0], [-1.0, -1.0]]  # v = 2, 4; x = 0, 1
    assert truth.values.tolist() == [[0.0, 1.0], [-0.5, 0.0]]  # v = 1, 2


@pytest.mark.parametrize("tier", ["fast", "exact"])
def test_a_closed_loop_takes_a_number_that_is_added_to_a_velocity_alone(tier: Any) -> None:
    """x = x - 1/2 v, as it was before v = 1/2 v + g + 1; g = x."""

    def rule(theta: Any, grad: Any, state: State, h: Hyper) -> tuple[Any, State]:
        v = h.momentum * state.v + grad + 1
        return theta - h.lr * state.v, State(state.step + 1, v)

    convention = Convention(name="late", rule=rule)
    truth = momentum.replay(
        convention, [1.0], lambda x: x, lr=0.5, momentum=0.5, steps=3, tier=tier
    )
    assert truth.values.tolist() == [[1.0], [0.0], [-1.5]]  # v = 2, 3


def test_forms_of_a_rule_that_is_not_linear_lie_as_far_apart_as_they_round() -> None:
    """x (1 - lr v) and x - lr v x, whose float64 values differ in their last digits only."""

    def rule(theta: Any, grad: Any, state: State, h: Hyper) -> tuple[Any, State]:
        v = h.momentum * state.v + grad
        return theta * (1 - h.lr * v), State(state.step + 1, v)

    def other(theta: Any, grad: Any, state: State, h: Hyper) -> tuple[Any, State]:
        v = h.momentum * state.v + grad
        return theta - h.lr * v * theta, State(state.step + 1, v)

    convention = Convention(name="scaling", rule=rule, forms=lambda h: (other,))
    rng = np.random.default_rng(3)
    start, grads = rng.standard_normal(50), list(rng.standard_normal((4, 50)))
    fast, exact = (
        momentum.replay(convention, start, grads, lr=0.3, momentum=0.7, dtype="float32", tier=tier)
        for tier in ("fast", "exact")
    )
    assert fast.bound.max() < 1e-5
    assert np.all(fast.bound <= exact.bound * (1 + 2.0**-20))
    many = {"lr": 0.3, "momentum": 0.7, "dtype": "float64"}
    lost = momentum.replay(convention, [1e300, 1.0], [[-1e300, 1.0]] * 2, **many)
    assert np.isposinf(lost.bound).tolist() == [[True, False]] * 2  # infinite in either form


def test_one_number_of_several_forms_is_the_first_with_the_largest_error_and_peak() -> None:
    def form(value: float, error: float, peak: float) -> Rounded:
        x = np.array([value])
        return Rounded(x, abs(x), np.array([error]), format_of("float32"), False, peak)

    whole = largest((form(3.0, 0.25, 6.0), form(3.5, 0.5, 9.0), form(2.75, 0.125, 7.0)), None)
    assert (whole.value, whole.error, whole.peak) == (3.0, 1.0, 9.0)  # 3.5 is 0.5 from 3
    known = largest((form(3.0, 0.25, 6.0), form(3.5, 0.5, 9.0)), np.array([3.25]))
    assert (known.value, known.error) == (3.25, 0.5)
    assert largest((1, 1), None) == largest((1, form(1.0, 0.0, 1.0)), None) == 1


@pytest.mark.parametrize("name", ["averaged_debiased", "zero_started"])
def test_a_walk_that_resumes_a_state_goes_on_like_the_one_that_had_it(name: str) -> None:
    """Where it resumes, each array is in doubt by one rounding, and pure numbers by none."""
    format, h = format_of("float32"), Hyper(lr=0.25, momentum=0.5)
    start, grad = np.array([1.0, -3.0]), np.array([0.5, 2.0])

    def begun() -> Linear:
        return Linear(Plan(momentum.CONVENTIONS[name], format, own_error=False), start)

    one, other = begun(), begun()
    one.take(grad, h)
    numbers = {n: x.value for n, x in one.plan.numbers.items()}
    other.move_to(one.value)
    other.resume({**numbers, **one.arrays})
    doubt = other.bound
    for walk in (one, other):
        walk.take(grad, h)
    assert np.array_equal(one.value, other.value)
    assert np.all((doubt < other.bound) & (other.bound <= 2 * one.bound))


def test_what_only_a_first_step_makes_an_array_is_one() -> None:
    """x = x - lr (v + w), where w is the first gradient."""

    class Both(NamedTuple):
        step: int = 0
        v: Any = 0
        w: Any = 0

    def rule(theta: Any, grad: Any, state: Both, h: Hyper) -> tuple[Any, Both]:
        first = grad if state.step == 0 else state.w
        v = h.momentum * state.v + grad
        return theta - h.lr * (v + first), Both(state.step + 1, v, first)

    convention = Convention(name="both", rule=rule, initial=Both())
    assert Plan(convention, format_of("float32"), own_error=False).arrays == ("v", "w")
    truth = momentum.replay(convention, [1.0], [[1.0], [2.0]], lr=0.5, momentum=0.5)
    assert truth.values.tolist() == [[0.0], [-1.75]]  # v = 1, then 2.5


def test_a_gradient_that_is_not_finite_is_found_among_many() -> None:
    grads = np.ones((2, 10_000))
    grads[0, 7_000] = np.inf
    truth = momentum.replay("torch", np.zeros(10_000), grads, lr=0.5)
    assert np.argwhere(np.isinf(truth.bound)).tolist() == [[0, 7_000], [1, 7_000]]
    assert np.argwhere(np.isnan(truth.values)).tolist() == [[0, 7_000], [1, 7_000]]


def test_nothing_is_left_of_what_is_too_large_for_float64() -> None:
    value, rest = _rounded(np.array([fmpq(10) ** 400, fmpq(1, 3)], dtype=object), 2)
    assert value.tolist() == [np.inf, 1 / 3]
    assert rest[0] == 0
    assert rest[1] == float(fmpq(1, 3) - fmpq(*(1 / 3).as_integer_ratio()))


@pytest.mark.parametrize("tier", ["fast", "exact"])
def test_nothing_is_claimed_where_float64_itself_overflows(tier: Any) -> None:
    grads = [np.array([1e308, 1.0])] * 3
    run = {"lr": 2.0**-3, "momentum": 1e300, "dtype": "float64", "tier": tier}
    bound = momentum.replay("torch", [1e308, 1.0], grads, **run).bound
    assert np.isposinf(bound[1:, 0]).all()
    assert np.isfinite(bound[:2, 1]).all()


def test_the_time_that_digits_take_is_told_in_seconds() -> None:
    """4 us for each number and step, and 6 ns more for every step before it."""
    run = solved([np.zeros(5000)] * 1000, tier="exact", hypers=(Hyper(0.5),) * 1000)
    with pytest.warns(UserWarning, match="may take 50 s for 5000 numbers and 1000 steps"):
        run._say_how_long()


def one_step_bound(lr: float, start: float, grad: float, dtype: str) -> float:
    run = momentum.replay("torch", np.array([start]), [np.array([grad])], lr=lr, dtype=dtype)
    return float(run.bound[0, 0])


def test_a_product_that_underflows_is_off_by_half_the_least_number_or_twice_what_is_flushed() -> (
    None
):
    least = 2.0**-150
    assert least <= one_step_bound(0.3, 0.0, 2.0**-149, "float32") <= 1.001 * least
    flushed = 2.0**-125  # operand and result, each below the smallest normal number, 2^-126
    assert flushed <= one_step_bound(0.3, 0.0, 2.0**-149, "float32:flushing") <= 4 * flushed


def test_a_rate_that_is_a_power_of_two_costs_no_rounding() -> None:
    u = 2.0**-24
    assert 1.5 * u <= one_step_bound(0.5, 1.0, 1.0, "float32") <= 1.5001 * u
    assert one_step_bound(0.375, 1.0, 1.0, "float32") >= 1.75 * u


def test_a_gradient_may_overflow_where_what_it_is_rounded_to_may() -> None:
    """32745 is rounded to 32752 in float16; the rate from which on that may overflow is found."""

    def doubtful(gradient: float, lr: float) -> bool:
        case = {"start": [0.0], "gradients": [[gradient]], "lr": lr, "momentum": 0.0}
        return bool(np.isinf(momentum.replay("accumulated", dtype="float16", **case).bound).any())

    certain, may = 1.9, 2.0
    assert not doubtful(32752.0, certain)
    while may - certain > 1e-6:
        middle = (certain + may) / 2
        certain, may = (certain, middle) if doubtful(32752.0, middle) else (middle, may)
    assert doubtful(32752.0, may)
    assert doubtful(32745.0, may)
