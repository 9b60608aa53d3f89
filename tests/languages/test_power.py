"""The worth of the vectors: a sample of what `python -m momentum.languages.power` counts."""

import pytest

from momentum.languages import power
from momentum.languages.families import FAMILIES

SEEDS = range(0, 40, 2)  # of other conventions each


def test_the_set_catches_nearly_all_wrong_ones(capsys: pytest.CaptureFixture[str]) -> None:
    found = [power.killed(seed) for seed in SEEDS]
    missed = [one.name for one in found if not one.families]
    # Right unless nesterov meets dampening or the term counts twice for nothing; see the page.
    assert len(missed) <= 1, missed
    told = list(power.table(found))
    assert [line.split()[0] for line in told[1 : len(FAMILIES) + 1]] == [f.name for f in FAMILIES]
    assert f"{len(found) - len(missed)} of {len(found)}" in "\n".join(told)


def test_every_family_catches_something() -> None:
    caught = set().union(*(power.killed(seed).families for seed in SEEDS))
    assert caught == {family.name for family in FAMILIES}
