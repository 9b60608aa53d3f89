"""Bytes that are chosen by the code they reach, for all that reads what others wrote.

    python tests/fuzz/coverage_guided.py -runs=20000

What it takes is libFuzzer's. The first byte says which reader gets the rest; a reader returns, or
raises what a door tells in one line. Anything else ends the run with the bytes that did it.
Source: https://github.com/google/atheris
"""

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest import mock

try:
    import atheris
except ImportError:
    print("atheris is not installed: no bytes are chosen by the code they reach")
    sys.exit(0)

with atheris.instrument_imports(include=["momentum"]):
    from fuzzing import CHECK
    from test_doors import EXPECTED, MATRIX, SCHEDULES
    from test_messages import CONVERSATIONS, said, spoken

    from momentum.conversion import schedule
    from momentum.doors import matrix
    from momentum.doors.command_line import entry
    from momentum.doors.explain import explain
    from momentum.errors import UsageError
    from momentum.languages import vectors
    from momentum.languages.program import Program
    from momentum.report.matrix import Setting
    from momentum.runner import expectations
    from momentum.subjects.problems import Problem
    from momentum.subjects.protocol import SubjectError

FOLDER = Path(tempfile.mkdtemp(prefix="momentum-fuzz-"))
TOLD = (UsageError, SubjectError, ValueError)
SUBJECT = "def step(theta, v, grad, lr, momentum):\n v = momentum*v + 1.25*lr*grad\n"
SUBJECT += " return theta - v, v\n"


def file(data: bytes) -> Path:
    path = FOLDER / "given"
    path.write_bytes(data)
    return path


def text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def program(data: bytes) -> None:
    """Whatever a program answers, line by line."""
    rest = iter(data.split(b"\n"))

    def answered(self: Program, what: str, asked: Sequence[bytes]) -> list[bytes]:
        return [next(rest, b"") for _ in asked]

    with mock.patch.object(Program, "_exchange", answered):
        spoken()


READERS: Sequence[Callable[[bytes], Any]] = (
    program,
    lambda data: explain([file(data)], None),
    lambda data: expectations.read(file(data)),
    lambda data: Problem.from_text(text(data)),
    lambda data: schedule.rows_in(text(data), FOLDER / "given", {}),
    lambda data: matrix._kept(file(data), Setting()),
    lambda data: vectors.answers_of(text(data)),
)


def one(data: bytes) -> None:
    if not data:
        return
    try:
        READERS[data[0] % len(READERS)](data[1:])
    except TOLD as error:
        told = str(error)
    else:
        return
    assert told
    assert "\n" not in told


def corpus() -> Path:
    """A whole file for every reader, to begin with."""
    (FOLDER / "some.py").write_text(SUBJECT)
    report = FOLDER / "report.jsonl"
    entry([CHECK[0], f"{FOLDER}/some.py:step", *CHECK[2:], "--jsonl", str(report)])
    problem = json.loads(report.read_text().splitlines()[1])["problem"]
    answers = '{"id": "scaled/basic/1", "parameters": [["0x1.8p-3", 0.5]]}\n'
    whole = [
        *((0, b"\n".join(said(line) for line in talk)) for talk in CONVERSATIONS),
        (1, report.read_bytes()),
        (2, EXPECTED.encode()),
        (3, problem.encode()),
        *((4, schedule.encode()) for schedule in SCHEDULES),
        (5, MATRIX.encode()),
        (6, answers.encode()),
    ]
    seeds = FOLDER / "corpus"
    seeds.mkdir()
    for i, (reader, data) in enumerate(whole):
        (seeds / str(i)).write_bytes(bytes([reader]) + data)
    return seeds


if __name__ == "__main__":
    seeds = corpus()
    atheris.Setup([*sys.argv, "-max_len=20000", "-timeout=60", str(seeds)], one)
    atheris.Fuzz()
