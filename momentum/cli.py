"""The command line; each command imports what it needs when it runs.

Exit codes of `check`: 0 all passed, or failed as expected; 1 a must check failed or errored;
2 the target or an option is wrong; 3 nothing ran; 130 interrupted.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from momentum.errors import UsageError

INTERRUPTED = 130

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


def entry(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; a usage error is one line on stderr."""
    try:
        code = commands.main(
            None if arguments is None else list(arguments), "momentum", standalone_mode=False
        )
    except click.ClickException as error:
        return _refuse(error.format_message())
    except UsageError as error:
        return _refuse(str(error))
    except (click.Abort, KeyboardInterrupt):
        click.echo("momentum: interrupted", err=True)
        return INTERRUPTED
    except BrokenPipeError:  # the reader, `head` for one, has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return code if isinstance(code, int) else 0


def _refuse(message: str) -> int:
    click.echo(f"momentum: error: {' '.join(message.split())}", err=True)
    return 2


def _version(ctx: click.Context, option: click.Parameter, wanted: bool) -> None:
    if wanted:
        from momentum import __version__

        click.echo(f"momentum {__version__}")
        ctx.exit()


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--version", is_flag=True, is_eager=True, expose_value=False, callback=_version,
              help="Show the version and exit.")  # fmt: skip
@click.pass_context
def commands(ctx: click.Context) -> int:
    """Is this optimizer numerically right, and if not, what is wrong with it?"""
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help(), err=True)
        return 2
    return 0


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


_PATH = click.Path(path_type=Path)

_CHECK_OPTIONS = (
    click.option(
        "--as",
        "convention",
        metavar="CONVENTION",
        help="What the target is meant to follow: a convention (accumulated, scaled) or whose it"
        " is (torch, keras, optax). Identified first where it is not given.",
    ),
    click.option(
        "--set",
        "settings",
        metavar="NAME=VALUE",
        multiple=True,
        callback=_settings,
        help="Fix an argument of the target's constructor; VALUE is a Python literal.",
    ),
    click.option(
        "--process",
        metavar="COMMAND",
        help="Check a program that answers JSON lines, in any language, instead of a TARGET.",
    ),
    click.option(
        "--dtype",
        "dtypes",
        metavar="D",
        multiple=True,
        help="float64, float32, float16 or bfloat16; by default all that the target claims.",
    ),
    click.option(
        "--effort",
        type=click.Choice(["quick", "normal", "deep"]),
        default="normal",
        show_default=True,
        help="How many problems each check draws.",
    ),
    click.option("--seed", type=int, default=0, show_default=True, help="Of the problems drawn."),
    click.option(
        "--only",
        metavar="ID",
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
        type=click.Path(path_type=Path, allow_dash=True),
        metavar="FILE",
        help="Write the report as JSON lines; - is stdout, and the table goes to stderr.",
    ),
    click.option(
        "--html", type=_PATH, metavar="FILE", help="Write the report as a self-contained page."
    ),
    click.option(
        "--time-limit",
        type=click.FloatRange(min=0, min_open=True),
        default=60.0,
        show_default=True,
        metavar="S",
        help="Seconds for each check in each dtype.",
    ),
    click.option(
        "--replay",
        metavar="PROBLEM",
        help="Measure just this problem (JSON, from a report), with exactly one --only.",
    ),
)


def _with(options: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Any]:
    def decorated(function: Any) -> Any:
        for option in reversed(options):
            function = option(function)
        return function

    return decorated


@commands.command(epilog=CHECK_EXAMPLES)
@click.argument("target", required=False)
@_with(_CHECK_OPTIONS)
def check(target: str | None, process: str | None, list_: bool, **options: Any) -> int:
    """Hold the optimizer TARGET to the exact trajectory of its convention.

    TARGET is package.module:name or file.py:name: an optimizer class, a factory, or a step
    function.
    """
    if list_:
        return _list_checks(options["only"])
    if (target is None) == (process is None):
        raise click.UsageError("wanted one TARGET, such as torch.optim:SGD, or --process COMMAND")
    from momentum.check_command import Request, check

    signal.signal(signal.SIGTERM, signal.default_int_handler)  # keep what was done until then
    return check(Request(target=target or f"process:{process}", **options))


@commands.command()
@click.option("--figures", type=_PATH, metavar="DIR", help="Draw the figures into this folder.")
@click.option("--seeds", type=click.IntRange(min=1), metavar="N", help="Trainings of each run.")
def article(figures: Path | None, seeds: int | None) -> int:
    """Reproduce the numbers and figures of the article on momentum."""
    from rich.console import Console

    from momentum.article import run

    run(figures=figures, seeds=seeds, console=Console())
    return 0


@commands.command()
@click.argument("target")
@click.option("--set", "settings", metavar="NAME=VALUE", multiple=True, callback=_settings)
@click.option("--dtype", metavar="D", help="To probe in; the finest that the target claims.")
def identify(target: str, settings: dict[str, str], dtype: str | None) -> int:
    """Say which convention the optimizer TARGET follows, and measure its hyper-parameters."""
    from momentum.identify_command import told

    click.echo(told(target, settings, dtype))
    return 0


@commands.command()
@click.argument("report", type=click.Path(path_type=Path, exists=True, dir_okay=False))
def explain(report: Path) -> int:
    """Tell the causes of the failures in REPORT, JSON lines that `check --jsonl` wrote."""
    from momentum.explain import retell
    from momentum.report import jsonl

    click.echo(retell(jsonl.read(report)))
    return 0


def _list_checks(only: Sequence[str]) -> int:
    import textwrap

    from momentum.selection import selected

    family = ""
    try:
        found = selected(only)
    except ValueError as error:
        raise UsageError(str(error)) from None
    for c in found:
        if c.family != family:
            family = c.family
            click.echo(f"{family}:")
        click.echo(f"  {c.name} ({c.level}{', every dtype' if c.every_dtype else ''})")
        click.echo(textwrap.fill(c.statement, 80, initial_indent="    ", subsequent_indent="    "))
    return 0
