"""Wrong runs of the gallery whose cause is no rule: they are run beside the subject."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Convention
from momentum.diagnosis.hypothesis import CLEAR, Hypothesis, Suspect, gap
from momentum.diagnosis.probes import refusal
from momentum.diagnosis.suspects import in_words
from momentum.gallery import GALLERY, Machine
from momentum.subjects.drive import Observation, begin, steps
from momentum.subjects.judge import blocks
from momentum.subjects.protocol import Array, Subject


@dataclass(frozen=True)
class Simulated:
    """A wrong optimizer, stepped with the very gradients that the subject was fed."""

    machine: Machine

    def iterates(self, observation: Observation) -> tuple[tuple[Array, ...], ...] | None:
        """Where it goes; None where it refuses, or breaks."""
        problem = observation.problem
        try:
            run: Any = begin(self.machine, problem)
            gone = list(steps(run, problem.hypers, lambda t, _: observation.fed[t]))
        except Exception as error:  # a wrong machine refuses, or breaks; ours is raised anew
            refusal(error)
            return None
        return tuple(tuple(np.asarray(x, dtype=np.float64) for x in here) for _, here in gone)

    def speaks(self, subject: Subject, observation: Observation) -> bool:
        """It goes clearly elsewhere than its convention; of runs that it refuses it says nothing.

        What is wrong in copies alone, say, goes nowhere else where nothing is copied.
        """
        own, rows = Hypothesis.of(self.machine.convention), self.iterates(observation)
        if rows is None:
            return False
        again = Observation(observation.problem, observation.fed, rows)
        return any(np.any(r > CLEAR) for r in own.ratios(self.machine, again))

    def holds(self, subject: Subject, observation: Observation) -> bool:
        """Both lie within two bounds of each other, and a rounding of what is stored.

        The bound is a heuristic here: that of the convention in the same run, as a wrong run that
        is no rule has none of its own; and its numbers may be larger than the convention's.
        """
        problem = observation.problem
        if problem.dtype not in self.machine.dtypes:
            return False
        dtype = subject.facts.format_name(problem.dtype)
        if (rows := self.iterates(observation)) is None:
            return False
        for block in blocks(problem, observation.fed):
            bound = block.replayed(self.machine.convention, dtype).bound
            got = np.array([block.joined(row) for row in observation.iterates])
            wanted = np.array([block.joined(row) for row in rows])
            apart, stored = gap(got, wanted), 2 * format_of(dtype).u * np.abs(wanted)
            if not np.all((apart == 0) | ((apart <= 2 * bound + stored) & np.isfinite(bound))):
                return False
        return True


def simulated(convention: Convention, failed: Observation) -> Iterator[Suspect[Simulated]]:
    """This convention's wrong twins that are wrong in a failing run, too.

    A run that is wrong is so with any rule that keeps the same state.
    """
    dtype = failed.problem.dtype
    for defect in GALLERY.values():
        machine: Any = defect.build()
        if not isinstance(machine, Machine) or dtype not in machine.dtypes:
            continue
        if machine.convention.full_name != convention.full_name:
            if machine.rule or type(machine.convention.initial) is not type(convention.initial):
                continue
            machine = replace(machine, convention=convention)
        twin = Simulated(machine)
        if twin.speaks(machine, failed):
            yield Suspect(in_words(defect), twin)
