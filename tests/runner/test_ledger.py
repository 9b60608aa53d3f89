"""What a run has lost, and what it gives up because of it."""

from momentum.runner.events import Job
from momentum.runner.ledger import Ledger
from momentum.subjects.isolation import Lost


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
    all_over = (
        "not tried: the subject was lost 2 times; the last time it was still running (--time-limit)"
    )
    assert ledger.why_not(other) == all_over
    for later in (Lost("ended"), Lost("was slow", slow=True)):
        ledger.enter("float16", later)
    assert (ledger.why_not(job), ledger.over) == (all_over, all_over)
    assert ledger.reasons["float16"].endswith("crashed again")
