"""The matrix: its registry, its comparisons, its files, its tables."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from momentum.checks import CHECKS
from momentum.conventions import get
from momentum.doors import matrix as commands
from momentum.doors.command_line import entry
from momentum.report import lines
from momentum.report.matrix import IMPLEMENTATIONS, Cell, Implementation, Row, Setting, row
from momentum.report.matrix import render as tables
from momentum.report.matrix.implementations import programs
from momentum.report.matrix.rows import expected, known_of
from momentum.runner import files

FINDINGS = Path(__file__).parents[2] / "findings"
PROGRAMS = Path(__file__).parents[2] / "examples" / "real" / "programs.toml"


def test_implementations_name_conventions_that_exist() -> None:
    for one in IMPLEMENTATIONS.values():
        assert get(one.convention).full_name == one.convention
        assert one.target.count(":") == 1


def test_implementations_that_cannot_be_imported_are_not_installed() -> None:
    absent = Implementation("x", "no_such_framework:SGD", "scaled", "no-such-distribution")
    assert not absent.installed
    assert absent.versions == {"no-such-distribution": "?"}


def test_expected_failures_are_of_known_implementations_and_checks() -> None:
    listed = [*IMPLEMENTATIONS.values(), *programs(str(PROGRAMS))]
    found = {path: one for one in listed if (path := known_of(one)).exists()}
    folders = {one.home / "expected" for one in listed}
    assert sorted(found) == sorted(p for folder in folders for p in folder.glob("*.toml"))
    for one in found.values():
        for expectation in expected(one):
            assert expectation.id.partition("[")[0] in CHECKS
            script = expectation.reference.rpartition("findings/")[2]
            assert "findings/" not in expectation.reference or (FINDINGS / script).is_file()


BROKEN = Implementation("broken", "no_such_framework:SGD", "scaled", "numpy")
OWN = Implementation("own", "momentum.doors.matrix:matrix", "scaled", "numpy")


def test_row_says_why_there_is_none() -> None:
    assert "no_such_framework" in row(BROKEN, Setting()).lost
    assert "no optimizer that is known" in row(OWN, Setting()).lost


def made(name: str, **more: Any) -> Row:
    one = replace(BROKEN, name=name)
    cells = {"scaled": Cell("same"), "averaged": Cell("different", "always: no", float("inf"))}
    base = Row(name, one.target, {}, "scaled", one.versions, {"decay": {"passed": 2}}, (), cells)
    return replace(base, **more)


def test_rows_read_back_as_they_were_written() -> None:
    wrong = ({"id": "a[float32]", "kind": "advice", "statement": "s", "evidence": "e",
              "reference": ""},)  # fmt: skip
    before = made("x", wrong=wrong)
    assert files.record_of(json.loads(lines.line(before.to_record())), Row, "here") == before


def installed(monkeypatch: pytest.MonkeyPatch, *names: str) -> list[str]:
    """Implementations that are there, and the names of those whose row is made."""
    asked: list[str] = []

    def fake(one: Implementation, *rest: Any) -> Row:
        asked.append(one.name)
        if one.name == "stop":
            raise KeyboardInterrupt
        return made(one.name)

    known = {n: replace(BROKEN, name=n, module="numpy") for n in names}
    monkeypatch.setattr(commands, "IMPLEMENTATIONS", known)
    monkeypatch.setattr(commands, "row", fake)
    monkeypatch.setattr(Row, "is_of", lambda self, one, more=(): self.name == one.name)
    return asked


def test_matrix_resumes_where_it_was_interrupted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    asked = installed(monkeypatch, "a", "b", "stop", "c")
    assert entry(["matrix", "--jsonl", str(path)]) == commands.INTERRUPTED
    assert asked == ["a", "b", "stop"]
    with path.open("a", encoding="utf-8") as stream:
        stream.write('{"record": "row", "name": "c", "tar')  # cut off
    asked = installed(monkeypatch, "a", "b", "c")
    assert entry(["matrix", "--jsonl", str(path)]) == 0
    assert asked == ["c"]
    names = [json.loads(line).get("name") for line in path.read_text().splitlines()]
    assert names == [None, "a", "b", "c"]
    capsys.readouterr()


def test_matrix_makes_rows_of_another_setting_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "rows.jsonl"
    installed(monkeypatch, "a")
    assert entry(["matrix", "--jsonl", str(path)]) == 0
    asked = installed(monkeypatch, "a")
    assert entry(["matrix", "--jsonl", str(path), "--seed", "1"]) == 0
    assert asked == ["a"]
    capsys.readouterr()


def test_matrix_leaves_a_file_alone_that_is_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "other.jsonl"
    path.write_text('{"format": "momentum-report"}\n')
    installed(monkeypatch, "a")
    assert entry(["matrix", "--jsonl", str(path)]) == 2
    assert path.read_text() == '{"format": "momentum-report"}\n'
    assert "holds no matrix" in capsys.readouterr().err


def test_matrix_refuses_unknown_names_and_says_when_nothing_is_there(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(commands, "IMPLEMENTATIONS", {"broken": BROKEN})
    assert entry(["matrix", "--only", "nobody"]) == 2
    assert entry(["matrix"]) == 3
    assert "Not installed: broken" in capsys.readouterr().out


def test_matrix_fails_where_something_failed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    installed(monkeypatch, "a")
    families = {"decay": {"passed": 2, "failed": 1}}
    monkeypatch.setattr(commands, "row", lambda *rest: made("a", families=families))
    assert entry(["matrix"]) == 1
    capsys.readouterr()


def test_tables_fit_a_hundred_columns_and_show_every_row() -> None:
    rows = [made(name) for name in IMPLEMENTATIONS]
    text = tables.text(rows, {})
    assert max(map(len, text.splitlines())) <= 100
    assert all(sum(line.startswith(f"{n} ") for line in text.splitlines()) >= 2
               for n in IMPLEMENTATIONS)  # fmt: skip


@pytest.mark.parametrize(
    ("counts", "wanted"),
    [
        ({"passed": 3}, "."),
        ({"passed": 3, "advice": 1}, "a"),
        ({"passed": 3, "advice": 1, "expected": 1}, "e"),
        ({"expected": 1, "failed": 1}, "X"),
        ({"skipped": 2}, "-"),
        ({}, " "),
    ],
)
def test_mark_is_the_worst_of_a_family(counts: dict[str, int], wanted: str) -> None:
    assert tables.mark(counts) == wanted


def test_page_holds_everything_and_needs_no_network() -> None:
    wrong = ({"id": "decay_is_of_its_kind[float32]", "kind": "failed", "statement": "<b>",
              "evidence": "x = 1 & 2", "reference": ""},)  # fmt: skip
    page = tables.page([made("a", wrong=wrong)], {"b": "dist-b"}, {"effort": "quick", "seed": 0,
                                                                 "momentum": "1"})  # fmt: skip
    assert "&lt;b&gt;" in page
    assert "x = 1 &amp; 2" in page
    assert "b (dist-b)" in page
    assert "http" not in page.replace("http-equiv", "")


def test_markdown_holds_both_tables_and_why_what_failed() -> None:
    wrong = (
        {"id": "b[float32]", "kind": "expected", "statement": "", "evidence": "known"},
        {"id": "a[float32]", "kind": "expected", "statement": "", "evidence": "known"},
        {"id": "c[float64]", "kind": "failed", "statement": "", "evidence": "error 3"},
    )
    setting = {"effort": "quick", "seed": 0, "momentum": "1"}
    page = tables.markdown([made("one", wrong=wrong)], {"b": "dist-b"}, setting)
    assert "- **one**: known: `a[float32]`, `b[float32]` (known)\n" in page
    assert "- **one**: failed: `c[float64]`\n" in page
    assert page.count("```") == 6
    assert "IMPLEMENTATION x CONVENTION" in page
    assert "Not installed: b" in page


def test_a_program_is_a_row_of_the_convention_that_it_is_nearest_to(
    capsys: pytest.CaptureFixture[str],
) -> None:
    example = PROGRAMS.parents[1] / "sgd_process.py"
    (one,) = programs(f"{sys.executable} {example}")
    assert row(replace(one, unchecked="for its convention alone"), Setting()).convention == (
        "accumulated"
    )


LISTED = "[[implementation]]\nname='x'\ntarget='x'\ndistribution='x'\nconvention='bad'\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "cannot read"),
        ("[[implementation]", "Expected"),
        ("[[implementation]]\nname = 1", "Expected `str`, got `int`"),
        (LISTED.replace("bad", "scaled") + "nam='x'", "unknown 'nam'; did you mean 'name'?"),
        (LISTED, "unknown convention 'bad'"),
    ],
)  # fmt: skip
def test_a_list_that_cannot_be_read_is_one_line(
    tmp_path: Path, text: str | None, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "list.toml"
    if text is not None:
        path.write_text(text)
    assert entry(["matrix", "--process", str(path)]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert err.count("\n") == 1


def test_programs_that_are_not_here_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "list.toml"
    rest = "convention = 'scaled'\ndistribution = 'x'\nreleased = '1'\n"
    commands = ("no-such-program-here", "$NO_SUCH_VARIABLE x", f"{sys.executable} x")
    path.write_text(
        "".join(f"[[implementation]]\nname='x'\ntarget='process:{c}'\n{rest}" for c in commands)
    )
    assert [one.installed for one in programs(str(path))] == [False, False, True]
    assert programs(str(path))[0].versions == {"x": "1"}
