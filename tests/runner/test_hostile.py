"""Hostile subjects: each ends in bounded time, says what it did, and leaves nothing running."""

import contextlib
import ctypes
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from momentum.errors import UsageError
from momentum.runner.options import Options
from momentum.runner.results import run
from momentum.subjects.protocol import Facts

LIMIT = 2.0
FACTS = Facts("hostile", ("float64", "float32"), frozenset({"lr", "momentum"}), frozenset({"lr"}))
OPTIONS = Options(effort="quick", only=("trajectory", "schedules"), time_limit=LIMIT)


PATIENT = replace(OPTIONS, time_limit=60.0)


class Hostile:
    """The scaled convention, and a trick before each step or at the start."""

    def __init__(self, trick=None, at_start=None):
        self.trick, self.at_start, self.facts = trick, at_start, FACTS

    def start(self, parameters, hypers, dtype, groups=None, options=None):
        if self.at_start:
            self.at_start()
        return HostileRun(self.trick, parameters, hypers[0], np.dtype(dtype).type)


class HostileRun:
    def __init__(self, trick, parameters, hyper, dtype):
        self.trick, self.hyper, self.dtype = trick, hyper, dtype
        self.x = [np.array(p, dtype) for p in parameters]
        self.v = [np.zeros_like(p) for p in self.x]

    def step(self, gradients):
        if self.trick:
            self.trick()
        lr, momentum = self.dtype(self.hyper.lr), self.dtype(self.hyper.momentum)
        for i, g in enumerate(gradients):
            self.v[i] = momentum * self.v[i] + lr * np.asarray(g, self.dtype)
            self.x[i] = self.x[i] - self.v[i]

    def parameters(self):
        return [np.array(x, np.float64) for x in self.x]

    def set(self, hyper, group=0):
        self.hyper = hyper


def hangs():
    while True:
        time.sleep(0.01)


def hoards():
    hoard = []
    while True:
        hoard.append(bytearray(1 << 24))


def writes_everywhere():
    for number in range(3, 1024):
        with contextlib.suppress(OSError):
            os.write(number, b'{"record": "result"}\n' * 3)


def closes_everything():
    os.closerange(3, 4096)


def half_a_message():
    """What a worker that dies in the middle of a write leaves behind."""
    for number in range(3, 1024):
        with contextlib.suppress(OSError):
            os.write(number, os.urandom(16) + b"\0" * 12)
    os._exit(0)


def kills_its_parent():
    os.kill(os.getppid(), signal.SIGKILL)
    time.sleep(60)


def prints_for_ever():
    while True:
        os.write(1, b"x" * 4096)
        os.write(2, b"x" * 4096)


CASES = {
    "hangs": (hangs, "still running after 2 s"),
    "hoards": (hoards, "raised MemoryError"),
    "exits": (lambda: sys.exit(3), "raised SystemExit: 3"),
    "leaves": (lambda: os._exit(0), "ended the process with exit code 0"),
    "crashes": (lambda: ctypes.string_at(0), "was killed by signal SIGSEGV"),
    "stops": (lambda: os.kill(os.getpid(), signal.SIGSTOP), "still running after 2 s"),
    "closes": (closes_everything, "channel of its results"),
    "half": (half_a_message, "ended the process with exit code 0"),
    "parent": (kills_its_parent, "ended together with the process that had loaded it"),
    "prints": (prints_for_ever, "still running after 2 s"),
    "group": (lambda: os.killpg(0, signal.SIGKILL), "was killed by signal SIGKILL"),
}


@pytest.mark.parametrize("name", CASES)
def test_hostile_step_ends_in_time_with_a_result_that_says_what_it_did(name, monkeypatch):
    monkeypatch.setattr("momentum.subjects.isolation.child.MEMORY", 256 << 20)
    trick, words = CASES[name]
    began = time.monotonic()
    options = OPTIONS if "still running" in words else PATIENT
    results = run(lambda: Hostile(trick), "scaled", options)
    assert time.monotonic() - began < 4 * LIMIT + 50  # and what a slow machine adds
    tried = [r for r in results.results if r.verdict != "skipped"]
    assert {r.verdict for r in tried} == {"errored"}
    assert words in tried[0].reason
    if "still running" in words or "Memory" in words:
        assert [r.reason.startswith("not tried") for r in tried][1:] == [True] * (len(tried) - 1)
    assert results.exit_code() == 1


def test_hostile_start_that_hangs_ends_the_run():
    results = run(lambda: Hostile(at_start=hangs), "scaled", OPTIONS)
    assert "still running after 2 s" in results.control
    assert results.results[0].reason == "still running after 2 s"
    assert all(r.reason for r in results.results[1:])


def running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def noted(path):
    return [int(line) for line in path.read_text().split()]


def leaves_children(path):
    """A child beside it and one in a session of its own, both of which hang."""

    def trick():
        if path.exists() and len(noted(path)) >= 4:
            return
        for detached in (False, True):
            if os.fork() == 0:
                if detached:
                    os.setsid()
                with path.open("a") as file:
                    file.write(f"{os.getpid()}\n")
                hangs()

    return trick


def test_hostile_children_end_with_the_run(tmp_path):
    path = tmp_path / "pids"
    results = run(lambda: Hostile(leaves_children(path)), "scaled", PATIENT)
    assert {r.verdict for r in results.results} <= {"passed", "skipped"}
    assert len(noted(path)) >= 4
    assert not [pid for pid in noted(path) if running(pid)]


def forks_and_both_go_on():
    os.fork()


def test_hostile_step_that_forks_each_time_has_no_copies_that_go_on():
    def forks():
        for _ in range(2):
            os.fork()

    options = replace(PATIENT, only=("agrees_with_oracle",), dtypes=("float64",))
    began = time.monotonic()
    results = run(lambda: Hostile(forks), "scaled", options)
    assert [r.verdict for r in results.results] == ["passed"]
    assert time.monotonic() - began < 4 * PATIENT.time_limit


def starts_a_thread():
    threading.Thread(target=lambda: time.sleep(60)).start()


@pytest.mark.parametrize(
    "trick",
    [writes_everywhere, forks_and_both_go_on, starts_a_thread],
    ids=lambda f: f.__name__,
)
def test_hostile_step_cannot_spoil_the_report(trick):
    options = replace(PATIENT, only=("agrees_with_oracle",))
    once = []

    def first_time():
        if not once:
            once.append(1)
            trick()

    results = run(lambda: Hostile(first_time), "scaled", options)
    ids = [r.id for r in results.results]
    assert ids == ["agrees_with_oracle[float64]", "agrees_with_oracle[float32]"]
    assert {r.verdict for r in results.results} == {"passed"}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs /proc")
def test_hostile_step_has_no_descriptor_but_its_own(tmp_path):
    with (tmp_path / "secret").open("w") as secret:
        found = tmp_path / "found"

        def looks():
            links = [os.readlink(f"/proc/self/fd/{n}") for n in os.listdir("/proc/self/fd")
                     if os.path.lexists(f"/proc/self/fd/{n}")]  # fmt: skip
            found.write_text("\n".join(links))

        run(lambda: Hostile(looks), "scaled", PATIENT)
        links = found.read_text().split("\n")
        assert secret.name not in links
        assert len([x for x in links if x.startswith("socket:")]) == 1
        files = {x for x in links if not x.startswith(("socket:", "/proc/"))}
        assert files <= {os.devnull, str(found)}


def test_hostile_load_that_hangs_is_named():
    with pytest.raises(UsageError, match="was still loading after 2 s"):
        run(hangs, "scaled", OPTIONS)


def test_total_limit_ends_a_run_and_keeps_what_was_found():
    def slow():
        time.sleep(0.05)

    options = Options(effort="deep", time_limit=60.0, total_limit=4.0)
    results = run(lambda: Hostile(slow), "scaled", options)
    assert results.unfinished == "ended after 4 s, the limit of the whole run"
    assert results.exit_code() == 1
