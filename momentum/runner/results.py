"""A whole run: all results of one subject, and what they are worth together."""

from collections.abc import Callable, Sequence

from momentum.checks.result import Header, Result, Results, Series
from momentum.conventions import Convention
from momentum.errors import UsageError
from momentum.oracle.power import smallest
from momentum.runner.events import TwinTried
from momentum.runner.expectations import Expectation, as_expected
from momentum.runner.one_check import WHOLE
from momentum.runner.options import Options
from momentum.runner.pool import Load, TimeIsUp
from momentum.runner.supervisor import Start, Supervisor


def run(
    load: Load,
    convention: str | Convention | None = None,
    options: Options | None = None,
    expected: Sequence[Expectation] = (),
    on_header: Callable[[Header], None] = lambda header: None,
    on_start: Start = lambda name, number, total: None,
    on_result: Callable[[Result], None] = lambda result: None,
) -> Results:
    """Run the checks on the subject that `load` gives, each in a child process that may die.

    on_start is told the check and dtype, its number and the number of all. An interrupt ends the
    run early: the results so far are returned, and `unfinished` says so.
    Raises: UsageError where the target cannot be loaded or dies before its first check, or where
    options do not fit it.
    """
    options = options or Options()
    supervisor = Supervisor(load, convention, options)
    found: list[Result] = []
    twin: TwinTried | None = None
    impulse: Series | None = None
    unfinished = ""
    header: Header | None = None
    try:
        header = supervisor.prepare()
        on_header(header)
        if supervisor.jobs:
            twin = supervisor.try_twin()
        if twin is None or twin.outcome != "missed":
            if supervisor.lasts and not supervisor.ledger.lost:
                # Now, as by the end a worker that lasts has done more or fewer checks, by --jobs.
                impulse = supervisor.respond()
            for result in supervisor.results(supervisor.jobs, on_start):
                found.append(as_expected(result, expected))
                on_result(found[-1])
            if not supervisor.lasts and not supervisor.ledger.over:
                impulse = supervisor.respond()
            found = supervisor.explained(found)
    except KeyboardInterrupt:
        unfinished = "interrupted"
        if header is None:
            raise
    except TimeIsUp:
        unfinished = f"ended after {options.total_limit:g} s, the limit of the whole run"
        if header is None:
            raise UsageError(f"the target was not judged: {unfinished}") from None
    finally:
        supervisor.close()
    ids = {r.id for r in found}
    partial_run = bool(options.only or options.dtypes or unfinished)
    return Results(
        header=header,
        results=tuple(found),
        broken=_broken(twin, found),
        stale=() if partial_run else tuple(e.id for e in expected if e.id not in ids),
        control=twin.words if twin else "",
        unfinished=unfinished,
        unexplained=supervisor.unexplained,
        impulse=impulse,
        power=_power(found),
    )


def _power(results: Sequence[Result]) -> dict[str, dict[str, float]]:
    """The power of all results together, by dtype."""
    dtypes = dict.fromkeys(r.dtype for r in results)
    found = {dtype: smallest(r.power for r in results if r.dtype == dtype) for dtype in dtypes}
    return {dtype: errors for dtype, errors in found.items() if errors}


def _broken(twin: TwinTried | None, results: Sequence[Result]) -> str:
    """Why nothing that passed can be believed."""
    if twin is None or twin.outcome == "caught":
        return ""
    # A twin that nobody could run proves nothing where the subject itself could be run.
    believed = any(r.verdict == "passed" and r.check == WHOLE for r in results)
    return twin.words if twin.outcome == "missed" or believed else ""
