"""Which elements are wrong: whole vector blocks, what follows them, rows, whole parameters."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from momentum.conventions import Convention
from momentum.oracle.replay import replay_steps
from momentum.subjects.observation import Observation, observe
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject

Mask = NDArray[np.bool_]

SHAPES = ((7,), (15,), (16,), (17,), (33,), (64,), (100,), (3, 5), (9, 2), (2, 3, 4))
OTHERS = ((5,), (8,), (31,), (32,), (63,), (65,), (130,), (5, 3), (7, 3), (4, 3, 2))
"""The pattern is read from the first and tried on the others."""

WHOLE = ("matrices", "vectors")
"""Patterns of whole parameters."""

WIDTHS = (2, 4, 8, 16, 32, 64)


class Part(NamedTuple):
    """Wrong elements, in words. within: they are some of a parameter's, not all."""

    words: str
    within: bool


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


class _Seen(NamedTuple):
    """Elements of one shape that leave their bounds, and those that never move."""

    wrong: Mask
    still: Mask


def part(subject: Subject, convention: Convention, problem: Problem) -> Part | None:
    """The pattern of wrong elements in the setting of a problem; None where all are wrong or none.

    Raises: whatever the subject raises.
    """
    read = _seen(subject, convention, problem, SHAPES)
    found = [name for name in _PATTERNS if _fits(read, _PATTERNS[name])]
    if not found:
        return None
    tried = _seen(subject, convention, problem, OTHERS)
    found = [name for name in found if _fits(tried, _PATTERNS[name])]
    if not found:
        return None
    pattern = _PATTERNS[found[0]]
    still = all(np.all(s.still[pattern(s.wrong.shape)]) for s in (*read, *tried))
    what = "left as they were" if still else "wrong, all others right"
    return Part(f"{found[0]}: {what}", pattern.kind not in WHOLE)


def _seen(
    subject: Subject, convention: Convention, problem: Problem, shapes: Sequence[tuple[int, ...]]
) -> list[_Seen]:
    count = min(problem.steps, 4)
    seen = []
    for shape in shapes:
        alone = Problem(
            problem.dtype, (shape,), tuple((row[0],) for row in problem.hypers[:count]), (0,),
            seed=problem.seed + 1, options=problem.options,
        )  # fmt: skip
        observation = observe(subject, alone)
        (wrong,) = wrong_elements(subject, observation, convention)
        still = np.ones(shape, dtype=bool)
        for row in observation.iterates:
            still &= row[0] == alone.start[0]
        seen.append(_Seen(wrong, still))
    return seen


def _fits(seen: Sequence[_Seen], pattern: "Pattern") -> bool:
    """All that is wrong is in the pattern, and all in the pattern is wrong or does not move.

    A small gradient may leave an element within its bound that does not move, and should.
    """
    masks = [pattern(s.wrong.shape) for s in seen]
    wrong = sum(int(s.wrong.sum()) for s in seen)
    if not 0 < wrong < sum(m.size for m in masks):
        return False
    return all(
        not np.any(s.wrong & ~m) and np.array_equal(m, (s.wrong | s.still) & m)
        for s, m in zip(seen, masks)
    )


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
