"""Damaged messages in every spelling of the protocol: one line that names it, and nothing is left.

Most are handed to the reader without a process, so that thousands take seconds.
"""

import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
from fuzzing import damaged, inputs, mutated
from hypothesis import given
from hypothesis import strategies as st

from momentum.adapters import load
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.languages.program import Program
from momentum.subjects.protocol import SubjectError

HELLO = {
    "seq": 1,
    "protocol": 2,
    "dtypes": ["float64"],
    "hyper": ["lr", "momentum"],
    "settable": ["lr"],
    "fixed": {"dampening": 0.5},
    "groups": True,
    "offers": ["resume"],
}
CONVERSATIONS: Sequence[Sequence[Any]] = (
    [
        HELLO,
        {"seq": 2, "parameters": [["0x1.8p-3", "inf"]]},
        {"seq": 3, "results": [{"parameters": [[0.5, "nan"]]}] * 2},
        {"seq": 4, "state": [1, 2]},
        {"seq": 5, "parameters": [["0x3e400000", "0.25"]]},
    ],
    [
        {"protocol": 1, "dtypes": ["float64"], "hyper": ["lr", "momentum"], "offers": ["resume"],
         "settable": ["lr"], "fixed": {"dampening": 0.5}},
        {"parameters": [["0x1.8p-3", 1.5]]},
        {"parameters": [["0x1.8p-3", 1.5]]},
        {},
        {"parameters": [["0x1.8p-3", 1.5]]},
        {"state": {"x": 1}},
        {"parameters": [["0x1.8p-3", 1.5]]},
    ],
    [
        "momentum-words 1 dtypes=float64 hyper=lr,momentum fixed=dampening:0.5",
        "state 1 2 3fc8000000000000 7ff0000000000000",
        "state 1 2 3fc8000000000000 7ff8000000000000",
        "ok",
        "state 1 2 3fc8000000000000 bff0000000000000",
        "refused no such thing",
    ],
)  # fmt: skip


def said(line: Any) -> bytes:
    return (line if isinstance(line, str) else json.dumps(line)).encode("utf-8", "replace")


def spoken() -> None:
    """A run with all that may be asked, of a program whose lines are what `_exchange` gives.

    Raises: UsageError, SubjectError, ValueError.
    """
    subject = load(f"process:{shlex.quote(sys.executable)} -c 0")
    h = Hyper(0.5, 0.5, 0.5)
    run = subject.start([np.zeros(2)], [h], "float64")
    run.steps([[np.zeros(2)]] * 2, [[h], [h._replace(lr=0.25)]])
    if "resume" in subject.facts.offers:
        run.load(run.save())
    run.parameters()


@given(st.data(), st.sampled_from(CONVERSATIONS))
@inputs(0.5)
def test_a_damaged_line_is_named_in_one_line(data: st.DataObject, talk: Sequence[Any]) -> None:
    draw: Any = data.draw
    lines = [said(line) for line in talk]
    i = data.draw(st.integers(0, len(lines) - 1))
    if isinstance(talk[i], dict) and data.draw(st.booleans()):
        lines[i] = said(mutated(draw, talk[i]))
    else:
        lines[i] = damaged(draw, lines[i]).replace(b"\n", b"")
    rest = iter(lines)

    def answered(program: Program, what: str, asked: Sequence[bytes]) -> list[bytes]:
        assert all(b"\n" not in line for line in asked)
        return [next(rest, b"") for _ in asked]

    with mock.patch.object(Program, "_exchange", answered):
        try:
            spoken()
        except (UsageError, SubjectError, ValueError) as error:
            text = str(error)
            assert text
            assert "\n" not in text
            assert len(text) < 2000


@given(st.data(), st.sampled_from(CONVERSATIONS))
@inputs(0.05)
def test_a_damaged_program_is_ended_and_named(
    here: Path, data: st.DataObject, talk: Sequence[Any]
) -> None:
    draw: Any = data.draw
    whole = [said(line) + b"\n" for line in talk]
    i = data.draw(st.integers(0, len(whole) - 1))
    whole[i] = damaged(draw, whole[i])
    (here / "lines").write_bytes(b"\0".join(whole))
    body = "for line in open('lines', 'rb').read().split(bytes(1)):\n"
    body += " sys.stdin.buffer.readline(); sys.stdout.buffer.write(line); sys.stdout.flush()\n"
    then = data.draw(st.sampled_from(["", "1 / 0", "import time; time.sleep(600)"]))
    (here / "program.py").write_text(f"import sys\n{body}{then}")
    command = shlex.join([sys.executable, "-S", "-E", "program.py"])
    found: list[Program] = []
    begin = Program.__init__

    def begun(self: Program, *arguments: Any) -> None:
        found.append(self)
        begin(self, *arguments)

    with mock.patch.object(Program, "__init__", begun):
        try:
            subject = load(f"process:{command}", {"timeout": "0.5"})
            run = subject.start([np.zeros(2)], [Hyper(0.5, 0.5, 0.5)], "float64")
            run.step([np.zeros(2)])
            run.step([np.zeros(2)])
        except (UsageError, SubjectError, ValueError) as error:
            told = str(error)
            assert "\n" not in told
    for program in found:
        program.end()
        assert program.process.poll() is not None
