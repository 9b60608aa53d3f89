"""How small an error of a hyper-parameter the problems of a check would have failed."""

from collections.abc import Iterable, Iterator

from momentum.conventions import Convention
from momentum.oracle.power import COORDINATES, smallest
from momentum.subjects.judge import blocks
from momentum.subjects.problems import Problem


def power(
    convention: Convention, problems: Iterable[Problem], suffix: str = ""
) -> dict[str, float]:
    """The smallest relative error of each hyper-parameter that would have failed.

    Closed loops are passed by. suffix: of the format's name, such as `:flushing`.
    """
    return smallest(
        one for problem in problems for one in _of_one(convention, problem, problem.dtype + suffix)
    )


def _of_one(convention: Convention, problem: Problem, dtype: str) -> Iterator[dict[str, float]]:
    if problem.closed:
        return
    fed = [tuple(problem.gradients(t, problem.start)) for t in range(problem.steps)]
    for block in blocks(problem, fed, lambda x: x.ravel()[:COORDINATES]):
        yield block.replayed(convention, dtype).power_of_all()
