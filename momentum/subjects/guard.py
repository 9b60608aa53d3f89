"""Settings of the whole process: put back after every call of a subject, so that it cannot touch
the oracle, which computes with the same processor, nor another check.

What a call has left behind can still be asked for: `settings()` of a run that offers it tells what
was set when the last call returned.
"""

import ctypes
import gc
import logging
import random
import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple, TypeVar

import numpy as np

from momentum.subjects.isolation.child import NoCopies
from momentum.subjects.protocol import Facts, Subject
from momentum.subjects.random_states import RandomStates, numpy_state
from momentum.subjects.strangers import tamed

_TINY, _UNIT = 2.0**-1022, 2.0**-53


class _Processor:
    """The floating point environment of a thread, as C keeps it; nothing where C is not found."""

    def __init__(self) -> None:
        try:
            self.library: Any = ctypes.CDLL(None)
            self.kept = ctypes.create_string_buffer(64)
            self.library.fegetenv(self.kept)
        except (OSError, AttributeError, TypeError):
            self.library = None

    def put_back(self) -> None:
        """As it was at first: rounding to nearest, no number flushed to zero."""
        if self.library is not None:
            self.library.fesetenv(self.kept)


_PROCESSOR = _Processor()


def _rounding(tiny: float, unit: float) -> tuple[bool, ...]:
    """Whether half of the smallest normal number is one, a sum is not rounded up, nor one down."""
    return tiny * 0.5 != 0, 1.0 + unit == 1.0, 1.0 - unit * 0.5 == 1.0


_TORCH = (
    ("is_grad_enabled", "set_grad_enabled"),
    ("get_default_dtype", "set_default_dtype"),
    ("get_num_threads", "set_num_threads"),
    ("are_deterministic_algorithms_enabled", "use_deterministic_algorithms"),
    ("get_float32_matmul_precision", "set_float32_matmul_precision"),
    ("is_anomaly_enabled", "set_anomaly_enabled"),
    ("_C._get_cudnn_benchmark", "_C._set_cudnn_benchmark"),
    ("_C._get_cudnn_deterministic", "_C._set_cudnn_deterministic"),
    ("_C._get_mkldnn_enabled", "_C._set_mkldnn_enabled"),
    ("_C._is_multithreading_enabled", "_C._set_multithreading_enabled"),
)
"""Functions of torch that tell a setting, and those that set it."""


def torch_settings() -> tuple[object, ...]:
    """Those of torch; none where it is not loaded."""
    torch: object = sys.modules.get("torch")
    loaded = hasattr(torch, "get_num_threads")
    return tuple(tell() for tell, _ in _torch_functions()) if loaded else ()


@cache
def _torch_functions() -> list[tuple[Callable[[], object], Callable[[Any], object]]]:
    torch = sys.modules["torch"]
    return [(attrgetter(told)(torch), attrgetter(set_)(torch)) for told, set_ in _TORCH]


def set_torch(wanted: Sequence[object], flushing: bool = False) -> None:
    """Put back what `torch_settings` told. flushing: subnormal numbers are flushed to zero."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not wanted:
        return
    torch.set_flush_denormal(flushing)
    for (tell, set_), value in zip(_torch_functions(), wanted):
        if tell() != value:  # some load a compiler, or take long
            set_(value)


class Interpreter(NamedTuple):
    """What Python itself has set. level: nothing up to it is logged. filters: of warnings."""

    limit: int
    trace: object
    profile: object
    collects: bool
    level: int
    filters: list[Any]

    @classmethod
    def now(cls) -> "Interpreter":
        """That of this thread and process."""
        level: int = logging.root.manager.disable
        filters: list[Any] = list(warnings.filters)
        traces = sys.gettrace(), sys.getprofile()
        return cls(sys.getrecursionlimit(), *traces, gc.isenabled(), level, filters)

    def put_back(self) -> None:
        """Set it."""
        sys.setrecursionlimit(self.limit)
        if sys.gettrace() is not self.trace:
            sys.settrace(self.trace)  # type: ignore[arg-type]
        if sys.getprofile() is not self.profile:  # a profiler in C cannot be set a second time
            sys.setprofile(self.profile)  # type: ignore[arg-type]
        (gc.enable if self.collects else gc.disable)()
        logging.disable(self.level)
        if warnings.filters != self.filters:
            warnings.resetwarnings()
            warnings.filters[:] = self.filters  # type: ignore[index]  # a list, whatever it is said to be


class Settings(NamedTuple):
    """What a call may change for everybody. torch: as far as it is loaded."""

    processor: tuple[bool, ...]
    errors: Mapping[str, Any]
    interpreter: Interpreter
    torch: tuple[object, ...]

    @classmethod
    def now(cls) -> "Settings":
        """Those of this thread and process."""
        return cls(_rounding(_TINY, _UNIT), np.geterr(), Interpreter.now(), torch_settings())

    def put_back(self) -> None:
        """Set them."""
        _PROCESSOR.put_back()
        np.seterr(**self.errors)
        self.interpreter.put_back()
        set_torch(self.torch)


def shown() -> dict[str, object]:
    """What is set for the whole process or thread beside any framework, by name."""
    _, errors, python, _ = Settings.now()
    return {
        "handling of NumPy's errors": errors,
        "recursion limit": python.limit,
        "collection of garbage": python.collects,
        "level up to which nothing is logged": python.level,
        "filters of warnings": python.filters,
        "rounding of numbers": _rounding(_TINY, _UNIT),
        "random state of NumPy": numpy_state(),
        "random state of Python": random.getstate(),
    }


def put_back_after_loading(before: Settings) -> None:
    """What importing and trying a subject has set, but for what its module may set for itself."""
    now = Settings.now()
    torch = now.torch
    if torch:
        torch = (before.torch[0] if before.torch else True, *torch[1:])
    wanted = before._replace(torch=torch)
    if wanted != now:
        wanted.put_back()


T = TypeVar("T")


@dataclass
class _Watch:
    """What is to be put back, and what the last call left."""

    wanted: Settings = field(default_factory=Settings.now)
    random: RandomStates = field(default_factory=RandomStates)
    left: object = None

    def call(self, function: Callable[..., T], *arguments: object, **named: object) -> T:
        """The call, with everything put back when it returns or raises."""
        self.left = None
        copies = NoCopies()
        owner: object = getattr(function, "__self__", None)
        result: T | None = None
        try:
            result = function(*arguments, **named)
            return result
        except BaseException as error:
            ours = tamed(error)
            if ours is error:
                raise
            raise ours from None
        finally:
            copies.end()
            drawn = self.random.changed
            if drawn or Settings.now() != self.wanted:
                run = result if hasattr(result, "settings") else owner
                if hasattr(run, "settings"):
                    self.left = run.settings()
                self.wanted.put_back()
            if drawn:
                self.random.put_back()


class Guarded:
    """A subject that leaves the settings of the process as they are."""

    def __init__(self, subject: Subject) -> None:
        self.subject, self.watch = subject, _Watch()

    @property
    def facts(self) -> Facts:
        """Those of the subject."""
        return self.subject.facts

    def start(self, *arguments: object, **named: object) -> "GuardedRun":
        """A run of the subject, as guarded as this."""
        self.watch.random.look()
        run = self.watch.call(self.subject.start, *arguments, **named)
        return GuardedRun(run, self.watch)


class GuardedRun:
    """A run whose every call leaves the settings of the process as they are."""

    def __init__(self, run: object, watch: _Watch) -> None:
        self._run, self._watch = run, watch

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._run, name)
        if not callable(found):
            return found
        kind, watch = type(self._run), self._watch

        def guarded(*arguments: object, **named: object) -> object:
            if name == "settings" and watch.left is not None:
                return watch.left
            inner = [a._run if isinstance(a, GuardedRun) else a for a in arguments]
            result = watch.call(found, *inner, **named)
            return GuardedRun(result, watch) if isinstance(result, kind) else result

        vars(self)[name] = guarded  # the next time it is found without this
        return guarded
