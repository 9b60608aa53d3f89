"""The findings are as they are written down: each script runs, where its library is installed."""

import os
import re
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SCRIPTS = sorted((ROOT / "findings").glob("*.py"))
PREFIXES = ("pytorch_optimizer", "torch_optimizer", "bitsandbytes", "heavyball", "torchopt",
            "chainer", "paddle", "keras_tensorflow", "keras", "tinygrad", "timm",
            "torch")  # fmt: skip

NEEDS = {"keras": ("keras", "jax"), "keras_tensorflow": ("keras", "tensorflow")}


def library(script: Path) -> str:
    return next(p for p in PREFIXES if script.stem.startswith(f"{p}_"))


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_findings_run_as_written(script: Path, tmp_path: Path) -> None:
    for name in NEEDS.get(library(script), (library(script),)):
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    own = {"KERAS_HOME": str(tmp_path), "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)}
    paths = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH", "")) if p)
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, **own, "PYTHONPATH": paths},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def test_findings_page_and_scripts_belong_together() -> None:
    page = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    named = re.findall(r"^\|[^|]*\|[^|]*\| `(\w+\.py)` \|", page, re.MULTILINE)
    assert sorted(named) == [p.name for p in SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_findings_assert_what_they_show(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert "assert " in text or "raise AssertionError" in text
