"""Wrong torch optimizers are found by the check of what is wrong, and right ones by none."""

import pytest
import torch_wrong_hosts  # noqa: F401 - its classes register themselves
import torch_wrong_steps  # noqa: F401
from torch_optimizers import CAUGHT, RIGHT

from momentum.adapters import adapt
from momentum.checks import CHECKS
from momentum.conventions import get
from momentum.runner.one_check import run_check


def verdict(made, name):
    subject = adapt(made, {}, made.__name__)
    return run_check(CHECKS[name], subject, get("accumulated"), "float32", "quick", shrinks=0)


@pytest.mark.parametrize(("made", "name"), CAUGHT.items(), ids=lambda x: getattr(x, "__name__", x))
def test_the_check_of_what_is_wrong_fails(made, name):
    assert made.__doc__
    result = verdict(made, name)
    assert result.verdict == "failed", result


@pytest.mark.parametrize("made", RIGHT, ids=lambda made: made.__name__)
@pytest.mark.parametrize("name", sorted({*CAUGHT.values()}))
def test_a_right_optimizer_that_looks_different_passes(made, name):
    result = verdict(made, name)
    assert result.verdict == "passed", result
