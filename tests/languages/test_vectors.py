"""Vectors: written the same each time, answered rightly by the libraries, wrong answers told."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from momentum.doors.command_line import entry
from momentum.languages import vectors
from momentum.languages.families import FAMILIES
from momentum.languages.numbers import numbers

Cases = list[dict[str, Any]]
Answering = Callable[[dict[str, Any]], dict[str, Any]]


def verified(tmp_path: Path, answers: list[dict[str, Any]]) -> int:
    path = tmp_path / "answers.jsonl"
    path.write_text("".join(json.dumps(a) + "\n" for a in answers), encoding="utf-8")
    return entry(["vectors", "verify", str(path)])


def test_files_fit_their_schema_and_are_the_same_each_time(folder: Path, tmp_path: Path) -> None:
    schema = json.loads((folder / "schema.json").read_text())
    again = {p.relative_to(tmp_path): p for p in vectors.write(tmp_path, ["torch"])}
    for name, path in again.items():
        assert path.read_bytes() == (folder / name).read_bytes()
        if name.suffix == ".json" and name.name != "schema.json":
            jsonschema.validate(json.loads(path.read_text()), schema)


def test_schema_is_the_one_in_the_documentation() -> None:
    kept = Path(__file__).parents[2] / "docs" / "vectors.schema.json"
    assert kept.read_bytes() == vectors.schema()


def test_all_conventions_together_stay_small(tmp_path: Path) -> None:
    written = vectors.write(tmp_path)
    assert sum(path.stat().st_size for path in written) < 10_000_000
    assert {path.stem for path in written} == {
        "schema", "verify", *(f.name for f in FAMILIES),
    }  # fmt: skip


def test_torch_answers_every_case_rightly(
    cases: Cases, torch_answer: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [torch_answer(case) for case in cases]
    assert verified(tmp_path, answers) == 0
    assert capsys.readouterr().out.startswith(f"passed: {len(answers)} passed, 0 failed")


def test_what_flushes_subnormals_is_right_where_that_is_said(
    cases: Cases, torch_answer: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [torch_answer(case) for case in cases]
    for case, answer in zip(cases, answers):
        least = {"float64": 2.0**-1022, "float16": 2.0**-14}.get(case["dtype"], 2.0**-126)
        rows = (numbers(row) for row in answer["parameters"])
        answer["parameters"] = [[x if abs(x) >= least else 0.0 for x in row] for row in rows]
    assert verified(tmp_path, answers) == 1
    out = capsys.readouterr().out
    assert "exact np" not in out
    assert "only subnormal numbers are wrong, which became zero: see --flushing" in out
    assert entry(["vectors", "verify", str(tmp_path / "answers.jsonl"), "--flushing"]) == 0


def test_torch_lies_within_the_bounds_of_the_files_alone(
    cases: Cases, torch_answer: Answering
) -> None:
    for case in cases:
        got = torch_answer(case)["parameters"]
        for step, row in enumerate(got):
            expected, bound = numbers(case["expected"][step]), numbers(case["bound"][step])
            apart = np.abs(np.array(numbers(row)) - expected)
            assert np.all(apart <= bound), (case["id"], step)


def _lost_block(case: dict[str, Any], answer: dict[str, Any]) -> None:
    if case["size"] >= 16 and case["dtype"] == "float16":
        for row in answer["parameters"]:
            row[:16] = case["start"][:16]


def _one_hex_digit(case: dict[str, Any], answer: dict[str, Any]) -> None:
    if case["id"] == "accumulated/momentum/3":
        text = answer["parameters"][5][2]
        place = text.index(".") + 2
        answer["parameters"][5][2] = (
            text[:place] + ("0" if text[place] != "0" else "8") + text[place + 1 :]
        )


def _no_number(case: dict[str, Any], answer: dict[str, Any]) -> None:
    if case["id"] == "accumulated/basic/0":
        answer["parameters"][1][0] = float("nan")  # written as NaN, which is no JSON


@pytest.mark.parametrize(
    ("spoil", "family"),
    [(_lost_block, "sizes"), (_one_hex_digit, "momentum"), (_no_number, "basic")],
)
def test_a_wrong_answer_fails_with_its_family_and_a_reason(
    cases: Cases,
    torch_answer: Answering,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    spoil: Callable[[dict[str, Any], dict[str, Any]], None],
    family: str,
) -> None:
    answers = []
    for case in cases:
        answers.append(torch_answer(case))
        spoil(case, answers[-1])
    assert verified(tmp_path, answers) == 1
    out = capsys.readouterr().out
    assert f"\n{family}: " in out
    assert "for example" in out
    assert "--flushing" not in out


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda a: a.pop(), "is not answered"),
        (lambda a: a.append(a[0]), "answered twice"),
        (lambda a: a.append({"id": "accumulated/banana/0"}), "is no case"),
        (lambda a: a.append({"id": "banana/basic/0"}), "unknown convention"),
        (lambda a: a[0]["parameters"].pop(), "wanted 2 steps of 3 numbers"),
        (lambda a: a[0]["parameters"][0].__setitem__(0, "0x1.zp3"), "is no number"),
        (lambda a: a[0].pop("id"), "line 1"),
        (lambda a: a.clear(), "no answer"),
    ],
)
def test_incomplete_answers_are_refused_in_one_line(
    cases: Cases, torch_answer: Answering, tmp_path: Path, change: Any, words: str,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    found = sorted(cases, key=lambda case: "/basic/" not in case["id"])
    answers = [{"id": c["id"], "parameters": [list(r) for r in c["expected"]]} for c in found]
    change(answers)
    assert verified(tmp_path, answers) == 2
    err = capsys.readouterr().err
    assert words in err
    assert err.count("\n") == 1


def test_what_is_skipped_is_counted_apart(
    cases: Cases, torch_answer: Answering, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = [
        torch_answer(case) if case["dtype"] == "float64" else {"id": case["id"], "skipped": "no"}
        for case in cases
    ]
    assert verified(tmp_path, answers) == 0
    assert "skipped: no\n" in capsys.readouterr().out
