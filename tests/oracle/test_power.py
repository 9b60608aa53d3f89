"""A comparison states its power: errors well above it fail, errors well below it pass."""

import numpy as np

from momentum.arithmetic import format_of
from momentum.oracle.power import smallest
from momentum.oracle.replay import replay


def test_a_comparison_says_how_small_an_error_it_would_have_failed():
    rng = np.random.default_rng(5)
    start, fed = rng.normal(size=(4, 5)), rng.normal(size=(12, 4, 5))
    rates = {"lr": 0.1, "momentum": 0.9, "weight_decay": 0.2}
    truth = replay("torch", start, fed, **rates)
    compared = truth.compare(truth.values)
    assert compared.power.keys() == rates.keys()
    assert str(compared).splitlines()[-1].startswith("power: ")
    for name, error in compared.power.items():
        for factor, passes in ((2.5, False), (0.4, True)):
            off = replay("torch", start, fed, **{**rates, name: rates[name] * (1 + factor * error)})
            assert truth.compare(off.values).passed is passes, (name, factor)


def test_the_power_of_many_coordinates_is_that_of_the_first():
    start, fed = np.ones(1000), np.linspace(0.5, 2, 5000).reshape(5, 1000)
    few = replay("scaled", start[:24], fed[:, :24], lr=0.1, momentum=0.9)
    many = replay("scaled", start, fed, lr=0.1, momentum=0.9)
    assert many.compare(many.values).power == few.compare(few.values).power != {}


def test_the_power_is_what_is_beyond_the_bound_after_a_rounding_and_half_of_it_at_least():
    """x = start - lr g moves by lr g e; a bound of few roundings is hardly more than one of lr."""
    own = format_of("float32").operation_u_beside_float64
    for start, part in ((8.0, lambda e: e - own), (0.0, lambda e: e / 2)):
        truth = replay("torch", [start], [[1.0]], lr=0.5)
        assert truth.power == {"lr": part(truth.bound[0, 0] / 0.5)}


def test_the_power_of_several_runs_is_the_smallest_of_each_number():
    runs = [{"lr": 0.5, "momentum": 0.25}, {"lr": 0.125}, {"lr": 0.25, "nu": 1.0}]
    assert smallest(runs) == {"lr": 0.125, "momentum": 0.25, "nu": 1.0}
