"""Every defect is caught, every check catches what it names, and none fails the right machine."""

import pytest

from momentum.checks import CHECKS
from momentum.conventions import CONVENTIONS, get
from momentum.gallery import GALLERY, Machine
from momentum.runner.one_check import run_check

PAIRS = sorted((name, check.name) for check in CHECKS.values() for name in check.defects)


def caught(name: str, check_name: str) -> bool:
    """The check fails on the defect, in the first dtype where it applies."""
    defect, check = GALLERY[name], CHECKS[check_name]
    subject, convention = defect.build(), get(defect.convention)
    dtypes = defect.dtypes if check.every_dtype else defect.dtypes[:1]
    return any(run_check(check, subject, convention, d, "quick", shrinks=0).bad for d in dtypes)


@pytest.mark.parametrize(("name", "check_name"), PAIRS, ids=lambda x: x)
def test_check_catches_the_defect_that_it_names(name: str, check_name: str) -> None:
    assert caught(name, check_name)


@pytest.mark.parametrize("convention", CONVENTIONS)
@pytest.mark.parametrize("check_name", CHECKS)
def test_check_passes_the_right_machine(check_name: str, convention: str) -> None:
    """What tells a defect from the machine that runs it is the defect, not the machine."""
    subject, check = Machine("right", get(convention)), CHECKS[check_name]
    for dtype in subject.facts.dtypes if check.every_dtype else subject.facts.dtypes[:1]:
        result = run_check(check, subject, get(convention), dtype, "quick")
        assert not result.bad, result


def test_every_defect_is_caught_by_a_check() -> None:
    assert sorted(set(GALLERY) - {name for name, _ in PAIRS}) == []


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda c: c.name)
def test_every_check_names_a_defect_that_is_there(check: object) -> None:
    names = CHECKS[check.name].defects  # type: ignore[attr-defined]  # a Check
    assert names
    assert set(names) <= set(GALLERY)


def test_defects_that_spoil_a_training_are_caught_by_checks_that_must_hold() -> None:
    musts = {name for name, check in PAIRS if CHECKS[check].level == "must"}
    assert sorted(n for n, d in GALLERY.items() if d.level == "must" and n not in musts) == []
