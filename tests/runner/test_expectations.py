"""Expected failures are read strictly and written back."""

import pytest

from momentum.errors import UsageError
from momentum.runner.expectations import Expectation, read, write

TEXT = """\
# why this file is here

[[expected]]
id = "agrees_with_oracle[float16]"
reason = "skips whole vector blocks"
reference = "pytorch/pytorch#191763"

[[expected]]
id = "nesterov_agrees[float16]"
reason = "the same"
"""
ENTRIES = [
    Expectation(
        "agrees_with_oracle[float16]", "skips whole vector blocks", "pytorch/pytorch#191763"
    ),
    Expectation("nesterov_agrees[float16]", "the same"),
]


def test_read_gives_the_entries(tmp_path):
    path = tmp_path / "expected.toml"
    path.write_text(TEXT)
    assert read(path) == ENTRIES


def test_read_accepts_an_empty_file(tmp_path):
    path = tmp_path / "expected.toml"
    path.write_text("")
    assert read(path) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[expected", "cannot read"),
        ('[[expected]]\nid = "x"', "entry 1 needs an id and a reason"),
        ('[[expected]]\nreason = "x"', "entry 1 needs an id and a reason"),
        ('[[expected]]\nid = 3\nreason = "x"', "entry 1 needs an id and a reason"),
        ('expected = "x"', "wanted a list of [[expected]] tables"),
        ('[[expect]]\nid = "x"\nreason = "y"', "unknown: expect"),
        ('[[expected]]\nid = "x"\nreason = "y"\nreasons = "z"', "entry 1 has unknown: reasons"),
        ('[[expected]]\nid = "x"\nreason = "y"\n' * 2, "x is there twice"),
    ],
)
def test_read_refuses_what_is_no_expectation(tmp_path, text, words):
    path = tmp_path / "expected.toml"
    path.write_text(text)
    with pytest.raises(UsageError, match=r"expected\.toml") as caught:
        read(path)
    assert words in str(caught.value)


def test_read_refuses_a_missing_file(tmp_path):
    with pytest.raises(UsageError, match="cannot read expected failures"):
        read(tmp_path / "none.toml")


def test_write_is_read_back(tmp_path):
    path = tmp_path / "expected.toml"
    write(path, ENTRIES)
    assert read(path) == ENTRIES


def test_write_keeps_comments_and_drops_entries_that_are_gone(tmp_path):
    path = tmp_path / "expected.toml"
    path.write_text(TEXT)
    write(path, ENTRIES[1:])
    assert path.read_text().startswith("# why this file is here")
    assert read(path) == ENTRIES[1:]


def test_write_can_leave_nothing(tmp_path):
    path = tmp_path / "expected.toml"
    path.write_text(TEXT)
    write(path, [])
    assert read(path) == []
