"""The gallery through a program: what is wrong in process is as wrong behind the protocol.

Left out is what no program can show, which has one live run: a defect all of whose checks need what
the protocol does not carry, and one that remembers from run to run of a process.
MOMENTUM_GALLERY=N takes N of the others in place of a few, and prints what each way costs.
"""

import os
import pickle
import shlex
import sys
import time
from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from momentum.adapters import load
from momentum.checks import CHECKS
from momentum.conventions import Hyper, get
from momentum.gallery import GALLERY, Defect
from momentum.languages.protocol import OFFERED, OPTIONS
from momentum.runner.options import Options
from momentum.runner.results import run
from momentum.subjects.protocol import OFFERS, Facts, Subject

PROGRAM = Path(__file__).with_name("gallery_program.py")
SAMPLE = int(os.environ.get("MOMENTUM_GALLERY", "2"))
CARRIED = OFFERED | frozenset(OPTIONS.values())


@dataclass(frozen=True)
class Spoken:
    """A defect with as much of its face as the protocol can carry."""

    subject: Subject

    @property
    def facts(self) -> Facts:
        facts = self.subject.facts
        return replace(facts, offers=facts.offers & CARRIED, largest=4097)

    def start(self, parameters: Any, *arguments: Any) -> Any:
        shapes = [x.shape for x in parameters]
        return Flat(self.subject.start(parameters, *arguments), shapes)


@dataclass(frozen=True)
class Flat:
    """A run whose numbers come without their shapes, and whose state leaves it as text."""

    run: Any
    shapes: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.run, name)

    def parameters(self) -> Any:
        return [np.reshape(x, shape) for x, shape in zip(self.run.parameters(), self.shapes)]

    def save(self) -> Any:
        return pickle.loads(pickle.dumps(self.run.save()))


ONE_PROCESS = "several runs in a process"


def needed(name: str) -> str:
    """What no program has, and a defect needs to be seen: an offer, or several live runs."""
    defect = GALLERY[name]
    if remembers(defect):
        return ONE_PROCESS
    facts, convention = Spoken(defect.build()).facts, get(defect.convention)
    catching = (check for check in CHECKS.values() if name in check.defects)
    reasons = [check.why_not(facts, convention) for check in catching]
    return reasons[0].removeprefix("does not offer ").split()[0] if all(reasons) else ""


def remembers(defect: Defect) -> bool:
    """A run leaves something behind that a later one of the same subject finds."""
    subject: Any = defect.build()
    run = subject.start([np.ones(3)], [Hyper(0.1, 0.5)], defect.dtypes[0])
    run.step([np.ones(3)])
    return bool(subject.memory)


LEFT_OUT = {name: offer for name in GALLERY if (offer := needed(name))}
SHOWN = sorted(GALLERY.keys() - LEFT_OUT)
CHOSEN = SHOWN[:: max(1, len(SHOWN) // SAMPLE)][:SAMPLE]


def judged(load: Any, defect: Defect) -> tuple[dict[str, tuple[str, str]], float]:
    """Check -> verdict and cause, and the seconds that it took."""
    began = time.perf_counter()
    dtypes = ("float32",) if "float32" in defect.dtypes else defect.dtypes[:1]
    options = Options(dtypes=dtypes, effort="quick", time_limit=300.0)
    found = run(load, defect.convention, options)
    told = {r.id: (r.verdict, r.explanation) for r in found.results}
    return told, time.perf_counter() - began


@pytest.mark.parametrize("name", CHOSEN)
def test_verdicts_and_causes_are_the_same_behind_the_protocol(name: str) -> None:
    defect = GALLERY[name]
    command = "process:" + shlex.join([sys.executable, str(PROGRAM), name])
    inside, before = judged(lambda: Spoken(defect.build()), defect)
    behind, after = judged(partial(load, command), defect)
    print(f"{name}: {before:.1f} s in process, {after:.1f} s behind the protocol")
    assert inside
    assert behind == inside


def test_only_what_the_protocol_does_not_carry_is_left_out() -> None:
    told = ", ".join(f"{n} {offer}" for offer, n in sorted(Counter(LEFT_OUT.values()).items()))
    print(
        f"{len(SHOWN)} of {len(GALLERY)} defects can be shown by a program; the others need {told}"
    )
    assert set(LEFT_OUT.values()) <= (OFFERS.keys() - CARRIED) | {ONE_PROCESS}
