"""The findings are as they are written down: each script runs, where its library is installed."""

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KINDS = {".py", ".js", ".c"}
SCRIPTS = sorted(p for p in (ROOT / "findings").iterdir() if p.suffix in KINDS)
MODULES = Path(os.environ.get("NODE_PATH", ROOT / "examples" / "real" / "node_modules"))
PACKAGES = {"tfjs": "@tensorflow/tfjs", "brainjs": "brain.js", "neataptic": "neataptic"}
PREFIXES = ("pytorch_optimizer", "torch_optimizer", "bitsandbytes", "heavyball", "torchopt",
            "chainer", "paddle", "keras_tensorflow", "keras", "tinygrad", "timm", "mxnet",
            "lightning", "optimi",
            "torch")  # fmt: skip

NEEDS = {"keras": ("keras", "jax"), "keras_tensorflow": ("keras", "tensorflow")}


def library(script: Path) -> str:
    return next(p for p in PREFIXES if script.stem.startswith(f"{p}_"))


def _has_cuda() -> bool:
    import torch

    return torch.cuda.is_available()


def command(script: Path, folder: Path) -> list[str]:
    """What runs a script, built where it has to be; a skip where its library is not here."""
    if script.suffix == ".js":
        package = PACKAGES[script.stem.partition("_")[0]]
        if shutil.which("node") is None or not (MODULES / package).exists():
            pytest.skip(f"{package} is not installed")
        return ["node", str(script)]
    if script.suffix == ".c":
        libraries = re.findall(r"Build with -l(\w+)", script.read_text())
        build = ["cc", str(script), "-o", str(folder / "finding"), *(f"-l{n}" for n in libraries)]
        if not any((Path("/usr/include") / f"{name}.h").exists() for name in libraries):
            pytest.skip(f"{libraries} is not installed")
        subprocess.run(build, check=True, capture_output=True)
        return [str(folder / "finding")]
    for name in NEEDS.get(library(script), (library(script),)):
        if find_spec(name) is None:
            pytest.skip(f"{name} is not installed")
    if "_cuda_" in script.stem and not _has_cuda():
        pytest.skip("there is no CUDA device")
    return [sys.executable, str(script)]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_findings_run_as_written(script: Path, tmp_path: Path) -> None:
    own = {"KERAS_HOME": str(tmp_path), "JAX_PLATFORMS": "cpu", "NODE_PATH": str(MODULES)}
    paths = os.pathsep.join(p for p in (str(ROOT), os.environ.get("PYTHONPATH", "")) if p)
    done = subprocess.run(
        command(script, tmp_path),
        env={**os.environ, **own, "PYTHONPATH": paths},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr


def test_findings_page_and_scripts_belong_together() -> None:
    page = (ROOT / "docs" / "findings.md").read_text(encoding="utf-8")
    named = re.findall(r"^\|[^|]*\|[^|]*\| `(\w+\.\w+)` \|", page, re.MULTILINE)
    assert sorted(named) == [p.name for p in SCRIPTS]


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_findings_assert_what_they_show(script: Path) -> None:
    text = script.read_text(encoding="utf-8")
    assert re.search(r"\bassert\b", text) or "raise AssertionError" in text
