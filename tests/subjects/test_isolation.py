"""A child may do what it likes; its parent gets what it said, and why it ended."""

import os
import signal
import sys
import time

import pytest

from momentum.subjects.isolation import Lost, stream, survives

PATIENCE = 60.0


def numbers():
    yield 1
    yield 2


def dies(how):
    yield 1
    how()
    yield 2


def test_stream_hands_on_what_the_work_yields():
    assert list(stream(numbers, PATIENCE)) == [1, 2]


@pytest.mark.parametrize(
    ("how", "words"),
    [
        (lambda: os._exit(7), "ended the process with exit code 7"),
        (lambda: os.kill(os.getpid(), signal.SIGSEGV), "was killed by signal SIGSEGV"),
        (lambda: sys.exit(4), "ended the process with exit code 4"),
    ],
    ids=["exit", "crash", "SystemExit"],
)
def test_stream_says_how_the_child_was_lost(how, words):
    assert list(stream(lambda: dies(how), PATIENCE)) == [1, Lost(words)]


def test_stream_ends_a_child_that_hangs():
    def hangs():
        while True:
            time.sleep(1)

    began = time.monotonic()
    items = list(stream(lambda: dies(hangs), 2.0))
    assert items == [1, Lost("still running after 2 s", slow=True)]
    assert time.monotonic() - began < PATIENCE


def test_stream_sees_the_end_of_a_child_whose_own_child_lives(tmp_path):
    note = tmp_path / "pid"

    def forks():
        if os.fork() == 0:
            note.write_text(str(os.getpid()))
            time.sleep(PATIENCE)
        while not note.exists() or not note.read_text():
            time.sleep(0.01)
        os._exit(1)

    began = time.monotonic()
    assert list(stream(lambda: dies(forks), PATIENCE)) == [
        1,
        Lost("ended the process with exit code 1"),
    ]
    assert time.monotonic() - began < PATIENCE / 2
    grandchild = int(note.read_text())
    for _ in range(500):  # it has been killed; its new parent may take a moment to bury it
        if not running(grandchild):
            break
        time.sleep(0.01)
    assert not running(grandchild)


def running(pid):
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_stream_keeps_garbage_out_of_the_output(capfd):
    def prints():
        print("garbage")
        os.write(1, b"garbage")
        os.write(2, b"garbage")
        yield 1

    assert list(stream(prints, PATIENCE)) == [1]
    assert capfd.readouterr() == ("", "")


def test_stream_limits_the_memory_of_the_child(monkeypatch):
    monkeypatch.setattr("momentum.subjects.isolation.child.MEMORY", 64 << 20)

    def eats():
        try:
            hoard = [bytearray(1 << 24) for _ in range(64)]
        except MemoryError:
            yield "refused"
        else:
            yield len(hoard)

    assert list(stream(eats, PATIENCE)) == ["refused"]


def test_stream_leaves_no_child_when_the_reader_stops():
    def says_who():
        yield os.getpid()
        time.sleep(PATIENCE)

    items = stream(says_who, PATIENCE)
    child = next(items)
    items.close()
    assert not running(child)


@pytest.mark.parametrize(
    ("work", "answer"),
    [
        (lambda: True, True),
        (lambda: False, False),
        (lambda: os._exit(0), False),
        (lambda: time.sleep(PATIENCE), False),
        (lambda: 1 / 0, False),
    ],
    ids=["true", "false", "exit", "hang", "raise"],
)
def test_survives_is_true_only_of_work_that_ends_well(work, answer):
    assert survives(work, 2.0) is answer
