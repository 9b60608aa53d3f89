"""What `momentum harness` does: write a template, or try a harness before it is relied on."""

import math
from collections.abc import Callable
from pathlib import Path

import click
import numpy as np

from momentum.adapters.process import ProcessSubject, adapt
from momentum.arithmetic import format_of
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.languages.harness import template
from momentum.report.foreign import one_line
from momentum.runner import files
from momentum.subjects.protocol import Facts, SubjectError

SPECIAL = (0.0, -0.0, 1.5, -(2.0**-30), 1 / 3, -math.pi, math.inf, -math.inf, math.nan)
"""Numbers that are lost where text goes wrong; the ends of a format are tried with them."""


def _hyper(facts: Facts) -> Hyper:
    """What it takes of lr and momentum, with what it has for good."""
    own = {n: x for n, x in {"lr": 0.125, "momentum": 0.5}.items() if n in facts.hyper}
    return Hyper(**{"lr": 0.0, **own, **facts.fixed})


def write(language: str, convention: str, folder: Path) -> int:
    """Write a template into a folder; a file that is there already is left alone.

    Raises: UsageError.
    """
    try:
        name, text = template(language, convention)
        path = folder / name
        with path.open("x", encoding="utf-8") as out:
            out.write(text)
    except FileExistsError:
        raise UsageError(f"{path} is there already, and is left as it is") from None
    except OSError as error:
        raise UsageError(f"cannot write {path}: {files.reason(error)}") from None
    except ValueError as error:
        raise UsageError(str(error)) from None
    click.echo(f"wrote {path}; how to build and run it stands in its first lines")
    return 0


def selftest(command: str) -> int:
    """0 where a program reads, keeps and writes numbers rightly and begins anew; 1 where not.

    Raises: UsageError where it does not start or says no proper facts.
    """
    subject = adapt(command, {}, f"process:{command}")
    found = []
    for dtype in subject.facts.dtypes:
        found += [(f"{dtype}: {name}", words) for name, words in _tried(subject, dtype)]
    for name, words in found:
        click.echo(f"{'ok   ' if not words else 'WRONG'} {name}{': ' + words if words else ''}")
    return 1 if any(words for _, words in found) else 0


def _tried(subject: ProcessSubject, dtype: str) -> list[tuple[str, str]]:
    """What was tried, and what was wrong with it."""
    tests: dict[str, Callable[[ProcessSubject, str], str]] = {
        "every number comes back as it was sent": _echo,
        "a run begins anew, and parameters keep their places": _again,
        "what it refuses it answers, and goes on": _refused,
    }
    if subject.facts.none_gradients:
        tests["a step without a gradient moves nothing"] = _still
    if "restart" in subject.facts.offers and "lr" in subject.facts.settable:
        tests["a restart goes back to the settings of the start"] = _restarted
    found = []
    for name, test in tests.items():
        try:
            found.append((name, test(subject, dtype)))
        except (SubjectError, ValueError) as error:
            found.append((name, one_line(str(error))))
    return found


def _echo(subject: ProcessSubject, dtype: str) -> str:
    format = format_of(dtype)
    least = (
        format.smallest_normal if subject.facts.flushes_subnormals else format.smallest_subnormal
    )
    sent = format.round(np.array([*SPECIAL, least, -format.largest]))
    (got,) = subject.start([sent], [_hyper(subject.facts)], dtype).parameters()
    for a, b in zip(sent, got):
        if a.tobytes() != b.tobytes() and not (np.isnan(a) and np.isnan(b)):
            return f"sent {float(a)!r}, got {float(b)!r}"
    return ""


def _refused(subject: ProcessSubject, dtype: str) -> str:
    """A negative rate may be taken, skipped or an error; none ends the program."""
    h, told, before = _hyper(subject.facts), "", _waiting(subject)
    odd = h._replace(lr=-1.0) if "lr" in subject.facts.hyper else h
    try:
        subject.start([np.ones(2)], [odd], dtype).step([np.ones(2)])
    except (SubjectError, ValueError) as error:
        told = one_line(str(error))
    return told if _waiting(subject) < max(before, 1) else ""


def _waiting(subject: ProcessSubject) -> int:
    """Programs that can be asked."""
    return sum(program.alive for program in subject.idle)


def _still(subject: ProcessSubject, dtype: str) -> str:
    start = np.array([1.0, -0.5, 2.0])
    run = subject.start([start], [_hyper(subject.facts)], dtype)
    run.step([None])
    return "" if np.array_equal(run.parameters()[0], start) else "the parameter moved"


def _restarted(subject: ProcessSubject, dtype: str) -> str:
    start, h = np.array([1.0, -0.5, 2.0]), _hyper(subject.facts)
    ends = []
    for restarts in (False, True):
        run = subject.start([start], [h], dtype)
        if restarts:
            run.set(h._replace(lr=h.lr / 2))
            run.restart()
        run.step([np.ones(3)])
        ends.append(run.parameters()[0])
    return "" if np.array_equal(ends[0], ends[1]) else "the step after it is another than the first"


def _again(subject: ProcessSubject, dtype: str) -> str:
    starts = [np.arange(1.0, n + 1) for n in (3, 1, 5)]
    ends = []
    for _ in range(2):
        run = subject.start([x.copy() for x in starts], [_hyper(subject.facts)], dtype)
        for _ in range(3):
            run.step([np.ones(x.shape) for x in starts])
        ends.append(run.parameters())
        if [x.shape for x in ends[-1]] != [x.shape for x in starts]:
            return "the parameters came back in another order or of other sizes"
    same = all(np.array_equal(a, b) for a, b in zip(*ends))
    return "" if same else "the second run on the same numbers ended elsewhere"
