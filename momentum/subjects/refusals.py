"""What a subject refuses, told from what it fails at.

A refusal is an error that says what is not supported, raised by a statement of the subject's own
when a run that asks for no more than that begins. The same error from anywhere else is a failure.
Of sparse gradients, what an operation of the library says that it does not support counts as well.
"""

import re
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any

import numpy as np

from momentum.conventions import Hyper
from momentum.conventions.hyper import NEUTRAL
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Array, Run, Subject

PLAIN_KINDS: tuple[type[Exception], ...] = (ValueError, TypeError, NotImplementedError)
KINDS = (*PLAIN_KINDS, RuntimeError, FloatingPointError)
"""A RuntimeError of a plain step is no refusal of anything."""

SHAPE = (3, 4)
SHAPES = {"channels_last": (2, 3, 2, 4), "channels_last_3d": (2, 3, 2, 2, 3)}
"""By layout, for those that less axes do not have."""

ORDER = ("maximize", "weight_decay", "nu", "dampening", "nesterov", "momentum")
"""In which hyper-parameters are left out, to see what is refused: what others need comes last."""

Ask = Callable[[Any], object]
"""What is asked of a run that has just started with one parameter."""


def _ones() -> Array:
    return np.ones(SHAPE)


def _nothing(run: object) -> None:
    pass


def _step(run: Run) -> None:
    run.step([np.ones(x.shape) for x in run.parameters()])


def _typed(run: Run) -> None:
    try:
        _step(run)
    except AssertionError as error:
        raise TypeError(str(error) or "an assertion") from None


def _stepped(run: Run, ask: Ask) -> object:
    _step(run)
    return ask(run)


ASKED: Mapping[str, tuple[str, Ask]] = {
    "sparse": ("sparse gradients", lambda run: run.step_sparse([_ones()])),
    "closure": ("a closure", lambda run: run.step_closure([_ones()])),
    "closure_sets": ("a closure", lambda run: run.step_closure([_ones()])),
    "scaler": ("a gradient scaler", lambda run: run.scaled_step([_ones()], 2.0)),
    "special": ("gradients that are not finite", lambda run: run.step([np.inf * _ones()])),
    "none_gradients": ("a missing gradient", lambda run: run.step([None])),
    "resume": ("to save its state", lambda run: _stepped(run, lambda r: r.save())),
    "foreign_state": ("to show a state", lambda run: _stepped(run, lambda r: r.foreign_state())),
    "state_bytes": ("to show its state", lambda run: _stepped(run, lambda r: r.state_bytes())),
    "deepcopy": ("a deep copy", lambda run: _stepped(run, lambda r: r.duplicate("deepcopy"))),
    "pickle": ("to be pickled", lambda run: _stepped(run, lambda r: r.duplicate("pickle"))),
    "late_groups": (
        "a late group",
        lambda run: _stepped(run, lambda r: r.add_group([_ones()], None)),
    ),
    "restart": ("to start anew", lambda run: _stepped(run, lambda r: r.restart())),
}
"""Offer, or kind of problem -> what it is in words, and the least that asks for it."""


_RAISES = re.compile(r"(^|[:;]\s*)raise\s")
"""A line whose statement raises, also after a condition."""


def deliberate(error: BaseException, kinds: tuple[type[Exception], ...] = KINDS) -> bool:
    """Raised by a statement, with words, and not by an operation that went wrong."""
    frames = traceback.extract_tb(error.__traceback__)
    line = (frames[-1].line or "raise ") if frames else ""
    said = bool(_RAISES.search(line)) or isinstance(error, NotImplementedError)
    return isinstance(error, kinds) and bool(str(error)) and said


_NO_SPARSE = re.compile(
    r"(?=.*sparse).*(not supported|unsupported|not implemented|could not run|can't convert)",
    re.IGNORECASE | re.DOTALL,
)
"""torch: add(sparse, dense) is not supported; reshape is not implemented for sparse tensors."""


def unsupported_sparse(error: BaseException) -> bool:
    """Whether an operation says that it takes no sparse operand, whoever called it."""
    kinds = (RuntimeError, NotImplementedError, TypeError)
    return isinstance(error, kinds) and bool(_NO_SPARSE.match(str(error)))


@dataclass(frozen=True)
class Refusals:
    """The refusals of one subject, each found out once."""

    subject: Subject
    told: dict[Any, str | None] = field(default_factory=dict)

    def reason(self, error: BaseException, problem: Problem, needs: Iterable[str]) -> str | None:
        """What of a problem is refused, in words; None where the error is none of a refusal.

        needs: what the check asks for beyond the problem.
        """
        dtype, options = problem.dtype, dict(problem.options)
        several = {"recast", "mixed_dtypes"}.intersection(needs)
        said = deliberate(error) or ("sparse" in needs and unsupported_sparse(error))
        if said or isinstance(error, AssertionError):  # which is a word on dtypes alone
            asked = self.subject.facts.dtypes if several else (dtype,)
            refused = (self.of_dtype(problem.hypers[0][0], d) for d in asked)
            if found := next(filter(None, refused), None):
                return found
        if not said:
            return None
        wanted = [n for n in needs if n in ASKED]
        wanted += ["none_gradients"] if problem.missing else []
        wanted += [problem.kind] if problem.kind in ASKED else []
        for row in dict.fromkeys(problem.hypers):
            for h in dict.fromkeys(row):
                found = self.of(h, dtype)
                if options and found is None:
                    found = self._refused(h, dtype, options, _named(options), _step)
                for need in wanted:
                    found = found or self._refused(h, dtype, {}, *ASKED[need])
                if found is not None:
                    return found
        if len(row := problem.hypers[0]) > 1:
            found = self._several(row, dtype, {}, "several groups")
            late = "late_groups" in self.subject.facts.offers
            return self.asked("late_groups", row[0], dtype) if late and not found else found
        if "mixed_dtypes" in needs:
            # Some go together only in one order, and some not at all.
            for pair in permutations(self.subject.facts.dtypes, 2):
                what = "parameters of several formats"
                if found := self._several(problem.hypers[0], dtype, {"dtypes": pair}, what):
                    return found
        return None

    def asked(self, need: str, h: Hyper, dtype: str) -> str | None:
        """How something that is offered is refused after a plain start, None where it is not."""
        return self._refused(h, dtype, {}, *ASKED[need]) if need in ASKED else None

    def of(self, h: Hyper, dtype: str) -> str | None:
        """How hyper-parameters are refused by themselves, None where they are not."""
        return self._refused(h, dtype, {}, "", _step)

    def _refused(
        self, h: Hyper, dtype: str, options: Mapping[str, object], what: str, ask: Ask
    ) -> str | None:
        """The refusal of hyper-parameters by themselves or with something else, made small."""
        key = h, dtype, str(options), what
        if key not in self.told:
            error = self._tried([h], dtype, options, ask)
            for name in ORDER if error is not None else ():
                fewer = h._replace(**{name: NEUTRAL[name]})
                lonely = (fewer.nesterov or fewer.dampening) and not fewer.momentum
                if fewer != h and name in self.subject.facts.domain.free and not lonely:
                    again = self._tried([fewer], dtype, options, ask)
                    h, error = (h, error) if again is None else (fewer, again)
            if error is not None and h.weight_decay and not deliberate(error):
                error = None  # sparse gradients are taken, and decay added to them fails
            if not what and all(getattr(h, n) == NEUTRAL[n] for n in ORDER if n != "momentum"):
                error = self._tried([h], dtype, options, _nothing)  # a plain step that fails, fails
                if (of_dtype := self.of_dtype(h, dtype)) is not None:
                    self.told[key] = of_dtype
                    return of_dtype
            self.told[key] = _said(_words(what, h), error)
        return self.told[key]

    def of_dtype(self, h: Hyper, dtype: str) -> str | None:
        """The refusal of a dtype: what is taken in another one."""
        facts = self.subject.facts
        off = {n: NEUTRAL[n] for n in ORDER if n in facts.domain.free and n != "momentum"}
        plain = h._replace(**off)
        if (plain, dtype) not in self.told:
            error = self._tried([plain], dtype, {}, _typed)
            others = (d for d in facts.dtypes if d != dtype)
            taken = error and not all(self._tried([plain], d, {}, _typed) for d in others)
            self.told[plain, dtype] = _said(dtype, error) if taken else None
        return self.told[plain, dtype]

    def _several(
        self, row: Sequence[Hyper], dtype: str, options: Mapping[str, object], what: str
    ) -> str | None:
        """Two parameters, in a group each where there are several."""
        hypers = list(row[:2])
        return _said(what, self._tried(hypers, dtype, options, _typed, parameters=2))

    def _tried(
        self,
        hypers: list[Hyper],
        dtype: str,
        options: Mapping[str, object],
        ask: Ask,
        parameters: int = 1,
    ) -> BaseException | None:
        """The deliberate error of the least run that asks for this, None where there is none."""
        groups = [i % len(hypers) for i in range(parameters)]
        shape = SHAPES.get(str(options.get("layout")), SHAPE)
        values = [np.ones(shape) for _ in groups]
        kinds = KINDS
        try:
            run = self.subject.start(values, hypers, dtype, groups, dict(options))
            kinds = PLAIN_KINDS if ask is _step and not options else KINDS
            ask(run)
        except Exception as error:
            sparse = ask is ASKED["sparse"][1] and unsupported_sparse(error)
            return error if sparse or deliberate(error, kinds) else None
        return None


def _words(what: str, h: Hyper) -> str:
    """`nesterov with dampening`, `sparse gradients with weight_decay`, `momentum 0.9`."""
    on = [n for n in reversed(ORDER) if getattr(h, n) != NEUTRAL[n]]
    if what or on not in ([], ["momentum"]):
        implied = {"momentum"} if h.nesterov or h.dampening else set()
        return " with ".join([*([what] if what else []), *(n for n in on if n not in implied)])
    return f"momentum {float(h.momentum):g}" if on else f"lr {float(h.lr):g}"


def _named(options: Mapping[str, object]) -> str:
    return " and ".join(f"{n} {x}" if isinstance(x, str) else n for n, x in options.items())


def _said(what: str, error: BaseException | None) -> str | None:
    return None if error is None else f"refuses {what}: {' '.join(str(error).split())[:200]}"
