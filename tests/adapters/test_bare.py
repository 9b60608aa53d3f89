"""The framework's base class with a rule and nothing else."""

import pytest

from momentum.adapters import load
from momentum.checks import CHECKS
from momentum.conventions import CONVENTIONS, get
from momentum.runner.one_check import run_check


@pytest.mark.parametrize("name", CONVENTIONS)
def test_bare_follows_every_convention(name):
    bare = load("torch.optim:SGD").facts.bare
    subject = bare(get(name))
    result = run_check(CHECKS["agrees_with_oracle"], subject, get(name), "float32", "quick", 0)
    assert result.verdict == "passed"
    assert subject.facts.name == "torch.optim.Optimizer"
