"""Every defect runs and is on record; that each is caught, tests/checks/test_gallery.py shows."""

import numpy as np
import pytest

from momentum.conventions import Hyper
from momentum.gallery import GALLERY


@pytest.mark.parametrize("name", GALLERY)
def test_defect_starts_and_steps(name):
    defect = GALLERY[name]
    run = defect.build().start([np.ones(3)], [Hyper(0.1, 0.25)], defect.dtypes[0])
    run.step([np.ones(3)])
    assert run.parameters()[0].shape == (3,)


def test_references_name_repository_and_number():
    for ref in {ref for defect in GALLERY.values() for ref in defect.refs}:
        repository, number = ref.split("#")
        assert repository.count("/") == 1
        assert number.isdigit()


def test_records_say_what_is_wrong_and_why():
    for defect in GALLERY.values():
        assert defect.statement.endswith("."), defect.name
        assert defect.cause, defect.name
        assert defect.level in ("must", "should")
        assert defect.build().facts.dtypes == defect.dtypes
        assert defect.build() is not defect.build()
