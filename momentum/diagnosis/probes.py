"""Short runs that tell conventions apart.

All numbers are dyadic, so most runs are free of rounding; they are chosen so that no two
hyper-parameters, nor 1 minus one of them, coincide.
"""

import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from momentum.conventions import Hyper
from momentum.subjects.drive import Observation, observe
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Facts, Subject, SubjectError
from momentum.subjects.trial import Restated

VALUES: Mapping[str, Any] = {
    "lr": 1 / 8,
    "momentum": 3 / 4,
    "dampening": 7 / 16,
    "weight_decay": 3 / 8,
    "nesterov": True,
    "maximize": True,
    "nu": 5 / 8,
}
CHANGES: Mapping[str, tuple[float, ...]] = {
    "lr": (1 / 8, 1 / 8, 1 / 2, 1 / 2, 1 / 4, 1 / 4),
    "momentum": (3 / 4, 3 / 4, 1 / 2, 1 / 2, 7 / 8, 7 / 8),
}
DTYPES = ("float64", "float32", "float16", "bfloat16")
STEPS = 6
COORDINATES = 8


@dataclass(frozen=True)
class Probe:
    """One run. about: what it decides: names of hyper-parameters, or `lr change`.

    core: it decides the rule itself, not whether an option is honoured.
    """

    name: str
    about: tuple[str, ...]
    problem: Problem
    core: bool = False


def taken(facts: Facts) -> frozenset[str]:
    """Hyper-parameters that are on, or can be."""
    fixed = dict(facts.fixed)
    on = {n for n, x in fixed.items() if x != Hyper._field_defaults.get(n)}
    return frozenset((facts.hyper - set(fixed)) | (on & set(Hyper._fields)))


def dtype_for(facts: Facts) -> str:
    """The finest dtype that the subject claims."""
    return next((name for name in DTYPES if name in facts.dtypes), facts.dtypes[0])


_OURS = tuple(
    str(Path(__file__).parents[1] / room) for room in ("diagnosis", "oracle", "arithmetic")
)


def refusal(error: Exception) -> str:
    """The words of a foreign optimizer that refuses a probe.

    Raises: the error itself where it comes from this package, whose faults are no refusal.
    """
    frames = traceback.extract_tb(error.__traceback__)
    if frames and frames[-1].filename.startswith(_OURS) and not isinstance(error, SubjectError):
        raise error
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"


def tried(subject: Subject, problem: Problem) -> Observation | str:
    """The run, or the words with which the subject refuses it: one probe, and no other."""
    try:
        return observe(subject, problem)
    except Exception as error:  # whatever a foreign optimizer raises; ours is raised anew
        return refusal(error)


def trimmed(subject: Subject, dtype: str) -> tuple[Subject, dict[str, str]]:
    """The subject, and the hyper-parameters that it refuses, with its words."""
    facts = subject.facts
    fixed = {n: x for n, x in facts.fixed.items() if n in Hyper._fields}
    base = {n: VALUES[n] for n in ("lr", "momentum") if n in facts.hyper | {"lr"}} | fixed
    declined = {}
    for name in sorted(facts.hyper - set(base)):
        try:
            run = subject.start([np.ones(2)], [Hyper(**(base | {name: VALUES[name]}))], dtype)
            run.step([np.ones(2)])
        except Exception as error:  # whatever a foreign optimizer raises; ours is raised anew
            declined[name] = refusal(error)
    if len(declined) == len(facts.hyper - set(base)) > 0 and "momentum" in base:
        return subject, {}  # it refuses everything: the probes will tell
    kept = replace(facts, hyper=facts.hyper - set(declined))
    return Restated(subject, kept), declined


def probes(
    facts: Facts, dtype: str, shapes: tuple[tuple[int, ...], ...] = ((COORDINATES,),)
) -> Iterator[Probe]:
    """The rule itself first, then each option, then options together."""
    fixed = {n: x for n, x in facts.fixed.items() if n in Hyper._fields}
    has = taken(facts)
    always = tuple(n for n in ("dampening", "weight_decay", "nesterov", "maximize") if n in fixed)
    always = tuple(n for n in always if n in has)
    flags = [
        n for n in ("nesterov", "dampening", "weight_decay", "maximize") if n in has - set(fixed)
    ]
    changing = [n for n in ("lr", "momentum") if n in facts.settable - set(fixed) and n in has]

    def probe(
        name: str, about: tuple[str, ...], change: tuple[str, ...] = (), core: bool = False
    ) -> Probe:
        base: dict[str, Any] = {"lr": VALUES["lr"]}
        for n in ("momentum", "nu"):
            if n in has:
                base[n] = VALUES[n]
        base |= {n: VALUES[n] for n in about if n in VALUES and n in has} | fixed
        rows = []
        for t in range(STEPS):
            now = base | {n: CHANGES[n][t] for n in change}
            rows.append((Hyper(**now),))
        problem = Problem(dtype, shapes, tuple(rows), (0,) * len(shapes), "dyadic", seed=20)
        # Nesterov's form may be taken where it is off.
        off = ("nesterov",) if "nesterov" in flags and "nesterov" not in about else ()
        told = (*always, *about, *off, *(f"{n} change" for n in change))
        return Probe(name, told, problem, core)

    yield probe("constant", (), core=True)
    for n in changing:
        yield probe(f"{n} changes", (), (n,), core=True)
    steady = ("lr",) if "lr" in changing else ()
    for flag in flags:
        yield probe(f"{flag}, lr changes" if steady else flag, (flag,), steady)
    pairs = [("nesterov", "weight_decay"), ("nesterov", "maximize"), ("weight_decay", "maximize")]
    if "nesterov_with_dampening" in facts.offers:
        pairs.append(("nesterov", "dampening"))
    for pair in pairs:
        if set(pair) <= set(flags):
            yield probe(" and ".join(pair), pair, steady)
