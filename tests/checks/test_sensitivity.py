"""The problems on which nothing may round do leave something to compare."""

import numpy as np
import pytest

from momentum.arithmetic import FORMATS, format_of
from momentum.checks.sensitivity import _exact, few_bits
from momentum.conventions import CONVENTIONS
from momentum.gallery import Machine
from momentum.subjects.drive import observe
from momentum.subjects.problems.strategies import Setting


@pytest.mark.parametrize("dtype", FORMATS)
@pytest.mark.parametrize("name", CONVENTIONS)
def test_few_bits_leave_most_of_two_steps_exact(name, dtype):
    convention = CONVENTIONS[name]
    subject = Machine(name=name, convention=convention)
    fit = []
    for problem in few_bits(Setting.of(subject, convention, dtype)):
        hypers = [row[0] for row in problem.hypers]
        truths = _exact(convention, observe(subject, problem), 0, hypers, format_of(dtype))
        fit.append([float(np.mean(truth.fits)) for truth in truths])
    assert any(steps[0] == 1 for steps in fit)
    # Bias correction divides by 3/4 at the second step, which rounds.
    if name != "averaged_debiased":
        assert any(2 * min(steps[:2]) > 1 for steps in fit)
