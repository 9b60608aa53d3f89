"""Settings of the whole process: put back after every call of a subject, so that it cannot touch
the oracle, which computes with the same processor, nor another check.

What a call has left behind can still be asked for: `settings()` of a run that offers it tells what
was set when the last call returned.
"""

import ctypes
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

import numpy as np

from momentum.subjects.isolation.child import NoCopies
from momentum.subjects.protocol import Facts, Subject
from momentum.subjects.random_states import RandomStates
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
)
"""Functions of torch that tell a setting, and those that set it."""


def torch_settings() -> tuple[object, ...]:
    """Those of torch; none where it is not loaded."""
    torch: object = sys.modules.get("torch")
    loaded = hasattr(torch, "get_num_threads")
    return tuple(getattr(torch, told)() for told, _ in _TORCH) if loaded else ()


def set_torch(wanted: Sequence[object], flushing: bool = False) -> None:
    """Put back what `torch_settings` told. flushing: subnormal numbers are flushed to zero."""
    torch: Any = sys.modules.get("torch")
    if torch is None or not wanted:
        return
    torch.set_flush_denormal(flushing)
    for (told, set_), value in zip(_TORCH, wanted):
        if getattr(torch, told)() != value:  # some load a compiler, or take long
            getattr(torch, set_)(value)


class Settings(NamedTuple):
    """What a call may change for everybody. torch: as far as it is loaded."""

    processor: tuple[bool, ...]
    errors: Mapping[str, Any]
    interpreter: tuple[int, object, object]
    torch: tuple[object, ...]

    @classmethod
    def now(cls) -> "Settings":
        """Those of this thread and process."""
        interpreter = sys.getrecursionlimit(), sys.gettrace(), sys.getprofile()
        return cls(_rounding(_TINY, _UNIT), np.geterr(), interpreter, torch_settings())

    def put_back(self) -> None:
        """Set them."""
        _PROCESSOR.put_back()
        np.seterr(**self.errors)
        limit, trace, profile = self.interpreter
        sys.setrecursionlimit(limit)
        if sys.gettrace() is not trace:
            sys.settrace(trace)  # type: ignore[arg-type]
        if sys.getprofile() is not profile:  # a profiler in C cannot be set a second time
            sys.setprofile(profile)  # type: ignore[arg-type]
        set_torch(self.torch)


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
