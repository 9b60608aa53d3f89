"""Options of the commands: their kinds, and those that several commands or `check` have."""

import itertools
import math
import os
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, TypeVar

import click
from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., int])

Option = Callable[[Any], Any]
"""A decorator of a command."""

Places = tuple[str, ...]
"""`module:NAME` of what holds names that a shell may offer; loaded when it asks."""

CONVENTIONS: Places = ("momentum.conventions:CONVENTIONS", "momentum.conventions:SPEAKERS")
DTYPES: Places = ("momentum.arithmetic:FORMATS",)
CHECKS: Places = ("momentum.checks:CHECKS", "momentum.checks:FAMILIES")
IMPLEMENTATIONS: Places = ("momentum.report.matrix:IMPLEMENTATIONS",)
LANGUAGES: Places = ("momentum.languages.harness:LANGUAGES",)


class FilePath(click.Path):
    """A path, of characters that a path may have."""

    def convert(
        self,
        value: str | os.PathLike[str],
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> str | bytes | os.PathLike[str]:
        """Raises: click.BadParameter."""
        try:
            named = b"\0" not in os.fsencode(value)
        except UnicodeEncodeError:
            named = False
        if not named:
            self.fail(f"{str(value)!a} has a character that no path can have", param, ctx)
        return super().convert(value, param, ctx)


class Seconds(click.FloatRange):
    """A time that ends; nan lies in no range, and none of its comparisons says so."""

    def convert(
        self, value: float, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Raises: click.BadParameter."""
        found: float = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value!r} is no time", param, ctx)
        return found


PATH = FilePath(path_type=Path)
EXISTING = FilePath(path_type=Path, exists=True, dir_okay=False)


def option(*names: str, of: Places = (), **more: Any) -> Option:
    """An option. of: where the names are that a shell offers for it."""
    return click.option(*names, shell_complete=offered(of) if of else None, **more)


def offered(of: Places, *others: str) -> Callable[..., list[CompletionItem]]:
    """What a shell is told: these names, in whatever case they begin."""

    def offer(ctx: object, option: object, typed: str) -> list[CompletionItem]:
        held = (getattr(import_module(m), name) for m, name in (x.split(":") for x in of))
        names = [*itertools.chain(*held), *others]
        return [CompletionItem(n) for n in names if n.lower().startswith(typed.lower())]

    return offer


def flag(*names: str, help: str) -> Option:
    """One that is on or off."""
    return click.option(*names, is_flag=True, help=help)


def file(*names: str, help: str, metavar: str = "FILE", type: click.Path = PATH) -> Option:
    """One that names a file."""
    return click.option(*names, type=type, metavar=metavar, help=help)


def count(name: str, help: str, low: int = 1, high: int | None = None, **more: Any) -> Option:
    """One that is a whole number of a range."""
    return click.option(name, type=click.IntRange(low, high), help=help, **more)


def seconds(name: str, help: str, **more: Any) -> Option:
    """One that is a time."""
    kind = Seconds(0, 10**6, min_open=True)
    return click.option(name, type=kind, metavar="S", help=help, **more)


def convention(help: str, *names: str, **more: Any) -> Option:
    """One that names a convention: `--as`, or another that must be given."""
    more = {"metavar": "CONVENTION", "required": bool(names), **more}
    return option(*names or ("--as", "convention"), of=CONVENTIONS, help=help, **more)


def effort(default: str) -> Option:
    """How hard to look."""
    kind = click.Choice(["quick", "normal", "deep"], case_sensitive=False)
    return click.option("--effort", type=kind, default=default, show_default=True,
                        help="How many problems each check draws.")  # fmt: skip


def _settings(
    ctx: click.Context, option: click.Parameter, given: tuple[str, ...]
) -> dict[str, str]:
    """NAME=VALUE pairs; the adapters read the values."""
    found: dict[str, str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise click.BadParameter(f"{text!r}: wanted NAME=VALUE", ctx, option)
        found[name.strip()] = value
    return found


def cores() -> int:
    """Cores that this process may use, up to 4: each holds a copy of the target's framework."""
    able = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else [0]
    return min(4, len(able))


def named(target: str | None, process: str | None) -> str:
    """The one target that is named. Raises: click.UsageError."""
    if target is not None and not target.strip():
        raise click.UsageError("TARGET is empty: wanted one such as torch.optim:SGD")
    if process is None and target is not None:
        return target
    if process is None or target is not None:
        raise click.UsageError("wanted one TARGET, such as torch.optim:SGD, or --process COMMAND")
    return f"process:{process}"


TARGET = click.argument("target", required=False)
PROCESS = option(
    "--process", metavar="COMMAND",
    help="A program in any language that speaks the process protocol, instead of a TARGET.",
)  # fmt: skip
SET = option(
    "--set", "settings", metavar="NAME=VALUE", multiple=True, callback=_settings,
    help="Fix an argument of the target's constructor; VALUE is a Python literal.",
)  # fmt: skip
SEED = click.option("--seed", type=int, default=0, show_default=True, help="Of the problems drawn.")
AS_WELL = option(
    "--as", "also", metavar="FILE.py:CONVENTION", multiple=True,
    help="A convention from a file, to compare with beside those of the package.",
)  # fmt: skip

CHECK = (
    convention(
        "What the target is meant to follow: a convention (accumulated, scaled) or whose it"
        " is (torch, keras, optax), or one from a file (FILE.py:CONVENTION). Identified first"
        " where it is not given."
    ),
    SET,
    PROCESS,
    option("--dtype", "dtypes", metavar="D", of=DTYPES, multiple=True,
           help="float64, float32, float16 or bfloat16; by default all that the target claims."),
    flag("--flushing", help="Subnormal numbers may become zero, as in a kernel of fast math."),
    effort("normal"),
    SEED,
    option("--only", metavar="ID", of=CHECKS, multiple=True,
           help="A check, a family, or one check in one dtype: check[float32]."),
    flag("--list", "list_", help="List the checks and exit."),
    flag("--strict", help="Let advice (should checks) and stale expectations fail the run too."),
    file("--expected",
         help="TOML file of results that are known to fail, each with its reason."),
    flag("--update-expected", help="Rewrite that file from this run."),
    file("--jsonl", type=FilePath(path_type=Path, allow_dash=True),
         help="Write the report as JSON lines; - is stdout, and the table goes to stderr."),
    file("--html", help="Write the report as a self-contained page."),
    seconds("--time-limit", default=60.0, show_default=True,
            help="Seconds for loading, for identifying, and for each check in each dtype."),
    seconds("--total-limit",
            help="Seconds for the whole run; what was found until then is reported."),
    option("--jobs", "workers", type=click.IntRange(1, 64), default=cores, metavar="N",
           help="Checks at the same time; as many as cores, up to 4. The report is the same."),
    flag("-v", "--verbose", help="Show every check, and all that is known of a failure."),
    option("--replay", metavar="PROBLEM",
           help="Measure just this problem (JSON, from a report), with exactly one --only."),
)  # fmt: skip
"""Those of `check`."""


def with_options(*options: Option) -> Option:
    """A decorator that applies these, in their order."""

    def decorated(function: F) -> F:
        for one in reversed(options):
            function = one(function)
        return function

    return decorated
