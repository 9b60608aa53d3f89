"""What a shell offers where a name is to be typed; the names are loaded when they are asked for."""

from collections.abc import Callable, Iterable

import click
from click.shell_completion import CompletionItem

Complete = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]


def of(names: Callable[[], Iterable[str]]) -> Complete:
    """Completion by those names that begin with what is there, in whatever case."""

    def complete(ctx: click.Context, option: click.Parameter, typed: str) -> list[CompletionItem]:
        return [CompletionItem(n) for n in names() if n.lower().startswith(typed.lower())]

    return complete


def conventions() -> list[str]:
    """Conventions, and whose they are."""
    from momentum.conventions import CONVENTIONS, SPEAKERS

    return [*CONVENTIONS, *sorted(SPEAKERS)]


def dtypes() -> list[str]:
    """Formats."""
    from momentum.arithmetic import FORMATS

    return list(FORMATS)


def checks() -> list[str]:
    """Checks and their families."""
    from momentum.checks import CHECKS

    return [*CHECKS, *sorted({c.family for c in CHECKS.values()})]


def implementations() -> list[str]:
    """Rows of the matrix."""
    from momentum.report.matrix import IMPLEMENTATIONS

    return list(IMPLEMENTATIONS)
