"""A running program that speaks the process protocol."""

import contextlib
import os
import selectors
import shlex
import signal
import subprocess
import tempfile
import time
import weakref
from collections.abc import Sequence
from itertools import count

from momentum.errors import UsageError
from momentum.languages.last_words import ending, quoted, shortened, worded
from momentum.languages.protocol import PROTOCOLS, Answer, Asked, FactsAsked, Hello, Steps
from momentum.languages.spellings import Json, Spelling, hello
from momentum.subjects.isolation.child import children_of
from momentum.subjects.protocol import SubjectError

_AT_ONCE = 1 << 16
_SPARE = 1 << 20
"""Bytes that an answer may always have; beyond them 64 for each that it was ever asked with."""


PATIENCE = 60.0
"""Seconds that a program gets for an answer; it may load much before the first."""


class Program:
    """A program that has said what it is; it is ended when it breaks the protocol, or is silent for
    `patience` seconds.

    Raises: UsageError where it cannot be started, SubjectError where it says no proper facts.
    """

    def __init__(self, command: str, patience: float) -> None:
        self.patience, self.owner = patience, os.getpid()
        self.errors = tempfile.TemporaryFile()  # noqa: SIM115 (as long as the program)
        try:
            self.process = subprocess.Popen(
                shlex.split(command), bufsize=0,
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self.errors,
            )  # fmt: skip
        except (OSError, ValueError, IndexError) as error:
            raise UsageError(f"cannot start {command!r}: {error}") from None
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.stdin, self.stdout = self.process.stdin.fileno(), self.process.stdout.fileno()
        for pipe in (self.stdin, self.stdout):
            os.set_blocking(pipe, False)
        self.unread, self.longest, self.seq = bytearray(), _SPARE, count(2)
        self.spelling: Spelling = Json()
        weakref.finalize(self, _let_go, self.process, self.owner)
        self.hello = self._greeted()

    @property
    def alive(self) -> bool:
        """It can be asked again, and by this process: a fork has no pipe to its parent's."""
        return self.owner == os.getpid() and self.process.poll() is None

    def _greeted(self) -> Hello:
        asked = FactsAsked(seq=1, protocols=PROTOCOLS)
        line, *more = self._exchange(asked.what, Json().lines(asked))
        try:
            said, self.spelling = hello(line.decode())
            self._echoed(said.protocol, said.seq, 1)
        except ValueError as error:
            raise self._broken(
                f"answered 'facts' with {shortened(line)}: {worded(error)}"
            ) from None
        self._no_more(asked.what, more)
        return said

    def ask(self, request: Asked) -> Answer:
        """The answer to a request.

        Raises: SubjectError where there is none, or one that breaks the protocol; ValueError where
        the protocol that it speaks has no such request.
        """
        request.seq, what = next(self.seq), self.verb(request)
        lines, found = self.spelling.lines(request), list[Answer]()
        said = self._exchange(what, lines)
        for line in said[: len(lines)]:
            try:
                found.append(self.spelling.answer(line.decode()))
                self._echoed(self.hello.protocol, found[-1].seq, request.seq)
            except (ValueError, RecursionError) as error:  # also where it is no UTF-8
                raise self._broken(
                    f"answered {what!r} with {shortened(line)}: {worded(error)}"
                ) from None
        self._no_more(what, said[len(lines) :])
        if self.hello.protocol == 2 or not isinstance(request, Steps):
            return found[0]
        failed = next((one for one in found if one.error is not None), None)
        return failed or Answer.of_steps(request, found)

    def verb(self, request: Asked) -> str:
        """What the program is asked to do, as it reads it."""
        single = self.hello.protocol == 1 and isinstance(request, Steps)
        return "step" if single else request.what

    def _echoed(self, protocol: int, got: int, wanted: int) -> None:
        if protocol == 2 and got != wanted:
            raise ValueError(f"wanted seq {wanted}, got {got}")

    def _exchange(self, what: str, lines: Sequence[bytes]) -> list[bytes]:
        """Write lines and read as many, both at once, since either pipe may be full.

        What came beside the last of them is there, too.
        """
        rest = memoryview(b"".join(line + b"\n" for line in lines))
        got: list[bytes] = []
        self.longest = max(self.longest, _SPARE + 64 * len(rest))
        until = time.monotonic() + self.patience
        with selectors.DefaultSelector() as ready:
            ready.register(self.stdout, selectors.EVENT_READ)
            if ready.select(0):  # written since the last answer
                found = [*self._lines(what), bytes(self.unread)]
                raise self._broken(f"wrote a line that nobody had asked for: {shortened(found[0])}")
            ready.register(self.stdin, selectors.EVENT_WRITE)
            while len(got) < len(lines):
                left = until - time.monotonic()
                if left <= 0:
                    raise self._silent(what, len(got), len(lines))
                for key, _ in ready.select(left):
                    if key.fd == self.stdin:
                        rest = self._written(rest)
                        if not rest:
                            ready.unregister(self.stdin)
                    elif new := self._lines(what):
                        got += new
                        until = time.monotonic() + self.patience
        return got

    def _no_more(self, what: str, more: Sequence[bytes]) -> None:
        """The lines that it was asked for were all that it wrote."""
        if more or self.unread:
            then = shortened(more[0] if more else self.unread)
            raise self._broken(f"answered {what!r} with more than one line: then {then}")

    def _written(self, rest: memoryview) -> memoryview:
        try:
            return rest[os.write(self.stdin, rest[:_AT_ONCE]) :]
        except BlockingIOError:
            return rest
        except OSError:
            return rest[:0]  # it has closed its input; what became of it is told at its output

    def _lines(self, what: str) -> list[bytes]:
        """Whole lines that have come by now."""
        try:
            data = os.read(self.stdout, _AT_ONCE)
        except BlockingIOError:
            return []
        if not data:
            raise SubjectError(self._ended(what))
        self.unread += data
        if b"\n" not in data:
            if len(self.unread) > self.longest:
                text = f"answered {what!r} with a line that has no end: {shortened(self.unread)}"
                raise self._broken(text)
            return []
        *whole, rest = bytes(self.unread).split(b"\n")
        self.unread = bytearray(rest)
        return whole

    def _silent(self, what: str, got: int, wanted: int) -> SubjectError:
        limit = f"within {self.patience:g} s"
        if self.unread:
            half = f"half a line, {shortened(self.unread)}"
            return self._broken(f"answered {what!r} with {half}, and no end of it {limit}")
        some = f"only {got} of {wanted} answers" if got else "no answer"
        return self._broken(f"gave {some} to {what!r} {limit}")

    def _ended(self, what: str) -> str:
        half = f", after half a line, {shortened(self.unread)}" if self.unread else ""
        try:
            code = self.process.wait(1.0)
        except subprocess.TimeoutExpired:
            self.end()
            return f"closed its output at {what!r}{half}"
        self.errors.seek(0)
        said = quoted(self.errors.read().decode(errors="replace"))
        return f"{ending(code)} at {what!r}{half}{': ' if said else ''}{said}"

    def _broken(self, words: str) -> SubjectError:
        """It is of no use any more."""
        self.end()
        return SubjectError(words)

    def end(self) -> None:
        """Kill it, and what it has started."""
        _kill(self.process)


def _kill(process: "subprocess.Popen[bytes]") -> None:
    others = _descendants(process.pid)
    process.kill()
    process.wait()
    for pid in others:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    """What a process has started, and these; none where the system does not tell."""
    found = children_of(pid)
    return [*found, *(other for child in found for other in _descendants(child))]


def _let_go(process: "subprocess.Popen[bytes]", owner: int) -> None:
    """The end of its input tells a program to end; one that does not is killed."""
    if owner != os.getpid():
        return
    for pipe in (process.stdin, process.stdout):
        assert pipe is not None
        pipe.close()
    try:
        process.wait(1.0)
    except subprocess.TimeoutExpired:
        _kill(process)
