"""A worker's answers where they are not those of a plain run: how it loads, doubts, and advises."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from momentum.checks import CHECKS
from momentum.conventions import get
from momentum.diagnosis.candidates import Difference
from momentum.errors import UsageError
from momentum.gallery import Machine
from momentum.runner import worker
from momentum.runner.events import (
    Describe,
    Described,
    Explain,
    Explained,
    Job,
    Loaded,
    Measure,
    Prepare,
    Refused,
    Respond,
    Trying,
)
from momentum.runner.one_check import OutOfMemory, blank
from momentum.runner.options import Options
from momentum.runner.worker import TRIAL, Worker, tried_twin
from momentum.subjects.isolation import Lost
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Raised

SCALED = get("scaled")
NAME = "agrees_with_oracle"
JOB = Job(NAME, "float32", CHECKS[NAME].family)
SUBJECT = Machine("right", SCALED)
TEXT = Problem("float32", ((2,),), ((SUBJECT.facts.domain.combined({"lr": 0.5}),),), (0,)).to_text()


def made(subject=SUBJECT, convention="scaled", options=None, load=None):
    """A worker that has loaded a subject."""
    one = Worker(load or (lambda: subject), convention, options or Options(only=(NAME,)))
    return one, one.load()


def answers(one, request):
    heard = []
    one.answer(request, heard.append)
    return heard


def raising(error):
    def call(*given, **named):
        raise error

    return call


# Loading.


def test_loading_tells_of_each_trial_until_it_is_done(monkeypatch):
    limits, heard = [], []
    monkeypatch.setattr(worker, "limit_trials", lambda *given: limits.append(given))
    monkeypatch.setattr(worker, "_is_alone", lambda: True)
    facts = replace(SUBJECT.facts, compiles=True, at_once=True)
    one = Worker(lambda: worker_subject(facts), "scaled", Options(time_limit=20.0))
    assert one.load(heard.append) == Loaded(True, compiles=True, at_once=True)
    (first, tell), second = limits
    assert (first, second) == (20.0 * TRIAL, (20.0 * TRIAL,))
    assert heard == []
    tell()
    assert heard == [Trying("")]


def worker_subject(facts):
    return SimpleNamespace(facts=facts, start=SUBJECT.start)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (UsageError("no such module"), "no such module"),
        (ValueError("not so"), "not so"),
        (ImportError("no such thing"), "the target raised ImportError: no such thing (line"),
        (SystemExit("enough"), "the target raised SystemExit: enough (line"),
    ],
)
def test_what_loading_raises_is_told(error, words):
    _, said = made(load=raising(error))
    assert isinstance(said, Refused)
    assert said.words.startswith(words)
    _, said = made(load=raising(ImportError("x")), options=Options(arguments=("a", "b")))
    assert said.words.startswith("a b raised ImportError: x")


def test_an_interrupt_while_loading_is_an_interrupt():
    with pytest.raises(KeyboardInterrupt):
        made(load=raising(KeyboardInterrupt()))


@pytest.mark.parametrize(
    ("convention", "options", "words"),
    [
        ("no_such", Options(), "unknown convention"),
        ("scaled", Options(dtypes=("float8",)), "float8"),
        ("scaled", Options(only=("no_such",)), "unknown check"),
    ],
)
def test_options_that_do_not_fit_are_refused_in_words(convention, options, words):
    _, said = made(convention=convention, options=options)
    assert isinstance(said, Refused)
    assert words in said.words


def test_a_process_is_alone_without_other_threads(monkeypatch):
    monkeypatch.setattr(worker.os, "listdir", lambda folder: ["1"])
    assert worker._is_alone()
    monkeypatch.setattr(worker.os, "listdir", lambda folder: ["1", "2"])
    assert not worker._is_alone()
    monkeypatch.setattr(worker.os, "listdir", raising(OSError()))
    for count in (1, 2):
        monkeypatch.setattr(worker.threading, "active_count", lambda count=count: count)
        assert worker._is_alone() == (count == 1)


@pytest.mark.parametrize("forks", [True, False])
def test_a_loaded_process_serves_or_works_itself(monkeypatch, forks):
    called = []
    one = Worker(lambda: SUBJECT, "scaled", Options(only=(NAME,)))
    channel = SimpleNamespace(send=called.append, receive=lambda: [Prepare(), Prepare()])
    monkeypatch.setattr(worker, "_is_alone", lambda: forks)
    monkeypatch.setattr(worker.gc, "freeze", lambda: called.append("frozen"))
    monkeypatch.setattr(worker, "serve", lambda *given: called.append(given))
    monkeypatch.setattr(one, "_prepared", lambda: "prepared")
    one.load_and_serve(channel)
    rest = [(channel, one.work)] if forks else ["prepared", "prepared"]
    assert called == [Loaded(forks), "frozen", *rest]


def test_a_process_that_could_not_load_ends():
    called = []
    channel = SimpleNamespace(send=called.append, receive=None)
    Worker(raising(UsageError("no")), "scaled", Options()).load_and_serve(channel)
    assert called == [Refused("no")]


# The convention.


def test_the_header_says_what_was_asked_for_and_what_is_run():
    options = Options(only=(NAME, "groups_follow_their_own"), arguments=("a",), seed=7)
    facts = replace(SUBJECT.facts, groups=False, called="so", left={"float16": "why"})
    one, _ = made(subject=worker_subject(facts), convention="scaled", options=options)
    ((header, jobs),) = answers(one, Prepare())
    assert (header.target, header.convention, header.formula) == ("right", "scaled", SCALED.formula)
    assert (header.seed, header.effort, header.arguments) == (7, "normal", ("a",))
    assert (header.asked, header.doubt) == ("scaled", "")
    assert (header.called, header.left, header.dtypes) == ("so", {"float16": "why"}, facts.dtypes)
    assert "numpy" in header.versions
    assert [job.reason for job in jobs if job.check == NAME] == [""] * len(facts.dtypes)
    assert {job.reason for job in jobs if job.check != NAME} == {"has no groups"}
    asked = ("bfloat16", "float16", "float32")  # in another order than that of the claims
    one, _ = made(convention=SCALED, options=replace(options, dtypes=asked))
    ((header, _),) = answers(one, Prepare())
    assert (header.asked, header.dtypes) == (SCALED.reference, asked)


@pytest.mark.parametrize(
    ("hyper", "fixed", "said"),
    [
        ({"lr", "momentum", "nesterov"}, {}, True),
        ({"lr", "momentum", "nesterov"}, {"nesterov": False}, True),
        ({"lr", "momentum", "nesterov"}, {"nesterov": True}, False),
        ({"lr", "momentum"}, {}, False),
    ],
)
def test_a_flag_for_nesterov_that_is_left_off_is_told_where_its_form_is_asked_for(
    hyper, fixed, said
):
    facts = replace(SUBJECT.facts, hyper=frozenset(hyper), fixed=fixed)
    one, _ = made(subject=worker_subject(facts), convention="scaled:nesterov")
    ((header, _),) = answers(one, Prepare())
    told = "its flag nesterov is off: --as scaled --set nesterov=True turns it on"
    assert header.doubt == (told if said else "")


SEEN = Difference("impulse", 3, 0, 0.25, 0.5)
LATE = SimpleNamespace(linear=True, shifted=True, delay=1)


@pytest.mark.parametrize(
    ("fields", "doubt"),
    [
        ({"matches": (SCALED,)}, ""),
        ({"matches": (SCALED,), "departures": ("a", "b")}, "a and b"),
        ({}, "the subject refused what would tell conventions apart"),
        (
            {"difference": SEEN, "response": LATE},
            "no known convention is followed: late: a gradient moves the parameter only one step"
            " after its own; at step 3 of probe 'impulse' the parameter is 0.5, and this one gives"
            " 0.25",
        ),
    ],
)
def test_an_identified_convention_comes_with_its_doubt(monkeypatch, fields, doubt):
    usual = {"matches": (), "departures": (), "difference": None, "response": None}
    found = SimpleNamespace(nearest=SCALED, **(usual | fields))
    monkeypatch.setattr(worker, "identify", lambda subject: found)
    one, _ = made(convention=None)
    ((header, _),) = answers(one, Prepare())
    assert (header.convention, header.asked, header.doubt) == ("scaled", "", doubt)


@pytest.mark.parametrize(
    ("error", "prepared", "described"),
    [
        (UsageError("no"), "no", "no"),
        (
            Raised("odd"),
            "the convention cannot be identified: the subject raised Raised: odd",
            "right cannot be identified: it raised Raised: odd",
        ),
    ],
)
def test_what_identifying_raises_is_told(monkeypatch, error, prepared, described):
    monkeypatch.setattr(worker, "identify", raising(error))
    one, _ = made(convention=None)
    for request, words in ((Prepare(), prepared), (Describe(None), described)):
        (said,) = answers(one, request)
        assert isinstance(said, Refused)
        assert said.words.startswith(words)


def test_a_subject_is_described_among_further_conventions(monkeypatch):
    monkeypatch.setattr(worker, "identify", lambda subject, dtype, also: (dtype, also))
    monkeypatch.setattr(worker, "describe", str)
    one, _ = made()
    (said,) = answers(one, Describe("float32", ("averaged",)))
    assert said == Described(str(("float32", [get("averaged")])))


def test_a_convention_of_the_callers_own_is_not_looked_up():
    own = replace(SCALED)
    one, _ = made(convention=own)
    assert one._get(own.reference) is own
    assert one._get("averaged") == get("averaged")
    assert made(convention=None)[0]._get("averaged") == get("averaged")


# Measuring.


def verdict(found, reason="", **changes):
    return replace(blank(CHECKS[NAME], "float32"), verdict=found, reason=reason, **changes)


def test_a_job_is_measured_as_the_options_say(monkeypatch):
    given = []

    def run_check(*all_):
        given.append(all_)
        all_[-1]("a problem")
        return verdict("passed")

    monkeypatch.setattr(worker, "run_check", run_check)
    replay = Problem.from_text(TEXT)
    one, _ = made(options=Options(only=(NAME,), effort="deep", seed=3, replay=replay))
    assert answers(one, Measure("scaled", JOB)) == [Trying("a problem"), verdict("passed")]
    check, subject, convention, dtype, effort, seed, only, _ = given[0]
    assert (check, subject, convention) == (CHECKS[NAME], one.subject, SCALED)
    assert (dtype, effort, seed, only) == ("float32", "deep", 3, replay)


def test_what_takes_all_memory_is_told_before_the_end(monkeypatch):
    monkeypatch.setattr(worker, "run_check", raising(OutOfMemory("all of it")))
    assert answers(made()[0], Measure("scaled", JOB)) == [Lost("all of it", slow=True)]


@pytest.mark.parametrize(
    ("first", "again", "shared", "runs"),
    [
        (verdict("failed", level="should", problem=TEXT), "failed", "base", 2),
        (verdict("errored", level="should", problem=TEXT), "failed", "", 2),
        (verdict("failed", level="should", problem=TEXT), "passed", "", 2),
        (verdict("failed", level="should"), "failed", "", 1),
        (verdict("failed", problem=TEXT), "failed", "", 1),
        (verdict("passed", level="should", problem=TEXT), "passed", "", 1),
    ],
)
def test_advice_that_the_base_class_earns_too_says_so(monkeypatch, first, again, shared, runs):
    given = []

    def run_check(check, subject, convention, dtype, effort, *rest, only=None):
        given.append((subject.facts.name, effort, only))
        return first if len(given) == 1 else replace(first, verdict=again)

    monkeypatch.setattr(worker, "run_check", run_check)
    bare = lambda convention: Machine("base", convention)  # noqa: E731
    subject = worker_subject(replace(SUBJECT.facts, bare=bare))
    one, _ = made(subject=subject)
    (result,) = answers(one, Measure("scaled", JOB))
    assert (result.shared, len(given)) == (shared, runs)
    if runs == 2:
        assert given[1] == ("base", "quick", Problem.from_text(TEXT))
    without, _ = made()
    given.clear()
    assert answers(without, Measure("scaled", JOB)) == [first]


@pytest.mark.parametrize(
    ("result", "outcome", "words"),
    [
        (verdict("failed"), "caught", f"a known-wrong twin failed {NAME}[float32], as it must"),
        (verdict("passed"), "missed", f"a known-wrong twin of the subject passed {NAME}[float32]"),
        (verdict("no_claim", "wide"), "not run", "a known-wrong twin shows nothing: wide"),
        (verdict("errored", "why"), "not run", "the known-wrong twin could not be run: why"),
        (verdict("skipped", "why"), "not run", "the known-wrong twin could not be run: why"),
    ],
)
def test_a_twin_must_fail(monkeypatch, result, outcome, words):
    given = []
    monkeypatch.setattr(worker, "run_check", lambda *all_: given.append(all_) or result)
    assert tried_twin(SUBJECT, SCALED, "float32", 5) == (outcome, words)
    assert given[0][0] == CHECKS[NAME]
    assert given[0][1].facts.name != ""
    assert given[0][2:] == (SCALED, "float32", "quick", 5)


def test_causes_are_looked_for_by_one_explainer(monkeypatch):
    made_ = []

    class Explains:
        def __init__(self, *given):
            made_.append(given)

        unexplained = "it was late"

        def explain(self, results, tell, avoided):
            tell("a try")
            return {"id": f"{len(results)} {len(avoided)}"}

    monkeypatch.setattr(worker, "Explainer", Explains)
    one, _ = made()
    for _ in range(2):
        said = answers(one, Explain("scaled", (verdict("failed"),), frozenset("ab")))
        assert said == [Trying("a try"), Explained({"id": "1 2"}, "it was late")]
    assert made_ == [(one.subject, SCALED)]


def test_a_response_is_the_subjects_own():
    one, _ = made()
    ((series,),) = answers(one, Respond("scaled"))
    assert series.got[0] == -0.1
