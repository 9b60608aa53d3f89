"""The article's figures, and the stability region behind them, as PNG files.

Each function takes computed numbers and returns a matplotlib figure; `write` saves all four.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from momentum.arithmetic import nearest
from momentum.article import regression, traces
from momentum.article.data import Regression
from momentum.theory import ewma, quadratic, tuning

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Okabe and Ito 2008: told apart with every colour vision.
BLUE, ORANGE, GREEN, RED, INK = "#0072B2", "#E69F00", "#009E73", "#D55E00", "#333333"
STYLE: Any = {  # matplotlib types every key on its own
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": "#888888",
    "axes.labelcolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "figure.dpi": 150,
}


def _figure(rows: int, columns: int, size: tuple[float, float]) -> "tuple[Figure, list[Axes]]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False)
    return figure, [axes for row in grid for axes in row]


def trace_figure() -> "Figure":
    """The four traces over contour lines of f."""
    figure, panels = _figure(2, 2, (9.0, 6.6))
    low, high = traces.SPECTRUM
    x1, x2 = np.meshgrid(np.linspace(-5.6, 1.6, 241), np.linspace(-3.1, 3.1, 241))
    height = (low * x1**2 + high * x2**2) / 2
    levels = np.array([0.02, 0.1, 0.3, 0.8, 1.6, 3, 5, 8, 12, 17, 24])
    for axes, trace in zip(panels, traces.TRACES):
        path = np.array(traces.points(trace))
        axes.contourf(x1, x2, height, [0, *levels], cmap="Blues_r", alpha=0.35, extend="max")
        axes.contour(x1, x2, height, levels, colors="#7f9fb8", linewidths=0.6)
        axes.plot(*path.T, "-o", color=RED, markersize=4, linewidth=1.4, markeredgecolor="white",
                  markeredgewidth=0.5)  # fmt: skip
        axes.plot(*path[0], "o", color=INK, markersize=6)
        axes.annotate("start", path[0], (6, -12), textcoords="offset points", fontsize=9)
        axes.plot(0, 0, "+", color=INK, markersize=10, markeredgewidth=1.6)
        axes.set(xlim=(-5.6, 1.6), ylim=(-3.1, 3.1), xlabel="$x_1$", ylabel="$x_2$")
        setting = rf"$\eta$ = {trace.lr}"
        setting += rf", $\gamma$ = {trace.momentum}" if trace.momentum else ""
        stable = quadratic.is_stable(trace.method, trace.lr, trace.momentum, traces.SPECTRUM)
        axes.set_title(f"{trace.name}: {setting}" + ("" if stable else ", diverges"))
        last = f"after {len(path) - 1} steps: ({path[-1][0]:.6f}, {path[-1][1]:.6f})"
        last = last.replace("-", "\N{MINUS SIGN}")
        axes.text(0.98, 0.04, last, transform=axes.transAxes, ha="right", fontsize=9,
                  bbox={"facecolor": "white", "edgecolor": "none"}, zorder=5)  # fmt: skip
    figure.suptitle(r"$f(x) = 0.1\,x_1^2 + 2\,x_2^2$, 20 steps from $(-5, -2)$", fontsize=12)
    return figure


def loss_figure(
    data: Regression,
    curves: Sequence[regression.Curve],
    distributions: Sequence[NDArray[np.float64]],
) -> "Figure":
    """The loss curves, over the spread of many seeds, with the article's last loss."""
    figure, panels = _figure(2, 2, (9.0, 6.6))
    epochs = regression.samples(data) / len(data.targets)
    for axes, run, curve, spread in zip(panels, regression.RUNS, curves, distributions):
        low, median, high = np.quantile(spread, [0.01, 0.5, 0.99], axis=0)
        label = f"1 % to 99 % of {len(spread)} seeds"
        axes.fill_between(epochs, low, high, color=BLUE, alpha=0.18, linewidth=0, label=label)
        axes.plot(epochs, median, color=BLUE, linewidth=1.2, label="median")
        axes.plot(epochs, curve.losses, "-o", color=RED, markersize=3, linewidth=1.2,
                  label="one run")  # fmt: skip
        axes.axhline(data.optimum, color=GREEN, linewidth=1, linestyle="--", label="least squares")
        axes.plot(epochs[-1], run.article_loss, "D", color=ORANGE, markersize=8, clip_on=False,
                  markeredgecolor=INK, zorder=5,
                  label=f"the article: {run.article_loss:.6f}")  # fmt: skip
        axes.set(xlim=(0, epochs[-1]), ylim=(0.23, 0.35), xlabel="epoch", ylabel="loss")
        axes.set_xticks([0, 0.5, 1, 1.5, 2])
        axes.set_title(rf"{run.optimizer}: $\eta$ = {run.lr}, $\gamma$ = {run.momentum}")
        axes.legend(loc="upper right", fontsize=8.5)
    figure.suptitle(f"Linear regression, {data.origin}", fontsize=11)
    return figure


def weight_figure() -> "Figure":
    """Weights of the moving average, and the effective window 1 / (1 - momentum)."""
    figure, (axes,) = _figure(1, 1, (8.0, 4.6))
    steps = 60
    for momentum, colour in ((0.5, GREEN), (0.9, BLUE), (0.95, ORANGE), (0.98, RED)):
        window = ewma.effective_window(momentum)
        label = rf"$\gamma$ = {momentum}: window {window:.0f}, weight there {momentum**window:.4f}"
        axes.plot(ewma.weights(momentum, steps), "-o", color=colour, markersize=2.8,
                  linewidth=1.1, label=label)  # fmt: skip
        axes.plot([window, window], [0, momentum**window], ":", color=colour, linewidth=1.4)
        axes.plot(window, momentum**window, "D", color=colour, markersize=7, markeredgecolor=INK)
    axes.axhline(np.exp(-1), color=INK, linewidth=0.8, linestyle="--")
    axes.text(steps - 1, np.exp(-1) + 0.015, r"$e^{-1}$ = 0.3679", ha="right", fontsize=9)
    axes.set(xlim=(-0.5, steps - 0.5), ylim=(0, 1.03), xlabel="age $i$ of a gradient, in steps")
    axes.set_ylabel(r"weight $\gamma^i$ in the velocity")
    axes.set_title(r"The velocity weighs about $1/(1-\gamma)$ past gradients")
    axes.legend(loc="upper right")
    return figure


def stability_figure() -> "Figure":
    """Rate of heavy ball on the article's f over (lr, momentum), and where it is stable."""
    figure, (axes,) = _figure(1, 1, (8.4, 5.4))
    largest = max(traces.SPECTRUM)
    lrs, momenta = np.linspace(0.0025, 1.1, 221), np.linspace(0, 0.995, 200)
    rates = [
        [quadratic.rate("heavy_ball", lr, momentum, traces.SPECTRUM) for lr in lrs]
        for momentum in momenta
    ]
    levels = np.arange(0.6, 1.0001, 0.05)
    filled = axes.contourf(lrs, momenta, rates, levels, cmap="YlGnBu_r")
    bar = figure.colorbar(filled, ax=axes, ticks=levels, pad=0.02)
    bar.set_label("error left after a step: spectral radius")
    bar.outline.set_visible(False)
    limits: dict[quadratic.Method, Any] = {
        method: [nearest(quadratic.stability_limit(method, m)) / largest for m in momenta]
        for method in ("heavy_ball", "nesterov")
    }
    axes.plot(limits["heavy_ball"], momenta, color=INK, linewidth=1.8, label="limit of heavy ball")
    axes.plot(limits["nesterov"], momenta, "--", color=INK, linewidth=1.2,
              label="limit of Nesterov's method")  # fmt: skip
    for trace in traces.TRACES:
        stable = quadratic.is_stable(trace.method, trace.lr, trace.momentum, traces.SPECTRUM)
        axes.plot(trace.lr, trace.momentum, "o" if stable else "X", color=GREEN if stable else RED,
                  markersize=11, markeredgecolor="white", clip_on=False, zorder=5)  # fmt: skip
        text = f"({trace.lr}, {trace.momentum:g}) " + ("converges" if stable else "diverges")
        leftmost = trace.lr == min(t.lr for t in traces.TRACES)
        axes.annotate(text, (trace.lr, trace.momentum), (-9 if leftmost else 9, 9),
                      ha="right" if leftmost else "left", textcoords="offset points",
                      fontsize=9, bbox={"facecolor": "white", "alpha": 0.8, "edgecolor": "none",
                                        "pad": 1.5})  # fmt: skip
    best = tuning.best("heavy_ball", *traces.SPECTRUM)
    axes.plot(best.lr, best.momentum, "*", color=ORANGE, markersize=15, markeredgecolor=INK,
              linestyle="none", label=f"best: ({best.lr:.3f}, {best.momentum:.3f}), "
              f"radius {best.rate:.3f}")  # fmt: skip
    axes.set(
        xlim=(0, 1.1), ylim=(0, 1), xlabel=r"learning rate $\eta$", ylabel=r"momentum $\gamma$"
    )
    axes.set_title(r"Where descent on $0.1\,x_1^2 + 2\,x_2^2$ is stable")
    axes.legend(loc="lower right", bbox_to_anchor=(1.01, 0.08), fontsize=9)
    return figure


def write(
    folder: Path,
    data: Regression,
    curves: Sequence[regression.Curve],
    distributions: Sequence[NDArray[np.float64]],
) -> list[Path]:
    """Save the four figures as PNG files in a folder, which is made where it is missing."""
    import matplotlib

    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    with matplotlib.rc_context(STYLE):
        figures = {
            "traces": trace_figure(),
            "losses": loss_figure(data, curves, distributions),
            "weights": weight_figure(),
            "stability": stability_figure(),
        }
        for name, figure in figures.items():
            paths.append(folder / f"{name}.png")
            figure.savefig(paths[-1])
    return paths
