"""Subjects that meddle with the interpreter: what they change is put back, or said, or both."""

import builtins
import ctypes
import gc
import json
import os
import pickle
import random
import resource
import signal
import sys
import tempfile
import threading
import time
import warnings

import numpy as np
import pytest

from momentum.adapters import adapt
from momentum.runner.options import Options
from momentum.runner.results import run
from momentum.subjects.isolation import stream
from momentum.subjects.isolation.child import FILL

OPTIONS = Options(effort="quick", only=("agrees_with_oracle",), dtypes=("float64",))


def raised(error):
    def trick():
        raise error

    return trick


class NoText(BaseException):
    def __str__(self):
        raise self


class LeavesWhenCollected:
    def __del__(self):
        os._exit(0)


class ExitsWhenCollected:
    def __del__(self):
        sys.exit(4)


def leaves_from_a_thread():
    thread = threading.Thread(target=lambda: os._exit(0))
    thread.start()
    thread.join()


def warns_as_an_error():
    warnings.simplefilter("error")
    warnings.warn("now", stacklevel=1)


def prints_a_lot():
    print("x" * (1 << 24))


def takes_the_streams():
    class Stream:
        def write(self, text):
            raise RuntimeError(text)

    sys.stdout = sys.stderr = Stream()


def takes_the_signals():
    for number in range(1, signal.NSIG):
        try:
            signal.signal(number, lambda *event: None)
        except (OSError, ValueError):
            continue


def takes_the_hooks():
    sys.excepthook = sys.unraisablehook = lambda *event: os._exit(0)


def loses_its_folder():
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    os.rmdir(folder)


def stops_the_clock():
    time.time = time.monotonic = time.perf_counter = lambda: 0.0
    time.sleep = lambda seconds: None


def sets_what_all_share():
    np.seterr(all="raise")
    random.seed(0)
    sys.setrecursionlimit(sys.getrecursionlimit() + 100)
    os.environ.clear()
    gc.disable()


HARMLESS = [
    ExitsWhenCollected, prints_a_lot, takes_the_streams, takes_the_signals, takes_the_hooks,
    loses_its_folder, stops_the_clock, sets_what_all_share,
]  # fmt: skip
SAID = {
    "interrupt": (raised(KeyboardInterrupt), "raised KeyboardInterrupt (line "),
    "generator": (raised(GeneratorExit), "raised GeneratorExit (line "),
    "iteration": (raised(StopIteration), "raised StopIteration (line "),
    "no text": (raised(NoText()), "raised NoText (line "),
    "warning": (warns_as_an_error, "raised UserWarning: now (line "),
    "thread": (leaves_from_a_thread, "ended the process with exit code 0"),
    "collected": (LeavesWhenCollected, "ended the process with exit code 0"),
    "all descriptors": (lambda: os.closerange(0, 1 << 16), "closed the channel of its results"),
    "processor": (lambda: resource.setrlimit(resource.RLIMIT_CPU, (0, 0)), "was killed by signal"),
}


def subject(trick):
    def step(theta, v, grad, lr, momentum):
        if theta.size > 3:  # trials have three
            trick()
        v = momentum * v + lr * grad
        return theta - v, v

    return lambda: adapt(step, {}, "meddling")


@pytest.mark.parametrize("trick", HARMLESS, ids=lambda trick: trick.__name__)
def test_what_harms_nobody_is_no_failure(trick):
    (result,) = run(subject(trick), "scaled", OPTIONS).results
    assert (result.verdict, result.reason) == ("passed", "")


@pytest.mark.parametrize("name", SAID)
def test_what_ends_a_step_is_said(name):
    trick, words = SAID[name]
    (result,) = run(subject(trick), "scaled", OPTIONS).results
    assert result.verdict == "errored"
    assert result.reason.startswith(words)


def takes_the_tools():
    json.dumps = pickle.dumps = lambda *given, **named: b""
    json.loads = pickle.loads = lambda *given, **named: None
    builtins.len = lambda of: 0


def calls_everything_right():
    from momentum.subjects.judge import Measured

    Measured.ratio = property(lambda self: 0.0)


@pytest.mark.parametrize("trick", [takes_the_tools, calls_everything_right])
def test_what_spoils_the_judgement_is_not_believed(trick):
    results = run(subject(trick), "scaled", OPTIONS)
    assert results.exit_code() == 1


def test_memory_that_was_never_written_holds_the_same_every_time():
    def work():
        held = np.full(1 << 12, 1.0)
        del held
        yield np.empty(1 << 12).tobytes()

    library = ctypes.CDLL(None)
    if not hasattr(library, "mallopt") or not hasattr(library, "gnu_get_libc_version"):
        pytest.skip("only glibc fills memory")
    assert list(stream(work, 60.0)) == [bytes([FILL]) * (1 << 15)]
