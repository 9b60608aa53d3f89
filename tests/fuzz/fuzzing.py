"""Damaged input, and what is promised of every command that gets it.

MOMENTUM_FUZZ=N draws N inputs in all, new ones each time; without it a few, always the same.
"""

import contextlib
import io
import os
import shutil
import signal
import unicodedata
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from momentum.doors.command_line import entry

INPUTS = int(os.environ.get("MOMENTUM_FUZZ", "0"))
SAMPLE = 60
CHECK = ["check", "some.py:right", "--as", "scaled", "--dtype", "float32", "--effort", "quick",
         "--only", "agrees_with_oracle"]  # fmt: skip
CODES = {0, 1, 2, 3, 130}
LIMIT = 600
"""Seconds that one input may take: four time limits, and as much again on a busy machine."""


def inputs(share: float) -> Any:
    """How many inputs a test draws, of all."""
    return settings(
        max_examples=max(1, int(share * INPUTS)) if INPUTS else max(2, int(share * SAMPLE)),
        derandomize=not INPUTS,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


WHOLE: dict[str, bytes] = {}
"""Files that are there before each input, which may have overwritten them."""


def laid(here: Path) -> None:
    """Put the files there as they were, and a pipe that nobody writes into or reads."""
    for path in here.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name not in WHOLE:
            path.unlink()
    for name, data in WHOLE.items():
        (here / name).write_bytes(data)
    os.mkfifo(here / "pipe")


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
        lines = err.splitlines()
        assert lines[-1].startswith("momentum: error: "), (arguments, err)
        # What a training was found to do is on standard error, with the training's own words.
        assert len(lines) == 1 or arguments[0] == "watch", (arguments, err)
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
            "/dev/null", "/dev/full", "/dev/zero", "/dev/tty", "pipe", "right.jsonl",
            "wrong.jsonl", "none/none",
            "keras", "kears", "scaled:before", "scaled:", "float32", "float23", "x" * 300,
        ]
    ),
    st.text(st.characters(), max_size=20),
    st.integers().map(str),
    st.floats().map(repr),
)  # fmt: skip
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
