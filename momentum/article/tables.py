"""The article's numbers next to ours, as tables for a terminal: data in, text out."""

import math
from collections.abc import Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table

from momentum.article import regression, traces
from momentum.article.data import Regression
from momentum.theory import ewma, quadratic


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", box=SIMPLE_HEAD)
    table.show_edge, table.padding = False, (0, 1, 0, 0)  # narrow: all tables fit 80 columns
    for i, column in enumerate(columns):
        table.add_column(column, justify="right" if i else "left", no_wrap=True)
    return table


def trace_table() -> Table:
    """The last points of the four traces, whether all six digits agree, and exact stability."""
    title = "f(x) = 0.1 x1² + 2 x2², 20 steps from (-5, -2)"
    table = _table(title, "method", "lr", "momentum", "", "article", "ours", "agree", "stable")
    for trace in traces.TRACES:
        stable = quadratic.is_stable(trace.method, trace.lr, trace.momentum, traces.SPECTRUM)
        setting = (trace.name, f"{trace.lr}", f"{trace.momentum}" if trace.momentum else "-")
        for i, (wanted, got) in enumerate(zip(trace.article, traces.points(trace)[-1])):
            article, ours = f"{wanted:.6f}", f"{got:.6f}"
            agree = "yes" if ours == article else "NO"
            first, last = (("", "", ""), "") if i else (setting, "yes" if stable else "no")
            table.add_row(*first, f"x{i + 1}", article, ours, agree, last)
    return table


def window_table() -> Table:
    """How much the moving average's effective window covers."""
    title = "Moving average: weight at the effective window"
    table = _table(title, "momentum", "window 1/(1 - momentum)", "momentum^window")
    for momentum in (0.5, 0.9, 0.95, 0.99):
        window = round(ewma.effective_window(momentum))
        table.add_row(f"{momentum}", f"{window}", f"{ewma.older_share(momentum, window):.4f}")
    table.add_row("limit", "", f"exp(-1) = {math.exp(-1):.4f}")
    return table


def _setting(run: regression.Run) -> tuple[str, str, str]:
    return run.optimizer, f"{run.lr}", f"{run.momentum}"


def run_table(curves: Sequence[regression.Curve]) -> Table:
    """Loss and time of one training each."""
    title = "Linear regression, one run each: loss after 2 epochs, seconds per epoch"
    headers = ("article:\nloss", "ours:\nloss", "article:\ns/epoch", "ours:\ns/epoch")
    table = _table(title, "optimizer", "lr", "momentum", *headers)
    for run, curve in zip(regression.RUNS, curves):
        numbers = (run.article_loss, curve.losses[-1], run.article_seconds, curve.seconds)
        table.add_row(*_setting(run), *(f"{x:.6f}" for x in numbers))
    return table


def distribution_table(places: Sequence[regression.Place]) -> Table:
    """Where the article's losses fall among those of many seeds."""
    title = f"The same over {places[0].seeds} seeds; P: share that ends at the article's or above"
    quantiles = ("1 %", "median", "99 %")
    table = _table(title, "optimizer", "lr", "momentum", *quantiles, "article", "P")
    for run, place in zip(regression.RUNS, places):
        spread = (f"{x:.5f}" for x in (place.low, place.median, place.high))
        ours = f"{run.article_loss:.6f}", f"{place.probability:.4f}"
        table.add_row(*_setting(run), *spread, *ours)
    return table


def verdicts(places: Sequence[regression.Place]) -> list[str]:
    """One plain sentence for each run on how ordinary the article's loss is."""
    lines = []
    for run, place in zip(regression.RUNS, places):
        count = f"{place.at_least} of {place.seeds} seeds end at it or above"
        what = {
            True: "a rare draw",
            False: "an ordinary draw",
            None: "one of too few draws to place it",
        }
        lines.append(f"{run.article_loss:.6f} ({run.name}) is {what[place.rare]}: {count}.")
    return lines


def data_lines(data: Regression) -> list[str]:
    """Which data were used, their least squares optimum and curvature."""
    eigenvalues = ", ".join(f"{e:.8f}" for e in data.curvature)
    return [
        f"Data: {data.origin}; {len(data.targets)} rows, {data.features.shape[1]} features.",
        f"Least squares optimum {data.optimum:.10f}; curvature {eigenvalues}.",
    ]
