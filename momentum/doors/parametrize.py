"""The checks of one subject as callable cases, and `parametrize`, which makes tests of them.

@momentum.parametrize(MySGD, as_="torch", expected={"agrees_with_oracle[float16]": "issue 12"})
def test_conformance(check):
    check()
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from momentum.adapters import adapt, load
from momentum.checks import Check
from momentum.checks.result import Header
from momentum.conventions import Convention
from momentum.errors import UsageError
from momentum.report import words
from momentum.runner.expectations import Expectation, refuse_unknown
from momentum.runner.one_check import run_check
from momentum.runner.options import Options, jobs, judged_in
from momentum.runner.worker import chosen_convention, controlled, header_of
from momentum.subjects.protocol import Subject


class ConformanceFailure(AssertionError):
    """A check found the subject wrong; the message can be read alone."""


@dataclass(frozen=True)
class Case:
    """One check of one subject in one dtype; without a check, the control. Call it to run it."""

    id: str
    subject: Subject = field(repr=False)
    convention: Convention = field(repr=False)
    header: Header = field(repr=False)
    check: Check | None = field(repr=False)
    dtype: str
    expectation: Expectation | None = field(repr=False, default=None)

    def __call__(self) -> None:
        """Raises: ConformanceFailure; skips where the check does not apply."""
        __tracebackhide__ = True
        if self.check is None:
            control = controlled(self.subject, self.convention, self.dtype, self.header.seed)
            if control.outcome != "failed":
                raise ConformanceFailure(f"{control.words}: nothing that passes can be believed")
            return
        result = run_check(
            self.check,
            self.subject,
            self.convention,
            self.dtype,
            self.header.effort,
            self.header.seed,
        )
        if result.verdict == "skipped":
            pytest.skip(result.reason)
        if not result.bad:
            return
        text = words.sentence(self.header, result)
        if result.verdict == "failed":
            from momentum.diagnosis import Explainer

            cause = Explainer(self.subject, self.convention).explain(result)
            text += f"\ncause: {cause}" if cause else ""
        if result.level == "should" and self.expectation is None:
            pytest.xfail(f"advice: {text}")
        again = words.replay(self.header, result)
        raise ConformanceFailure(text + (f"\nreplay: {again}" if again else ""))

    @property
    def marks(self) -> list[pytest.MarkDecorator]:
        """Marks of its test: the effort, and what is expected of it."""
        effort = self.header.effort
        found = [pytest.mark.momentum(effort=effort), getattr(pytest.mark, f"momentum_{effort}")]
        if self.expectation is not None:
            reason = ", ".join(x for x in self.expectation[1:] if x)
            found.append(pytest.mark.xfail(raises=ConformanceFailure, strict=True, reason=reason))
        return found


def cases(
    target: Any,
    as_: str | Convention | None = None,
    *,
    settings: Mapping[str, Any] | None = None,
    expected: Mapping[str, str] | Sequence[Expectation] = (),
    effort: str = "normal",
    dtypes: Sequence[str] = (),
    only: Sequence[str] = (),
    seed: int = 0,
) -> list[Case]:
    """The control, and then every check of the subject in every dtype.

    target: an optimizer class, a factory, a step function, a Subject, or a text such as
    `torch.optim:SGD`. settings: arguments of its constructor. expected: id -> reason.
    Raises: UsageError for what does not fit, an expectation that matches nothing, and where no
    check applies, because a run in which nothing ran must not look green.
    """
    arguments = _arguments(target, settings or {})
    subject = _subject(target, settings or {})
    options = Options(
        dtypes=tuple(dtypes), effort=effort, seed=seed, only=tuple(only), arguments=arguments
    )
    try:
        subject = judged_in(subject, options)
        todo = jobs(subject, options)
        convention, found = chosen_convention(subject, as_)
    except ValueError as error:
        raise UsageError(str(error)) from None
    header = header_of(subject, convention, options, found)
    if all(check.why_not(subject.facts, convention) for check, _ in todo):
        raise UsageError(f"every check of {header.target} is skipped: nothing would run")
    known = _expectations(expected)
    name = _name(target)
    made = []
    for check, dtype in todo:
        id_ = f"{check.name}[{dtype}]"
        case = Case(
            f"{name}-{id_}", subject, convention, header, check, dtype, known.pop(id_, None)
        )
        made.append(case)
    if known and not (only or dtypes):
        raise UsageError(f"expected failures match nothing: {', '.join(known)}")
    first = todo[0][1]
    return [Case(f"{name}-control[{first}]", subject, convention, header, None, first), *made]


def parametrize(
    target: Any, as_: str | Convention | None = None, **options: Any
) -> pytest.MarkDecorator:
    """A decorator that gives a test function one `check` after the other; options as for `cases`.

    Raises: UsageError, see `cases`.
    """
    params = [pytest.param(c, id=c.id, marks=c.marks) for c in cases(target, as_, **options)]
    return pytest.mark.parametrize("check", params)


def _name(target: Any) -> str:
    if isinstance(target, str):
        return target.rpartition(":")[2].rpartition(".")[2]
    facts = getattr(target, "facts", None)
    name = getattr(target, "__name__", None) or getattr(facts, "name", type(target).__name__)
    return str(name).rpartition(":")[2]


def _address(target: Any) -> str:
    """`module:name`, where it can be found again under it; else nothing."""
    if isinstance(target, str):
        return target
    module, name = getattr(target, "__module__", ""), getattr(target, "__qualname__", "")
    found = sys.modules.get(module)
    for part in name.split("."):
        found = getattr(found, part, None)
    return f"{module}:{name}" if found is target else ""


def _arguments(target: Any, settings: Mapping[str, Any]) -> tuple[str, ...]:
    address = _address(target)
    words_ = [address] if address else []
    for name, value in settings.items() if address else ():
        words_ += ["--set", f"{name}={value!r}"]
    return tuple(words_)


def _subject(target: Any, settings: Mapping[str, Any]) -> Subject:
    if isinstance(target, str):
        return load(target, {name: repr(value) for name, value in settings.items()})
    return adapt(target, settings, _address(target) or _name(target))


def _expectations(expected: Mapping[str, str] | Sequence[Expectation]) -> dict[str, Expectation]:
    if isinstance(expected, Mapping):
        expected = [Expectation(id_, reason) for id_, reason in expected.items()]
    refuse_unknown(expected)
    return {e.id: e for e in expected}
