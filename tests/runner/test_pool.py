"""A worker's answers and their times, and where workers come from: over processes that are told."""

from types import SimpleNamespace

import pytest

from momentum.checks.result import Result
from momentum.errors import UsageError
from momentum.runner import pool
from momentum.runner.events import (
    Explain,
    Job,
    Loaded,
    Measure,
    Refused,
    Trying,
)
from momentum.runner.options import Options
from momentum.runner.pool import BATCH, PROGRAM_BATCH, SEARCH, Hand, Pool, TimeIsUp
from momentum.subjects.isolation import Lost

FOUND = Result("c", "float32", "f", "must", "It.", "law", "passed")
MEASURE = Measure("scaled", Job("c", "float32", "f"))
CRASHED = Lost("was killed")


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The time, which stands still at 100 s; nobody waits for a processor."""
    now = SimpleNamespace(is_now=100.0)
    now.monotonic = lambda: now.is_now
    monkeypatch.setattr(pool, "time", now)
    patience = lambda pid, limit: SimpleNamespace(until=now.is_now + limit)  # noqa: E731
    monkeypatch.setattr(pool, "Patience", patience)
    return now


class Told:
    """A process that has these messages for whoever takes; then it has ended, if so."""

    def __init__(self, *messages, ended=False, damaged=False, deaf=False):
        self.messages, self.ended, self.pid, self.handles = list(messages), ended, 1, [self]
        self.channel = SimpleNamespace(damaged=damaged, send=self.send, of=self)
        self.sent, self.closed, self.deaf = [], False, deaf

    def send(self, request, within):
        if self.deaf:
            raise OSError("nobody listens")
        self.sent.append((request, within))

    def take(self):
        taken, self.messages = self.messages, []
        return taken

    def last_words(self):
        return "was killed"

    def close(self):
        self.closed = True


def hand(*messages, **how):
    one = Hand(Told(*messages, **how), 5.0)
    one.ask(MEASURE)
    return one


def test_a_hand_sends_what_it_is_asked_and_answers_what_comes():
    one = hand(Trying("p"), FOUND)
    assert one.cell.sent == [(MEASURE, 5.0)]
    assert (one.answer(), one.problem) == (FOUND, "p")
    assert (one.answer(), one.problem) == (None, "p")
    one.ask(MEASURE)
    assert one.problem == ""
    one.close()
    assert one.cell.closed


def test_a_hand_that_has_ended_or_takes_all_memory_is_lost():
    assert hand(Trying("p"), ended=True).answer() == CRASHED
    assert hand(damaged=True).answer() == CRASHED
    assert hand(Lost("no memory", slow=True)).answer() == Lost("no memory", slow=True)
    assert hand(FOUND, ended=True).answer() == FOUND
    assert hand(ended=True, deaf=True).answer() == CRASHED


def test_a_hand_has_its_time(clock):
    one = hand()
    clock.is_now += 4.75
    assert one.answer() is None
    clock.is_now += 0.25
    assert one.answer() == Lost("still running after 5 s", slow=True)
    clock.is_now += 1.0
    assert one.answer() == Lost("still running after 5 s", slow=True)
    one.cell.messages = [FOUND]
    assert one.answer() == FOUND


@pytest.mark.parametrize(
    ("request_", "said", "until"),
    [
        (MEASURE, Trying("p"), 105.0),
        (MEASURE, Trying(""), 106.0),
        (Explain("scaled", ()), Trying("p"), 106.0),
    ],
)
def test_a_sign_of_life_renews_the_time_of_a_trial_and_of_a_search(clock, request_, said, until):
    one = Hand(Told(said), 5.0)
    one.ask(request_)
    clock.is_now += 1.0
    assert one.answer() is None
    assert (one.next.until, one.whole.until) == (until, 100.0 + SEARCH * 5.0)


def test_the_whole_of_an_answer_has_its_time_too(clock):
    one = Hand(Told(), 5.0)
    assert (one.problem, one.until) == ("", 105.0)
    one.ask(Explain("scaled", ()))
    for _ in range(3):
        clock.is_now += 3.0
        one.cell.messages = [Trying("p")]
        one.answer()
    assert (one.next.until, one.until) == (114.0, 110.0)


# The pool.


@pytest.fixture
def made(monkeypatch):
    """A pool whose processes are these; `spawned` copies of the loader are told FOUND."""
    monkeypatch.setattr(pool, "ready", lambda handles, within: None)

    def of(*cells, loaded=True, copies=(), **options):
        cells, copies = list(cells), list(copies)

        def copied(channel):
            made = copies.pop(0) if copies else Told(FOUND)
            if isinstance(made, OSError):
                raise made
            made.of = channel.of
            return made

        monkeypatch.setattr(pool, "Keeper", lambda main: keeper)
        monkeypatch.setattr(pool, "spawned", copied)
        one = Pool(len, "scaled", Options(time_limit=5.0, **options))
        keeper.spawn = lambda: cells.pop(0)
        if loaded:
            one.load()
        return one

    keeper = SimpleNamespace(closed=False)
    keeper.close = lambda: setattr(keeper, "closed", True)
    return of


def loader(forks=True, compiles=False, at_once=False):
    return Told(Trying(""), Loaded(forks, compiles, at_once))


@pytest.mark.parametrize(
    ("said", "renews", "batch"),
    [
        (loader(), True, BATCH),
        (loader(at_once=True), True, PROGRAM_BATCH),
        (loader(compiles=True), False, BATCH),
        (loader(forks=False), False, BATCH),
    ],
    ids=["usual", "program", "compiles", "threads"],
)
def test_a_loaded_subject_says_how_it_is_worked_on(made, said, renews, batch):
    one = made(said)
    assert (one.renews, one.batch) == (renews, batch)
    assert Loaded(True) == Loaded(True, compiles=False, at_once=False)


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        (Told(Refused("no such thing")), "no such thing"),
        (Told(ended=True), "a b was killed while it was loaded"),
    ],
)
def test_what_cannot_be_loaded_is_refused(made, cell, words):
    with pytest.raises(UsageError, match=f"^{words}$"):
        made(cell, arguments=("a", "b"))


def test_what_takes_too_long_to_load_is_refused(made, clock, monkeypatch):
    monkeypatch.setattr(pool, "ready", lambda handles, within: setattr(clock, "is_now", 106.0))
    with pytest.raises(
        UsageError, match=r"^the target was still loading after 5 s .--time-limit.$"
    ):
        made(Told())


def test_workers_are_copies_of_the_loader(made):
    first = loader()
    one = made(first)
    hired = one.hire()
    assert (hired.cell.of, hired.limit) == (first, 5.0)
    assert one.asked(hired, MEASURE) == FOUND


def test_a_loader_that_is_gone_is_loaded_anew(made):
    first, second = loader(), loader()
    one = made(first, second, copies=[OSError("gone")])
    assert one.hire().cell.of is second
    assert (first.closed, second.closed) == (True, False)
    assert one.hire().cell.of is second


@pytest.mark.parametrize(
    ("again", "words"),
    [
        (Told(ended=True), "was killed"),
        (Told(Refused("no")), "could not be loaded again"),
    ],
)
def test_a_subject_that_cannot_be_loaded_again_leaves_no_worker(made, again, words):
    one = made(loader(), again, copies=[OSError("gone")])
    assert one.hire() == Lost(words)
    assert again.closed


def test_where_there_is_no_room_for_a_process_there_is_no_worker(made):
    one = made(loader(), loader(), copies=[OSError("gone"), OSError("no room")])
    assert one.hire() == Lost("left no process to go on with (no room)")


def test_a_loader_that_cannot_be_copied_is_the_first_worker(made):
    first, second = loader(forks=False), loader(forks=False)
    one = made(first, second)
    hired, another = one.hire(), one.hire()
    assert (hired.cell, hired.loads) == (first, False)
    assert (another.cell, another.loads) == (second, True)
    first.messages = [FOUND]
    assert one.asked(hired, MEASURE) == FOUND


def test_a_worker_that_has_to_load_first_has_its_time_for_both(clock):
    one = Hand(Told(Trying("")), 5.0, loads=True)
    one.ask(MEASURE)
    clock.is_now += 4.0
    assert (one.answer(), one.until) == (None, 109.0)
    clock.is_now += 4.0
    one.cell.messages = [Loaded(False)]
    assert (one.answer(), one.loads, one.until) == (None, False, 113.0)
    assert one.whole.until == 108.0 + SEARCH * 5.0
    one.cell.messages = [FOUND]
    assert one.answer() == FOUND
    refused = Hand(Told(Refused("no")), 5.0, loads=True)
    assert refused.answer() == Lost("could not be loaded again")


def test_nobody_is_waited_for_longer_than_there_is_time(made, clock, monkeypatch):
    waited = []
    one = made(loader(), total_limit=8.0)
    monkeypatch.setattr(pool, "ready", lambda handles, within: waited.append((handles, within)))
    early, late = hand(), hand()
    late.next.until = 103.0
    one.wait_for([early, late])
    clock.is_now = 104.0
    one.wait_for([early])
    late.next.until = 103.0
    one.wait_for(iter([late]))
    clock.is_now = 107.0
    early.next.until = early.whole.until = 200.0
    one.wait_for([early])
    assert [within for _, within in waited] == [3.0, 1.0, 0.0, 1.0]
    assert waited[0][0] == [early.cell, late.cell]
    clock.is_now = 108.0
    one.wait_for([early])
    clock.is_now = 108.5
    with pytest.raises(TimeIsUp):
        one.wait_for([early])


def test_a_pool_ends_what_it_began(made):
    first = loader()
    one = made(first)
    one.close()
    assert (first.closed, one.keeper.closed) == (True, True)
    idle = made(loaded=False)
    idle.close()
    assert idle.deadline == float("inf")
