"""What a stranger's code may set for the whole process or thread: read, put back, and shown."""

import ctypes
import decimal
import gc
import locale
import logging
import os
import random
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache, partial
from operator import attrgetter
from typing import Any, NamedTuple

import numpy as np

from momentum.subjects.random_states import numpy_state

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
    ("is_warn_always_enabled", "set_warn_always"),
)
"""Functions of torch that tell a setting, and those that set it."""


def torch_settings() -> tuple[object, ...]:
    """Those of torch; none where it is not loaded."""
    torch: object = sys.modules.get("torch")
    loaded = hasattr(torch, "get_num_threads")
    return tuple(tell() for tell, _ in _torch_functions()) if loaded else ()


@cache
def _torch_functions() -> list[tuple[Callable[[], object], Callable[[Any], object]]]:
    torch: Any = sys.modules["torch"]
    printing = vars(torch._tensor_str.PRINT_OPTS)
    named = [(attrgetter(told)(torch), attrgetter(set_)(torch)) for told, set_ in _TORCH]
    autocast = partial(torch.is_autocast_enabled, "cpu"), partial(torch.set_autocast_enabled, "cpu")
    return [*named, autocast, (printing.copy, printing.update)]


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
    thresholds: tuple[int, int, int]
    level: int
    filters: list[Any]

    @classmethod
    def now(cls) -> "Interpreter":
        """That of this thread and process."""
        level: int = logging.root.manager.disable
        filters: list[Any] = list(warnings.filters)
        traces = sys.gettrace(), sys.getprofile()
        collection = gc.isenabled(), gc.get_threshold()
        return cls(sys.getrecursionlimit(), *traces, *collection, level, filters)

    def put_back(self) -> None:
        """Set it."""
        sys.setrecursionlimit(self.limit)
        if sys.gettrace() is not self.trace:
            sys.settrace(self.trace)  # type: ignore[arg-type]
        if sys.getprofile() is not self.profile:  # a profiler in C cannot be set a second time
            sys.setprofile(self.profile)  # type: ignore[arg-type]
        (gc.enable if self.collects else gc.disable)()
        gc.set_threshold(*self.thresholds)
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


def _folder() -> str:
    """The working directory, empty where it has been deleted."""
    try:
        return os.getcwd()
    except OSError:
        return ""


_DECIMAL = "prec", "rounding", "Emin", "Emax", "capitals", "clamp", "traps"
_decimal = attrgetter(*_DECIMAL)


class Surroundings(NamedTuple):
    """What the program around may change between two calls, but no call: where it runs, and how
    decimal numbers are computed and printed. variables: as they lie in memory, for speed.
    """

    variables: Mapping[Any, Any]
    folder: str
    decimals: tuple[object, ...]
    printing: Mapping[str, Any]
    language: str

    @classmethod
    def now(cls) -> "Surroundings":
        """Those of this thread and process."""
        decimals = _decimal(decimal.getcontext())
        return cls(
            dict(vars(os.environ)["_data"]),
            _folder(),
            (*decimals[:-1], dict(decimals[-1])),
            np.get_printoptions(),
            locale.setlocale(locale.LC_ALL),
        )

    def put_back(self) -> None:
        """Set them."""
        now = Surroundings.now()
        decoded = os.environ.decodekey, os.environ.decodevalue
        for name in now.variables.keys() - self.variables.keys():
            del os.environ[decoded[0](name)]
        for name, value in self.variables.items() - now.variables.items():
            os.environ[decoded[0](name)] = decoded[1](value)
        if self.folder != now.folder:
            os.chdir(self.folder)
        for name, value in zip(_DECIMAL, self.decimals):
            setattr(decimal.getcontext(), name, value)
        np.set_printoptions(**self.printing)
        locale.setlocale(locale.LC_ALL, self.language)


@contextmanager
def surroundings_kept() -> Iterator[None]:
    """Around trials of a stranger's code: a check is to see it change them for the first time."""
    before = Surroundings.now()
    try:
        yield
    finally:
        if Surroundings.now() != before:
            before.put_back()


def around_unusual(
    act: Callable[[], object], told: Callable[[], dict[str, object]]
) -> tuple[dict[str, object], dict[str, object]]:
    """What is told before and after an act where other settings than usual are made, as the
    program around may make them: whoever sets the usual ones is seen."""
    with np.errstate(all="ignore"), decimal.localcontext() as context:
        context.prec = 11
        before = told()
        act()
        return before, told()


def shown() -> dict[str, object]:
    """What is set for the whole process or thread beside any framework, by name."""
    _, errors, python, _ = Settings.now()
    around = Surroundings.now()
    return {
        "handling of NumPy's errors": errors,
        "recursion limit": python.limit,
        "collection of garbage": (python.collects, python.thresholds),
        "level up to which nothing is logged": python.level,
        "filters of warnings": python.filters,
        "rounding of numbers": _rounding(_TINY, _UNIT),
        "environment variables": os.environ.copy(),
        "working directory": around.folder,
        "context of decimal numbers": around.decimals,
        "print options of NumPy": around.printing,
        "locale": around.language,
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
