"""Recipes in other units than a convention's own."""

from fractions import Fraction

import pytest

from momentum.arithmetic import exact
from momentum.conversion.convert import convert
from momentum.conversion.text import tell


@pytest.mark.parametrize(
    ("source", "given", "lr", "decay"),
    [
        # loss + |x|^2 / 100 has the gradient x / 50 beside the loss's own.
        ("torch", {"l2": "0.01"}, "1/10", "1/50"),
        # x loses a thousandth, and lr weight_decay = 1/10 weight_decay is that thousandth.
        ("scaled:before", {"decay": "0.001"}, "1/10", "1/100"),
        ("scaled:before", {"decay_relative": "0.001"}, "1/10", "1/100"),
        ("tfa", {"weight_decay": "0.001"}, "1/10", "1/100"),
        # v = 9/10 v + 1/10 lr g.
        ("cntk", {}, "1/100", "0"),
        # d = 4 g + x / 100 = 4 (g + x / 400).
        ("torch", {"accumulated": "4", "weight_decay": "0.01"}, "2/5", "1/400"),
    ],
)
def test_units_come_to_our_own(source: str, given: dict[str, str], lr: str, decay: str) -> None:
    found = convert(source, source, {"lr": "0.1", "momentum": "0.9", **given})
    (h,) = found.source_hypers
    assert (h.lr, h.weight_decay) == (exact(Fraction(lr)), exact(Fraction(decay)))


def test_decay_follows_the_rate_as_its_unit_says() -> None:
    rows = [{"lr": "0.1", "decay": "0.001"}, {"lr": "0.05", "decay": "0.001"}]
    each = convert("scaled:before", "scaled:before", rows).source_hypers
    assert [h.lr * h.weight_decay for h in each] == [exact(Fraction(1, 1000))] * 2
    rows = [{"lr": row["lr"], "decay_relative": row["decay"]} for row in rows]
    each = convert("scaled:before", "scaled:before", rows).source_hypers
    taken = [h.lr * h.weight_decay for h in each]
    assert taken == [exact(Fraction(1, 1000)), exact(Fraction(1, 2000))]


def test_a_decay_per_step_is_told_as_it_is_set() -> None:
    lines = tell(convert("keras", "tfa", {"lr": "0.1", "momentum": "0.9", "weight_decay": "0.01"}))
    assert any("SGDW(learning_rate=0.1, momentum=0.9, weight_decay=0.001)" in x for x in lines)


def test_a_rate_of_unit_gain_is_inside_the_velocity_and_told_as_it_is_set() -> None:
    """The velocity is in steps, so that a new rate acts on new gradients alone."""
    rows = [{"lr": lr, "momentum": "0.9"} for lr in ("0.1", "0.05")]
    there = convert("cntk", "keras2", rows)
    assert [h.lr for h in there.hypers] == [exact(Fraction(1, 100)), exact(Fraction(1, 200))]
    back = convert("keras2", "cntk", {"lr": "0.01", "momentum": "0.9"})
    assert any("momentum_sgd(parameters, lr=0.1, momentum=0.9)" in line for line in tell(back))
    none = convert("keras2", "cntk", {"lr": "0.01", "momentum": "1"}, steps=3)
    assert not none.exists


@pytest.mark.parametrize(
    ("source", "given", "words"),
    [
        ("torch", {"decay": "0.1"}, "say --from accumulated:before"),
        ("keras", {"l2": "0.1"}, "say --from scaled"),
        ("torch", {"l2": "0.1", "weight_decay": "0.1"}, "given twice"),
        ("scaled:before", {"decay": "0.1", "lr": "0"}, "no weight_decay where lr is 0"),
    ],
)
def test_units_that_do_not_fit_are_refused(source: str, given: dict[str, str], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        convert(source, "torch", {"lr": "0.1", **given})


def test_a_source_that_divides_by_zero_is_refused_at_that_step() -> None:
    """The weights of momentum -1 sum to 2, then to 0: there is a first step, and no second."""
    recipe = {"lr": "0.1", "momentum": "-1"}
    with pytest.raises(ValueError, match="divides by zero at step 2: lr=1/10, momentum=-1"):
        convert("averaged_debiased", "keras", recipe)
    found = convert("averaged_debiased", "keras", recipe, steps=1)
    assert [h.lr for h in found.rows] == [exact(Fraction(1, 10))]


def test_a_velocity_of_momentum_one_starts_as_an_average_of_momentum_zero() -> None:
    rows = [{"lr": "0.6", "momentum": "1"}, {"lr": "0", "momentum": "1"}]
    found = convert("scaled", "averaged", rows)
    assert found.proof is not None
    first, *others = [(h.lr, h.momentum) for h in found.rows]
    assert first == (exact(Fraction(3, 5)), 0)
    assert set(others) == {(exact(Fraction(3, 5)), exact(1))}
