"""One coordinate of a run, step by step: the one that went furthest astray."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from momentum.checks.result import Series
from momentum.conventions import Convention, Hyper
from momentum.conventions.hyper import NEUTRAL
from momentum.subjects.drive import Observation, observe
from momentum.subjects.judge import blocks, place
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject

POINTS = 200
"""Steps that a series shows at most."""

SHORTEST = 12
"""Steps that a run is continued to, so that one sees where it leads."""

IMPULSE_STEPS = 24


def furthest(subject: Subject, convention: Convention, problem: Problem) -> Series | None:
    """The subject on a problem, at the coordinate with the largest error / bound in it.

    A short problem is continued. None where the subject or the oracle cannot be run on it.
    """
    more = (problem.hypers[-1],) * (SHORTEST - problem.steps)
    longer = replace(problem, hypers=problem.hypers + more)
    try:
        observation = observe(subject, longer)
        found = list(_candidates(observation, subject, convention, problem.steps))
    except Exception:  # the check has told already what is wrong with the subject
        return None
    return max(found, key=lambda pair: pair[0])[1] if found else None


def impulse(subject: Subject, convention: Convention, dtypes: tuple[str, ...]) -> Series | None:
    """The subject's answer to one gradient of 1 and then zeros, from 0, in its finest dtype."""
    dtype = "float64" if "float64" in dtypes else dtypes[0]
    h = subject.facts.domain.combined({"lr": 0.1, "momentum": 0.9})
    problem = Problem(dtype, ((1,),), ((h,),) * IMPULSE_STEPS, (0,), "impulse")
    return furthest(subject, convention, problem)


def _candidates(
    observation: Observation, subject: Subject, convention: Convention, steps: int
) -> Iterator[tuple[float, Series]]:
    """The worst coordinate of parameters that share all, in the first `steps`, with its ratio."""
    problem = observation.problem
    dtype = subject.facts.format_name(problem.dtype)
    for block in blocks(problem, observation.fed):
        truth = block.replayed(convention, dtype)
        got = np.array([block.joined(row) for row in observation.iterates])
        along, single = truth.compare(list(got))
        ratio = np.maximum(along.ratio, single.ratio)[:steps]
        t, k = (int(j) for j in np.unravel_index(int(np.argmax(ratio)), ratio.shape))
        # All steps where they are few, else some of them evenly, the worst among them.
        kept = sorted({*np.rint(np.linspace(0, problem.steps - 1, POINTS)).astype(int).tolist(), t})
        yield (
            float(ratio[t, k]),
            Series(
                where=place(problem, block.batch, k),
                note=setting_in_words(problem, block.hypers[t]),
                start=float(block.start[k]),
                steps=tuple(int(s) + 1 for s in kept),
                got=_floats(got[kept, k]),
                exact=_floats(truth.values[kept, k]),
                bound=_floats(truth.bound[kept, k]),
                step_error=_floats(single.error[kept, k]),
                step_bound=_floats(single.bound[kept, k]),
            ),
        )


def _floats(values: np.ndarray[tuple[int, ...], np.dtype[np.float64]]) -> tuple[float, ...]:
    return tuple(float(x) for x in values)


def setting_in_words(problem: Problem, h: Hyper) -> str:
    """The setting of a problem in words: `float32, lr 0.1, momentum 0.9, nesterov`."""
    words = [problem.dtype, f"lr {float(h.lr):g}"]
    for name, value in h._asdict().items():
        if isinstance(value, bool):
            words += [name] if value else []
        elif name != "lr" and value != NEUTRAL[name]:
            words.append(f"{name} {float(value):g}")
    return ", ".join(words)
