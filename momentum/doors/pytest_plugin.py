"""pytest: `--momentum-target pkg:Class` runs all checks of a subject without any test file.

Nothing but pytest is imported until a subject is named; see `momentum.parametrize` for tests that
stand in a file.
"""

import ast
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from momentum.doors.parametrize import Case
    from momentum.watching.report import WatchReport

_EFFORTS = ("quick", "normal", "deep")


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options of `momentum check` that make sense here."""
    group = parser.getgroup("momentum", "conformance of optimizers with momentum")
    add = group.addoption
    add("--momentum-target", metavar="TARGET", help="optimizer to check, package.module:name")
    add("--momentum-as", metavar="CONVENTION", help="what it is meant to follow: torch, keras, …")
    add("--momentum-set", metavar="NAME=VALUE", action="append", default=[],
        help="fix an argument of its constructor")  # fmt: skip
    add("--momentum-effort", choices=_EFFORTS, default="normal", help="how many problems are drawn")
    add("--momentum-seed", type=int, default=0, help="seed of the problems drawn")
    add("--momentum-time-limit", type=float, default=60.0, metavar="S",
        help="seconds for loading, for identifying, and for each check in each dtype")  # fmt: skip
    add("--momentum-expected", metavar="FILE", help="TOML file of expected failures")


def pytest_configure(config: pytest.Config) -> None:
    """Marks; and with a target and no path on the command line, no search for test files."""
    config.addinivalue_line("markers", "momentum(effort): a conformance check of an optimizer")
    for effort in _EFFORTS:
        config.addinivalue_line("markers", f"momentum_{effort}: the same, run with this effort")
    if _asked(config) and config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args = []


@pytest.fixture
def momentum_watch() -> "Iterator[Callable[..., WatchReport]]":
    """Watch a torch optimizer until the test ends, which fails where a step was wrong.

        def test_training(momentum_watch):
            momentum_watch(optimizer, names=model.named_parameters())
            train()

    Takes what `momentum.watch` takes, and returns the report.
    """
    import momentum

    reports: list[WatchReport] = []
    with ExitStack() as stack:

        def begin(optimizer: object, *args: Any, **options: Any) -> "WatchReport":
            watching = momentum.watch(optimizer, *args, **options)
            reports.append(stack.enter_context(watching))
            return reports[-1]

        yield begin
    for report in reports:
        if not report.passed:
            pytest.fail(str(report), pytrace=False)


def _asked(config: pytest.Config) -> bool:
    return bool(config.getoption("--momentum-target"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add the checks of the target, before anything is deselected."""
    if _asked(config):
        target = config.getoption("--momentum-target")
        items.extend(_Target.from_parent(session, name=target, nodeid=target).collect())


def pytest_collection_finish(session: pytest.Session) -> None:
    """Tell every subject which of its checks the session runs."""
    for item in session.items:
        given = getattr(getattr(item, "callspec", None), "params", {})
        for case in (getattr(item, "case", None), *given.values()):
            if hasattr(case, "bench") and hasattr(case, "job") and case.job is not None:
                case.bench.selected.append(case.job)


class _Target(pytest.Collector):
    """The checks of one subject."""

    def collect(self) -> Iterator[pytest.Item]:
        """Raises: pytest.UsageError where target or options are wrong."""
        from momentum.doors.parametrize import cases
        from momentum.doors.targets import Target
        from momentum.errors import UsageError
        from momentum.runner.expectations import read
        from momentum.runner.options import Options

        option = self.config.getoption
        expected = option("--momentum-expected")
        try:
            found = cases(
                Target(self.name, dict(_setting(text) for text in option("--momentum-set"))),
                option("--momentum-as"),
                Options(
                    effort=option("--momentum-effort"),
                    seed=option("--momentum-seed"),
                    time_limit=option("--momentum-time-limit"),
                ),
                read(Path(expected)) if expected else (),
            )
        except UsageError as error:
            raise pytest.UsageError(f"--momentum-target: {error}") from None
        for case in found:
            item: _Check = _Check.from_parent(self, name=case.id, case=case)
            for mark in case.marks:
                item.add_marker(mark)
            yield item


def _setting(text: str) -> tuple[str, object]:
    name, _, value = text.partition("=")
    try:
        return name, ast.literal_eval(value.strip())
    except (ValueError, SyntaxError):
        raise pytest.UsageError(
            f"--momentum-set {text}: wanted NAME=VALUE, VALUE a Python literal"
        ) from None


class _Check(pytest.Item):
    """One check in one dtype."""

    def __init__(self, *, case: "Case", **node: Any) -> None:
        super().__init__(**node)
        self.case = case

    def runtest(self) -> None:
        """Run it."""
        self.case()

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> "str | TerminalRepr":
        """The message alone; it says everything."""
        from momentum.doors.parametrize import ConformanceFailure

        if isinstance(excinfo.value, ConformanceFailure):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Where reports say it stands."""
        return self.path, None, self.name
