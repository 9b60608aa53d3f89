"""The article's regression runs: trained one by one as it does, and many seeds at once.

Mean over a batch of 10 of (1/2)(prediction - target)^2, shuffled anew each epoch, 2 epochs; the
loss over all rows is recorded at the start and after every 100 samples.
Source: Zhang, Lipton, Li and Smola, Dive into Deep Learning, PyTorch port, section 7.4 "Momentum"
and its training functions train_ch7 and train_pytorch_ch7.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from momentum.article.data import Regression
from momentum.conventions import Hyper, get

BATCH = 10
EPOCHS = 2
EVERY = 100  # samples between two records of the loss
CHUNK = 500  # seeds trained side by side: their batches fit the cache


@dataclass(frozen=True)
class Run:
    """One run of the article and what it prints of it. Units: seconds per epoch."""

    optimizer: Literal["from scratch", "torch.optim.SGD"]
    lr: float
    momentum: float
    article_loss: float
    article_seconds: float

    @property
    def name(self) -> str:
        """Optimizer and hyper-parameters, for people."""
        return f"{self.optimizer}, lr {self.lr}, momentum {self.momentum}"


RUNS = (
    Run("from scratch", 0.02, 0.5, 0.245518, 0.042304),
    Run("from scratch", 0.02, 0.9, 0.252046, 0.095708),
    Run("from scratch", 0.004, 0.9, 0.242905, 0.073496),
    Run("torch.optim.SGD", 0.004, 0.9, 0.253280, 0.060247),
)


@dataclass(frozen=True)
class Curve:
    """A training: the recorded losses, and the seconds of its last epoch.

    As in the article, recording the losses counts in.
    """

    losses: tuple[float, ...]
    seconds: float


def samples(data: Regression) -> NDArray[np.int64]:
    """Samples seen at each record of the loss: 0, 100, ..., two epochs."""
    return np.arange(0, EPOCHS * len(data.targets) + 1, EVERY)


def train(run: Run, data: Regression, seed: int = 0) -> Curve:
    """One training in torch, float32: with `sgd_momentum` from scratch, or with torch.optim.SGD.

    The start is the article's: w ~ N(0, 0.01^2) and b = 0 from scratch, nn.Linear's own otherwise.
    The global random state of torch is left as it was.
    """
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    features = torch.tensor(data.features, dtype=torch.float32)
    targets = torch.tensor(data.targets, dtype=torch.float32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        batches = DataLoader(TensorDataset(features, targets), batch_size=BATCH, shuffle=True)
        predict, step = _from_scratch(run) if run.optimizer == "from scratch" else _concise(run)

        def loss(rows: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
            mean: torch.Tensor = ((predict(rows).reshape(-1) - wanted) ** 2 / 2).mean()
            return mean

        def over_all_rows() -> float:
            with torch.no_grad():
                return float(loss(features, targets))

        losses, seen, begin = [over_all_rows()], 0, 0.0
        for _ in range(EPOCHS):
            begin = time.perf_counter()
            for rows, wanted in batches:
                loss(rows, wanted).backward()  # type: ignore[no-untyped-call]  # torch ships it so
                step()
                seen += len(rows)
                if seen % EVERY == 0:
                    losses.append(over_all_rows())
        seconds = time.perf_counter() - begin
    return Curve(tuple(losses), seconds)


Parts = tuple[Callable[[Any], Any], Callable[[], object]]


def _from_scratch(run: Run) -> Parts:
    import torch

    from momentum.sgd import init_momentum_states, sgd_momentum

    w = torch.normal(0.0, 0.01, size=(5, 1)).requires_grad_()
    b = torch.zeros(1, requires_grad=True)
    states = init_momentum_states()
    hyperparams = {"lr": run.lr, "momentum": run.momentum}

    def step() -> None:
        sgd_momentum([w, b], states, hyperparams)
        w.grad = b.grad = None

    return lambda rows: rows @ w + b, step


def _concise(run: Run) -> Parts:
    import torch

    net = torch.nn.Linear(5, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=run.lr, momentum=run.momentum)

    def step() -> None:
        optimizer.step()
        optimizer.zero_grad()

    return net, step


def distribution(
    run: Run,
    data: Regression,
    seeds: int,
    advance: Callable[[int], object] = lambda done: None,
) -> NDArray[np.float64]:
    """The recorded losses of many trainings, side by side in float64.

    Every step is the rule of the convention that the run's optimizer follows, on an array with
    one row for each seed. `advance` hears how many seeds are done more. The draws are this
    project's own, not those of torch: the distribution agrees, single seeds do not.
    Shapes: (seeds, records). Raises: ValueError for fewer seeds than one.
    """
    if seeds < 1:
        raise ValueError(f"seeds = {seeds}: wanted at least 1")
    generator = np.random.default_rng(0)
    chunks = []
    for first in range(0, seeds, CHUNK):
        count = min(CHUNK, seeds - first)
        chunks.append(_train_side_by_side(run, data, count, generator))
        advance(count)
    return np.concatenate(chunks)


def _train_side_by_side(
    run: Run, data: Regression, count: int, generator: np.random.Generator
) -> NDArray[np.float64]:
    convention = get("article" if run.optimizer == "from scratch" else "torch")
    h = Hyper(lr=run.lr, momentum=run.momentum)
    size = len(data.targets)
    table = np.hstack([data.features, np.ones((size, 1)), data.targets[:, None]])
    theta, state = _starts(run, count, generator), convention.initial
    records = [data.loss(theta)]
    for _ in range(EPOCHS):
        order = generator.permuted(np.tile(np.arange(size, dtype=np.int32), (count, 1)), axis=1)
        for begin in range(0, size, BATCH):
            batch = table[order[:, begin : begin + BATCH]]
            rows, wanted = batch[:, :, :-1], batch[:, :, -1]
            residual = np.matmul(rows, theta[:, :, None])[:, :, 0] - wanted
            grad = np.matmul(residual[:, None, :], rows)[:, 0, :] / BATCH
            theta, state = convention.rule(theta, grad, state, h)
            if (begin + BATCH) % EVERY == 0:
                records.append(data.loss(theta))
    return np.stack(records, axis=1)


def _starts(run: Run, count: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """Weights and bias, one row for each seed. Shapes: (count, 6)."""
    if run.optimizer == "from scratch":
        weights = generator.normal(0.0, 0.01, size=(count, 5))
        return np.hstack([weights, np.zeros((count, 1))])
    # torch: nn.Linear draws weights and bias uniformly from +-1/sqrt(number of inputs).
    starts: NDArray[np.float64] = generator.uniform(-1.0, 1.0, size=(count, 6)) / np.sqrt(5.0)
    return starts


class Place(NamedTuple):
    """Where the article's loss falls among the last losses of many seeds."""

    low: float
    median: float
    high: float
    at_least: int
    seeds: int

    @property
    def probability(self) -> float:
        """Share of the seeds that end at the article's loss or above."""
        return self.at_least / self.seeds

    @property
    def rare(self) -> bool | None:
        """Whether fewer than 1 in 100 seeds end as far out; None for too few seeds to say."""
        if self.seeds < 1000:
            return None
        return not 0.01 <= self.probability <= 0.99


def place(last: NDArray[np.float64], article_loss: float) -> Place:
    """The 1 %, 50 % and 99 % quantiles, and how many seeds end at `article_loss` or above."""
    low, median, high = (float(q) for q in np.quantile(last, [0.01, 0.5, 0.99]))
    return Place(low, median, high, int(np.count_nonzero(last >= article_loss)), len(last))
