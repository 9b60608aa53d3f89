"""A program that answers lines of JSON with lines of JSON."""

import contextlib
import json
import os
import shlex
import subprocess
import tempfile
import weakref
from collections.abc import Mapping
from threading import Timer
from typing import Any

from momentum.adapters import _words
from momentum.errors import UsageError
from momentum.subjects.protocol import SubjectError

_LONGEST = 1 << 28  # bytes of an answer


class Refused(SubjectError):
    """The program answered with an error of its own."""


class Program:
    """A running program; it is killed when it takes longer than `patience` seconds to answer.

    Raises: UsageError where it cannot be started.
    """

    def __init__(self, command: str, patience: float) -> None:
        self.patience, self.late, self.in_words = patience, False, False
        self.owner = os.getpid()
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the program)
        try:
            self.process = subprocess.Popen(
                shlex.split(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self.errors,
            )
        except (OSError, ValueError, IndexError) as error:
            raise UsageError(f"cannot start {command!r}: {error}") from None

        weakref.finalize(self, _let_go, self.process, self.owner)

    @property
    def alive(self) -> bool:
        """It can be asked again, and by this process: a fork has no pipe to its parent's."""
        return self.owner == os.getpid() and self.process.poll() is None

    def ask(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a request.

        Raises: Refused where it answers with an error; SubjectError where it does not answer.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        line = b""
        timer = Timer(self.patience, self._end_late)
        timer.start()
        try:
            said = _words.request_of(request) if self.in_words else json.dumps(request)
            self.process.stdin.write(said.encode() + b"\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline(_LONGEST)
        except OSError:
            pass  # it has closed its input; what became of it is told below
        finally:
            timer.cancel()
        if not line.endswith(b"\n"):
            raise SubjectError(self._last_words(request["do"], line))
        try:
            answer = self._read(line)
        except (ValueError, RecursionError) as error:  # also where it is no UTF-8
            self.end()
            wanted = str(error) if self.in_words else "wanted one JSON object a line"
            text = f"answered {request['do']!r} with {line[:60]!r}, {wanted}"
            raise SubjectError(text) from None
        if "error" in answer:
            raise Refused(str(answer["error"]))
        return answer

    def _read(self, line: bytes) -> dict[str, Any]:
        """What a line says. Raises: ValueError."""
        if line.startswith(_words.GREETING):
            self.in_words = True
            return _words.facts_of(line.decode())
        if self.in_words:
            return _words.answer_of(line.decode())
        answer = json.loads(line)
        if not isinstance(answer, dict):
            raise ValueError
        return answer

    def end(self) -> None:
        """Kill it; it is of no use any more."""
        self.process.kill()
        self.process.wait()

    def _end_late(self) -> None:
        self.late = True
        self.process.kill()

    def _last_words(self, what: str, line: bytes) -> str:
        try:
            code = self.process.wait(None if self.late else 1.0)
        except subprocess.TimeoutExpired:
            self.end()
            return f"closed its output at {what!r}, or wrote an endless line: {line[:60]!r}"
        if self.late:
            return f"gave no answer to {what!r} within {self.patience:g} s"
        self.errors.seek(0)
        said = self.errors.read().decode(errors="replace").strip().splitlines()
        words = f": {said[-1]}" if said else ""
        return f"ended with exit code {code} at {what!r}{words}"


def _let_go(process: "subprocess.Popen[bytes]", owner: int) -> None:
    """The end of its input tells a program to end; one that does not is killed."""
    if owner != os.getpid():
        return
    assert process.stdin is not None
    with contextlib.suppress(OSError):
        process.stdin.close()
    try:
        process.wait(1.0)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
