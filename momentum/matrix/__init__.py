"""Every installed implementation under every check, and against every convention."""

from momentum.matrix.comparing import Cell, compare
from momentum.matrix.implementations import IMPLEMENTATIONS, Implementation
from momentum.matrix.rows import Row, Setting, row

__all__ = ["IMPLEMENTATIONS", "Cell", "Implementation", "Row", "Setting", "compare", "row"]
