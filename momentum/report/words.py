"""What every report says in the same words."""

import math
import re
import shlex
from collections import Counter
from collections.abc import Iterable

from momentum.checks.result import VERDICTS, Header, Result, Results
from momentum.runner.series import note
from momentum.subjects.problems import Problem


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
    if result.surprise or result.verdict == "errored":
        return result.reason
    if math.isinf(result.bound) or not math.isfinite(result.error):
        return "the law does not hold" if not result.how else "a number is lost to inf or nan"
    if result.bound == 0:
        return f"differs by {number(result.error)} where nothing may differ"
    return f"error {result.error:.3g} is {number(result.ratio)} times its bound {result.bound:.3g}"


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
        return note(problem, row[problem.groups[int(named[1])]])
    if len(set(row)) == 1:
        return note(problem, row[0])
    told = [note(problem, h).partition(", ")[2] for h in row]
    return f"{problem.dtype}, " + "; ".join(f"group {g}: {text}" for g, text in enumerate(told))


def sentence(header: Header, result: Result) -> str:
    """A failure in one line that can be read alone."""
    at = ", ".join(x for x in (header.target, header.convention, place(result)) if x)
    return f"{result.statement} Not so [{at}]: {evidence(result)}"


def counts(results: Results, strict: bool = False) -> str:
    """`3 passed, 1 failed, 0 errored, 2 skipped, 0 expected failures`, and how many are advice."""
    amounts = results.counts
    words = {"expected_failure": "expected failures"}
    text = ", ".join(f"{amounts[v]} {words.get(v, v)}" for v in VERDICTS)
    hints = len(advice(results, strict))
    return text + (f"; {hints} of the failed or errored are advice" if hints else "")


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
    if verdict == "failed":
        checks = len({r.check for r in wrong})
        return "FAILED", (
            f"{name} breaks {checks} of {len({r.check for r in ran})} checks"
            f" of convention {header.convention},"
            f" in {', '.join(dict.fromkeys(r.dtype for r in wrong))}"
        )
    if verdict == "unfinished":
        return "UNFINISHED", f"{name}: {results.unfinished}; nothing wrong in {len(ran)} results"
    if verdict == "nothing ran":
        return "NOTHING RAN", f"{name}: every check was skipped"
    return "PASSED", f"{name} follows convention {header.convention}"


def advice(results: Results, strict: bool = False) -> list[Result]:
    """Failures that leave the verdict alone."""
    wrong = set(map(id, results.wrong(strict)))
    return [r for r in results.results if r.bad and id(r) not in wrong]


def skipped(results: Iterable[Result]) -> dict[str, list[str]]:
    """Reason -> names of the checks that were skipped for it, each once."""
    found: dict[str, list[str]] = {}
    for r in results:
        if r.verdict == "skipped":
            names = found.setdefault(r.reason, [])
            if r.check not in names:
                names.append(r.check)
    return found


def by_check(results: Iterable[Result]) -> dict[str, list[Result]]:
    """Check -> its results, in the order of the run."""
    found: dict[str, list[Result]] = {}
    for r in results:
        found.setdefault(r.check, []).append(r)
    return found


def untried(result: Result) -> bool:
    """It was given up before it was tried, as the subject had been lost too often."""
    return result.verdict == "errored" and result.reason.startswith("not tried")


def causes(results: Iterable[Result]) -> list[str]:
    """What explains these failures, each cause once, the most frequent first."""
    return [text for text, _ in Counter(r.explanation for r in results).most_common() if text]


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
