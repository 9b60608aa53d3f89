"""Every door under damaged input: no traceback, no hang, one line for what is refused.

MOMENTUM_FUZZ=N draws N inputs in all, new ones each time; without it some, always the same.
"""

import contextlib
import io
import json
import os
import signal
import unicodedata
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from momentum.doors import matrix
from momentum.doors.command_line import entry
from momentum.errors import UsageError
from momentum.report.matrix import Row, Setting

INPUTS = int(os.environ.get("MOMENTUM_FUZZ", "0"))
CODES = {0, 1, 2, 3, 130}
LIMIT = 120
"""Seconds that one input may take, on a machine that does other things too."""

SUBJECT = """
def right(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - v, v

def wrong(theta, v, grad, lr, momentum):
    v = momentum * v + 1.25 * lr * grad
    return theta - v, v

number = 3
"""
CHECK = ["check", "some.py:right", "--as", "scaled", "--dtype", "float32", "--effort", "quick",
         "--only", "agrees_with_oracle"]  # fmt: skip
EXPECTED = """\
# why
[[expected]]
id = "agrees_with_oracle[float32]" # here
reason = "known"

[[expected]]
id = "agrees_with_oracle[float16]"
reason = "known"
reference = "a/b#1"
"""
SCHEDULES = ("step,lr,momentum\n1,0.1,0.9\n5,0.01,\n", '[{"lr": 0.1}, {"step": 9, "lr": 0.01}]')
MATRIX = (
    '{"record": "header", "format": "momentum-matrix", "version": 1,'
    ' "setting": {"effort": "quick", "seed": 0, "momentum": ""}}\n'
    '{"record": "row", "name": "x", "target": "y", "settings": {}, "convention": "scaled",'
    ' "versions": {"a": "1"}, "families": {"state": {"passed": 1}}, "wrong": [],'
    ' "cells": {"scaled": {"kind": "same", "difference": "", "apart": "inf"}},'
    ' "lost": "", "seconds": 1.5}\n'
)


def inputs(share: float) -> Any:
    """How many inputs a test draws, of all."""
    return settings(
        max_examples=max(1, int(share * INPUTS)) if INPUTS else max(2, int(share * 100)),
        derandomize=not INPUTS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("fuzz")
    before = Path.cwd()
    os.chdir(folder)
    try:
        (folder / "some.py").write_text(SUBJECT)
        assert run(*CHECK, "--jsonl", "right.jsonl")[0] == 0
        wrong = [w.replace(":right", ":wrong") for w in CHECK]
        assert run(*wrong, "--jsonl", "wrong.jsonl")[0] == 1
        WHOLE.update({p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()})
        yield folder
    finally:
        os.chdir(before)


WHOLE: dict[str, bytes] = {}
"""Files that are there before each input, which may have overwritten them."""


def laid(here: Path) -> None:
    """Put the files there as they were."""
    for path in here.iterdir():
        if path.is_file() and path.name not in WHOLE:
            path.unlink()
    for name, data in WHOLE.items():
        (here / name).write_bytes(data)


def run(*arguments: str) -> tuple[int, str, str]:
    """Exit code and what was printed.

    Raises: AssertionError where it took too long; whatever `entry` raises.
    """

    def late(*_: object) -> None:
        raise AssertionError(f"{arguments} took more than {LIMIT} s")

    out, err = io.StringIO(), io.StringIO()
    signal.signal(signal.SIGALRM, late)
    signal.alarm(LIMIT)
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = entry(list(arguments))
    finally:
        signal.alarm(0)
    return code, out.getvalue(), err.getvalue()


def holds(*arguments: str) -> int:
    """What is promised of every input."""
    code, out, err = run(*arguments)
    assert code in CODES, arguments
    if code == 2 and arguments:
        assert err.startswith("momentum: error: "), (arguments, err)
        assert err.count("\n") == 1, (arguments, err)
    for text in (out, err):
        text.encode("utf-8")
        assert not any(unicodedata.category(c) in ("Cc", "Cf", "Cs") for c in text if c != "\n")
    return code


NASTY = st.one_of(
    st.sampled_from(
        [
            "", " ", "-", "--", ".", "..", "/", "~", "*", "\0", "a\0b", "\n", "\x1b[31m", "\x9b",
            "\ud800", "\u202e", "é", "漢", "[red]", "{}", "[]", "null", "true", "nan", "inf",
            "-inf", "0", "-1", "1e999999999", "-1e999999999", "1e-999999999", "0x10", "1/3", "1/0",
            "9" * 25, "9" * 5000, "1_000", "١", "a" * 5000, "a." * 3000, "(" * 500, "[" * 500,
            "some.py", "some.py:", "some.py:right", "some.py:wrong", "some.py:number", ":right",
            "some.py:right.x", "process:", "process:false", "process:cat", "json:loads",
            "/dev/null", "/dev/full", "/dev/zero", "right.jsonl", "wrong.jsonl", "none/none",
            "keras", "kears", "scaled:before", "scaled:", "float32", "float23", "x" * 300,
        ]
    ),
    st.text(st.characters(), max_size=20),
    st.integers().map(str),
    st.floats().map(repr),
)  # fmt: skip
OPTIONS = {
    "check": ["--as", "--set", "--dtype", "--effort", "--seed", "--only", "--expected", "--jsonl",
              "--html", "--time-limit", "--replay", "--strict", "--list", "-v", "--update-expected",
              "--process", "--help"],
    "identify": ["--set", "--dtype", "--time-limit", "--help"],
    "convert": ["--from", "--to", "--schedule", "--steps", "--write", "--help"],
    "explain": ["--help"],
    "matrix": ["--only", "--jsonl", "--effort", "--seed", "--help"],
    "article": ["--figures", "--seeds"],
}  # fmt: skip


FILES = [
    "",
    ".",
    "x",
    "a\0b",
    "n" * 300,
    "none/none",
    "/dev/null",
    "/dev/full",
    "some.py",
    "é",
    "-",
]
PROGRAMS = ["", "false", "cat", "true", "none/none", "a\0b", "'"]


def values(option: str) -> st.SearchStrategy[str]:
    """What may follow an option; what names a file to write or a program to run, from a list."""
    if option in ("--jsonl", "--html", "--write", "--figures", "--expected"):
        return st.sampled_from(FILES)
    return st.sampled_from(PROGRAMS) if option == "--process" else NASTY


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    command = draw(st.sampled_from([*OPTIONS, "chek", "--version"]))
    options = OPTIONS.get(command, ["--none"])
    words = [command]
    for _ in range(draw(st.integers(0, 3))):
        words.append(draw(st.sampled_from(options)))
        if draw(st.integers(0, 3)):
            words.append(draw(values(words[-1])))
    if draw(st.booleans()):
        words.append(draw(NASTY))
    if command in ("matrix", "article"):  # where nothing is wrong these run for long
        words += ["--only", "none"] if command == "matrix" else ["--seeds", "none"]
    return words


@given(command_lines())
@inputs(0.3)
def test_command_lines_end_as_documented(here: Path, words: list[str]) -> None:
    laid(here)
    holds(*words)


@given(st.sampled_from(OPTIONS["check"]).flatmap(lambda o: st.tuples(st.just(o), values(o))))
@inputs(0.1)
def test_one_wrong_option_of_a_good_check_ends_as_documented(
    here: Path, option: tuple[str, str]
) -> None:
    laid(here)
    holds(*CHECK, *option)
    holds(*CHECK, option[0])


@given(st.sampled_from(["lr", "momentum", "weight_decay", "nesterov", "x", ""]), NASTY)
@inputs(0.1)
def test_numbers_to_convert_end_as_documented(here: Path, name: str, value: str) -> None:
    holds("convert", "--from", "torch", "--to", "keras", "lr=0.1", f"{name}={value}")


ATOMS: list[Any] = [
    None, True, 0, -1, 10**30, 1.5, float("inf"), "", "nan", "\x1b[2J", "\ud800", [], {}, [[]],
    "banana", "[red]",
]  # fmt: skip


def mutated(draw: st.DrawFn, value: Any) -> Any:
    """JSON with one place in it changed."""
    if isinstance(value, dict) and value and draw(st.integers(0, 4)):
        key = draw(st.sampled_from(sorted(value)))
        action = draw(st.integers(0, 5))
        rest = {k: v for k, v in value.items() if k != key}
        if action == 0:
            return rest
        if action == 1:
            return {**rest, key + "x": value[key]}
        return {**value, key: mutated(draw, value[key])}
    if isinstance(value, list) and value and draw(st.integers(0, 4)):
        i = draw(st.integers(0, len(value) - 1))
        return [*value[:i], mutated(draw, value[i]), *value[i + draw(st.integers(0, 1)) :]]
    return draw(st.sampled_from(ATOMS))


def damaged(draw: st.DrawFn, data: bytes) -> bytes:
    """Bytes of which some are others, missing, or there twice."""
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = min(len(data), start + draw(st.integers(0, 60)))
        new = draw(
            st.binary(max_size=4)
            | st.sampled_from(
                [b"", b"[" * 2000, b"9" * 5000, b"\n", b'"', b"\0", b"{", b"a." * 500]
            )
        )
        data = data[:start] + new + data[end:]
    return data


@given(st.data())
@inputs(0.2)
def test_damaged_reports_are_told_or_refused(here: Path, data: st.DataObject) -> None:
    lines = WHOLE[data.draw(st.sampled_from(["right.jsonl", "wrong.jsonl"]))].decode()
    draw: Any = data.draw
    if data.draw(st.booleans()):
        records = [json.loads(line) for line in lines.splitlines()]
        i = data.draw(st.integers(0, len(records) - 1))
        records[i] = mutated(draw, records[i])
        (here / "report").write_text("".join(json.dumps(r) + "\n" for r in records))
    else:
        (here / "report").write_bytes(damaged(draw, lines.encode()))
    assert holds("explain", "report") in (0, 2)


@given(st.data())
@inputs(0.1)
def test_damaged_expectations_are_read_or_refused(here: Path, data: st.DataObject) -> None:
    draw: Any = data.draw
    laid(here)
    before = damaged(draw, EXPECTED.encode())
    (here / "expected").write_bytes(before)
    update = data.draw(st.booleans())
    code = holds(*CHECK, "--expected", "expected", *["--update-expected"] * update)
    if code == 2 or not update:
        assert (here / "expected").read_bytes() == before


@given(st.data())
@inputs(0.1)
def test_damaged_replays_are_run_or_refused(here: Path, data: st.DataObject) -> None:
    laid(here)
    lines = WHOLE["wrong.jsonl"].decode().splitlines()
    problem = json.loads(json.loads(lines[1])["problem"])
    draw: Any = data.draw
    if data.draw(st.booleans()):
        text = json.dumps(mutated(draw, problem))
    else:
        text = damaged(draw, json.dumps(problem).encode()).decode("utf-8", "surrogateescape")
    holds(*CHECK, "--replay", text)


@given(st.data(), st.sampled_from(SCHEDULES))
@inputs(0.05)
def test_damaged_schedules_are_converted_or_refused(
    here: Path, data: st.DataObject, text: str
) -> None:
    draw: Any = data.draw
    (here / "schedule").write_bytes(damaged(draw, text.encode()))
    holds("convert", "--from", "torch", "--to", "scaled", "lr=0.1", "--schedule", "schedule")


@given(st.data())
@inputs(0.05)
def test_damaged_matrices_are_kept_or_refused(here: Path, data: st.DataObject) -> None:
    draw: Any = data.draw
    (here / "matrix").write_bytes(damaged(draw, MATRIX.encode()))
    with contextlib.suppress(UsageError):
        rows = matrix._kept(here / "matrix", Setting())
        assert all(isinstance(row, Row) for row in rows.values())
