"""The worth of the vectors: a sample of what `python tests/fuzz/worth.py` counts."""

from functools import cache

import pytest
import worth

from momentum.languages.families import FAMILIES

SEEDS = range(40)


killed = cache(worth.killed)


def test_the_set_catches_nearly_all_wrong_ones(capsys: pytest.CaptureFixture[str]) -> None:
    found = [killed(seed) for seed in SEEDS]
    missed = [one.name for one in found if not one.families]
    assert missed == ["zero_started:before nesterov: a term twice in theta"]
    told = list(worth.table(found))
    assert [line.split()[0] for line in told[1 : len(FAMILIES) + 1]] == [f.name for f in FAMILIES]
    assert f"{len(found) - len(missed)} of {len(found)}" in "\n".join(told)


def test_every_family_catches_something() -> None:
    caught = set().union(*(killed(seed).families for seed in SEEDS))
    assert caught == {family.name for family in FAMILIES}
