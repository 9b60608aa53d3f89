"""Ordinary numbers go the quick way: what is looked at, planned, compiled and cut, and how often.

Both ways give the same, so only the work that is done tells them apart. No clock is asked.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ordinary import FLOAT32, SIZE, STEPS, H, Told, fed, solved, told

import momentum
from momentum.arithmetic import FORMATS, Format, format_of
from momentum.conventions import CONVENTIONS, Convention, Hyper, State
from momentum.oracle import block as blocks
from momentum.oracle import expansion, kernels, plan, replay, solving
from momentum.oracle.block import DYADIC, RATIONALS, number_types
from momentum.oracle.coefficients import Number, Step
from momentum.oracle.given import as_array
from momentum.oracle.kernels import Block, off_format
from momentum.oracle.linear import Linear
from momentum.oracle.plan import Plan, planned
from momentum.oracle.solving import Solving


def later() -> Step:
    """A step that has a velocity behind it."""
    whole = Plan(CONVENTIONS["accumulated"], FLOAT32, True)
    return [whole.next(H) for _ in range(2)][-1]


@pytest.fixture
def plain(monkeypatch: pytest.MonkeyPatch) -> None:
    """No compiled code."""
    monkeypatch.setattr(solving, "_compiled", lambda count: None)


# What is looked at.


@pytest.fixture
def rounded(monkeypatch: pytest.MonkeyPatch) -> Callable[[], Told]:
    """Shapes of the arrays that were rounded to a format."""
    shapes = told(monkeypatch, Format, "round", lambda self, x: np.shape(x))
    return lambda: [x for x in shapes if x]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_gradients_are_looked_through_once_and_those_of_a_finer_type_not_at_all(
    dtype: str, plain: None, rounded: Callable[[], Told]
) -> None:
    replay.replay("accumulated", np.ones(SIZE), fed(dtype=dtype), lr=0.1, momentum=0.9)
    start = (SIZE,)
    assert rounded() == ([(STEPS, SIZE), start] if dtype == "float64" else [start])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_many_gradients_are_looked_at_block_by_block_where_they_may_be_finer(
    dtype: str, plain: None, rounded: Callable[[], Told]
) -> None:
    size = solving._BLOCK + 5
    replay.replay("accumulated", np.ones(size), fed(1, size, dtype), lr=0.1)
    each = 2 if dtype == "float64" else 1  # the start, and the gradient
    assert rounded() == [(solving._BLOCK,)] * each + [(5,)] * each


def test_a_float64_run_rounds_nothing(plain: None, rounded: Callable[[], Told]) -> None:
    replay.replay("accumulated", np.ones(SIZE), [g / 3 for g in fed()], lr=0.1, dtype="float64")
    assert rounded() == []


def test_what_is_known_of_gradients_beforehand() -> None:
    ordinary = solved(fed())
    assert ordinary.off == [0.0] * STEPS
    assert (ordinary.finite, ordinary.apart) == (True, False)
    assert all(g.base is ordinary.flat[0].base for g in ordinary.flat)  # rows of one array
    assert solved([g.reshape(2, -1) for g in fed()]).flat[0].shape == (SIZE,)

    finer = solved([np.full(3, 0.1), np.ones(3), None])
    assert [np.ndim(x) for x in finer.off[:2]] == [1, 1]
    assert finer.off[0].tolist() == [abs(float(np.float32(0.1)) - 0.1)] * 3
    assert finer.off[1].tolist() == [0.0] * 3
    assert (finer.off[2], finer.flat[2]) == (None, None)
    assert (finer.finite, finer.apart) == (True, True)

    assert not solved([np.ones(3), np.array([1.0, np.inf, 1.0])]).finite
    assert not solved([None, None]).finite
    assert not solved(None).finite


def test_as_many_gradients_as_can_be_are_looked_through_at_once() -> None:
    many = solving._FEW // 4
    assert solved(fed(4, many)).off == [0.0] * 4
    assert solved([None, *fed(4, many)]).finite
    late = solved(fed(4, many + 1))
    assert (late.off, late.finite) == ([None] * 4, False)
    assert solved(fed(4, many + 1, np.float32)).off == [0.0] * 4


def test_a_type_is_fine_where_the_format_has_all_its_numbers() -> None:
    names = [*FORMATS, "float32:flushing"]
    fine = {
        n: {t for t in ("float16", "float32", "float64", ">f4")
            if solving._as_fine(np.dtype(t), format_of(n))} for n in names
    }  # fmt: skip
    assert fine == {
        "float64": {"float16", "float32", "float64"}, "float32": {"float16", "float32"},
        "float16": {"float16"}, "bfloat16": set(), "float32:flushing": set(),
    }  # fmt: skip


def test_floats_are_taken_as_they_are() -> None:
    for dtype in ("float16", "float32", "float64"):
        x = np.ones(3, dtype=dtype)
        assert as_array(x) is x


def test_a_block_looks_at_its_numbers_once_and_goes_on_by_what_they_may_have_become() -> None:
    step = later()
    block = Block(np.array([3.0, -4.0]), [0.0], FLOAT32)

    def grown(*sizes: float) -> list[float]:
        return [sum(r * x for r, x in zip(row, sizes)) * (1 + 2.0**-20) + f
                for row, f in zip(step.reach, step.floor)]  # fmt: skip

    block.take(step, np.array([2.0, -1.0]))
    assert block.largest == grown(4.0, 0.0, 2.0)
    block.largest = [100.0, 50.0]  # stale: nothing looks again while it is small enough
    block.take(step, np.array([0.0, 0.5]), 0.0)
    assert block.largest == grown(100.0, 50.0, 0.5)
    block.largest = [100.0, FLOAT32.largest]
    block.take(step, np.zeros(2), 0.0)
    assert max(block.largest) < 100.0
    block.largest = [np.nan, 50.0]
    block.take(step, np.zeros(2), 0.0)
    assert block.largest[0] < 100.0 < 2 * block.largest[1]
    block.move_to(np.ones(2))
    assert block.largest[0] == np.inf > block.largest[1]
    part = block.part(slice(1))
    assert part.largest == block.largest
    assert part.largest is not block.largest


def test_what_a_block_looks_at_counts_errors_and_the_distance_of_gradients() -> None:
    step = later()
    block = Block(np.array([3.0, -4.0]), [0.0], FLOAT32)
    block.here.errors[0] = 0.5
    block.take(step, np.array([2.0, -1.0]), np.array([0.25, 0.125]))
    assert block.largest[0] > 4.5 * step.reach[0][0] + 2.25 * step.reach[0][2]


def test_numbers_near_the_largest_are_looked_at_one_by_one() -> None:
    step = later()
    for part, singly in ((0.1, False), (0.3, True)):
        block = Block(np.array([1.0, part * FLOAT32.largest]), [0.0], FLOAT32)
        block.take(step, np.ones(2))
        assert (block.largest == [np.inf] * 2) is singly
        assert np.isfinite(block.bound).all()


def test_an_array_of_the_formats_numbers_has_a_plain_distance() -> None:
    assert isinstance(off_format(np.array([0.5, 3.0]), FLOAT32), float)
    assert isinstance(off_format(np.array([0.1]), FORMATS["float64"]), float)
    assert isinstance(off_format(np.array([0.1]), FLOAT32), np.ndarray)


# What is planned.


@pytest.mark.parametrize(
    ("name", "asked"), [("accumulated", 3), ("scaled", 3), ("averaged_debiased", STEPS)]
)
def test_equal_steps_are_planned_until_their_count_is_neither_0_nor_1(
    name: str, asked: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = told(monkeypatch, plan, "expansion", lambda c, h, state: tuple(state))
    whole = Plan(CONVENTIONS[name], FLOAT32, True)
    calls.clear()
    steps = [whole.next(H) for _ in range(STEPS)]
    assert len(calls) == asked
    if asked == 3:
        assert all(step is steps[2] for step in steps[2:])
        assert whole.numbers["step"].value == STEPS
        other = whole.next(H.having(lr=0.2))
        assert other is not steps[2]
        assert len(calls) == 4


def test_a_rule_is_read_once_for_all_numbers_of_a_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    def rule(theta: Any, grad: Any, state: State, h: Hyper) -> tuple[Any, State]:
        read.append(1)
        v = h.momentum * state.v + grad
        return theta - h.lr * v, State(state.step + 1, v)

    for lr in (0.1, 0.2, 0.3):
        convention = Convention(name="counted", rule=rule)
        rows = {"lr": [lr, lr / 2, lr / 4], "momentum": [0.9, 0.5, 0.25]}
        momentum.replay(convention, [1.0], [[1.0]] * 3, **rows)
        if lr == 0.1:
            first = len(read)
    assert len(read) == first  # later runs read it no more
    momentum.replay(convention, [1.0], [[1.0]] * 3, lr=0.1)  # without momentum: another kind
    assert len(read) > first


def test_the_plan_of_a_run_is_kept_for_the_next_one_with_the_same_numbers() -> None:
    def made(h: Hyper = H, own_error: bool = True) -> Any:
        return planned(CONVENTIONS["scaled"], FLOAT32, own_error, (h, None, h))

    assert Number.given(0.1, FLOAT32) is Number.given(0.1, FLOAT32)
    assert made() is made(Hyper(*H))
    assert made()[1] is None
    assert made() is not made(H.having(lr=0.2))
    assert made() is not made(own_error=False)


def test_nothing_is_measured_anew_in_a_later_run() -> None:
    kept = (Number.given, expansion._expansion, plan._arrays, plan._planned, plan._text,
            plan._measured)  # fmt: skip
    asked, lost = [], []
    for own_error in (True, True, False):  # the texts are those of another tier, too
        for name in CONVENTIONS:
            planned(CONVENTIONS[name], FLOAT32, own_error, (H, H, H))
            whole = Plan(CONVENTIONS[name], FLOAT32, True)
            for _ in range(2):
                whole.next(H)
        asked.append([sum(x.cache_info()[:2]) for x in kept])
        lost.append([x.cache_info().misses for x in kept])
    assert lost[0] == lost[1]
    assert all(a < b for a, b in zip(asked[0], asked[1]))
    assert lost[1][:3] == lost[2][:3]


def test_steps_are_planned_before_the_walk(plain: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """With None where the parameter is passed by; the walk itself plans nothing."""
    run = solved([*fed(2), None, *fed(2)])
    assert [s is None for s in run.steps] == [False, False, True, False, False]
    calls = told(monkeypatch, Plan, "next", lambda *a: 1)
    run.run()
    assert calls == []
    assert run.linear


def test_a_rule_that_is_linear_is_walked_by_matrices(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = told(monkeypatch, blocks, "largest", lambda *a: 1)  # what walks of other rules ask
    for name in CONVENTIONS:
        for dtype in FORMATS:
            replay.replay(name, [1.0], [[1.0]] * 2, lr=0.1, momentum=0.9, dtype=dtype)
    assert calls == []


# What is cut.


def test_arrays_are_cut_into_blocks_of_one_width_and_exact_ones_not_at_all() -> None:
    width = solving._BLOCK
    assert list(solving._blocks(2 * width + 3, whole=False)) == [
        slice(0, width), slice(width, 2 * width), slice(2 * width, 2 * width + 3),
    ]  # fmt: skip
    assert list(solving._blocks(2 * width, whole=False))[-1] == slice(width, 2 * width)
    assert list(solving._blocks(2 * width + 3, whole=True)) == [slice(0, 2 * width + 3)]
    assert list(solving._blocks(0, whole=False)) == list(solving._blocks(0, whole=True))
    assert list(solving._blocks(0, whole=True)) == [slice(0, 0)]


@pytest.mark.parametrize("more", [0, 1])
def test_threads_walk_where_one_would_have_many_blocks(
    more: int, plain: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    pools = told(monkeypatch, solving, "ThreadPoolExecutor", lambda workers: workers)
    walked = told(monkeypatch, Solving, "walk", lambda self, block: block)
    size = solving._SHARED + more
    solved(fed(1, size)).run()
    assert len(pools) == more
    assert sorted(walked, key=lambda b: b.start) == list(solving._blocks(size, whole=False))


def test_what_is_one_block_is_walked_without_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """The exact tier, whose numbers are one block however many they are."""
    pools = told(monkeypatch, solving, "ThreadPoolExecutor", lambda workers: workers)
    walked: Told = []
    monkeypatch.setattr(Solving, "walk", lambda self, block: walked.append(block))
    size = solving._SHARED + 1
    solved(fed(1, size), tier="exact").run()
    assert walked == [slice(0, size)]
    assert pools == []


# What is exact.


def test_a_rule_without_a_quotient_is_computed_without_divisors_and_one_with_it_in_few_bits() -> (
    None
):
    for name, convention in CONVENTIONS.items():
        types = number_types(convention, [H], closed=False)
        if name == "averaged_debiased":
            bits = [t.precision for t in types[:-1]]
            assert 0 < bits[0] <= 256 < bits[-1]
            assert bits == sorted(bits)
            assert types[-1] is RATIONALS
            assert number_types(convention, [H], closed=True) == [RATIONALS]
        else:
            assert types == [DYADIC, RATIONALS]


@pytest.mark.parametrize("name", CONVENTIONS)
def test_ordinary_numbers_are_decided_by_the_first_type(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(1)
    runs = told(monkeypatch, Solving, "_run", lambda self: self.numbers)
    start, *grads = rng.standard_normal((9, 4))
    truth = replay.replay(name, start, grads, lr=0.1, momentum=0.9, tier="exact")
    assert len(runs) == 1
    assert runs[0] is not RATIONALS
    runs.clear()
    assert truth.exact is not None
    assert runs == [RATIONALS]


def test_power_looks_at_the_first_coordinates_only(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = told(monkeypatch, replay, "power", lambda c, h, start, *more: start.size)
    for size in (replay.COORDINATES, replay.COORDINATES + 1, 1000):
        assert replay.replay("scaled", np.ones(size), fed(2, size), lr=0.1).power
    assert sizes == [replay.COORDINATES] * 3


def test_a_walk_with_planned_steps_takes_one_matrix_product_for_values_and_one_for_bounds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls: Told = []
    product = SimpleNamespace(**{n: getattr(np, n) for n in dir(np)})
    product.matmul = lambda a, b, out: (calls.append(a.shape), np.matmul(a, b, out=out))[1]
    monkeypatch.setattr(kernels, "np", product)
    here = Linear(Plan(CONVENTIONS["scaled"], FLOAT32, True), np.ones(3))
    for _ in range(3):
        here.take(np.ones(3), H)
    assert calls == [(2, 7), (2, 3)] * 3
