"""Right ways to keep parameters and velocities pass the checks of what is kept, not only bounds."""

import pytest

from momentum.checks import CHECKS
from momentum.conventions import get
from momentum.gallery import REFORMULATIONS
from momentum.runner.one_check import run_check

LAWS = ("metamorphic", "rates", "sensitivity")
FAMILIES = ("copies", "hooks", "late_groups", "neighbours", "placed", "process", "shapes", "state")
KEPT = ("allocated_at_start", "all_velocities_first", "compensated", "flat_buffer",
        "master_weights", "velocity_without_lr")  # fmt: skip


@pytest.mark.parametrize("name", [r.name for r in REFORMULATIONS.values() if r.rule is not None])
@pytest.mark.parametrize("check", [c.name for c in CHECKS.values() if c.family in LAWS])
def test_law_between_two_runs_leaves_the_algebra_free(check, name):
    told = REFORMULATIONS[name]
    result = run_check(
        CHECKS[check], told.build(), get(told.convention), told.dtypes[0], "quick", shrinks=0
    )
    assert not result.bad, result


@pytest.mark.parametrize("name", KEPT)
@pytest.mark.parametrize("check", [c.name for c in CHECKS.values() if c.family in FAMILIES])
def test_check_passes_what_is_right(check, name):
    told = REFORMULATIONS[name]
    subject, convention = told.build(), get(told.convention)
    result = run_check(CHECKS[check], subject, convention, told.dtypes[0], "quick", shrinks=0)
    assert not result.bad, result
