"""Every installed implementation under every check, and against every convention."""

from momentum.diagnosis.comparing import Cell, compare
from momentum.report.matrix.implementations import IMPLEMENTATIONS, Implementation
from momentum.report.matrix.rows import Row, Setting, row

__all__ = ["IMPLEMENTATIONS", "Cell", "Implementation", "Row", "Setting", "compare", "row"]
