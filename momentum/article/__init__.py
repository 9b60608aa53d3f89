"""The article reproduced: every number and every figure, next to what the article prints."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from momentum.errors import UsageError

if TYPE_CHECKING:
    from rich.console import Console

SEEDS = 4000


def run(*, figures: Path | None, seeds: int | None, console: "Console") -> None:
    """Print the article's numbers next to ours, and write its figures where a folder is given.

    `seeds` trainings of each run give the distribution of its loss (4000 where it is None).
    Raises: UsageError for a missing package, fewer seeds than one, a folder that cannot be
    written, or a MOMENTUM_DATA that does not hold the data.
    """
    count = SEEDS if seeds is None else seeds
    if count < 1:
        raise UsageError(f"seeds = {count}: wanted at least 1")
    _require("torch", "torch", "the article's training runs")
    if figures is not None:
        _require("matplotlib", "plot", "figures")
        _make_folder(figures)
    _reproduce(figures, count, console)


def _require(package: str, extra: str, what: str) -> None:
    if find_spec(package) is None:
        raise UsageError(f"{what} need {package}: pip install 'momentum-oracle[{extra}]'")


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(f"cannot make the folder {folder}: {error.strerror}") from None


def _reproduce(folder: Path | None, seeds: int, console: "Console") -> None:
    from rich.console import Console
    from rich.progress import Progress

    from momentum.article import data, regression, tables

    console.print(tables.trace_table(), "", tables.window_table(), "", sep="\n")
    rows = data.load()
    for line in tables.data_lines(rows):
        console.print(line, highlight=False, soft_wrap=True)
    console.print()
    screen = Console(stderr=True)
    with Progress(console=screen, transient=True, disable=not screen.is_terminal) as progress:
        runs = progress.add_task("single runs", total=len(regression.RUNS))
        curves = []
        for each in regression.RUNS:
            curves.append(regression.train(each, rows))
            progress.advance(runs)
        many = progress.add_task(f"{seeds} seeds", total=seeds * len(regression.RUNS))
        distributions = [
            regression.distribution(each, rows, seeds, lambda done: progress.advance(many, done))
            for each in regression.RUNS
        ]
    places = [
        regression.place(losses[:, -1], each.article_loss)
        for each, losses in zip(regression.RUNS, distributions)
    ]
    console.print(tables.run_table(curves), "", tables.distribution_table(places), "", sep="\n")
    for line in tables.verdicts(places):
        console.print(line, highlight=False, soft_wrap=True)
    if folder is not None:
        from momentum.article import figures

        for path in figures.write(folder, rows, curves, distributions):
            console.print(f"wrote {path}", highlight=False, soft_wrap=True)
