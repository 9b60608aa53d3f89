"""Mutants of the package under its own tests: `tox -e mutants -- --sample 150 --seed 0 [ROOM]...`.

cosmic-ray makes every single-point change of a room; a seeded sample of them is run, each in a copy
of the package, against that room's tests. A survivor is printed with its change: a test is missing,
or the change makes no difference, which `EQUIVALENT` says with the reason.
"""

import argparse
import os
import random
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

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
            "conventions/test_hyper.py",
            "conventions/test_conventions.py",
            "conventions/test_text.py",
        ),
    ),
    "oracle": Room("momentum/oracle/*.py", ("oracle",)),
    "subjects": Room("momentum/subjects/*.py", ("subjects",)),
    "checks": Room("momentum/checks/_*.py", ("checks/test_plumbing.py", "checks/test_lockstep.py")),
    "runner": Room(
        "momentum/runner/*.py",
        (
            "runner/test_one_check.py",
            "runner/test_expectations.py",
            "runner/test_series.py",
            "runner/test_claims.py",
            "runner",
        ),
    ),
}
"""What is sampled: places of each room in proportion to its lines, one change at each."""

EQUIVALENT: dict[str, str] = {
    'name is "settings"': "names of attributes are interned",
    "-1.0 - unit == 1.0": "rounding downward shows in the sum before it too",
    "[i - len(hypers) for i": "a negative index counts from the end: the same groups",
    '"lr": 1.3': "a number chosen freely",
    '"quick": 39': "a number chosen freely",
    "self.batch = ~1": "a number that no batch has",
    "__name__ <= ": "a module's name is as it is",
    "ratio >= worst.ratio": "of two equal ones either is the worst",
}
"""A piece of the changed line -> why the change makes no difference."""

TEXT = re.compile(r"^[+-](?![+-])", re.MULTILINE)


def main() -> int:
    """Print the counts; 1 where fewer than 95 of 100 that make a difference are noticed."""
    parser = argparse.ArgumentParser(prog="mutants")
    parser.add_argument("rooms", nargs="*", choices=[[], *ROOMS], help="all of them by default")
    parser.add_argument("--sample", type=int, default=150)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    rooms = given.rooms or list(ROOMS)
    with tempfile.TemporaryDirectory() as place:
        for part in ("momentum", "tests", "pyproject.toml"):
            copy = shutil.copytree if (ROOT / part).is_dir() else shutil.copy
            copy(ROOT / part, Path(place, part))
        lines = {name: _lines(Path(place), ROOMS[name]) for name in rooms}
        killed = lived = 0
        for name in rooms:
            share = round(given.sample * lines[name] / sum(lines.values()))
            died, living = _sampled(Path(place), name, share, given.seed)
            print(f"{name}: {died} of {died + len(living)} noticed", flush=True)
            for change in living:
                print("  " + change.replace("\n", "\n  "), flush=True)
            killed, lived = killed + died, lived + len(living)
    share = 100 * killed / max(killed + lived, 1)
    print(f"{killed + lived} mutants: {share:.1f} % noticed")
    return int(share < 95)


def _lines(place: Path, room: Room) -> int:
    return sum(len(f.read_text(encoding="utf-8").splitlines()) for f in place.glob(room.files))


def _sampled(place: Path, name: str, count: int, seed: int) -> tuple[int, list[str]]:
    """How many of a sample of a room's mutants are noticed, and the changes that are not."""
    room, session = ROOMS[name], place / f"{name}.sqlite"
    paths = [str(f.relative_to(place)) for f in sorted(place.glob(room.files))]
    tests = " ".join(f"tests/{test}" for test in room.tests)
    config = place / f"{name}.toml"
    config.write_text(
        "[cosmic-ray]\n"
        f"module-path = {paths}\n"
        "timeout = 300.0\n"
        "excluded-modules = []\n"
        f'test-command = "{sys.executable} -m pytest -x -q -p no:cacheprovider {tests}"\n'
        '[cosmic-ray.distributor]\nname = "local"\n',
        encoding="utf-8",
    )
    _cosmic_ray(place, "init", config.name, session.name)
    with sqlite3.connect(session) as rows:
        jobs = [job for (job,) in rows.execute("SELECT job_id FROM work_items ORDER BY job_id")]
        places: dict[tuple[str, ...], list[str]] = {}
        for job, operator, *where in rows.execute(
            "SELECT job_id, operator_name, module_path, start_pos_row, start_pos_col"
            " FROM mutation_specs ORDER BY module_path, start_pos_row, start_pos_col,"
            " operator_name, occurrence"
        ):
            if "BitOr" not in operator:  # a type written as X | None
                places.setdefault(tuple(where), []).append(job)
        rng = random.Random(seed)
        chosen = rng.sample(list(places), min(count, len(places)))
        kept = {rng.choice(places[where]) for where in chosen}
        for job in jobs:
            if job not in kept:
                rows.execute("DELETE FROM mutation_specs WHERE job_id = ?", (job,))
                rows.execute("DELETE FROM work_items WHERE job_id = ?", (job,))
    _cosmic_ray(place, "exec", config.name, session.name)
    with sqlite3.connect(session) as rows:
        found = list(rows.execute("SELECT test_outcome, diff FROM work_results ORDER BY job_id"))
    living = [_change(diff) for outcome, diff in found if str(outcome).upper().endswith("SURVIVED")]
    living = [change for change in living if not any(piece in change for piece in EQUIVALENT)]
    return len(found) - len(living), living


def _cosmic_ray(place: Path, *words: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(place), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-m", "cosmic_ray.cli", *words]
    subprocess.run(command, cwd=place, env=environment, check=True)


def _change(diff: str) -> str:
    """The file and the lines that changed."""
    file = next(line for line in diff.splitlines() if line.startswith("+++ "))
    lines = [line for line in diff.splitlines() if TEXT.match(line)]
    return "\n".join([file.split()[-1].removeprefix("b/"), *lines])


if __name__ == "__main__":
    sys.exit(main())
