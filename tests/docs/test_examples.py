"""The examples of the documentation run, and its pages say what the code says."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from momentum.conventions import CONVENTIONS
from momentum.report.terminal import SCREEN

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXAMPLES = [
    pytest.param(text, id=f"{page.stem}-{number}")
    for page in PAGES[1:]
    for number, text in enumerate(BLOCK.findall(page.read_text(encoding="utf-8")), 1)
]


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_run(text: str) -> None:
    pytest.importorskip("torch")
    exec(compile(text, "example", "exec"), {"__name__": "example"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text(encoding="utf-8")):
        assert (page.parent / target).exists(), target


@pytest.mark.parametrize("name", CONVENTIONS)
def test_conventions_are_told_as_they_are(name: str) -> None:
    page = (ROOT / "docs" / "conventions.md").read_text(encoding="utf-8")
    assert "\n".join(CONVENTIONS[name].formula) in page
    for speaker in CONVENTIONS[name].speakers:
        assert speaker.name in page


def test_readme_is_short() -> None:
    assert len(PAGES[0].read_text(encoding="utf-8").splitlines()) < 150


REPORTS = re.compile(r"^```console\n\$ momentum (check judged.*)\n((?:.*\n)*?)```", re.MULTILINE)
SHOWN = REPORTS.findall((ROOT / "docs" / "reports.md").read_text(encoding="utf-8"))


def settled(report: str) -> str:
    """Without what differs from one machine to the next."""
    timed = re.sub(r", [\d.]+ s$", ", … s", report, flags=re.MULTILINE)
    return re.sub(r"^versions .*\n(?: {10}.*\n)*", "versions  …\n", timed, flags=re.MULTILINE)


def test_reports_are_four_of_one_screen() -> None:
    assert len(SHOWN) == 4
    assert all(len(report.splitlines()) <= SCREEN for _, report in SHOWN)


@pytest.mark.parametrize(("command", "shown"), SHOWN, ids=lambda text: text.split()[1][10:20])
def test_reports_are_what_the_command_prints(command: str, shown: str) -> None:
    if shutil.which("cc") is None:
        pytest.skip("no C compiler: the kernel of the examples needs one")
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "momentum", *command.split()],
        cwd=ROOT / "examples",
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert settled(done.stdout) == shown, done.stderr
