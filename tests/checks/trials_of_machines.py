"""Trials of the right machine, for tests of what checks stand on."""

from dataclasses import replace

from momentum.checks import Trial
from momentum.conventions import Hyper, get
from momentum.gallery import Machine
from momentum.subjects.problems import Problem

TORCH = get("accumulated")
H = Hyper(0.5, 0.5)


def machine(name="accumulated", **fields):
    return Machine("machine", get(name), **fields)


def problem(rows=(H,) * 3, shapes=((3,), (2, 2)), **more):
    return Problem("float64", shapes, tuple((h,) for h in rows), (0,) * len(shapes), **more)


def trial(*rows, subject=None, **more):
    return Trial(subject or machine(), TORCH, problem(rows or (H,) * 3, **more))


def facts(**fields):
    return replace(machine().facts, **fields)
