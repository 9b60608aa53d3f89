"""Commands for what is not a subject to load: live trainings, and programs in other languages."""

import shlex
from pathlib import Path
from typing import Any

import click

from momentum.doors import options
from momentum.doors.options import FilePath, with_options


@click.command(context_settings={"allow_interspersed_args": False})
@with_options(
    options.option("--as", "convention", metavar="CONVENTION", of=options.CONVENTIONS,
                   help="What its optimizers are meant to follow."),
    options.count("--every", "Verify each N steps.", default=1, show_default=True, metavar="N"),
    options.option("--sample", default="65536", show_default=True, metavar="N|all",
                   help="Coordinates to watch."),
    options.flag("--stop", help="End the training at the first violation."),
    options.file("--jsonl", help="Write what is found as it is found, one file a rank."),
    options.file("--html", help="Write a page, one a rank."),
    click.argument("script", type=options.EXISTING),
    click.argument("arguments", nargs=-1, type=click.UNPROCESSED),
)  # fmt: skip
def watch(**given: Any) -> int:
    """Run a torch training SCRIPT and verify every step of its SGD-like optimizers.

    Options of momentum come before SCRIPT, its own after it.
    """
    from momentum.doors.watch import watch

    return watch(**given)


@click.group()
def vectors() -> None:
    """Test vectors to take to any language, and the verdict on what came back."""


@vectors.command("write")
@options.option("--as", "conventions", metavar="CONVENTION", of=options.CONVENTIONS,
                multiple=True, help="Only of these; of all by default.")  # fmt: skip
@click.argument("folder", type=FilePath(path_type=Path, file_okay=False), metavar="DIR")
def write_vectors(folder: Path, conventions: tuple[str, ...]) -> int:
    """Write starts, gradients, exact parameters and bounds into DIR, as JSON."""
    from momentum.doors.vectors import write

    return write(folder, conventions)


@vectors.command("verify")
@click.argument("answers", type=options.PATH)
@click.option("--flushing", is_flag=True, help="Subnormal numbers may have become zero.")
def verify_vectors(answers: Path, flushing: bool) -> int:
    """Judge ANSWERS, JSON lines with the id of a case and the parameters after each step."""
    from momentum.doors.vectors import verify

    return verify(answers, flushing)


@click.command()
@click.argument(
    "language",
    metavar="LANGUAGE | selftest",
    shell_complete=options.offered(options.LANGUAGES, "selftest"),
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED)
@options.option("--as", "convention", default="torch", show_default=True, metavar="CONVENTION",
                of=options.CONVENTIONS, help="Whose step to fill in.")  # fmt: skip
@click.option("--into", type=FilePath(path_type=Path, file_okay=False, exists=True),
              default=".", metavar="DIR", help="Where to write it; here by default.")  # fmt: skip
def harness(language: str, command: tuple[str, ...], convention: str, into: Path) -> int:
    """Write a program in LANGUAGE that `check --process` can run, with a right step filled in.

    LANGUAGE is c, cpp, rust, javascript, java, fortran or python. `harness selftest COMMAND` tries
    whether a harness keeps numbers, before its optimizer is judged.
    """
    from momentum.doors.harness import selftest, write

    if language == "selftest":
        if not command:
            raise click.UsageError("wanted the command to try, as in: harness selftest ./harness")
        return selftest(command[0] if len(command) == 1 else shlex.join(command))
    if command:
        raise click.UsageError(f"wanted one language, got also {command[0]!r}")
    return write(language, convention, into)
