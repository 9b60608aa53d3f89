"""An implementation of one's own as a subject: `begin(parameters, hyper, dtype)` is all to write.

    # mine.py
    import numpy as np

    class Mine:
        def __init__(self, parameters, hyper, dtype):
            self.x = [x.astype(dtype) for x in parameters]
            self.v = [np.zeros_like(x) for x in self.x]
            self.hyper = hyper

        def step(self, gradients):
            for x, v, g in zip(self.x, self.v, gradients):
                v *= self.hyper.momentum
                v += g.astype(x.dtype)
                x -= self.hyper.lr * v

        def parameters(self):
            return self.x

    subject = momentum.plain_subject(Mine)

`momentum check mine.py:subject`, or `momentum check mine.py:Mine`, which says the same.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from momentum.adapters import _shared
from momentum.adapters._record import Adapter
from momentum.conventions import Hyper
from momentum.conventions.hyper import FLAGS
from momentum.errors import UsageError
from momentum.subjects.protocol import Array, Facts, Gradient, Run, SubjectError

Begin = Callable[[Sequence[Array], Hyper, str], Any]
"""begin(parameters, hyper, dtype) -> Run."""


class PlainRun(Protocol):
    """What `begin` returns; it may have `set(hyper)` and whatever else OFFERS names, too."""

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step. gradients: float64 arrays that hold numbers of the dtype, one a parameter."""

    def parameters(self) -> Sequence[ArrayLike]:
        """The parameters, arrays that NumPy can read."""


@dataclass(frozen=True)
class PlainSubject:
    """A subject without groups. options: those of `start` that `begin` takes by name."""

    facts: Facts
    begin: Callable[..., Run]
    options: frozenset[str] = frozenset()

    def start(
        self,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None = None,
        options: Mapping[str, object] | None = None,
    ) -> Run:
        """A new run.

        Raises: SubjectError where groups or options are asked for.
        """
        asked = dict(options or {})
        if len(hypers) != 1 or not asked.keys() <= self.options:
            known = ", ".join(sorted(self.options)) or "no options"
            raise SubjectError(f"has one group and {known}, got {len(hypers)} and {asked}")
        return self.begin(parameters, hypers[0], dtype, **asked)


def plain_subject(
    begin: Callable[[Sequence[Array], Hyper, str], PlainRun],
    *,
    name: str = "",
    hyper: Iterable[str] = ("lr", "momentum"),
    fixed: Mapping[str, Any] | None = None,
    offers: Iterable[str] = (),
    dtypes: Iterable[str] = (),
    none_gradients: bool = False,
    flushes_subnormals: bool = False,
    compiles: bool = False,
    scalars: bool = True,
    empty: bool = True,
    largest: int = 4097,
) -> PlainSubject:
    """The subject of one's own implementation, for all commands and functions that take one.

    begin(parameters, hyper, dtype): a new run, an object with `step(gradients)` and `parameters()`.
    It gets float64 arrays, which hold numbers of the dtype, and makes its own of them; hyper is a
    `momentum.Hyper`. It may raise ValueError for hyper-parameters that it refuses.

    hyper: names that it honours. fixed: hyper-parameters that it has for good, by name. offers: of
    OFFERS, those that are promises and no methods, such as "validates". dtypes: those it keeps;
    without, float32, float64 and float16 are tried. none_gradients: a gradient may be None.
    flushes_subnormals: they may become zero. compiles: a new shape costs a compilation.
    scalars, empty: parameters of shape () and (0,) are taken. largest: number of elements worth
    trying. Where a run has `set(hyper)`, rates and the like may change between steps.

    Raises: UsageError where a name is unknown, or a trial of one step fails.
    """
    called = name or getattr(begin, "__qualname__", type(begin).__name__)
    held = dict(fixed or {})
    names = frozenset(hyper) - held.keys()
    if strange := sorted((names | held.keys()) - {*Hyper._fields}):
        known = ", ".join(Hyper._fields)
        raise UsageError(f"{called}: unknown hyper-parameter {strange[0]!r}: known are {known}")

    def wrapped(parameters: Sequence[Array], hyper: Hyper, dtype: str) -> _Wrapped:
        _shared.arguments(hyper, {n: n for n in names}, held)
        arrays = [np.array(x) for x in parameters]  # a number of shape () may come as a float
        return _Wrapped(begin(arrays, _shared.plain(hyper), dtype), parameters, dtype)

    first = Hyper(**{"lr": 0.5, **dict.fromkeys(names & {"momentum"}, 0.5), **held})
    asked = tuple(dtypes)
    tried = {d: _trial(wrapped, first, d) for d in asked or ("float32", "float64", "float16")}
    kept = [d for d, run in tried.items() if isinstance(run, _Wrapped)]
    if not kept or (asked and len(kept) < len(asked)):
        dtype, reason = next((d, why) for d, why in tried.items() if isinstance(why, str))
        raise UsageError(f"{called} fails in a trial of one step in {dtype}: {reason}")
    first_run = tried[kept[0]]
    assert isinstance(first_run, _Wrapped), "kept"
    run = first_run._run
    facts = Facts(
        name=called,
        dtypes=tuple(kept),
        hyper=names,
        fixed=held,
        settable=names - FLAGS if _answers(run, "set", 1) else frozenset(),
        none_gradients=none_gradients,
        flushes_subnormals=flushes_subnormals,
        compiles=compiles,
        scalars=scalars,
        empty=empty,
        largest=largest,
        offers=frozenset(offers)
        | {n for n, had in _METHODS.items() if all(_answers(run, m, k) for m, k in had.items())},
    )
    return PlainSubject(facts, wrapped)


_METHODS: Mapping[str, Mapping[str, int]] = {
    "resume": {"save": 0, "load": 1},
    "fed": {"fed": 0},
    "overwrite": {"overwrite_fed": 0},
    "point": {"point": 0},
    "state_bytes": {"state_bytes": 0},
    "storage": {"storage": 0},
}
"""Offers, and the methods of a run by which it makes them, with the number of their arguments."""


def _answers(run: object, method: str, arguments: int) -> bool:
    """Whether it can be called so: somebody's `save(path)`, or a list called `fed`, cannot."""
    try:
        inspect.signature(getattr(run, method)).bind(*(None,) * arguments)
    except (AttributeError, TypeError, ValueError):
        return False
    return True


class _Wrapped:
    """A run as the checks want it around one that is only what somebody had to write."""

    def __init__(self, run: Any, parameters: Sequence[Array], dtype: str) -> None:
        for method in ("step", "parameters"):
            if not callable(getattr(run, method, None)):
                raise SubjectError(f"begin returned {type(run).__name__}, which has no {method}()")
        self._run, self._dtype, self._shapes = run, dtype, [np.shape(x) for x in parameters]

    def step(self, gradients: Sequence[Gradient]) -> None:
        self._run.step([None if g is None else np.array(g) for g in gradients])

    def parameters(self) -> list[Array]:
        got = list(self._run.parameters())
        if len(got) != len(self._shapes):
            raise SubjectError(f"there are {len(got)} parameters, wanted {len(self._shapes)}")
        return [self._read(i, x) for i, x in enumerate(got)]

    def _read(self, i: int, x: object) -> Array:
        numbers = x.detach().double() if hasattr(x, "detach") else x  # torch: NumPy lacks bfloat16
        dtype = getattr(x, "dtype", self._dtype)  # lists and floats have none to be held to
        return _shared.read(i, np.asarray(numbers), dtype, self._dtype, self._shapes[i])

    def __getattr__(self, name: str) -> Any:
        if name == "set":
            change = self._run.set
            return lambda hyper, group=0: change(_shared.plain(hyper))
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self._run, name)


def _trial(begin: Begin, hyper: Hyper, dtype: str) -> _Wrapped | str:
    """A run after one step from the same numbers, or why there is none."""
    try:
        run: _Wrapped = begin([np.array([8.0, -4.0])], hyper, dtype)
        run.step([np.array([1.0, 2.0])])
        run.parameters()
    except Exception as error:  # whatever a stranger's code does
        return " ".join(f"{type(error).__name__}: {error}".split())
    return run


_BEGIN = ("parameters", "hyper", "dtype")


def accepts(obj: object) -> bool:
    """A function or class of parameters, hyper and dtype, by these names."""
    try:
        return callable(obj) and tuple(inspect.signature(obj).parameters) == _BEGIN
    except (TypeError, ValueError):
        return False


def adapt(obj: Callable[..., Any], fixed: Mapping[str, Any], name: str) -> PlainSubject:
    """The subject of such a function, with what `plain_subject` takes as fixed arguments."""
    known = inspect.signature(plain_subject).parameters
    for n in fixed:
        if n in ("begin", "name") or n not in known:
            raise UsageError(f"{name} takes no {n!r}: it takes {', '.join([*known][2:])}")
    return plain_subject(obj, **{"name": name, **fixed})


ADAPTER = Adapter(
    name="own code",
    takes="begin(parameters, hyper, dtype), as momentum.plain_subject takes it",
    module="",
    accepts=accepts,
    adapt=adapt,
    rank=1,
)
