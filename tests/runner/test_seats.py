"""The supervisor over workers whose answers are known: who does which job, and what comes of it."""

import pickle
from dataclasses import replace

import pytest

from momentum.checks.result import Header, Series
from momentum.errors import UsageError
from momentum.runner import supervisor
from momentum.runner.events import (
    Explain,
    Explained,
    Job,
    Measure,
    Prepare,
    Prepared,
    Refused,
    Respond,
    Responded,
    TryTwin,
    TwinTried,
)
from momentum.runner.one_check import blank
from momentum.runner.options import Options
from momentum.runner.supervisor import CHECKS, Supervisor, batches
from momentum.subjects.isolation import Lost

HEADER = Header("s", "scaled", (), 0, "normal", ("float32",))
CRASHED = Lost("was killed")
LATE = Lost("still running after 2 s", slow=True)
IMPULSE = Series("", "", 0.0, (), (), (), (), (), ())
FAMILIES = {check.family: name for name, check in CHECKS.items()}
JOBS = tuple(Job(name, "float32", family) for family, name in list(FAMILIES.items())[:5])
IDS = [job.id for job in JOBS]
SKIPPED = JOBS[1]._replace(reason="has no groups")


def passed(job):
    return replace(blank(CHECKS[job.check], job.dtype), problems=1)


class Hand:
    """A worker that is asked, and whether it was sent away."""

    def __init__(self, crew):
        self.crew, self.problem, self.closed = crew, "", False

    def ask(self, request):
        self.crew.requests.append((self.crew.hands.index(self), request))
        self.request = request

    def answer(self):
        said = self.crew.said(self.request)
        self.problem = "its problem" if isinstance(said, Lost) else ""
        return pickle.loads(pickle.dumps(said))

    def close(self):
        self.closed = True


class Crew:
    """A pool. says: answers by job or kind of request, one after the other; None is none yet.

    hires: what becomes of each hiring, a worker where nothing else is said.
    """

    name = "target"

    def __init__(self, renews=True, batch=1, hires=(), prepared=JOBS, says=None):
        self.renews, self.batch, self.hires = renews, batch, list(hires)
        usual = {Prepare: [Prepared(HEADER, prepared)], TryTwin: [TwinTried("caught", "it failed")]}
        self.says = usual | (says or {})
        self.hands, self.requests, self.waited, self.calls = [], [], [], []

    def load(self):
        self.calls.append("load")

    def close(self):
        self.calls.append("close")

    def hire(self):
        lost = self.hires.pop(0) if self.hires else None
        if lost is None:
            self.hands.append(Hand(self))
        return lost or self.hands[-1]

    def said(self, request):
        key = request.job.id if isinstance(request, Measure) else type(request)
        usual = passed(request.job) if isinstance(request, Measure) else None
        says = self.says.get(key) or [usual]
        return says.pop(0)

    def asked(self, hand, request):
        hand.ask(request)
        return hand.answer()

    def wait_for(self, hands):
        assert len(self.waited) < 20, "nobody is waited for so often"
        self.waited.append([self.hands.index(hand) for hand in hands])

    def measured(self):
        """Which worker did which job."""
        return [(i, said.job.id) for i, said in self.requests if isinstance(said, Measure)]


@pytest.fixture
def made(monkeypatch):
    def of(workers=1, convention="scaled", prepare=True, **how):
        crew = Crew(**how)
        monkeypatch.setattr(supervisor, "Pool", lambda *given: crew)
        one = Supervisor(len, convention, Options(workers=workers))
        if prepare:
            assert one.prepare() == HEADER
        return crew, one

    return of


def told(results):
    return [(r.id, r.verdict, r.reason) for r in results]


def test_a_subject_is_loaded_and_prepared(made):
    crew, one = made()
    assert (crew.calls, one.jobs) == (["load"], JOBS)
    assert crew.requests == [(0, Prepare())]
    one.close()
    assert crew.calls == ["load", "close"]
    assert all(hand.closed for hand in crew.hands)


@pytest.mark.parametrize(
    ("convention", "said", "words"),
    [
        ("scaled", CRASHED, "target was killed before its first check"),
        (None, CRASHED, "cannot be identified: the subject was killed while probed"),
        (None, LATE, "the subject was still running after 2 s .--time-limit. while probed"),
        ("scaled", Refused("no"), "no"),
    ],
)
def test_what_cannot_be_prepared_is_refused(made, convention, said, words):
    _, one = made(convention=convention, prepare=False, says={Prepare: [said]})
    with pytest.raises(UsageError, match=words):
        one.prepare()


def test_every_batch_has_a_worker_of_its_own_and_results_keep_their_order(made):
    crew, one = made(batch=2)
    heard = []
    found = list(one.results(JOBS, lambda *of: heard.append(of)))
    assert told(found) == [(name, "passed", "") for name in IDS]
    assert crew.measured() == [(1, IDS[0]), (1, IDS[1]), (2, IDS[2]), (2, IDS[3]), (3, IDS[4])]
    assert heard == [(name, i, 5) for i, name in enumerate(IDS, 1)]
    assert [hand.closed for hand in crew.hands] == [True, True, True, False]


def test_batches_end_with_a_family():
    sizes = {"a": 3, "b": 1, "c": 2, "d": 1, "e": 1}
    listed = [Job(f"{f}{i}", "float32", f) for f, size in sizes.items() for i in range(size)]
    listed += [Job("f0", "float32", "f", "has no groups"), Job("g0", "float32", "g")]
    assert list(batches(listed, 2).values()) == [0, 0, 0, 1, 1, 1, 2, 2, 3, 3]


@pytest.mark.parametrize(("workers", "hands"), [(1, [0, 0, 0, 1, 1]), (2, [0, 1, 0, 1, 0])])
def test_where_workers_cannot_be_renewed_two_do_half_of_the_jobs_each(made, workers, hands):
    crew, one = made(workers=workers, renews=False)
    assert (one.lasts, made()[1].lasts) == (True, False)
    assert one.try_twin() == TwinTried("caught", "it failed")
    list(one.results(JOBS))
    done = {name: i for i, name in crew.measured()}
    assert [done[name] for name in IDS] == [0, 0, 0, 1, 1]
    assert [i for i, _ in crew.measured()] == hands
    assert [hand.closed for hand in crew.hands] == [workers == 1, False]


def test_without_jobs_there_are_no_lanes(made):
    _, one = made(prepared=(), renews=False)
    assert list(one.results(())) == []


def test_workers_share_the_batches_and_whoever_is_late_is_waited_for(made):
    crew, one = made(workers=2, says={IDS[0]: [None, None]})
    found = list(one.results(JOBS[:3]))
    assert told(found) == [(name, "passed", "") for name in IDS[:3]]
    assert crew.measured() == [(1, IDS[0]), (2, IDS[1]), (3, IDS[2])]
    assert crew.waited == [[1, 2], [1, 3], [1]]


def test_what_does_not_apply_is_skipped_and_never_begun(made):
    listed = (JOBS[0], SKIPPED, JOBS[2])
    crew, one = made(prepared=listed, batch=5)
    heard = []
    found = list(one.results(listed, lambda *of: heard.append(of)))
    assert told(found)[1] == (SKIPPED.id, "skipped", "has no groups")
    assert heard == [(IDS[0], 1, 3), (IDS[2], 3, 3)]
    assert crew.measured() == [(1, IDS[0]), (1, IDS[2])]


def test_a_worker_that_is_lost_costs_its_job_and_two_cost_the_dtype(made):
    crew, one = made(batch=5, says={IDS[0]: [CRASHED], IDS[2]: [CRASHED]})
    found = list(one.results(JOBS))
    assert [r.verdict for r in found] == ["errored", "passed", "errored", "errored", "errored"]
    assert [r.problem for r in found] == ["its problem", "", "its problem", "", ""]
    assert (found[0].reason, found[2].reason) == ("was killed", "was killed")
    assert found[3].reason.startswith("not tried: the subject was lost 2 times in float32")
    assert crew.measured() == [(1, IDS[0]), (2, IDS[1]), (2, IDS[2])]
    assert all(hand.closed for hand in crew.hands)


def test_a_worker_at_what_is_given_up_is_ended(made):
    says = {IDS[0]: [CRASHED], IDS[1]: [CRASHED], IDS[2]: [None] * 9}
    crew, one = made(workers=2, batch=2, says=says)
    found = list(one.results(JOBS[:3]))
    assert found[2].reason.startswith("not tried")
    assert crew.measured() == [(1, IDS[0]), (2, IDS[2]), (3, IDS[1])]
    assert all(hand.closed for hand in crew.hands)


def test_where_no_worker_can_be_had_the_jobs_say_so(made):
    _, one = made(hires=[None, Lost("left no process"), CRASHED])
    found = list(one.results(JOBS))
    assert [r.reason.partition(":")[0] for r in found] == [
        "left no process", "was killed", "not tried", "not tried", "not tried",
    ]  # fmt: skip
    assert [r.problem for r in found] == [""] * 5


def test_the_twin_is_tried_in_the_dtype_of_the_first_job(made):
    listed = (JOBS[0]._replace(dtype="float64"), *JOBS)
    crew, one = made(prepared=listed)
    assert one.try_twin() == TwinTried("caught", "it failed")
    assert crew.requests[-1] == (1, TryTwin("scaled", "float64"))
    assert crew.hands[0].closed
    assert not crew.hands[1].closed


def test_a_twin_that_is_lost_counts_as_a_loss(made):
    crew, one = made(says={TryTwin: [LATE], IDS[0]: [LATE]})
    late = "the known-wrong twin was still running after 2 s (--time-limit)"
    assert one.try_twin() == TwinTried("not run", late)
    assert crew.hands[1].closed
    assert [r.reason.partition(":")[0] for r in one.results(JOBS[:2])] == [
        "still running after 2 s", "not tried",
    ]  # fmt: skip


def test_where_no_worker_can_be_had_there_is_no_twin(made):
    _, one = made(hires=[None, CRASHED])
    assert one.try_twin().outcome == "not run"


@pytest.mark.parametrize(
    ("said", "wanted"), [(Responded(IMPULSE), IMPULSE), (Responded(None), None), (CRASHED, None)]
)
def test_the_response_is_what_the_worker_tells(made, said, wanted):
    crew, one = made(says={Respond: [said]})
    assert one.respond() == wanted
    assert crew.requests[-1] == (1, Respond("scaled"))


FAILED = replace(passed(JOBS[0]), verdict="failed")
JUDGED = [FAILED, passed(JOBS[1]), replace(passed(JOBS[2]), verdict="failed")]


def test_causes_are_looked_for_once_over_all_that_failed(made):
    crew, one = made(says={Explain: [Explained({FAILED.id: "the rate"})]})
    found = one.explained(JUDGED)
    assert [r.explanation for r in found] == ["the rate", "", ""]
    assert crew.requests[1:] == [(1, Explain("scaled", (FAILED, JUDGED[2]), frozenset()))]
    assert one.unexplained == ""
    one.explained(JUDGED[1:2])
    assert len(crew.requests) == 2


def test_a_search_that_ended_early_says_so(made):
    _, one = made(says={Explain: [Explained({}, "it was late")]})
    assert one.explained(JUDGED) == JUDGED
    assert one.unexplained == "it was late"


def test_a_problem_that_ends_the_search_is_left_out_of_the_next_one(made):
    crew, one = made(says={Explain: [CRASHED, Explained({FAILED.id: "the rate"})]})
    found = one.explained(JUDGED)
    assert (found[0].explanation, one.unexplained) == ("the rate", "")
    asked = [(i, request.avoided) for i, request in crew.requests[1:]]
    assert asked == [(1, frozenset()), (2, frozenset({"its problem"}))]
    assert crew.hands[1].closed


def test_a_search_that_is_lost_twice_is_given_up(made):
    crew, one = made(says={Explain: [CRASHED, LATE]})
    assert one.explained(JUDGED) == JUDGED
    late = "the search for them was still running after 2 s (--time-limit)"
    assert one.unexplained == late
    asked = [request.avoided for _, request in crew.requests[1:]]
    assert asked == [frozenset(), frozenset({"its problem"})]


def test_causes_are_not_looked_for_where_no_worker_can_be_had(made):
    _, one = made(hires=[None, CRASHED])
    assert one.explained(JUDGED) == JUDGED
    assert one.unexplained == "not looked for: was killed"
