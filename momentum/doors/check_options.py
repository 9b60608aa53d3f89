"""The options of `momentum check`, and what commands share in reading options."""

import math
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from momentum.doors import completion

CHECK_EXAMPLES = """\b
Examples:
  momentum check torch.optim:SGD --as torch
  momentum check torch.optim:SGD --set nesterov=True --effort deep
  momentum check my_package.optimizers:MySGD --as keras --html report.html
  momentum check my_file.py:step --only agrees_with_oracle[float32]

\b
Exit codes: 0 all passed or failed as expected; 1 a check failed or errored;
2 the target or an option is wrong; 3 nothing ran; 130 interrupted.
"""


class FilePath(click.Path):
    """A path, of characters that a path may have."""

    def convert(self, value: Any, param: Any, ctx: click.Context | None) -> Any:
        """Raises: click.BadParameter."""
        try:
            named = b"\0" not in os.fsencode(value)
        except UnicodeEncodeError:
            named = False
        if not named:
            self.fail(f"{str(value)!a} has a character that no path can have", param, ctx)
        return super().convert(value, param, ctx)


_PATH = FilePath(path_type=Path)
EFFORT = click.Choice(["quick", "normal", "deep"], case_sensitive=False)


class Seconds(click.FloatRange):
    """A time that ends; nan lies in no range, and none of its comparisons says so."""

    def convert(self, value: Any, param: Any, ctx: click.Context | None) -> float:
        """Raises: click.BadParameter."""
        found: float = super().convert(value, param, ctx)
        if math.isnan(found):
            self.fail(f"{value!r} is no time", param, ctx)
        return found


def settings_of(
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


SECONDS = Seconds(0, 10**6, min_open=True)


def cores() -> int:
    """Cores that this process may use, up to 4: each holds a copy of the target's framework."""
    able = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else [0]
    return min(4, len(able))


PROCESS = click.option(
    "--process",
    metavar="COMMAND",
    help="A program in any language that speaks the process protocol, instead of a TARGET.",
)


def named(target: str | None, process: str | None) -> str:
    """The one target that is named. Raises: click.UsageError."""
    if target is not None and not target.strip():
        raise click.UsageError("TARGET is empty: wanted one such as torch.optim:SGD")
    if process is None and target is not None:
        return target
    if process is None or target is not None:
        raise click.UsageError("wanted one TARGET, such as torch.optim:SGD, or --process COMMAND")
    return f"process:{process}"


CHECK_OPTIONS = (
    click.option(
        "--as",
        "convention",
        metavar="CONVENTION",
        shell_complete=completion.of(completion.conventions),
        help="What the target is meant to follow: a convention (accumulated, scaled) or whose it"
        " is (torch, keras, optax), or one from a file (FILE.py:CONVENTION). Identified first"
        " where it is not given.",
    ),
    click.option(
        "--set",
        "settings",
        metavar="NAME=VALUE",
        multiple=True,
        callback=settings_of,
        help="Fix an argument of the target's constructor; VALUE is a Python literal.",
    ),
    PROCESS,
    click.option(
        "--dtype",
        "dtypes",
        metavar="D",
        shell_complete=completion.of(completion.dtypes),
        multiple=True,
        help="float64, float32, float16 or bfloat16; by default all that the target claims.",
    ),
    click.option(
        "--effort",
        type=EFFORT,
        default="normal",
        show_default=True,
        help="How many problems each check draws.",
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Of the problems drawn."),
    click.option(
        "--only",
        metavar="ID",
        shell_complete=completion.of(completion.checks),
        multiple=True,
        help="A check, a family, or one check in one dtype: check[float32].",
    ),
    click.option("--list", "list_", is_flag=True, help="List the checks and exit."),
    click.option(
        "--strict",
        is_flag=True,
        help="Let advice (should checks) and stale expectations fail the run too.",
    ),
    click.option(
        "--expected",
        type=_PATH,
        metavar="FILE",
        help="TOML file of results that are known to fail, each with its reason.",
    ),
    click.option("--update-expected", is_flag=True, help="Rewrite that file from this run."),
    click.option(
        "--jsonl",
        type=FilePath(path_type=Path, allow_dash=True),
        metavar="FILE",
        help="Write the report as JSON lines; - is stdout, and the table goes to stderr.",
    ),
    click.option(
        "--html", type=_PATH, metavar="FILE", help="Write the report as a self-contained page."
    ),
    click.option(
        "--time-limit",
        type=SECONDS,
        default=60.0,
        show_default=True,
        metavar="S",
        help="Seconds for loading, for identifying, and for each check in each dtype.",
    ),
    click.option(
        "--total-limit",
        type=SECONDS,
        metavar="S",
        help="Seconds for the whole run; what was found until then is reported.",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(1, 64),
        default=cores,
        metavar="N",
        help="Checks at the same time; as many as cores, up to 4. The report is the same.",
    ),
    click.option(
        "-v",
        "--verbose",
        is_flag=True,
        help="Show every check, and all that is known of a failure.",
    ),
    click.option(
        "--replay",
        metavar="PROBLEM",
        help="Measure just this problem (JSON, from a report), with exactly one --only.",
    ),
)


AS_WELL = click.option(
    "--as",
    "also",
    metavar="FILE.py:CONVENTION",
    multiple=True,
    help="A convention from a file, to compare with beside those of the package.",
)


def with_options(options: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    """A decorator that applies these, in their order."""

    def decorated(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorated
