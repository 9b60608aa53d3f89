"""The four figures are drawn, and hold what their captions say."""

import numpy as np
import pytest

from momentum.article import data, regression, traces

pytest.importorskip("matplotlib", reason="draws the figures")

from momentum.article import figures  # after the skip: needs matplotlib to be of use

ROWS = data.stand_in()
DISTRIBUTIONS = [regression.distribution(run, ROWS, 20) for run in regression.RUNS]
CURVES = [regression.Curve(tuple(losses[0]), 0.1) for losses in DISTRIBUTIONS]


def test_write_makes_four_png_files_in_a_new_folder(tmp_path):
    paths = figures.write(tmp_path / "new" / "folder", ROWS, CURVES, DISTRIBUTIONS)
    assert [p.name for p in paths] == ["traces.png", "losses.png", "weights.png", "stability.png"]
    for path in paths:
        assert path.read_bytes().startswith(b"\x89PNG\r\n")


def test_trace_figure_draws_every_point_of_the_four_traces():
    axes = figures.trace_figure().axes
    assert len(axes) == 4
    for panel, trace in zip(axes, traces.TRACES, strict=True):
        assert np.array_equal(panel.lines[0].get_xydata(), traces.points(trace))


def test_loss_figure_names_the_data_and_marks_the_articles_losses():
    figure = figures.loss_figure(ROWS, CURVES, DISTRIBUTIONS)
    assert ROWS.origin in figure.get_suptitle()
    for panel, run in zip(figure.axes, regression.RUNS, strict=True):
        labels = [text.get_text() for text in panel.get_legend().get_texts()]
        assert f"the article: {run.article_loss:.6f}" in labels


def test_stability_figure_holds_the_articles_four_points():
    panel = figures.stability_figure().axes[0]
    texts = [text.get_text() for text in panel.texts]
    assert texts == [
        "(0.4, 0) converges",
        "(0.6, 0) diverges",
        "(0.4, 0.5) converges",
        "(0.6, 0.5) converges",
    ]


def test_weight_figure_gives_the_effective_windows():
    labels = [t.get_text() for t in figures.weight_figure().axes[0].get_legend().get_texts()]
    assert any("0.95" in text and "window 20" in text and "0.3585" in text for text in labels)
