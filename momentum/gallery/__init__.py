"""Optimizers that are wrong on purpose, and right ones that look different."""

from momentum.gallery.machine.machine import Machine
from momentum.gallery.right import REFORMULATIONS, Reformulation
from momentum.gallery.wrong import (
    copies,
    decay,
    first_step,
    groups,
    hosting,
    maximize,
    memory,
    neighbours,
    nesterov,
    precision,
    rates,
    rules,
    scaler,
    schedules,
    shapes,
    special_values,
    state,
    validation,
)
from momentum.gallery.wrong._defect import GALLERY, Defect

THEMES = (
    rules, first_step, schedules, nesterov, decay, maximize, groups, shapes, state, copies, memory,
    scaler, precision, special_values, validation, neighbours, rates,
    hosting,
)  # fmt: skip
"""The files of the gallery."""

__all__ = [
    "GALLERY",
    "REFORMULATIONS",
    "THEMES",
    "Defect",
    "Machine",
    "Reformulation",
]
