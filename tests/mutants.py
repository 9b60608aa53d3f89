"""Mutants of the package under its own tests: `tox -e mutants -- --sample 150 --seed 0 [ROOM]...`.

cosmic-ray makes every single-point change of a room; a seeded sample of them is tried in a copy of
the package, each by a fork that runs that room's tests, with few drawn examples, until one fails.
A survivor is printed with its change: a test is missing, or the change makes no difference, which
`EQUIVALENT` says with the reason.
"""

import argparse
import compileall
import difflib
import os
import py_compile
import random
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import flint  # noqa: F401  # for the forks, which are to find it imported
import hypothesis  # noqa: F401
import numpy as np  # noqa: F401
import pytest
from cosmic_ray.commands.init import init
from cosmic_ray.mutating import mutate_code
from cosmic_ray.plugins import get_operator
from cosmic_ray.work_db import WorkDB, use_db

ROOT = Path(__file__).parents[1]


class Room(NamedTuple):
    """Files that are changed, and the tests that must notice; a room's fast ones come first."""

    files: str
    tests: tuple[str, ...]


ROOMS = {
    "arithmetic": Room("momentum/arithmetic/*.py", ("arithmetic", "oracle/test_replay.py")),
    "conventions": Room(
        "momentum/conventions/*.py",
        (
            "conventions/test_spellings.py",
            "conventions/test_hyper.py",
            "conventions/test_conventions.py",
            "conventions/test_text.py",
            "conventions/test_inverse.py",
            "conventions/test_solutions.py",
            "conventions/test_ninth.py",
            "theory/test_impulse.py",
            "conversion/test_convert.py",
        ),
    ),
    "oracle": Room(
        "momentum/oracle/*.py",
        (
            "oracle/test_measure_by_hand.py",
            "oracle/test_quick_way.py",
            "oracle/test_quick_compiled.py",
            "oracle/test_given.py",
            "oracle/test_replay.py",
            "oracle",
        ),
    ),
    "subjects": Room("momentum/subjects/*.py", ("subjects",)),
    "checks": Room(
        "momentum/checks/_*.py",
        (
            "checks/test_plumbing.py",
            "checks/test_paths.py",
            "checks/test_runs_between.py",
            "checks/test_lockstep.py",
        ),
    ),
    "runner": Room(
        "momentum/runner/*.py",
        (
            "runner/test_defaults.py",
            "runner/test_one_check.py",
            "runner/test_expectations.py",
            "runner/test_series.py",
            "runner/test_claims.py",
            "runner/test_files.py",
            "runner/test_ledger.py",
            "runner/test_choices.py",
            "runner/test_options.py",
            "runner/test_pool.py",
            "runner/test_results.py",
            "runner/test_search.py",
            "runner/test_seats.py",
            "runner/test_worker.py",
            "runner/test_supervisor.py",
        ),
    ),
}
"""What is sampled: places of each room in proportion to its lines, one change at each."""

EQUIVALENT: dict[str, str] = {
    'name is "settings"': "names of attributes are interned",
    "2.0**-1022, 2.0**- 54": "smaller is rounded away as well",
    "_TINY, _UNIT = 2.0**- 1023": "half of it is no normal number either",
    "[: 299]": "a length chosen freely",
    "MemoryError(text[: 299])": "a length chosen freely",
    "len(problem.hypers[0]) != 1": "there is one at least",
    "self.blocked = [True, False]": "the first one goes first, and is heard of then",
    "if len(t.factors) != 1": "no factors, no error of theirs",
    "measure.sum(output.forms[ -1])": "forms of a pure number differ by its last digits alone",
    'combined({"lr": 1.3': "a number chosen freely",
    "2.0**-1022, 2.0**~53": "smaller is rounded away as well",
    "self._of_dtype(problem.hypers[0][ -1], d)": "a format is refused whatever the group",
    "subjects/settings.py\n-\n-\n-@cache": "what is not kept is found again",
    "group: int = -1) -> None:": "a protocol's own default is never used",
    "closure: bool = True, /": "a protocol's own default is never used",
    "part, np.empty( 1)": "it is replaced before it is used",
    "(power + extra ^ scale)": "the numbers are equal, or one of them is 0",
    "GradientDescentMomentum({})": "a fact of a library that no interpreter here can load",
    "lru_cache(maxsize= ": "a size chosen freely",
    "2.0**-1022, 3.0**-53": "smaller is rounded away as well",
    "[i - len(hypers) for i": "a negative index counts from the end: the same groups",
    "sys.implementation.name ": "either branch tells the state; one of them is fast",
    "generator.seen() is not seen": "what has not changed is set to what it is",
    "[: 199]": "a length chosen freely",
    "run.scaled_step([_ones()], ": "a number chosen freely",
    "SHAPE = (3": "a shape chosen freely",
    '"several axes": (33': "a shape chosen freely",
    '-    "lr": 0.3,': "a number chosen freely",
    'LATER = {"lr"': "numbers chosen freely",
    'alone = {"lr"': "numbers chosen freely",
    'self.tier <= "exact"': "of two words, this is the first",
    "shape: tuple[int, ...] = (5,)": "a number chosen freely",
    "kw_only=False": "nobody gives its fields by place",
    'more.get("seed", 1)': "a number chosen freely",
    "os.umask(6": "the next line puts it back",
    "math.frexp(size)[0] > 0.5": "the size is 0 where the fraction is, and 0 needs no rounding",
    "str(dtype), 100)": "no format has so many digits",
    "format.emax >= 126": "no format lies between",
    "[0.0] * count, -1.0": "the smallest of all is replaced by the first",
    "_BLOCK = ": "a size chosen freely",
    "bits = (256, 1024, 4096, 16": "a size chosen freely",
    "np.inf / _ones()": "infinite as well",
    "except (OSError, CosmicRay": "what this system does not raise",
    "+MOST = ": "a size chosen freely",
    "[: 201]": "a length chosen freely",
    "* 3, (0,), seed=7)": "a number chosen freely",
    'how <= "deepcopy"': "of two words, this is the first",
    "_NORMAL = 3.0": "more goes the long way, which gives the same",
    "self.precision < 23": "no format has 23 digits",
    "if digits >= 0 else": "zero does not overflow",
    "if n < 1 else ' + '": "terms of zero are left out",
    "len(whole.shapes) != 1": "there is one at least",
    '"symbol", (), name': "a symbol's number is never read",
    "np.isfinite(values), values, 1.0": "what is left of what is not finite is 0",
    "np.isfinite(values), values, -1.0": "what is left of what is not finite is 0",
    'elif name is "velocity"': "names of attributes are interned",
    "(t, problem.start)[ -1]": "there is one parameter",
    "initial= -1.0)": "no size is below 0, and where there are no elements none is asked for",
    "TypedDict, total=True": "what a type says is asked by no run",
    "again.verdict is ": "words of one process are one object each",
    "FEW = ": "a size chosen freely: either way gives the same",
    '"fast", Values( 1, 0)': "nothing is put there",
    '"fast", Values(0, 1)': "nothing is put there",
    "np.isnan(a) * np.isnan(b)": "of two truth values the product is both",
    "emax > 99": "no format lies between",
    "emax > 101": "no format lies between",
    "self.free[1 >> me]": "of two numbers, 0 and 1, this is the other one as well",
    '-    "nu": 0.6,': "a number chosen freely",
    'CHANGED = {"lr"': "numbers chosen freely",
    "+        /,": "nobody gives these by place",
    'event >= "line"': "a turn more, at the end of a function",
    "radical is None else radical.height": "heights are only compared, and all shift",
    "np.isfinite(x), x, 1.0": "what is not finite is put back as it was",
    '"quick": 39': "a number chosen freely",
    "self.batch = ~1": "a number that no batch has",
    "1 ^ me": "of two numbers, 0 and 1, this is the other one as well",
    'or module.name != "result"': "a module without checks registers none",
    '"momentum": 1.8': "a number chosen freely",
    '"dampening": 1.35': "a number chosen freely",
    "start[ -1]": "there is one parameter",
    "value > 1 else -math.inf": "what overflows is far beyond 1",
    '"momentum": -0.3': "a number chosen freely",
    "digits <= 0 and": "digits have no sign",
    "= (( 6,), (17,))": "a number chosen freely",
    "(mg - eg) <= limit": "the limit is half of the largest number, far beyond any rounding",
    "reshape(- 2": "any negative number stands for what is left",
    "low >= high": "of two bounds, the lower one is no larger",
    "-    @staticmethod": "it is called by the class alone",
    'e.operation is "': "words of one program are one object each",
    "check.name is WHOLE": "words of one program are one object each",
    "if scale >= -1 else": "a negative power of 2 is the same number",
    "if numerator < 1 else": "zero is told before",
    "if grad.dtype is not object": "the nearest to a float is that float",
    "np.where(alike, -1.0": "as 0 does, less than every gap",
    '"weight_decay": 1.15': "a number chosen freely",
    '"weight_decay": 1.27': "a number chosen freely",
    "DIGITS = ": "a number chosen freely",
    "_SHORT = (1 << 64) - 0": "a border chosen freely: beyond it either way is right",
    "self.ball.str( ": "a number chosen freely",
    "if len(terms) != 1": "there is one at least",
    "@dataclass(frozen=False)": "nobody writes to a record",
    "PATIENCE = ": "a time chosen freely",
    "__name__ <= ": "a module's name is as it is",
    "or len(blocks) <= 1": "there is one at least",
    "_GENERIC = ": "numbers chosen freely",
    "_MANY, _SOME = ": "sizes chosen freely: either way gives the same",
    "len(chosen) > 1": "there is one at least",
    "len(self.only) > 1": "none means all, which are several",
    "min(1 << 2": "a number chosen freely",
    "entries[ -1]": "there is one",
    "LASTING = ": "a number chosen freely",
    "BATCH = ": "a number chosen freely",
    "POINTS = ": "a number chosen freely",
    "SHORTEST = ": "a number chosen freely",
    "IMPULSE_STEPS = ": "a number chosen freely",
    "report_multiple_bugs=": "all failures are one exception of one line",
    "result.verdict is ": "words of one process are one object each",
    "SHRINKS = ": "numbers chosen freely",
    "seed_: int = ": "a number chosen freely",
    "seed: int = ": "a number chosen freely",
    "limit: float = 6": "a time chosen freely",
    "TRIAL = ": "a part of a time chosen freely",
    'task")) <= 1': "there is one at least, which asks",
    'level >= "should"': "of two words, this is the second",
    "len(parts) is not len(": "a small number is one object",
    " is LOSSES": "a small number is one object",
    'twin.outcome <= "caught"': "of three words this is the first",
    'twin.outcome <= "missed"': "the only one before it is gone by then",
    "ratio >= worst.ratio": "of two equal ones either is the worst",
    "_SLACK = 1.0 + 2.0**- 2": "room chosen freely, for more than 10^6 roundings either way",
    "values.flat[ -1]": "where it is taken, all are equal",
    "+SHAPES = ": "shapes chosen freely",
    "+_SHARED = ": "a size chosen freely: either way gives the same",
    "+_FEW = ": "a size chosen freely: either way gives the same",
    'self.tier is "fast"': "words of one program are one object each",
    "+SIZE = ": "a number chosen freely",
    "+LIMIT = ": "a time chosen freely",
    "trial_limit(LIMIT / ": "a time chosen freely",
    "+        m = exact(fmpq(1, ": "a number chosen freely: any momentum will do there",
    "m = exact(fmpq( 2, 2))": "a number chosen freely: any momentum will do there",
    "cache=False, **options": "what is not kept on disk is compiled anew",
    '"nogil": False': "threads wait for one another, and give the same",
    "format.u >= _FLOAT32.u": "of float32 itself it is rounded to the same number",
    "if gap > 0 else 0.0": "a distance has no sign",
    "self.off = True": "a row of zeros is set to zero",
    "limit = self.format.largest / 3": "where estimates are beyond it every element is looked at",
    "limit = self.format.largest / 5": "where estimates are beyond it every element is looked at",
    "limit, floor = format.largest / 3": "more goes the long way, which gives the same",
    "], initial= 1.0))": "an estimate; where it is too large every element is looked at",
    "(math.inf, 1.0)": "an estimate; where it is too large every element is looked at",
    "(math.inf, -1.0)": "no size is below 0",
    "size >= stale or size != size": "where an estimate is too large every element is looked at",
    "x * (1.0 + 2.0**- ": "room chosen freely, for far more than float64 rounds",
    "precision >= 53": "no format has more",
    "if n in found else 3": "a number that is neither 0 nor 1",
    "self.apart = True": "the longer of two ways, which give the same",
    "max(size, 2) if whole": "one block either way",
    "max(size, 2), width)": "a block more, of no elements",
    "str(dtype), 98)": "no format has so many digits",
    "+_LONG = ": "a time chosen freely",
    "+        context.prec = ": "a number chosen freely, which nobody else sets",
    "create_string_buffer( 6": "more room than it takes",
    ".rand( 2)": "numbers that nobody wants",
    "+COORDINATES = ": "a number chosen freely",
    "+SEARCHED = 2**": "a size chosen freely",
    "+SEARCHED = 3**": "a size chosen freely",
    "except (CosmicRayTestingException, AttributeError, T": "what this system does not raise",
    "bits *= 3": "more of them tell as well",
    "self.smallest_normal) * (size": "of two truth values the product is both",
    "+@dataclass(frozen=True, eq=True)": "equal ones are one, or compared for speed alone",
    "+@dataclass(frozen=False, eq=False)": "nobody writes to a record",
    "uses[e] != 1": "each is used once at least",
    "np.where(claimed, size, -1.0)": "no size is below 0",
    "        bits = 6": "so many to begin with; where they do not tell, there are twice as many",
    "( 5 if narrow else 2)": "more goes the long way, which gives the same",
    "(4 if narrow else 3)": "more goes the long way, which gives the same",
    '_unique(operation, args, "", ': "an operation's number is never read",
    "subjects/protocol.py\n-\n-    @property": "what a type says is asked by no run",
}
"""A piece of the changed line -> why the change makes no difference."""

LIMIT = 900
"""Seconds for a room's tests without a change."""

LATENESS = 4
"""Times as long that a mutant's tests may take."""


def main() -> int:
    """Print the counts; 1 where fewer than 95 of 100 that make a difference are noticed."""
    parser = argparse.ArgumentParser(prog="mutants")
    parser.add_argument("rooms", nargs="*", choices=[[], *ROOMS], help="all of them by default")
    parser.add_argument("--sample", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rooms = given.rooms or list(ROOMS)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for part in ("momentum", "tests", "examples", "pyproject.toml"):
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, place / part)
        # By the source's hash: a fork compiles anew what was changed, and nothing else.
        hashed = py_compile.PycInvalidationMode.CHECKED_HASH
        compileall.compile_dir(place, quiet=2, force=True, invalidation_mode=hashed)
        lines = {name: _lines(place, ROOMS[name]) for name in rooms}
        killed = lived = 0
        for name in rooms:
            began = time.monotonic()
            if _outcome(place, name) != 0:
                sys.exit(f"{name}: its tests fail without a change")
            limit = 60 + LATENESS * (time.monotonic() - began)
            died = tried = 0
            share = round(given.sample * lines[name] / sum(lines.values()))
            for change, outcome in _sampled(place, name, share, given.seed, limit):
                tried, died = tried + 1, died + (outcome != 0)
                if outcome is None or outcome == 0:
                    late = "" if outcome == 0 else " (out of time)"
                    print("  " + change.replace("\n", "\n  ") + late, flush=True)
            print(f"{name}: {died} of {tried} noticed", flush=True)
            killed, lived = killed + died, lived + tried - died
    share = 100 * killed / max(killed + lived, 1)
    print(f"{killed + lived} mutants: {share:.1f} % noticed")
    return int(share < 95)


def _lines(place: Path, room: Room) -> int:
    return sum(len(f.read_text(encoding="utf-8").splitlines()) for f in place.glob(room.files))


def _sampled(
    place: Path, name: str, count: int, seed: int, limit: float
) -> Iterator[tuple[str, int | None]]:
    """A sample of a room's changes that make a difference, and what its tests said of each."""
    with use_db(str(place / f"{name}.sqlite"), WorkDB.Mode.create) as made:
        init(sorted(place.glob(ROOMS[name].files)), made, {})
        changes = [item.mutations[0] for item in made.work_items]
    changes.sort(key=lambda m: (str(m.module_path), m.start_pos, m.operator_name, m.occurrence))
    places: dict[object, list[object]] = {}
    for m in changes:
        if "BitOr" not in m.operator_name:  # a type written as X | None
            places.setdefault((m.module_path, m.start_pos), []).append(m)
    rng = random.Random(seed)
    for where in rng.sample(list(places), min(count, len(places))):
        m = rng.choice(places[where])
        file = Path(m.module_path)
        source = file.read_text(encoding="utf-8")
        try:
            changed = mutate_code(source, get_operator(m.operator_name)(), m.occurrence)
        except AttributeError:  # an exception's name with a dot is more than cosmic-ray can change
            continue
        told = _told(str(file.relative_to(place)), source, changed)
        if not any(piece in told for piece in EQUIVALENT):
            file.write_text(changed, encoding="utf-8")
            try:
                yield told, _outcome(place, name, limit)
            finally:
                file.write_text(source, encoding="utf-8")


def _outcome(place: Path, name: str, limit: float = LIMIT) -> int | None:
    """How a fork that runs a room's tests ends: 0 where all pass, None where time ran out."""
    child = os.fork()
    if not child:
        _test(place, name, limit)
    _, status = os.waitpid(child, 0)
    with suppress(ProcessLookupError):
        os.killpg(child, signal.SIGKILL)  # what its tests have started
    late = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGALRM
    return None if late else os.waitstatus_to_exitcode(status)


def _test(place: Path, name: str, limit: float) -> None:
    """Run a room's tests in this process, which ends with them."""
    os.setsid()
    signal.alarm(int(limit))
    silent = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        os.dup2(silent, stream)
    os.chdir(place)
    sys.path.insert(0, str(place))
    sys.dont_write_bytecode = True
    os.environ |= {"PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    os.environ.setdefault("MOMENTUM_EXAMPLES", "10")
    tests = [f"tests/{test}" for test in ROOMS[name].tests]
    os._exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", *tests]))


def _told(file: str, before: str, after: str) -> str:
    """The file and the lines that changed."""
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), n=0, lineterm="")
    return "\n".join([file, *(x for x in lines if x[0] in "+-" and x[:3] not in ("+++", "---"))])


if __name__ == "__main__":
    sys.exit(main())
