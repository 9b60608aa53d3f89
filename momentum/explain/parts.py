"""Which elements are wrong: whole vector blocks, what follows them, rows, whole parameters."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from momentum.conventions import Convention
from momentum.observation import Observation, observe
from momentum.oracle import replay_steps
from momentum.problems import Problem
from momentum.subject import Subject

Mask = NDArray[np.bool_]

SHAPES = ((7,), (15,), (16,), (17,), (33,), (64,), (100,), (3, 5), (9, 2), (2, 3, 4))
OTHERS = ((5,), (8,), (31,), (32,), (63,), (65,), (130,), (5, 3), (7, 3), (4, 3, 2))
"""The pattern is read from the first and tried on the others."""

WIDTHS = (2, 4, 8, 16, 32, 64)


class Part(NamedTuple):
    """Wrong elements. still: they do not move at all."""

    words: str
    still: bool


def wrong_elements(
    subject: Subject, observation: Observation, convention: Convention
) -> list[Mask]:
    """For each parameter, the elements that leave their bounds at some step."""
    problem = observation.problem
    dtype = subject.facts.format_name(problem.dtype)
    masks = []
    for i, start in enumerate(problem.start):
        if not start.size:
            masks.append(np.zeros(start.shape, dtype=bool))
            continue
        fed = [row[i] for row in observation.fed]
        hypers = [row[problem.groups[i]] for row in problem.hypers]
        truth = replay_steps(convention, start, fed, hypers, dtype=dtype, tier="fast")
        compared = truth.compare([row[i] for row in observation.iterates])
        worst = np.maximum(compared.trajectory.ratio, compared.step.ratio)
        masks.append(np.asarray((worst > 1).any(axis=0), dtype=bool).reshape(start.shape))
    return masks


def part(subject: Subject, convention: Convention, problem: Problem) -> Part | None:
    """The pattern of wrong elements in the setting of a problem; None where all are wrong or none.

    Raises: whatever the subject raises.
    """
    read = _masks(subject, convention, problem, SHAPES)
    if read is None:
        return None
    words = [name for name, wrong in _PATTERNS.items() if _fits(read[0], wrong)]
    if not words:
        return None
    tried = _masks(subject, convention, problem, OTHERS)
    if tried is None:
        return None
    words = [name for name in words if _fits(tried[0], _PATTERNS[name])]
    return Part(words[0], read[1] and tried[1]) if words else None


def _masks(
    subject: Subject, convention: Convention, problem: Problem, shapes: Sequence[tuple[int, ...]]
) -> tuple[list[Mask], bool] | None:
    """Wrong elements of each shape, and whether none of them moves; None where none is wrong."""
    count = min(problem.steps, 4)
    masks, still = [], True
    for shape in shapes:
        alone = Problem(
            problem.dtype, (shape,), tuple((row[0],) for row in problem.hypers[:count]), (0,),
            seed=problem.seed + 1,
        )  # fmt: skip
        observation = observe(subject, replace(alone, options=problem.options))
        (mask,) = wrong_elements(subject, observation, convention)
        masks.append(mask)
        for row in observation.iterates:
            still = still and np.array_equal(row[0][mask], alone.start[0][mask])
    wrong = sum(int(m.sum()) for m in masks)
    whole = sum(m.size for m in masks)
    return (masks, still) if 0 < wrong < whole else None


def _fits(masks: Sequence[Mask], pattern: "Pattern") -> bool:
    return all(np.array_equal(m, pattern(m.shape)) for m in masks)


class Pattern(NamedTuple):
    """Which elements of a shape: flat index at least `first(shape)` and below `last(shape)`."""

    kind: str
    width: int = 1

    def __call__(self, shape: tuple[int, ...]) -> Mask:
        """The mask for a shape."""
        size = int(np.prod(shape, dtype=int))
        flat = np.arange(size)
        whole = size // self.width * self.width
        if self.kind == "blocks":
            mask = flat < whole
        elif self.kind == "rest":
            mask = flat >= whole
        elif self.kind == "rows":
            mask = flat >= shape[0]
        elif self.kind == "first":
            mask = flat == 0
        elif self.kind == "last":
            mask = flat == size - 1
        elif self.kind == "matrices":
            mask = np.full(size, len(shape) > 1)
        else:
            mask = np.full(size, len(shape) < 2)
        return np.asarray(mask.reshape(shape), dtype=bool)


_PATTERNS: dict[str, Pattern] = {
    **{f"whole blocks of {w} elements": Pattern("blocks", w) for w in WIDTHS},
    **{f"the elements after the last whole block of {w}": Pattern("rest", w) for w in WIDTHS},
    "all elements beyond as many as there are rows": Pattern("rows"),
    "the first element of each parameter": Pattern("first"),
    "the last element of each parameter": Pattern("last"),
    "parameters of two and more dimensions": Pattern("matrices"),
    "parameters of less than two dimensions": Pattern("vectors"),
}
