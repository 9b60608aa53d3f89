"""The examples of the documentation run, and its pages say what the code says."""

import re
from pathlib import Path

import pytest

from momentum.conventions import CONVENTIONS

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
