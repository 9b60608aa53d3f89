"""A quick check of each framework through the command line, with the failures that are known."""

import os
import subprocess
import sys

import pytest

from momentum.adapters._record import own
from momentum.report.matrix.implementations import IMPLEMENTATIONS
from momentum.report.matrix.rows import known_of

FAMILIES = ("trajectory", "schedules", "decay")
MODULES = {one.module for one in own() if one.module} - {"torch"}
ROWS = [
    one
    for one in IMPLEMENTATIONS.values()
    if one.target.partition(".")[0].partition(":")[0] in MODULES and not one.unchecked
]


@pytest.mark.parametrize("one", ROWS, ids=lambda one: one.name)
def test_quick_check_passes_or_fails_as_known(one, tmp_path):
    if not one.installed:
        pytest.skip(f"{one.name} is not installed")
    options = [f"--set={n}={x}" for n, x in one.settings.items()]
    options += [f"--only={family}" for family in FAMILIES] + [f"--dtype={d}" for d in one.dtypes]
    known = known_of(one)
    options += [f"--expected={known}"] if known.exists() else []
    done = subprocess.run(
        [sys.executable, "-m", "momentum", "check", one.target, "--as", one.convention,
         "--effort", "quick", *options],
        env={**os.environ, **one.environment, "KERAS_HOME": str(tmp_path)},
        capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "failed" in done.stdout
