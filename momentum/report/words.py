"""What every report says in the same words."""

import math
import re
import shlex
from collections.abc import Iterable

from momentum.checks.result import VERDICTS, Header, Result, Results, Verdict
from momentum.runner.series import setting_in_words
from momentum.subjects.problems import Problem

ALWAYS: tuple[Verdict, ...] = ("passed", "failed", "errored", "skipped")
"""Verdicts that are counted where there are none, too."""


def number(value: float) -> str:
    """Three digits that matter: `0.940`, `673`, `4.07e+05`."""
    if not math.isfinite(value):
        return str(value)
    if value == 0 or 0.001 <= abs(value) < 1:
        return f"{value:.3f}"
    return f"{value:.3g}"


def command(header: Header) -> list[str]:
    """Words of the command line that names the subject and its convention."""
    return ["momentum", "check", *header.arguments, "--as", header.convention]


def replay(header: Header, result: Result) -> str:
    """A command that measures the result's problem again; empty where there is none."""
    if not result.problem or not header.arguments:
        return ""
    words = [*command(header), "--only", result.id, "--replay", result.problem]
    return shlex.join(words)


def evidence(result: Result) -> str:
    """What was wrong, by how much: one sentence, for a failed or errored result."""
    return _measured(
        result,
        "this must not be",
        "a number is lost to inf or nan",
        f"differs by {number(result.error)} where nothing may differ",
        f"error {result.error:.3g} is {number(result.ratio)} times its bound {result.bound:.3g}",
    )


def amount(result: Result) -> str:
    """How far from right, in a few words."""
    equal, apart = f"{number(result.error)}, must be equal", f"{number(result.ratio)} bounds"
    return _measured(result, "must not be", "lost to inf or nan", equal, apart)


def _measured(result: Result, banned: str, lost: str, equal: str, apart: str) -> str:
    if result.surprise or result.verdict == "errored":
        return result.reason
    if math.isinf(result.bound) or not math.isfinite(result.error):
        return lost if result.how else banned
    return apart if result.bound else equal


def several(amount: int, noun: str) -> str:
    """`1 result`, `2 results`."""
    return f"{amount} {noun}{'' if amount == 1 else 's'}"


def convention(header: Header) -> str:
    """The name that was asked for, and beside it the convention's own where that is another."""
    if header.asked in ("", header.convention):
        return header.convention
    return f"{header.asked} ({header.convention})"


def held_to(header: Header) -> str:
    """The convention, and how it came to be that one."""
    if header.asked:
        return "; ".join(x for x in (f"{convention(header)}, as asked", header.doubt) if x)
    if header.doubt:
        return f"the nearest, {header.convention}, because {header.doubt}"
    return f"{header.convention}, identified from its behaviour"


def versions(header: Header) -> str:
    """Of all that had a part in the run."""
    return ", ".join(f"{name} {version}" for name, version in header.versions.items())


def power(results: Results) -> list[tuple[str, str]]:
    """By dtype: the smallest relative error in each hyper-parameter that would have failed."""
    return [
        (dtype, ", ".join(f"{name} {error:.2g}" for name, error in errors.items()))
        for dtype, errors in results.power.items()
    ]


def place(result: Result) -> str:
    """Where it was measured: comparison, step, coordinate."""
    return ", ".join(x for x in (result.how, result.where) if x)


def setting(result: Result) -> str:
    """Format and hyper-parameters where it was measured, those of the parameter's own group.

    Those of all groups where no parameter is named; empty where there is no problem.
    """
    if not result.problem:
        return ""
    problem = Problem.from_text(result.problem)
    row = problem.hypers[min(max(result.step, 1), problem.steps) - 1]
    named = re.search(r"\bparameter (\d+)", result.where)
    if named and int(named[1]) < len(problem.groups):
        return setting_in_words(problem, row[problem.groups[int(named[1])]])
    if len(set(row)) == 1:
        return setting_in_words(problem, row[0])
    told = [setting_in_words(problem, h).partition(", ")[2] for h in row]
    return f"{problem.dtype}, " + "; ".join(f"group {g}: {text}" for g, text in enumerate(told))


def sentence(header: Header, result: Result) -> str:
    """A failure in one line that can be read alone."""
    at = ", ".join(x for x in (header.target, header.convention, place(result)) if x)
    return f"{result.statement} Not so [{at}]: {evidence(result)}"


def counts(results: Results, strict: bool = False) -> str:
    """`3 passed, 1 failed, 0 errored, 2 skipped`, then what is there besides; advice apart."""
    amounts = dict(results.counts)
    hints = advice(results, strict)
    for r in hints:
        amounts[r.verdict] -= 1
    told = [f"{amounts[v]} {v}" for v in ALWAYS]
    rest = [v for v in VERDICTS if v not in ALWAYS and amounts[v]]
    told += [
        several(amounts[v], "expected failure") if v == "expected_failure"
        else f"{amounts[v]} {v.replace('_', ' ')}"
        for v in rest
    ]  # fmt: skip
    return ", ".join(told + ([f"{len(hints)} advice"] if hints else []))


def subject(header: Header) -> str:
    """The subject as a user names it."""
    return shlex.join(header.arguments) or header.target


def headline(results: Results, strict: bool = False) -> tuple[str, str]:
    """The verdict in a word and in a sentence."""
    header = results.header
    name, wrong = subject(header), results.wrong(strict)
    ran = [r for r in results.results if r.verdict != "skipped"]
    verdict = results.verdict(strict)
    if verdict == "broken":
        return "BROKEN", f"{results.broken}: no verdict on {name}"
    if verdict == "failed" and not wrong:
        return "FAILED", f"{name}: {len(results.stale)} expected failures match nothing"
    if verdict == "failed" and all(r.surprise for r in wrong):
        names = ", ".join(r.id for r in wrong[:3]) + (", …" if wrong[3:] else "")
        some = several(len(wrong), "expected failure")
        passed = "passes now: remove the entry" if len(wrong) == 1 else "pass now: remove them"
        return "FAILED", f"{name}: {some} {passed} ({names})"
    if verdict == "failed":
        checks = len({r.check for r in wrong})
        return "FAILED", (
            f"{name} breaks {checks} of {len({r.check for r in ran})} checks"
            f" of convention {convention(header)},"
            f" in {', '.join(dict.fromkeys(r.shown_in for r in wrong))}"
        )
    if verdict == "unfinished":
        return "UNFINISHED", f"{name}: {results.unfinished}; nothing wrong in {len(ran)} results"
    if verdict == "nothing ran":
        if not ran:
            return "NOTHING RAN", f"{name}: every check was skipped"
        return "NOTHING JUDGED", f"{name}: no check passed that decides anything"
    if not results.counts["passed"]:
        return "FAILED AS EXPECTED", f"{name}: nothing passed, nothing failed beyond expectation"
    known = results.counts["expected_failure"]
    but = f", but for {several(known, 'expected failure')}" if known else ""
    return "PASSED", f"{name} follows convention {convention(header)}{but}"


def advice(results: Results, strict: bool = False) -> list[Result]:
    """Failures that leave the verdict alone."""
    wrong = set(map(id, results.wrong(strict)))
    return [r for r in results.results if r.bad and id(r) not in wrong]


def over(error: float, bound: float) -> float:
    """error / bound: 0 where no claim is made or no error, infinite where none is allowed."""
    if error == 0 or bound == math.inf:
        return 0.0
    return error / bound if bound and math.isfinite(error) else math.inf


def families(results: Iterable[Result]) -> dict[str, dict[str, list[Result]]]:
    """Family -> check -> its results that ran, in the order of the run."""
    found: dict[str, dict[str, list[Result]]] = {}
    for r in results:
        if r.verdict != "skipped":
            found.setdefault(r.family, {}).setdefault(r.check, []).append(r)
    return found
