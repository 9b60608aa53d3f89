"""The verifiers that need no Python: the same verdicts as `vectors verify`, by files alone."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from momentum.languages import vectors

TOOLS = {"verify.c": "cc", "verify.js": "node"}


@pytest.fixture(scope="module")
def answers(
    cases: list[dict[str, Any]], torch_answer: Callable[[dict[str, Any]], dict[str, Any]]
) -> list[dict[str, Any]]:
    return [torch_answer(case) for case in cases]


@pytest.fixture(scope="module", params=TOOLS)
def verifier(request: pytest.FixtureRequest, folder: Path) -> list[str]:
    """A command that was built of what `vectors write` wrote."""
    name = request.param
    if shutil.which(TOOLS[name]) is None:
        pytest.skip(f"there is no {TOOLS[name]} here")
    if name.endswith(".js"):
        return ["node", str(folder / name)]
    built = folder / "verify"
    strict = ["-O2", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined"]
    subprocess.run(["cc", *strict, str(folder / name), "-o", str(built), "-lm"], check=True)
    return [str(built)]


def verdict(
    verifier: list[str], answers: list[dict[str, Any]], files: list[Path], folder: Path
) -> tuple[int, str, str]:
    path = folder / "answers.jsonl"
    path.write_text("".join(json.dumps(a) + "\n" for a in answers), encoding="utf-8")
    environment = {"ASAN_OPTIONS": "detect_leaks=0"}  # it ends when it has answered
    done = subprocess.run(
        [*verifier, str(path), *map(str, files)], capture_output=True, text=True, env=environment
    )
    return done.returncode, done.stdout, done.stderr


def files(folder: Path) -> list[Path]:
    return sorted((folder / "accumulated").glob("*.json"))


def test_verifiers_are_short() -> None:
    assert all(len(path.read_text().splitlines()) < 150 for path in vectors.VERIFIERS)


def test_right_answers_pass(
    verifier: list[str], answers: list[dict[str, Any]], folder: Path, tmp_path: Path
) -> None:
    found = verdict(verifier, answers, files(folder), tmp_path)
    assert found == (0, f"passed: {len(answers)} passed, 0 failed, 0 skipped\n", "")


def test_one_hex_digit_of_an_expected_value_fails_a_right_implementation(
    verifier: list[str], answers: list[dict[str, Any]], folder: Path, tmp_path: Path
) -> None:
    text = (folder / "accumulated" / "momentum.json").read_text()
    first = re.search(r'"expected":\[\["-?0x1\.(\w)', text)
    assert first is not None
    place = first.end() - 1
    changed = text[:place] + ("0" if text[place] != "0" else "8") + text[place + 1 :]
    spoilt = tmp_path / "momentum.json"
    spoilt.write_text(changed)
    chosen = [p if p.name != "momentum.json" else spoilt for p in files(folder)]
    code, out, err = verdict(verifier, answers, chosen, tmp_path)
    assert (code, err) == (1, "")
    assert out.startswith("accumulated/momentum/0, step 1, element 0: ")
    assert f"FAILED: {len(answers) - 1} passed, 1 failed, 0 skipped\n" in out


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        (lambda a: a.pop(), 2, "not answered"),
        (lambda a: a.append(a[0]), 2, "answered twice|answers to no case"),
        (lambda a: a.append({"id": "accumulated/banana/0"}), 2, "no case"),
        (lambda a: a[0]["parameters"].pop(), 2, "another number of steps"),
        (lambda a: a[0]["parameters"][0].pop(), 2, "another number of elements"),
        (lambda a: a[0]["parameters"][0].__setitem__(0, "0x1.zp3"), 2, "no number"),
        (lambda a: a[0].pop("parameters"), 2, "no parameters"),
        (lambda a: a[0]["parameters"][0].__setitem__(0, "nan"), 1, "nan"),
        (lambda a: a[0]["parameters"][0].__setitem__(0, float("nan")), 1, "nan"),
        (lambda a: a[0]["parameters"][0].__setitem__(0, float("-inf")), 1, "-inf"),
        (lambda a: [x.update(skipped="no") for x in a], 3, "nothing verified: 0 passed, 0 failed"),
    ],
)
def test_incomplete_answers_are_told(
    verifier: list[str], answers: list[dict[str, Any]], folder: Path, tmp_path: Path,
    change: Callable[[list[dict[str, Any]]], object], code: int, words: str,
) -> None:  # fmt: skip
    copied = json.loads(json.dumps(answers))
    change(copied)
    found, out, err = verdict(verifier, copied, files(folder), tmp_path)
    assert found == code
    assert re.search(words, out + err, re.IGNORECASE)
    assert err.count("\n") == (code == 2)


@pytest.mark.parametrize("cut", [1, 40, 4000])
def test_a_file_that_was_cut_off_is_no_json(
    verifier: list[str], answers: list[dict[str, Any]], folder: Path, tmp_path: Path, cut: int
) -> None:
    half = tmp_path / "half.json"
    half.write_text((folder / "accumulated" / "basic.json").read_text()[:-cut].rstrip("}\n"))
    code, _, err = verdict(verifier, answers, [half], tmp_path)
    assert code == 2
    assert err.count("\n") == 1
