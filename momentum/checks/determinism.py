"""The same again gives the same bits."""

from momentum.checks._check import Found, check
from momentum.checks._runs import compared, whole
from momentum.checks.state import any_runs, short_runs
from momentum.conventions import Convention
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject


@check(
    statement="The same run, made twice, gives the same bits.",
    source="law; the rule has no random part and no order of summation that could vary",
    catches="not_deterministic",
    always=short_runs,
    random=any_runs,
)
def repeats_bit_for_bit(subject: Subject, convention: Convention, problem: Problem) -> Found:
    wanted = whole(subject, problem)
    yield from compared("second time", whole(subject, problem), wanted, problem)
