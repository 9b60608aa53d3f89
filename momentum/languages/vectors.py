"""Test vectors: expected parameters of every convention with their bound, to take anywhere.

Starts and gradients are drawn from seeds, expected values come from exact arithmetic, bounds from
the oracle. An implementation in any language reads a file, steps, and compares
|got - expected| <= bound, or writes its answers down for `momentum vectors verify`.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import numpy as np

from momentum import __version__
from momentum.arithmetic import format_of
from momentum.conventions import CONVENTIONS, Convention, get
from momentum.languages.families import FAMILIES, Family, Plan, rows_of
from momentum.languages.numbers import meant, numbers, texts
from momentum.languages.spellings import decoded
from momentum.oracle.replay import Trajectory, replay_steps
from momentum.subjects.problems import Problem

SCHEMA = "momentum-vectors-1"
VERIFIERS = sorted(Path(__file__).with_name("verifiers").iterdir())


class Note(msgspec.Struct, frozen=True):
    """What a flag of a case means."""

    tests: str
    catches: str
    effect: str
    reference: str = ""


class Case(msgspec.Struct, frozen=True, omit_defaults=True):
    """One run. hyper: one object a step. gradients: null where there is none.

    expected: the exact parameters after each step, rounded to float64, as hexadecimal floats;
    bound: how far an implementation in `dtype` may be from them; shown: the last step in decimals.
    """

    id: str
    flags: list[str]
    dtype: str
    size: int
    hyper: list[dict[str, Any]]
    start: list[str]
    gradients: list[list[str] | None]
    expected: list[list[str]]
    bound: list[list[str]]
    shown: list[float]


class VectorFile(msgspec.Struct, frozen=True):
    """The cases of one family under one convention."""

    schema: str
    generator: str
    convention: str
    spoken_by: list[str]
    formula: list[str]
    family: str
    notes: dict[str, Note]
    cases: list[Case]


class Made(NamedTuple):
    """A case with the trajectory that it was written from."""

    case: Case
    truth: Trajectory
    family: Family


def cases(convention: Convention, flushing: bool = False) -> Iterator[Made]:
    """Every case of a convention, family by family, always the same.

    flushing: with the bounds of what turns subnormal numbers to zero.
    """
    for family in FAMILIES:
        if family.needs <= convention.knows:
            for i, plan in enumerate(family.plans):
                yield _made(convention, family, i, plan, flushing)


def _made(
    convention: Convention, family: Family, number: int, plan: Plan, flushing: bool = False
) -> Made:
    rows = rows_of(plan, convention)
    problem = Problem(
        plan.dtype, ((plan.size,),), tuple((h,) for h in rows), (0,), plan.kind, seed=number
    )
    start = problem.start[0]
    grads = [
        None if t in plan.missing else problem.gradients(t, [start])[0] for t in range(len(rows))
    ]
    dtype = f"{plan.dtype}:flushing" if flushing else plan.dtype
    truth = replay_steps(convention, start, grads, rows, dtype=dtype, tier="exact")
    case = Case(
        id=f"{convention.full_name}/{family.name}/{number}",
        flags=[family.name, *(["BASIC"] if family.name == "basic" else [])],
        dtype=plan.dtype,
        size=plan.size,
        hyper=[{n: x for n, x in h._asdict().items() if n in convention.knows} for h in rows],
        start=texts(start),
        gradients=[None if g is None else texts(g) for g in grads],
        expected=[texts(x) for x in truth.values],
        # With the rounding of the expected value to float64, rounded up.
        bound=[
            texts(np.nextafter(b + np.spacing(np.abs(x)) / 2, np.inf))
            for b, x in zip(truth.bound, truth.values)
        ],
        shown=[float(x) for x in truth.values[-1]],
    )
    return Made(case, truth, family)


def schema() -> bytes:
    """The JSON schema of a file of vectors."""
    told = msgspec.json.encode(msgspec.json.schema(VectorFile))
    return msgspec.json.format(told, indent=1) + b"\n"


def write(folder: Path, conventions: Sequence[str] = ()) -> list[Path]:
    """Write the vectors of some conventions, of all by default; the files that were written.

    One JSON file for each convention and family, the JSON schema of them all, and verifiers in C
    and JavaScript for those who want no Python. The same version writes the same bytes.
    Raises: ValueError for an unknown convention, OSError where a file cannot be written.
    """
    chosen = [get(name) for name in conventions or CONVENTIONS]
    written = [folder / "schema.json"]
    folder.mkdir(parents=True, exist_ok=True)
    written[0].write_bytes(schema())
    for verifier in VERIFIERS:
        written.append(folder / verifier.name)
        written[-1].write_bytes(verifier.read_bytes())
    for convention in chosen:
        for name, group in groupby(cases(convention), lambda made: made.family.name):
            path = folder / convention.full_name.replace(":", "-") / f"{name}.json"
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(msgspec.json.encode(_file(convention, list(group))) + b"\n")
            written.append(path)
    return written


def _file(convention: Convention, group: Sequence[Made]) -> VectorFile:
    family = group[0].family
    note = Note(family.tests, family.catches, family.effect, family.reference)
    notes = {family.name: note}
    if family.name == "basic":
        notes["BASIC"] = Note("The harness reads and writes numbers rightly.", "a broken harness",
                              "every other case fails too")  # fmt: skip
    return VectorFile(
        SCHEMA, f"momentum {__version__}", convention.full_name, sorted(convention.spoken_by),
        list(convention.formula), family.name, notes, [made.case for made in group],
    )  # fmt: skip


class Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an implementation answers to a case: parameters after each step, or why it has none.

    Numbers may be as `momentum.languages.numbers` reads them.
    """

    id: str
    parameters: list[list[float | str]] = []
    skipped: str = ""


class Verified(NamedTuple):
    """What became of one case. ratio: worst error / bound, of the trajectory and of each step."""

    case: Case
    family: Family
    verdict: str
    ratio: float = 0.0
    words: str = ""


def verify(answers: Sequence[Answer], flushing: bool = False) -> list[Verified]:
    """Judge answers by the trajectories that their cases were written from.

    Every case of each convention that is answered at all has to be answered once. flushing: see
    `cases`.
    Raises: ValueError for an id that is unknown, missing or there twice, or for answers that do not
    have the shape of their case.
    """
    told: dict[str, Answer] = {}
    for answer in answers:
        if answer.id in told:
            raise ValueError(f"{answer.id} is answered twice")
        told[answer.id] = answer
    if not told:
        raise ValueError("there is no answer: wanted one line for each case")
    found = []
    for name in dict.fromkeys(id.split("/")[0] for id in told):
        for made in cases(get(name), flushing):
            if made.case.id not in told:
                raise ValueError(f"{made.case.id} is not answered")
            found.append(_verified(made, told.pop(made.case.id)))
    if told:
        raise ValueError(f"{next(iter(told))} is no case of these vectors")
    return found


def _verified(made: Made, answer: Answer) -> Verified:
    if answer.skipped:
        return Verified(made.case, made.family, "skipped", words=answer.skipped)
    try:
        got = [numbers(row) for row in answer.parameters]
    except ValueError as error:
        raise ValueError(f"{answer.id}: {error}") from None
    wanted = len(made.case.hyper), made.case.size
    if len(got) != wanted[0] or any(len(row) != wanted[1] for row in got):
        raise ValueError(f"{answer.id}: wanted {wanted[0]} steps of {wanted[1]} numbers each")
    format = format_of(made.case.dtype)
    compared = made.truth.compare([meant(np.array(row), format) for row in got])
    ratio = np.maximum(compared.trajectory.ratio, compared.step.ratio)
    t, k = (int(i) for i in np.unravel_index(int(np.argmax(ratio)), ratio.shape))
    words = f"step {t + 1}, element {k}: {got[t][k]!r}, exact {float(made.truth.values[t, k])!r}"
    verdict = "passed" if compared.passed else "failed"
    return Verified(made.case, made.family, verdict, float(ratio[t, k]), words)


def answers_of(text: str) -> list[Answer]:
    """Answers from JSON lines, one for each case.

    Raises: ValueError, naming the line.
    """
    found = []
    for i, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                found.append(decoded(line, Answer))
            except ValueError as error:
                raise ValueError(f"line {i}: {error}") from None
    return found


def told_by(found: Sequence[Verified]) -> Mapping[str, list[Verified]]:
    """Failures by family; where a BASIC case fails, those alone, since they blame the harness."""
    failed: dict[str, list[Verified]] = {}
    for one in found:
        if one.verdict == "failed":
            failed.setdefault(one.family.name, []).append(one)
    return {"basic": failed["basic"]} if "basic" in failed else failed
