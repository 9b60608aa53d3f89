"""The command line; each command imports what it needs when it runs.

Exit codes of `check`: 0 all passed, or failed as expected; 1 a must check failed or errored;
2 the target or an option is wrong; 3 nothing ran; 130 interrupted.
"""

import contextlib
import errno
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from momentum.doors import options
from momentum.doors.interrupts import interruptible
from momentum.doors.options import AS_WELL, PROCESS, SEED, SET, TARGET, named, with_options
from momentum.doors.programs import harness, vectors, watch
from momentum.errors import UsageError
from momentum.report.foreign import any_encoding, one_line, say, silence

INTERRUPTED = 130
LONGEST = 1000
"""Characters of an error; what was given may be repeated in it."""


def entry(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code; a usage error is one line on stderr."""
    for number in (0, 1, 2):  # a closed one's number must not become that of a report
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
    with any_encoding(), interruptible():
        return _entered(None if arguments is None else list(arguments))


def _entered(arguments: list[str] | None) -> int:
    try:
        code = commands.main(arguments, "momentum", standalone_mode=False)
    except click.ClickException as error:
        return _refuse(error.format_message())
    except UsageError as error:
        return _refuse(str(error))
    except (click.Abort, KeyboardInterrupt):
        click.echo("momentum: interrupted", err=True)
        return INTERRUPTED
    except OSError as error:  # a folder that is gone, a disk that is full
        silence(sys.stdout)  # what is still in its buffer would fail again at the end
        if error.errno == errno.ENOENT and error.filename is None:  # os.getcwd
            return _refuse("the working folder is gone")
        return 1 if error.errno == errno.EIO else _refuse(str(error))  # EIO: no terminal any more
    return code if isinstance(code, int) else 0


def _refuse(message: str) -> int:
    if len(message) > LONGEST:
        message = f"{message[: LONGEST // 2]} … {message[-LONGEST // 2 :]}"
    with contextlib.suppress(UsageError):  # nobody hears it
        say(f"momentum: error: {one_line(message)}", sys.stderr)
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


@commands.command(epilog=CHECK_EXAMPLES)
@with_options(TARGET, *options.CHECK)
def check(target: str | None, process: str | None, list_: bool, **given: Any) -> int:
    """Hold the optimizer TARGET to the exact trajectory of its convention.

    TARGET is package.module:name or file.py:name: an optimizer class, a factory, or a step
    function.
    """
    if list_:
        from momentum.doors.check import list_checks

        return list_checks(given["only"])
    chosen = named(target, process)
    from momentum.doors.check import check

    return check(chosen, **given)


@commands.command()
@with_options(
    options.file("--figures", metavar="DIR", help="Draw the figures into this folder."),
    options.count("--seeds", "Trainings of each run.", high=10**6, metavar="N"),
)
def article(figures: Path | None, seeds: int | None) -> int:
    """Reproduce the numbers and figures of the article on momentum."""
    from rich.console import Console

    from momentum.article import run

    run(figures=figures, seeds=seeds, console=Console())
    return 0


@commands.command()
@with_options(
    TARGET, PROCESS, SET,
    options.option("--dtype", metavar="D", of=options.DTYPES,
                   help="To probe in; the finest that the target claims."),
    options.seconds("--time-limit", "Seconds for loading, and for the probes together.",
                    default=60.0, show_default=True),
    AS_WELL,
)  # fmt: skip
def identify(target: str | None, process: str | None, **given: Any) -> int:
    """Say which convention the optimizer TARGET follows, and measure its hyper-parameters."""
    chosen = named(target, process)
    from momentum.doors.identify import told

    say(told(chosen, **given))
    return 0


@commands.command()
@with_options(
    TARGET, PROCESS,
    options.convention("What the target follows; identified where it is not given."), SET,
    options.count("--rounds", "Of each timing.", 3, 1000, default=9, show_default=True),
    options.file("--json", "json_", help="Write what `pytest-benchmark compare` reads."),
    options.file("--plot", help="Draw the time for an element by size."),
    options.seconds("--time-limit", "Seconds for loading and judging, and for each timed call.",
                    default=60.0, show_default=True),
)  # fmt: skip
def bench(target: str | None, process: str | None, **given: Any) -> int:
    """Time steps and an epoch of the optimizer TARGET beside torch.optim.SGD's."""
    chosen = named(target, process)
    from momentum.doors import bench

    return bench.command(chosen, **given)


@commands.command()
@options.file("--html", help="Write what ranks left as one page.")
@click.argument("reports", metavar="REPORT...", nargs=-1, required=True, type=options.EXISTING)
def explain(reports: tuple[Path, ...], html: Path | None) -> int:
    """Tell the causes of the failures in REPORT, JSON lines that `check --jsonl` wrote.

    Files that the ranks of a training left with `watch --jsonl` are told together.
    """
    from momentum.doors.explain import explain

    say(explain(reports, html))
    return 0


CONVERT_EXAMPLES = """\b
Examples:
  momentum convert --from keras --to torch lr=0.1 momentum=0.9 weight_decay=0.01
  momentum convert --from torch --to optax momentum=0.9 --schedule rates.csv --write optax.csv

\b
FILE is CSV with a header, or a JSON list of objects, one row a step:
  step,lr,momentum            [{"step": 1, "lr": 0.1, "momentum": 0.9},
  1,0.1,0.9                    {"step": 51, "lr": 0.01}]
  51,0.01,
`step` may be left out, and may leave steps out; what a row does not give stays as it was.

\b
Exit codes: 0 converted, with proof; 1 no conversion found; 2 an option is wrong.
"""


@commands.command(epilog=CONVERT_EXAMPLES)
@with_options(
    options.convention("Whose numbers they are.", "--from", "source", metavar="A"),
    options.convention("Who is to do the same.", "--to", "target", metavar="B"),
    options.file("--schedule", "file", help="Numbers that change, by step."),
    options.count("--steps", "Steps to convert.", high=100_000, metavar="N"),
    options.file("--write", help="Write B's schedule, CSV or .json."),
    click.argument("settings", nargs=-1, metavar="NAME=VALUE..."),
)
def convert(**given: Any) -> int:
    """Give the hyper-parameters with which B trains exactly as A does, and prove it.

    Names are those of either framework; A and B are frameworks (torch, keras, optax, ...) or
    conventions (accumulated, scaled:before, ...).
    """
    from momentum.doors.convert import run

    code, text = run(**given)
    say(text)
    return code


@commands.command()
@with_options(
    options.file("--html", help="Write both tables as a page."),
    options.file("--markdown", help="Write them for the documentation."),
    options.file("--jsonl", help="Keep rows here; a run that was interrupted goes on from them."),
    options.effort("quick"),
    SEED,
    options.option("--only", metavar="NAME", multiple=True, of=options.IMPLEMENTATIONS,
                   help="An implementation, or all whose name begins with this word."),
    options.option("--process", metavar="COMMAND|LIST.toml", multiple=True,
                   help="A program that speaks the process protocol, or a list of them, alone or"
                   " beside --only."),
    AS_WELL,
)  # fmt: skip
def matrix(**given: Any) -> int:
    """Run every installed implementation under every check and against every convention."""
    from momentum.doors.matrix import matrix

    return matrix(**given)


for _command in (watch, vectors, harness):
    commands.add_command(_command)
