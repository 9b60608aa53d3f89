"""Times for a step and an epoch of a target beside torch.optim.SGD's, on what is right at once."""

from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

import numpy as np

from momentum.adapters._device import CPU, copy_seconds, wait_for
from momentum.conventions import Convention, Hyper, get
from momentum.doors.targets import Target
from momentum.errors import UsageError, of_usage
from momentum.report.timings import BenchReport, Timing
from momentum.runner import files
from momentum.runner.events import Refused
from momentum.subjects.isolation import Lost, stream
from momentum.subjects.protocol import Array, Run, Subject

DTYPE, LEAST_BYTES, SAMPLE = "float32", 20, 997
"""Of float32: read x, v and g, write x and v. Every so many elements are held to the oracle."""

FIRST = "two tensors, 5x1 and 1"

SHAPES: Mapping[str, tuple[tuple[tuple[int, ...], ...], int]] = {
    FIRST: (((5, 1), (1,)), 100),
    "300 tensors of 1000": (((1000,),) * 300, 3),
    "one tensor of 2e7": (((20_000_000,),), 1),
}
"""Shapes of the parameters, and steps a round."""

PATHS = {"single": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
"""torch.optim.SGD's, the first of them its default on the CPU, the second on other devices."""

SIZES = tuple(10**k for k in range(1, 8))
"""Elements of one tensor, in the plot."""

EPOCH = "epoch of the article's regression"

T = TypeVar("T")
Work = Generator[None, None, T]
"""What gives a sign of life after every call that is timed, and its result in the end."""

Table = Mapping[str, Sequence[float]]
"""Nanoseconds for an element and step, by what took them and in the order of SIZES."""


def bench(
    target: object,
    convention: str | Convention | None = None,
    *,
    settings: Mapping[str, object] | None = None,
    rounds: int = 9,
    works: Sequence[str] = (*SHAPES, EPOCH),
) -> BenchReport:
    """Time an optimizer beside torch.optim.SGD, in turn, as `momentum bench` does.

    target, convention, settings: as for `check`. rounds: of each timing. works: of SHAPES, EPOCH.

    Raises: UsageError where the target is wrong, numerically too.
    """
    work = _timed(Target(target, settings or {}).load(), convention, rounds, works)
    while True:
        try:
            next(work)
        except StopIteration as end:
            report: BenchReport = end.value
            return report


def command(
    target: str, convention: str | None, settings: Mapping[str, str], rounds: int,
    time_limit: float, json_: Path | None, plot: Path | None,
) -> int:  # fmt: skip
    """What `momentum bench` does, in a process that may hang or crash. Raises: UsageError."""
    from momentum.report.foreign import say

    def work() -> Iterator[Refused | tuple[BenchReport, Table] | None]:
        try:
            subject = Target(target, texts=settings).load()
            report = yield from _timed(subject, convention, rounds, (*SHAPES, EPOCH))
            table = {} if plot is None else (yield from _by_size(subject, get(report.convention)))
        except UsageError as error:
            yield Refused(str(error))
        else:
            yield report, table

    for said in stream(work, time_limit):
        if isinstance(said, Lost):
            raise UsageError(f"{target} {said.words()} while it was timed")
        if isinstance(said, Refused):
            raise UsageError(said.words)
        if said is not None:
            report, table = said
            say(str(report))
            if json_ is not None:
                files.replace(json_, report.to_json())
            if plot is not None:
                draw(table, plot)
    return 0


def _timed(
    subject: Subject, convention: str | Convention | None, rounds: int, works: Sequence[str]
) -> Work[BenchReport]:
    if DTYPE not in subject.facts.dtypes:
        raise UsageError(f"{subject.facts.name} claims no {DTYPE}, in which steps are timed")
    if convention is None:
        from momentum.diagnosis import identify

        convention = identify(subject).nearest
    with of_usage():
        chosen = get(convention)
    found: list[Timing] = []
    direct = _shown(subject.start([np.zeros(1)], [_numbers(subject)], DTYPE))
    for work in works:
        if work != FIRST and work != EPOCH and not direct:
            continue  # it would be the adapter's copies that are timed
        if work == EPOCH:
            found += yield from _epochs(subject, rounds)
        else:
            shapes, count = SHAPES[work]
            found += yield from _steps(subject, chosen, shapes, work, count, rounds)
    return BenchReport(subject.facts.name, chosen.reference, tuple(found))


def _by_size(subject: Subject, convention: Convention) -> Work[Table]:
    table: dict[str, list[float]] = {}
    for size in SIZES:
        count = max(1, 20_000 // size)
        for t in (yield from _steps(subject, convention, ((size,),), f"one of {size}", count, 5)):
            table.setdefault(t.name, []).append(median(t.seconds) / size * 1e9)
    return table


def draw(table: Table, path: Path) -> None:
    """Draw the time for an element over the size of one tensor. Raises: UsageError."""
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise UsageError("--plot needs matplotlib: pip install momentum-oracle[plot]") from None
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    for name, row in table.items():
        axes.loglog(SIZES, row, marker="o", label=name)
    axes.set(xlabel="elements of one tensor", ylabel="ns for an element and step")
    axes.legend()
    figure.savefig(path)


def _references(device: str) -> dict[str, Subject]:
    from momentum.adapters import load

    where = {} if device == CPU else {"device": device}
    try:
        return {
            f"torch.optim.SGD {name}": load(
                "torch.optim:SGD", {n: repr(x) for n, x in {**s, **where}.items()}
            )
            for name, s in PATHS.items()
        }
    except UsageError as error:
        raise UsageError(f"bench times torch.optim.SGD beside the target: {error}") from None


def _steps(
    subject: Subject, convention: Convention, shapes: Sequence[tuple[int, ...]], work: str,
    count: int, rounds: int,
) -> Work[list[Timing]]:  # fmt: skip
    rng = np.random.default_rng(0)
    start, grads = (
        [np.float32(rng.standard_normal(s)).astype(float) for s in shapes] for _ in "xg"
    )
    runs = {}
    direct = True
    for name, one in {subject.facts.name: subject, **_references(_device(subject))}.items():
        h = _numbers(one)
        run = one.start(start, [h], DTYPE)
        _judge(run, h, start, grads, convention if one is subject else get("torch"), name)
        direct = direct and _shown(run)
        runs[name] = run
    called = {name: _step(run, grads, direct) for name, run in runs.items()}
    elements = sum(x.size for x in start)
    copy = copy_seconds(elements, _device(subject))
    seconds = yield from _in_turn(called, count, rounds, _device(subject))
    large = elements >= 10**6  # smaller ones stay in the cache
    return [
        replace(
            t,
            state_bytes=_state_bytes(runs[t.name], elements),
            bandwidth=LEAST_BYTES * elements * copy / median(t.seconds) if large else None,
        )
        for t in _timings(work, seconds, subject, elements)
    ]


def _timings(
    work: str, seconds: Mapping[str, list[float]], subject: Subject, elements: int
) -> list[Timing]:
    """What was timed, each round beside that of the first of torch's."""
    reference = seconds[next(n for n in seconds if n != subject.facts.name)]
    return [Timing(work, n, tuple(t), tuple(a / b for a, b in zip(t, reference)), elements)
            for n, t in seconds.items()]  # fmt: skip


def _device(subject: Subject) -> str:
    return getattr(subject, "device", CPU)


def _numbers(subject: Subject) -> Hyper:
    """The numbers that are trained with, as near to them as the subject can be set."""
    return subject.facts.domain.combined({"lr": 0.01, "momentum": 0.9})


def _shown(run: object) -> bool:
    """The adapter shows an optimizer that can be called without the adapter."""
    return hasattr(getattr(run, "optimizer", None), "step") and hasattr(run, "params")


def _step(run: Any, grads: Sequence[Array], direct: bool) -> Callable[[], object]:
    """A step as its user calls it where that can be seen, else as an adapter does."""
    if not direct:
        return partial(run.step, grads)
    for p, g in zip(run.params, grads):
        p.grad = p.detach().new_tensor(g)
    return partial(run.optimizer.step)


def _judge(
    run: Run, h: Hyper, start: Sequence[Array], grads: Sequence[Array], convention: Convention,
    name: str,
) -> None:  # fmt: skip
    """Three steps of some elements are the convention's. Raises: UsageError."""
    from momentum.oracle.replay import replay_steps

    some, seen = slice(None, None, SAMPLE), []
    for _ in range(3):
        run.step(grads)
        seen.append([x.ravel()[some] for x in run.parameters()])
    for i, (x, g) in enumerate(zip(start, grads)):
        truth = replay_steps(
            convention, x.ravel()[some], [g.ravel()[some]] * 3, [h] * 3, dtype=DTYPE, tier="fast"
        )
        if not truth.compare([row[i] for row in seen]).passed:
            raise UsageError(f"{name} is not {convention.full_name}: what is wrong is not timed")


def _in_turn(
    called: Mapping[str, Callable[[], object]], count: int, rounds: int, device: str
) -> Work[dict[str, list[float]]]:
    found: dict[str, list[float]] = {name: [] for name in called}
    for _ in range(rounds + 1):  # the first one warms up
        for name, call in called.items():
            began = perf_counter()
            for _ in range(count):
                call()
            wait_for(device)
            found[name].append((perf_counter() - began) / count)
            yield
    return {name: took[1:] for name, took in found.items()}


def _epochs(subject: Subject, rounds: int) -> Work[list[Timing]]:
    from momentum.article.data import stand_in
    from momentum.article.regression import BATCH

    data = stand_in()
    batches = np.split(np.arange(len(data.targets)), len(data.targets) // BATCH)
    start = [np.zeros((data.features.shape[1], 1)), np.zeros(1)]

    def train(one: Subject) -> None:
        run = one.start(start, [_numbers(one)], DTYPE)
        for rows in batches:
            w, b = run.parameters()
            x = data.features[rows]
            error = x @ w + b - data.targets[rows, None]
            grads = (x.T @ error / BATCH, error.mean(axis=0))
            run.step([np.float32(g).astype(float) for g in grads])

    subjects = {subject.facts.name: subject, **_references(_device(subject))}
    seconds = yield from _in_turn(
        {n: partial(train, one) for n, one in subjects.items()}, 1, rounds, _device(subject)
    )
    return _timings(EPOCH, seconds, subject, 6)


def _state_bytes(run: object, elements: int) -> float | None:
    states = getattr(getattr(run, "optimizer", None), "state", None)
    if not isinstance(states, Mapping):
        return None
    held = [x for kept in states.values() for x in kept.values() if hasattr(x, "element_size")]
    return float(sum(x.numel() * x.element_size() for x in held)) / elements
