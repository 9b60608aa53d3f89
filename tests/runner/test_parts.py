"""The parts of the engine: batches, the ledger of losses, the worker's answers, the events."""

import pickle

import pytest

from momentum.checks import CHECKS
from momentum.runner.events import (
    Describe,
    Described,
    Explain,
    Explained,
    Found,
    Job,
    Loaded,
    Measure,
    Prepare,
    Prepared,
    Refused,
    Respond,
    Responded,
    Trying,
    TryTwin,
    TwinTried,
)
from momentum.runner.ledger import Ledger
from momentum.runner.options import Options
from momentum.runner.pool import BATCH
from momentum.runner.supervisor import batches
from momentum.runner.worker import Worker
from momentum.subjects.isolation import Lost

OPTIONS = Options(effort="quick", only=("agrees_with_oracle", "groups_follow_their_own"))


def step(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - 1.5 * v, v


def loaded(convention="scaled", options=OPTIONS):
    from momentum.adapters import adapt

    worker = Worker(lambda: adapt(step, {}, "step"), convention, options)
    return worker, worker.load()


def answers(worker, request):
    heard = []
    worker.answer(request, heard.append)
    return heard


def test_batches_are_whole_families_in_order():
    jobs = [Job(str(i), "float32", f"family {i // 3}") for i in range(30)]
    found = [batches(jobs, BATCH)[job.id] for job in jobs]
    assert found == sorted(found)
    sizes = [found.count(number) for number in range(max(found) + 1)]
    assert all(size % 3 == 0 for size in sizes)
    assert all(BATCH <= size < BATCH + 3 for size in sizes[:-1])


def test_batches_do_not_count_what_is_skipped():
    jobs = [Job(str(i), "float32", f"family {i}", "has no groups") for i in range(3 * BATCH)]
    assert set(batches(jobs, BATCH).values()) == {0}


def test_ledger_gives_up_a_dtype_after_two_crashes_and_all_after_two_hangs():
    ledger, job = Ledger(), Job("c", "float16", "f")
    other = job._replace(dtype="float32")
    ledger.enter("float16", Lost("crashed"))
    assert not ledger.why_not(job)
    ledger.enter("float16", Lost("crashed again"))
    assert ledger.why_not(job) == (
        "not tried: the subject was lost 2 times in float16; the last time it crashed again"
    )
    assert not ledger.why_not(other)
    ledger.enter("", Lost("was slow", slow=True))
    assert not ledger.why_not(other)
    ledger.enter("float64", Lost("still running", slow=True))
    assert ledger.why_not(other) == (
        "not tried: the subject was lost 2 times; the last time it was still running (--time-limit)"
    )


def test_worker_answers_every_request_last():
    worker, said = loaded()
    assert isinstance(said, Loaded)
    (prepared,) = answers(worker, Prepare())
    assert isinstance(prepared, Prepared)
    assert [job.reason for job in prepared.jobs if job.check == "groups_follow_their_own"] == [
        "has no groups"
    ]
    name = prepared.header.convention
    job = next(job for job in prepared.jobs if not job.reason)
    (twin,) = answers(worker, TryTwin(name, job.dtype))
    assert isinstance(twin, TwinTried)
    assert twin.outcome == "caught"
    *trying, found = answers(worker, Measure(name, job))
    assert trying
    assert all(isinstance(event, Trying) for event in trying)
    assert isinstance(found, Found)
    assert found.result.verdict == "failed"
    assert found.result.problem in {event.problem for event in trying}
    *trying, explained = answers(worker, Explain(name, (found.result,)))
    assert isinstance(explained, Explained)
    assert explained.words.keys() <= {found.result.id}
    assert {event.problem for event in trying} >= {found.result.problem}
    (responded,) = answers(worker, Respond(name))
    assert isinstance(responded, Responded)
    assert responded.series is not None
    (described,) = answers(worker, Describe(None))
    assert isinstance(described, Described)
    for event in (prepared, twin, *trying, found, explained, responded, described):
        assert pickle.loads(pickle.dumps(event)) == event


@pytest.mark.parametrize(
    ("convention", "options", "words"),
    [
        ("no_such", OPTIONS, "unknown convention"),
        ("scaled", Options(dtypes=("float8",)), "float8"),
        ("scaled", Options(only=("no_such",)), "unknown check"),
    ],
)
def test_worker_refuses_options_in_words(convention, options, words):
    _, said = loaded(convention, options)
    assert isinstance(said, Refused)
    assert words in said.words


def test_job_has_the_id_of_its_result():
    check = CHECKS["agrees_with_oracle"]
    assert Job(check.name, "float32", check.family).id == "agrees_with_oracle[float32]"
