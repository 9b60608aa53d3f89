"""The gallery through a program: what is wrong in process is as wrong behind the protocol.

MOMENTUM_GALLERY=N takes N of the defects in place of a few, and prints what each way costs.
"""

import os
import shlex
import sys
import time
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from momentum.adapters import load
from momentum.gallery import GALLERY, Defect
from momentum.languages.protocol import OFFERED
from momentum.runner.options import Options
from momentum.runner.results import run
from momentum.subjects.protocol import Facts, Subject

PROGRAM = Path(__file__).with_name("gallery_program.py")
SAMPLE = int(os.environ.get("MOMENTUM_GALLERY", "3"))
EVERY = sorted(name for name, defect in GALLERY.items() if "float32" in defect.dtypes)
CHOSEN = EVERY[:: max(1, len(EVERY) // SAMPLE)][:SAMPLE]


@dataclass(frozen=True)
class Spoken:
    """A defect with as much of its face as the protocol can carry."""

    subject: Subject

    @property
    def facts(self) -> Facts:
        facts = self.subject.facts
        return replace(facts, offers=facts.offers & OFFERED, largest=4097)

    def start(self, *arguments: Any) -> Any:
        return self.subject.start(*arguments)


def judged(load: Any, defect: Defect) -> tuple[dict[str, tuple[str, str]], float]:
    """Check -> verdict and cause, and the seconds that it took."""
    began = time.perf_counter()
    options = Options(dtypes=("float32",), effort="quick", time_limit=300.0)
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
