"""Fifty right trainings, each in a way of its own: no violation in any."""

import pytest

pytest.importorskip("torch")

import right_parameters  # noqa: F401 - they join the list
import right_steps  # noqa: F401
from trainings import RIGHT


def test_there_are_fifty() -> None:
    assert len(RIGHT) >= 50


@pytest.mark.parametrize("name", RIGHT)
def test_right_runs_pass(name: str) -> None:
    report = RIGHT[name]()
    assert report.passed, str(report)
    assert not report.violations
