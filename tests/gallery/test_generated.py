"""Generated optimizers: exact arithmetic says which are right, and the suite agrees."""

import random
import warnings
from fractions import Fraction

import numpy as np
import pytest
from flint import fmpq
from hunt import flagged, hunted, judged

from momentum.arithmetic.expression import evaluate, made, number, symbol
from momentum.conventions import CONVENTIONS, Hyper, expressed, get
from momentum.gallery.generated import KINDS, Generated, right, settings, wrong
from momentum.gallery.machine.number import Working
from momentum.gallery.rewriting import at, equals, mistakes, paths, put

SETTINGS = len(settings())
RIGHT = range(0, 4 * SETTINGS, 3)
WRONG = range(0, SETTINGS, 5)


@pytest.mark.parametrize("seed", RIGHT)
def test_no_right_optimizer_leaves_its_bound(seed: int) -> None:
    found = judged(seed, problems=1)
    assert found.ratio <= 1, found


@pytest.mark.parametrize("seed", [2824, 3593, 5972])
def test_a_form_that_stands_for_momenta_but_0_is_the_convention_there(seed: int) -> None:
    subject = right(seed)
    assert subject.formed
    assert judged(seed).ratio <= 1


@pytest.mark.parametrize("seed", [81185, 81666, 81011])
def test_no_check_flags_a_right_optimizer_nor_gives_it_advice(seed: int) -> None:
    found = flagged(seed)
    assert not found.caught_by, found


def test_a_point_beyond_the_largest_number_is_told_without_a_warning() -> None:
    machine = right(100031).build()  # look_ahead, in fused operations
    run = machine.start([np.array([3e38])], [Hyper(lr=2.0, momentum=0.9)], "float32")
    run.step([np.array([-3e38])])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (point,) = run.point()
    assert not np.isfinite(point).any()


@pytest.mark.parametrize("seed", WRONG)
def test_every_wrong_optimizer_is_caught(seed: int) -> None:
    assert hunted(seed).caught_by, wrong(seed).name


def test_seeds_go_through_every_convention_kind_of_decay_and_flag() -> None:
    found = {(g.convention.full_name, g.nesterov, g.maximize) for g in map(right, range(SETTINGS))}
    assert len(found) == SETTINGS
    assert {name.partition(":")[0] for name, _, _ in found} == set(CONVENTIONS)
    assert {get(name).decay for name, _, _ in found} == set(KINDS)


def test_right_ones_are_many_kinds_of_algebra_and_a_seed_gives_the_same_one() -> None:
    how = {words for seed in range(4 * SETTINGS) for words in right(seed).how}
    assert how >= {
        "commuted", "reassociated", "distributed", "factored", "fused", "sign moved",
        "velocity times -1", "velocity times 2", "wider inside", "hyper-parameters in float64",
        "form 0", "form 1", "form 2", "form 3", "form 4", "form 5",
    }  # fmt: skip
    for make in (right, wrong):
        assert make(17).name == make(17).name
        assert (make(17).first, make(17).later) == (make(17).first, make(17).later)


def as_it_is(name: str) -> Generated:
    convention = get(name)
    first, later = expressed(convention, first=True), expressed(convention)
    return Generated(convention, False, False, first, later, Fraction(1), ())


@pytest.mark.parametrize("name", [f"{c}:{kind}" for c in CONVENTIONS for kind in KINDS])
def test_exact_arithmetic_calls_the_rule_itself_right(name: str) -> None:
    assert as_it_is(name).is_right(0)


def test_exact_arithmetic_finds_what_shows_at_one_step_only() -> None:
    found = as_it_is("accumulated")
    dampened = Generated(
        found.convention, False, False, found.later, found.later, Fraction(1), ()
    )  # fmt: skip
    assert not dampened.is_right(0)  # the first step alone is dampened


def test_a_rewriting_is_an_identity_and_a_mistake_is_none() -> None:
    rng = random.Random(5)
    step = expressed(get("quasi_hyperbolic"))
    names = {n: Fraction(rng.randint(1, 50), rng.randint(1, 50)) for n in
             ("theta", "grad", "v", "lr", "momentum", "weight_decay", "nu")}  # fmt: skip
    (wanted,) = evaluate([step.theta], names)
    rewritten = mistaken = 0
    for path in paths(step.theta):
        part = at(step.theta, path)
        for _, equal in equals(part):
            assert evaluate([put(step.theta, path, equal)], names) == [wanted]
            rewritten += 1
        for _, other in mistakes(part, rng, frozenset(names)):
            mistaken += evaluate([put(step.theta, path, other)], names) != [wanted]
    assert rewritten > 15
    assert mistaken > 15


def test_a_sum_of_hyper_parameters_is_not_multiplied_out_but_the_decay_factor_is() -> None:
    momentum, lr, decay, d = map(symbol, ("momentum", "lr", "weight_decay", "grad"))
    assert "distributed" not in dict(equals((1 - momentum) * d))
    assert "distributed" in dict(equals((1 - lr * decay) * d))
    assert "distributed" in dict(equals(lr * (d - symbol("v"))))


def test_a_fused_operation_rounds_once_in_a_generated_step() -> None:
    a = 1 + 2.0**-12
    x = Working().number(a, "float32")
    fused = made("fma", symbol("x"), symbol("x"), number(Fraction(-1) - Fraction(1, 2**11)))
    from momentum.gallery.generated import _fused

    (got,) = evaluate([fused], {"x": x}, float, _fused)
    assert float(got.value) == 2.0**-24


def test_flags_that_change_in_a_run_find_the_velocity_as_they_left_it() -> None:
    scaled = next(g for g in map(right, range(500)) if g.scale != 1 and g.nesterov)
    theta, state = fmpq(1), scaled.convention.initial
    other, kept = theta, state
    for step in range(6):
        numbers = {n: fmpq(step + 1, 9) for n in ("lr", "momentum", "weight_decay")}
        h = Hyper(**numbers, nesterov=step % 2 == 0, maximize=scaled.maximize)
        theta, state = scaled.convention.step(theta, fmpq(step - 2), state, h)
        other, kept = scaled.rule(other, fmpq(step - 2), kept, h)
        assert other == theta
