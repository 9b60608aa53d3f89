"""The guide for optimizers in other languages: its commands, in its order, in an empty folder."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "ten-minutes.md").read_text(encoding="utf-8")
WAYS = {"process": ("cc",), "vectors": ("cc", "node")}
# All checks of a run are made elsewhere.
QUICK = "--effort quick --only agrees_with_oracle --only follows_all_changes"


def commands(way: str) -> list[str]:
    section = PAGE.split(f"## By {way}\n")[1].split("\n## ")[0]
    blocks = re.findall(r"```console\n(.*?)```", section, re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]


@pytest.mark.parametrize("way", WAYS)
def test_the_commands_of_the_guide_pass(way: str, tmp_path: Path) -> None:
    for tool in WAYS[way]:
        if shutil.which(tool) is None:
            pytest.skip(f"there is no {tool} here")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    found = commands(way)
    assert len(found) >= 5
    for command in found:
        tool, _, rest = command.partition(" ")
        if tool == "momentum":
            command = f"{sys.executable} -m momentum {rest}"
        if rest.startswith("check"):
            command += f" {QUICK}"
        done = subprocess.run(
            command, shell=True, cwd=tmp_path, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )  # fmt: skip
        assert done.returncode == 0, (command, done.stdout, done.stderr)


def test_the_workflows_of_the_guide_run_its_commands() -> None:
    for block in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL):
        runs = re.findall(r"run: (.*?)(?:  +#.*)?\n", block)
        assert runs
        for run in runs:
            words = [word for word in run.split() if not word.startswith(("-", "momentum.jsonl"))]
            assert words[0] in ("pip", "cc", "node", "momentum")
