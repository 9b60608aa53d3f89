"""What a run has lost, and what is not tried any more because of it."""

from collections import Counter

from momentum.runner.events import Job
from momentum.subjects.isolation import Lost

LOSSES = 2
"""A subject that was lost so often in one dtype is not tried further there; one that took its
time or its memory so often is not tried further at all."""


class Ledger:
    """Losses in the order of the report, so that what is given up depends on nothing else."""

    def __init__(self) -> None:
        self.lost: Counter[str] = Counter()
        self.slow = 0
        self.reasons: dict[str, str] = {}
        self.over = ""

    def enter(self, dtype: str, lost: Lost) -> None:
        """One more loss."""
        self.lost[dtype] += 1
        self.slow += lost.slow
        last = f"; the last time it {lost.words()}"
        if lost.slow and self.slow == LOSSES:
            self.over = f"not tried: the subject was lost {LOSSES} times{last}"
        if self.lost[dtype] == LOSSES:
            self.reasons[dtype] = f"not tried: the subject was lost {LOSSES} times in {dtype}{last}"

    def why_not(self, job: Job) -> str:
        """Why a job is not tried any more, empty where it is."""
        return self.over or self.reasons.get(job.dtype, "")
