"""Two threads that take turns line by line mix up what they share, every time."""

import threading

import pytest

from momentum.checks._lockstep import lockstep


def test_lockstep_mixes_what_two_functions_share():
    shared, seen = [0], []

    def reader(mine):
        def read():
            for _ in range(3):
                shared[0] = mine
                seen.append((mine, shared[0]))

        return read

    lockstep(reader(1), reader(2))
    assert {(1, 2), (2, 1)} & set(seen)


@pytest.mark.parametrize(("module", "mixed"), [("numpy.linalg", False), ("elsewhere", True)])
def test_lockstep_takes_functions_that_keep_nothing_as_one_line(module, mixed):
    seen = []
    inner = {"__name__": module, "seen": seen}
    exec("def act(mine):\n    seen.append(mine)\n    seen.append(mine)\n", inner)
    lockstep(lambda: inner["act"](1), lambda: inner["act"](2))
    assert (seen in ([1, 1, 2, 2], [2, 2, 1, 1])) is not mixed


def test_lockstep_lets_both_come_to_their_end():
    ended = []
    lockstep(lambda: ended.append("short"), lambda: [ended.append(str(n)) for n in range(50)])
    assert len(ended) == 51


def test_lockstep_waits_for_a_lock_once_and_not_at_every_line():
    """Whoever guards a step by a lock would seem to hang, with a wait at each of 2000 lines."""
    lock, total = threading.Lock(), [0]

    def guarded():
        with lock:
            for _ in range(1000):
                total[0] += 1

    lockstep(guarded, guarded)
    assert total == [2000]


@pytest.mark.parametrize("which", [0, 1])
def test_lockstep_raises_what_either_raised(which):
    def fails():
        raise KeyError("here")

    pair = [lambda: None, lambda: None]
    pair[which] = fails
    with pytest.raises(KeyError, match="here"):
        lockstep(*pair)


def test_lockstep_never_waits_in_vain_for_functions_without_a_lock(monkeypatch):
    """A wait that runs out is an early one for a thread that has the floor or has ended."""
    ran_out = []

    class Event(threading.Event):
        def wait(self, timeout=None):
            come = super().wait(60)
            ran_out.extend([] if come else [timeout])
            return come

    monkeypatch.setattr(lockstep.__globals__["threading"], "Event", Event)
    lockstep(lambda: list(range(5)), lambda: sum(range(3)))
    lockstep(lambda: None, lambda: [str(n) for n in range(30)])
    assert not ran_out
