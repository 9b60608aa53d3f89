"""Trials that show how somebody's own code is called: the first way in which a step makes sense."""

import contextlib
import sys
from collections.abc import Callable, Hashable, Iterable, Sequence
from functools import partial
from typing import Protocol, TypeVar

import numpy as np

from momentum.adapters._libraries import THREADED, Library
from momentum.adapters._run import ArrayRun
from momentum.conventions import Hyper
from momentum.subjects.isolation import survives
from momentum.subjects.protocol import Array, SubjectError
from momentum.subjects.strangers import in_words

START = (8.0, -4.0, 16.0)
SHIFT = 8.0
"""Where trials start: numbers on which no right rule rounds, and which a shift moves exactly."""


LONG = 2**9 + 3
"""Elements of an array that a step moves in part where it forgets what is no whole block."""

WRONG_KIND = (TypeError, AttributeError)
"""What is raised where an argument is of another type than was wanted."""


class Misunderstood(Exception):
    """A trial shows that code is not called so; the text is for people.

    raised: by an error of the code. kind: which says that an argument is of the wrong type.
    still: something is left as it was.
    """

    def __init__(
        self, text: str, raised: bool = False, kind: bool = False, still: bool = False
    ) -> None:
        super().__init__(" ".join(text.split())[:300])
        self.raised, self.kind, self.still = raised, kind, still


class Way(Protocol):
    """A way to call it."""

    @property
    def library(self) -> Library:
        """Of its arrays."""

    @property
    def question(self) -> tuple[Hashable, ...]:
        """The same for ways that differ in nothing but how the answer is read; last what is no
        matter of the arguments' types."""

    def begin(self, parameters: Sequence[Array], h: Hyper, dtype: str) -> ArrayRun:
        """A run that calls it so."""

    def settle(self, run: ArrayRun, start: Sequence[Array]) -> None:
        """Raises: SubjectError where a run after its first step shows that this is no way."""


W = TypeVar("W", bound=Way)


def understood(
    ways: Sequence[W], h: Hyper, strict: bool = False
) -> tuple[W, tuple[str, ...]] | None:
    """The first way in which a start that is shifted leads to an end that is, and its dtypes.

    Else the first in which a step can be taken, unless strict. None where it raises in every way,
    and no dtypes in the first from which it does not come back, or not soon: that is for the checks
    to tell. Where every way meets an argument of the wrong type, nothing is seen of its steps.
    Raises: Misunderstood, with the reason of the first way, where none fits.
    """
    reasons: list[Misunderstood] = []
    second: tuple[W, tuple[str, ...]] | None = None
    answered: dict[Hashable, bool] = {}
    for way in ways:
        if not answered.get(way.question, True) or way.question[:-1] in answered:
            continue
        # Its first calls may hang or end the process.
        if (
            way.question not in answered
            and not THREADED & sys.modules.keys()
            and not survives(partial(_returns, way, h), 20.0)
        ):
            if not strict:
                return way, ()
            reasons.append(Misunderstood("a step of it does not come back"))
            answered[way.question] = False
            continue
        known = len(reasons)
        fits = _tried(way, h, reasons)
        answered[way.question] = bool(fits) or not all(r.raised for r in reasons[known:])
        if not fits and all(r.kind for r in reasons[known:]):
            answered[way.question[:-1]] = False
        # Where some dtypes give numbers that make sense and others do not, as a kernel for
        # float32 does that takes the memory of whatever comes, those others are not claimed.
        sound = tuple(dtype for dtype, along in fits.items() if along)
        if sound:
            return way, sound
        if fits and second is None and not strict:
            second = way, tuple(fits)
    left = all(r.raised for r in reasons) and not all(r.kind for r in reasons)
    if second is None and reasons and (strict or not left):
        raise reasons[0]
    return second


def _returns(way: Way, h: Hyper) -> bool:
    _tried(way, h, [])
    return True


def _tried(way: Way, h: Hyper, reasons: list[Misunderstood]) -> dict[str, bool]:
    """The dtypes in which a step can be taken, and whether its end is shifted with its start."""
    fits = {}
    for dtype in way.library.dtypes:
        try:
            fits[dtype] = _moves_along(way, h, dtype)
        except Misunderstood as error:
            if error.still and _moves_where_long(way, h, dtype):
                fits[dtype] = True
            else:
                reasons.append(error)
    return fits


def _moves_where_long(way: Way, h: Hyper, dtype: str) -> bool:
    """Whether a step moves long arrays, in a process that a kernel for other numbers may ruin."""
    forks = not THREADED & sys.modules.keys()
    return forks and survives(partial(_moves_along, way, h, dtype, LONG), 20.0)


def _moves_along(way: Way, h: Hyper, dtype: str, longest: int = len(START)) -> bool:
    """Whether a step moves, and by SHIFT more than by none: a wrong rate makes numbers round.

    Raises: Misunderstood.
    """
    after = []
    for shift in (0.0, SHIFT):
        # Of two sizes: rows of one array are no list of arrays.
        start = [np.resize(START, n) + shift for n in (longest, 2)]
        try:
            run = way.begin(start, h, dtype)
            run.step([np.resize([1.0, 2.0, -4.0], n) for n in (longest, 2)])
            still = _settled(way, run, start)
            after.append(run.parameters())
        except SubjectError as error:
            raise Misunderstood(str(error)) from None
        except Exception as error:  # whatever a stranger's code does
            text = f"{in_words(error)} in a trial"
            raise Misunderstood(text, raised=True, kind=isinstance(error, WRONG_KIND)) from None
        if still:
            raise Misunderstood(still, still=True)
    moved = any(not np.array_equal(x, begun) for x, begun in zip(after[1], start))
    return moved and all(bool(np.all(np.abs(b - a - SHIFT) < SHIFT / 2)) for a, b in zip(*after))


def _settled(way: Way, run: ArrayRun, start: Sequence[Array]) -> str:
    """What a first step has left as it was, and should not; empty where there is nothing."""
    try:
        way.settle(run, start)
    except SubjectError as error:
        return str(error)
    return ""


def takes(
    way: Way, h: Hyper, dtypes: Sequence[str], shape: tuple[int, ...], none: bool = False
) -> bool:
    """Whether it takes a parameter of this shape: `v[:]` has no place for a scalar.

    none: whether it takes one that has no gradient.
    """
    try:
        way.begin([np.zeros(shape)], h, dtypes[0]).step([None if none else np.zeros(shape)])
    except Exception:  # whatever a stranger's code does
        return False
    return True


def copied(run: ArrayRun) -> frozenset[str]:
    """Which copies of a run there are: what it holds may be nothing that can be copied."""
    asks: dict[str, Callable[[], object]] = {
        "resume": run.save,
        "deepcopy": partial(run.duplicate, "deepcopy"),
        "pickle": partial(run.duplicate, "pickle"),
    }
    found = set[str]()
    for offer, ask in asks.items():
        with contextlib.suppress(Exception):  # whatever a stranger's objects do
            ask()
            found.add(offer)
    return frozenset(found)


_COPIED = frozenset({"__copy__", "__deepcopy__", "__getstate__", "__reduce__", "__reduce_ex__"})


def lost(
    made: object, begin: Callable[[Sequence[Array]], ArrayRun], offers: Iterable[str]
) -> set[str]:
    """Of these copies those that step like a new run: what is kept by identity stays behind.

    made: an object of somebody's own class; where that says how it is copied, it has to be right.
    begin: a new run of it.
    """
    if any(_COPIED & vars(c).keys() for c in type(made).__mro__[:-1]):
        return set()
    found, grad = set(), [np.array([1.0, 2.0, -4.0])]
    for offer in offers:
        run = begin([np.array(START)])
        run.step(grad)
        new = begin(run.parameters())
        with contextlib.suppress(Exception):  # whatever a stranger's copies do
            other = begin([np.array(START)]) if offer == "resume" else run.duplicate(offer)
            if offer == "resume":
                other.load(run.save())
            for one in (other, new, run):
                one.step(grad)
            copy, fresh, own = (one.parameters()[0].tolist() for one in (other, new, run))
            if copy == fresh != own:
                found.add(offer)
    return found
