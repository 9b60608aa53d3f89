"""Commands as functions that return records."""

from collections.abc import Mapping, Sequence

from momentum.checks.result import Results
from momentum.conventions import Convention
from momentum.doors.targets import Target
from momentum.runner.expectations import Expectation, refuse_unknown
from momentum.runner.options import Effort, Options
from momentum.runner.results import run


def check(
    target: object,
    convention: str | Convention | None = None,
    *,
    settings: Mapping[str, object] | None = None,
    dtypes: Sequence[str] = (),
    effort: Effort = "normal",
    seed: int = 0,
    only: Sequence[str] = (),
    expected: Mapping[str, str] | Sequence[Expectation] = (),
    time_limit: float = 60.0,
    total_limit: float | None = None,
    jobs: int = 1,
    flushing: bool = False,
) -> Results:
    """Hold an optimizer to the exact trajectory of its convention, as `momentum check` does.

    target: an optimizer class, a factory, a step function, a Subject, or a text such as
    `torch.optim:SGD`. convention: what it is meant to follow, identified first where it is not
    given. settings: arguments of its constructor. only: checks, families, or `check[dtype]`.
    expected: id -> reason. time_limit, total_limit: seconds for each phase, and for all. jobs:
    processes at a time. flushing: subnormal numbers may become zero.

    Raises: UsageError where the target or an option is wrong.

        >>> import momentum
        >>> momentum.check("torch.optim:SGD", "torch", effort="quick").verdict()  # doctest: +SKIP
        'passed'
    """
    what = Target(target, settings or {}, flushing=flushing)
    options = Options(
        dtypes=tuple(dtypes),
        effort=effort,
        seed=seed,
        only=tuple(only),
        time_limit=time_limit,
        total_limit=total_limit,
        arguments=what.arguments,
        workers=jobs,
    ).checked(convention)
    return run(what.load, convention, options, expectations(expected))


def expectations(expected: Mapping[str, str] | Sequence[Expectation]) -> list[Expectation]:
    """Expected failures. Raises: UsageError for one of a check that there is not."""
    if isinstance(expected, Mapping):
        expected = [Expectation(id_, reason) for id_, reason in expected.items()]
    refuse_unknown(expected)
    return list(expected)
