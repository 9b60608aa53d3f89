"""Watch one optimizer."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from torch import Tensor

from momentum.conventions import Convention
from momentum.watching.options import Options
from momentum.watching.reading import unwrapped
from momentum.watching.records import own_file
from momentum.watching.report import WatchReport
from momentum.watching.sample import Sample
from momentum.watching.watcher import Watcher


@contextmanager
def watch(
    optimizer: object,
    convention: str | Convention | None = None,
    *,
    every: int = 1,
    sample: Sample = 65536,
    redraw: int = 200,
    seed: int = 0,
    names: Iterable[tuple[str, Tensor]] = (),
    on_violation: Literal["record", "raise"] = "record",
    velocity: str | None = None,
    hyper: Callable[[Mapping[str, object]], Mapping[str, object]] | None = None,
    jsonl: str | Path | None = None,
) -> Iterator[WatchReport]:
    """Verify the steps of a live torch optimizer within the derived bound.

        with momentum.watch(optimizer, names=model.named_parameters()) as report:
            train()
        print(report)

    Two comparisons are made on the watched coordinates, in float64: each step from where the
    parameter was, and the trajectory since watching began. The velocity is the oracle's own, made
    of the gradients that the optimizer really saw; where watching begins in mid-training, or a
    state is loaded, it is taken from the optimizer's state. A parameter that is changed beside the
    optimizer is followed, and noted.

    convention: an object, a name or a speaker; known for torch.optim.SGD, timm and MomentumSGD.
    every: compare each so many steps; all are followed. sample: coordinates in all, or "all".
    redraw: steps after which the random part of the sample is drawn anew, where the state shows a
    velocity. names: the model's `named_parameters()`; looked for where they are not given.
    on_violation: raise WatchError, or only record. velocity: its name in the optimizer's state.
    hyper: reads lr, momentum and so on of a parameter group that calls them otherwise.
    jsonl: a file that grows while the watch runs, one for each rank.

    Raises: ValueError for an optimizer whose convention is not known, or a bad option.
    """
    if on_violation not in ("record", "raise"):
        raise ValueError(f'on_violation={on_violation!r}: wanted "record" or "raise"')
    options = Options(
        convention, every, sample, redraw, seed, on_violation == "raise", velocity, hyper,
        None if jsonl is None else own_file(Path(jsonl)),
    )  # fmt: skip
    watcher = Watcher(unwrapped(optimizer), options, {p: name for name, p in names})
    with watcher.hooked():
        yield watcher.report
