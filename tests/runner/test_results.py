"""What a run makes of its results: what is told, what spoils them, and how it may end early."""

import pickle
from dataclasses import replace
from types import SimpleNamespace

import pytest

from momentum.checks.result import Header, Result, Series
from momentum.errors import UsageError
from momentum.runner import results
from momentum.runner.events import TwinTried
from momentum.runner.expectations import Expectation
from momentum.runner.one_check import WHOLE
from momentum.runner.options import Options
from momentum.runner.pool import TimeIsUp

HEADER = Header("s", "scaled", (), 0, "normal", ("float32", "float64"))
PASSED = Result(WHOLE, "float32", "f", "must", "It.", "law", "passed", power={"lr": 4.0})
FOUND = (
    PASSED,
    replace(PASSED, dtype="float64", power={"lr": 1.0, "momentum": 2.0}),
    replace(PASSED, check="other", power={"lr": 2.0, "momentum": 1.0}),
    replace(PASSED, check="failing", dtype="float16", verdict="failed", power={}),
)
CAUGHT, MISSED, NOT_RUN = (TwinTried(how, how) for how in ("caught", "missed", "not run"))
IMPULSE = Series("", "", 0.0, (), (), (), (), (), ())


class Scripted:
    """A supervisor whose results are known; `ends` is raised by the call that it names."""

    def __init__(self, found=FOUND, twin=CAUGHT, over="", lost=(), lasts=False, ends=None):
        self.found, self.twin, self.ends = found, twin, ends or {}
        self.jobs = found
        self.ledger = SimpleNamespace(over=over, lost=lost)
        self.lasts = lasts
        self.unexplained = "no cause"
        self.calls = []

    def __call__(self, *given):
        self.given = given
        return self

    @staticmethod
    def sent(item):
        """As another process sends it: equal words need not be the same ones."""
        return pickle.loads(pickle.dumps(item))

    def called(self, name):
        self.calls.append(name)
        if name in self.ends:
            raise self.ends[name]

    def prepare(self):
        self.called("prepare")
        return HEADER

    def try_twin(self):
        self.called("try_twin")
        return self.sent(self.twin)

    def results(self, jobs, on_start):
        self.called("results")
        for result in jobs:
            on_start(result.id, 1, len(jobs))
            yield self.sent(result)
        self.called("last")

    def respond(self):
        self.called("respond")
        return IMPULSE

    def explained(self, found):
        self.called("explained")
        return [replace(r, explanation="why") for r in found]

    def close(self):
        self.calls.append("close")


@pytest.fixture
def made(monkeypatch):
    def of(options=None, expected=(), heard=None, **how):
        supervisor = Scripted(**how)
        monkeypatch.setattr(results, "Supervisor", supervisor)
        told = {} if heard is None else dict.fromkeys(("on_header", "on_result"), heard.append)
        return supervisor, lambda: results.run(len, "scaled", options, expected, **told)

    return of


def test_a_run_tells_and_explains_all_that_came(made):
    heard = []
    supervisor, run = made(heard=heard)
    found = run()
    assert supervisor.given == (len, "scaled", Options())
    assert supervisor.calls == [
        "prepare", "try_twin", "results", "last", "respond", "explained", "close",
    ]  # fmt: skip
    assert heard == [HEADER, *FOUND]
    assert found.results == tuple(replace(r, explanation="why") for r in FOUND)
    assert (found.header, found.control, found.impulse) == (HEADER, "caught", IMPULSE)
    assert (found.broken, found.stale, found.unfinished) == ("", (), "")
    assert found.unexplained == "no cause"
    assert found.power == {
        "float32": {"lr": 2.0, "momentum": 1.0},
        "float64": {"lr": 1.0, "momentum": 2.0},
    }


def test_nothing_is_judged_where_a_twin_was_missed(made):
    supervisor, run = made(twin=MISSED)
    found = run()
    assert (found.results, found.broken) == ((), "missed")
    assert supervisor.calls == ["prepare", "try_twin", "close"]


@pytest.mark.parametrize(
    ("changes", "broken"),
    [
        ({}, "not run"),
        ({"verdict": "failed"}, ""),
        ({"verdict": "skipped"}, ""),
        ({"check": "a"}, ""),
        ({"check": "b"}, ""),
    ],
)
def test_a_twin_that_could_not_be_run_spoils_what_only_the_subject_passes(made, changes, broken):
    _, run = made(found=(replace(PASSED, **changes),), twin=NOT_RUN)
    assert run().broken == broken


def test_without_jobs_there_is_no_twin(made):
    supervisor, run = made(found=())
    assert (run().control, "try_twin" in supervisor.calls) == ("", False)


def test_a_subject_that_was_given_up_is_not_asked_for_its_response(made):
    supervisor, run = made(over="not tried")
    assert (run().impulse, "explained" in supervisor.calls) == (None, True)


def test_a_worker_that_goes_on_to_the_end_responds_first(made):
    supervisor, run = made(lasts=True)
    assert run().impulse == IMPULSE
    assert supervisor.calls[1:4] == ["try_twin", "respond", "results"]
    assert supervisor.calls.count("respond") == 1
    supervisor, run = made(lasts=True, lost=("",))
    assert (run().impulse, "respond" in supervisor.calls) == (None, False)


STALE = Expectation("gone[float32]", "known")


@pytest.mark.parametrize(
    ("options", "ends", "stale"),
    [
        (Options(), {}, ("gone[float32]",)),
        (Options(only=("other",)), {}, ()),
        (Options(dtypes=("float32",)), {}, ()),
        (Options(), {"last": KeyboardInterrupt()}, ()),
    ],
)
def test_only_a_whole_run_calls_an_expectation_stale(made, options, ends, stale):
    there = STALE._replace(id=PASSED.id)
    assert made(options, (STALE, there), ends=ends)[1]().stale == stale


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (KeyboardInterrupt(), "interrupted"),
        (TimeIsUp(), "ended after 2.5 s, the limit of the whole run"),
    ],
)
def test_what_came_before_an_early_end_is_kept(made, end, words):
    supervisor, run = made(Options(total_limit=2.5), ends={"last": end})
    found = run()
    assert (found.results, found.unfinished) == (FOUND, words)
    assert supervisor.calls[-1] == "close"


def test_an_end_before_anything_was_judged_is_no_run(made):
    with pytest.raises(KeyboardInterrupt):
        made(ends={"prepare": KeyboardInterrupt()})[1]()
    supervisor, run = made(Options(total_limit=2.5), ends={"prepare": TimeIsUp()})
    with pytest.raises(UsageError, match=r"was not judged: ended after 2\.5 s"):
        run()
    assert supervisor.calls[-1] == "close"
