"""Commands, options and files under damaged input: no traceback, no hang, one line of refusal."""

import contextlib
import json
from pathlib import Path
from typing import Any

from fuzzing import CHECK, NASTY, WHOLE, damaged, holds, inputs, laid, mutated
from hypothesis import given
from hypothesis import strategies as st

from momentum.doors import matrix
from momentum.errors import UsageError
from momentum.report.matrix import Row, Setting

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


OPTIONS = {
    "check": ["--as", "--set", "--dtype", "--effort", "--seed", "--only", "--expected", "--jsonl",
              "--html", "--time-limit", "--replay", "--strict", "--list", "-v", "--update-expected",
              "--process", "--total-limit", "--jobs", "--help"],
    "identify": ["--set", "--dtype", "--time-limit", "--as", "--help"],
    "convert": ["--from", "--to", "--schedule", "--steps", "--write", "--help"],
    "explain": ["--help"],
    "matrix": ["--only", "--jsonl", "--effort", "--seed", "--help"],
    "article": ["--figures", "--seeds"],
    "watch": ["--as", "--every", "--sample", "--jsonl", "--stop", "--help"],
    "vectors write": ["--as", "--help"],
    "vectors verify": ["--help"],
    "harness": ["--as", "--into", "--help"],
}  # fmt: skip


FILES = [
    "", ".", "x", "a\0b", "n" * 300, "none/none", "/dev/null", "/dev/full", "/dev/tty", "pipe",
    "some.py", "é", "-",
]  # fmt: skip
PROGRAMS = ["", "false", "cat", "true", "none/none", "a\0b", "'"]


def values(option: str) -> st.SearchStrategy[str]:
    """What may follow an option; what names a file to write or a program to run, from a list."""
    if option in ("--jsonl", "--html", "--write", "--figures", "--expected", "--into"):
        return st.sampled_from(FILES)
    return st.sampled_from(PROGRAMS) if option == "--process" else NASTY


@st.composite
def command_lines(draw: st.DrawFn) -> list[str]:
    command = draw(st.sampled_from([*OPTIONS, "chek", "--version"]))
    words = command.split()
    for _ in range(draw(st.integers(0, 3))):
        words.append(draw(st.sampled_from(OPTIONS.get(command, ["--none"]))))
        if draw(st.integers(0, 3)):
            words.append(draw(values(words[-1])))
    if command == "vectors write":
        return [*words, "--as", draw(st.sampled_from(["scaled", "none"])), draw(values("--into"))]
    if command == "harness":
        words.append(draw(st.sampled_from(["c", "rust", "python", "selftest", "cobol"])))
        return [*words, draw(st.sampled_from(PROGRAMS))]
    if command == "watch":
        words.append(draw(st.sampled_from(["train.py", *FILES])))
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
