"""What wrong coordinates are said to have done is borne out by several of them."""

import numpy as np
import pytest

from momentum.watching.causes import Step, Term, cause

N = 12
GRADIENT, VELOCITY = np.linspace(1.0, 2.0, N), np.linspace(2.0, 1.0, N) ** 2
BEFORE = np.zeros(N)
EXACT = -(GRADIENT + VELOCITY)


def told(after, bound, some=slice(None)):
    terms = {"gradient": Term(-1.0, GRADIENT[some]), "velocity": Term(-1.0, VELOCITY[some])}
    doubt = np.full(N, bound)[some]
    return cause(Step(BEFORE[some], after[some], EXACT[some], doubt, terms, {}))


def test_a_term_that_acted_otherwise_is_named():
    assert told(EXACT - GRADIENT / 2, 1e-6) == "the gradient acted 1.5 times"
    assert told(EXACT + VELOCITY, 1e-6) == "the velocity did not act"


@pytest.mark.parametrize("factor", [0.25, 1.00002])
def test_a_factor_on_the_whole_step_is_told_with_the_digits_that_tell_it_from_one(factor):
    assert told(factor * EXACT, 1e-9) == f"they moved {factor} times as far as they should"


def test_a_factor_that_few_elements_bear_out_by_little_is_not_told():
    after = EXACT - GRADIENT / 2
    assert told(after, 0.05, slice(3)) == ""
    assert told(after, 1e-6, slice(3)) == "the gradient acted 1.5 times"
