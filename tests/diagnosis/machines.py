"""Machines that are wrong in one line, as the gallery's families make them, and their causes."""

from typing import Any

from momentum.conventions import Hyper, get
from momentum.diagnosis import Explainer
from momentum.gallery import Machine
from momentum.gallery.machine.machine import MachineRun
from momentum.subjects.problems import Problem

ACCUMULATED = get("accumulated")
ROW = (Hyper(0.1, 0.9),)


def machine(run: type[MachineRun] = MachineRun, **parts: Any) -> Machine:
    return Machine(name="m", convention=ACCUMULATED, run=run, **parts)


def cause(subject: Any, problem: Problem) -> str:
    """Of a subject, or of a machine that runs so."""
    subject = machine(subject) if isinstance(subject, type) else subject
    return Explainer(subject, ACCUMULATED).cause(problem)
