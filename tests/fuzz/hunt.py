"""The suite's test of itself: right and wrong optimizers that nobody wrote, in numbers.

    python tests/fuzz/hunt.py --right 10000 --wrong 10000 --seed 0

A right one beyond its bound is a false alarm, and there must be none. A wrong one that no check of
a normal run fails is a survivor: below the power of a check, or a law that is missing.
"""

import argparse
import gc
import os
import random
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from multiprocessing import get_context
from typing import NamedTuple, TypeVar

import numpy as np

from momentum.checks import CHECKS, Check, Trial
from momentum.conventions import Hyper
from momentum.gallery.generated import Generated, right, wrong
from momentum.runner.one_check import forget_local_constants, run_check
from momentum.subjects.drive import observe
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem
from momentum.subjects.problems.strategies import Setting

T = TypeVar("T")

KINDS = (
    "normal", "from_zero", "dyadic", "impulse", "wide", "quadratic", "tiny", "still", "constant",
    "late", "ternary", "faint", "bowl",
)  # fmt: skip
DTYPES = ("float32", "float64", "float16", "bfloat16")
RATES = (1e-5, 1e-3, 0.1, 0.5, 1.0, 1.8)
MOMENTA = (0.0, 1e-3, 0.07, 0.5, 0.9, 0.99, 0.999)
DECAYS = (0.0, 1e-4, 0.01, 0.3)
SHARES = (0.0, 0.1, 0.5, 0.9)


class Right(NamedTuple):
    """The largest error / bound of a right optimizer, and on which problem."""

    seed: int
    name: str
    ratio: float
    problem: str


class Wrong(NamedTuple):
    """A wrong optimizer, and the first check that fails it; empty where none does."""

    seed: int
    name: str
    caught_by: str


def problem_of(subject: Generated, dtype: str, seed: int) -> Problem:
    """A random problem for its setting: any kind, and numbers that change in half of the runs."""
    rng = random.Random(seed)
    convention = subject.convention

    def row() -> Hyper:
        numbers = {
            "lr": rng.choice(RATES) * rng.uniform(0.8, 1.25),
            "momentum": rng.choice(MOMENTA),
            "dampening": rng.choice(SHARES),
            "weight_decay": rng.choice(DECAYS),
            "nu": rng.choice((0.0, 0.3, 0.7, 0.98, 1.0)),
        }
        known = {n: x for n, x in numbers.items() if n in convention.knows}
        return Hyper(**known, nesterov=subject.nesterov, maximize=subject.maximize)

    first = row()
    changing = rng.random() < 0.5
    rows = [first] + [row() if changing and rng.random() < 0.5 else first for _ in range(11)]
    hypers = tuple((h,) for h in rows[: rng.choice((1, 3, 12))])
    # Stored as a multiple, a velocity overflows sooner than the convention's own.
    kinds = (*KINDS, "huge", "special") if abs(subject.scale) == 1 else KINDS
    return Problem(dtype, ((24,),), hypers, (0,), rng.choice(kinds), seed)


def judged(seed: int, problems: int = 2) -> Right:
    """The right optimizer of a seed, in one of its formats, on some problems."""
    subject = right(seed)
    machine = subject.build()
    dtype = subject.dtypes[seed // 7 % len(subject.dtypes)]
    worst = Right(seed, subject.name, 0.0, "")
    for i in range(problems):
        problem = problem_of(subject, dtype, problems * seed + i)
        with np.errstate(all="ignore"):  # some problems overflow
            observation = observe(machine, problem)
            measured = judge(machine, observation, subject.convention)
            ratio = max((m.ratio for m in measured), default=0.0)
        if ratio > worst.ratio:
            worst = worst._replace(ratio=ratio, problem=problem.to_text())
    return worst


def flagged(seed: int) -> Wrong:
    """A right optimizer under every check, advice too, at quick effort; the first that fails it."""
    subject = right(seed)
    return _caught(subject, seed, _order(subject), "quick")


def hunted(seed: int) -> Wrong:
    """The wrong optimizer of a seed, and the first check that fails it."""
    subject = wrong(seed)
    jobs = [job for job in _order(subject) if job[0].level == "must"]
    for check, dtype in jobs:
        if _fails_at_once(check, subject, dtype):
            return Wrong(seed, subject.name, f"{check.name}[{dtype}]")
    return _caught(subject, seed, jobs, "normal")


def _caught(subject: Generated, seed: int, jobs: Iterable[tuple[Check, str]], effort: str) -> Wrong:
    for check, dtype in jobs:
        machine, convention = subject.build(), subject.convention
        result = run_check(check, machine, convention, dtype, effort, seed, shrinks=0, powers=False)
        if result.bad:
            return Wrong(seed, subject.name, result.id)
    return Wrong(seed, subject.name, "")


def _fails_at_once(check: Check, subject: Generated, dtype: str) -> bool:
    """It fails on one of the problems that are tried every time, which cost least."""
    machine, convention = subject.build(), subject.convention
    if check.why_not(machine.facts, convention) is not None:
        return False
    try:
        for problem in check.always(Setting.of(machine, convention, dtype)):
            trial = Trial(machine, convention, problem)
            if check.applies(trial) is not None:
                continue
            if any(m.ratio > 1 for m in check.measure(trial)):
                return True
    except Exception:  # whatever a wrong rule raises, such as a number that is no array
        return True
    return False


def _order(subject: Generated) -> Iterator[tuple[Check, str]]:
    """Every check in float32 and those of every dtype in float64: the likeliest to fail first."""
    flags = [n for n in ("maximize", "nesterov") if getattr(subject, n)]
    likely = [c for f in (*flags, "schedules", "decay", "trajectory") for c in _of(f)]
    order = {c.name: c for c in (*likely, *CHECKS.values())}.values()
    yield from ((c, "float32") for c in order)
    if "float64" in subject.dtypes:
        yield from ((c, "float64") for c in order if c.every_dtype)


def _of(family: str) -> list[Check]:
    return [c for c in CHECKS.values() if c.family == family]


def _counted(
    look: Callable[[int], T], seeds: range, seconds: float, jobs: int, at_once: int = 8
) -> list[T]:
    """What is found for as many seeds, in turn, as the time allows."""
    until, found = time.monotonic() + seconds, []
    with get_context("spawn").Pool(jobs, _begin) as pool:
        for one in pool.imap(look, seeds, at_once):
            found.append(one)
            if time.monotonic() > until:
                break
    return found


def _begin() -> None:
    """In a process of its own: the same problems everywhere, and what is loaded stays."""
    forget_local_constants()
    gc.freeze()  # collecting it again and again takes long


def main(arguments: list[str] | None = None) -> int:
    """Draw, judge, and print the counts; 1 where a right one is beyond its bound or flagged."""
    parser = argparse.ArgumentParser(prog="hunt.py")
    parser.add_argument("--right", type=int, default=10000, help="right ones against the bound")
    parser.add_argument("--wrong", type=int, default=10000, help="wrong ones under the suite")
    parser.add_argument("--whole", type=int, default=200, help="right ones under the whole suite")
    parser.add_argument("--seed", default="0", help="the first seed; fresh: one of the clock")
    parser.add_argument("--seconds", type=float, default=570.0,
                        help="that all three take, the first two a third each at most")  # fmt: skip
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1), help="processes")
    given = parser.parse_args(arguments)
    first = time.time_ns() // 10**9 if given.seed == "fresh" else int(given.seed)
    print(f"seeds from {first} on", flush=True)
    seeds = range(first, first + max(given.right, given.whole, given.wrong))
    began, third = time.monotonic(), given.seconds / 3
    rights = _counted(judged, seeds[: given.right], third, given.jobs)
    beyond = [r for r in rights if r.ratio > 1]
    print(f"{len(rights)} right ones: {len(beyond)} beyond their bound", flush=True)
    for r in beyond:
        print(f"  seed {r.seed}, {r.ratio:.3g}: {r.name}\n    {r.problem}")
    wrongs = _counted(hunted, seeds[: given.wrong], third, given.jobs)
    living = [w for w in wrongs if not w.caught_by]
    share = 100 * (1 - len(living) / max(len(wrongs), 1))
    print(f"{len(wrongs)} wrong ones: {share:.2f} % fail, {len(living)} survive", flush=True)
    for w in living:
        print(f"  seed {w.seed}: {w.name}")
    left = given.seconds - (time.monotonic() - began)
    wholes = _counted(flagged, seeds[: given.whole], left, given.jobs, 1)
    alarms = [w for w in wholes if w.caught_by]
    print(f"{len(wholes)} right ones under the whole suite: {len(alarms)} flagged")
    for w in alarms:
        print(f"  seed {w.seed}, {w.caught_by}: {w.name}")
    return int(bool(beyond or alarms))


if __name__ == "__main__":
    sys.exit(main())
