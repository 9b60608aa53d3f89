"""Optimizers that are wrong on purpose, and right ones that look different."""

from momentum.gallery.machine.machine import Machine
from momentum.gallery.right import REFORMULATIONS, Reformulation
from momentum.gallery.wrong._defect import GALLERY, Defect

__all__ = ["GALLERY", "REFORMULATIONS", "Defect", "Machine", "Reformulation"]
