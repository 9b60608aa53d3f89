"""What a child process does for a run: load the subject, and yield what it finds as it goes."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from momentum.checks import CHECKS
from momentum.checks.result import Header, Result, environment
from momentum.conventions import Convention, get
from momentum.errors import UsageError
from momentum.gallery.twin import Twin
from momentum.runner.one_check import blank, in_words, run_check
from momentum.runner.options import Options, jobs, judged_in
from momentum.runner.series import impulse
from momentum.subjects.protocol import Subject

if TYPE_CHECKING:
    from momentum.diagnosis import Identity

CONTROL = "agrees_with_oracle"


class Starting(NamedTuple):
    """A job begins, one of `total`; an empty check is the control."""

    check: str
    dtype: str
    total: int


class Explaining(NamedTuple):
    """What a job found, before its cause is looked for, which may take or crash as it likes."""

    result: Result


class Control(NamedTuple):
    """What became of the control: it did its duty, it proved the run blind, or it never ran."""

    outcome: Literal["failed", "passed", "lost"]
    words: str


class Progress(NamedTuple):
    """How far earlier child processes came.

    control: it was tried. done: jobs that have a result. given_up: why no more is tried in a dtype.
    """

    control: bool = False
    done: int = 0
    given_up: Mapping[str, str] = {}


def session(
    load: Callable[[], Subject],
    convention: str | Convention | None,
    options: Options,
    note: Callable[[str], None],
    so_far: Progress,
) -> Iterator[Any]:
    """The run itself: a Header, the control, then for each job its start and its Result.

    Last the impulse response. A UsageError, and nothing else, where target or options are wrong.
    """
    try:
        subject = judged_in(load(), options)
        todo = jobs(subject, options)
        chosen, found = chosen_convention(subject, convention)
    except (UsageError, ValueError) as error:
        yield UsageError(str(error))
        return
    except (Exception, SystemExit) as error:
        yield UsageError(f"{' '.join(options.arguments) or 'the target'} {in_words(error)}")
        return
    yield header_of(subject, chosen, options, found)
    if todo and not so_far.control:
        yield Starting("", todo[0][1], len(todo))
        yield controlled(subject, chosen, todo[0][1], options.seed)
    explainer = None
    for check, dtype in todo[so_far.done :]:
        yield Starting(check.name, dtype, len(todo))
        if dtype in so_far.given_up:
            reason = so_far.given_up[dtype]
            yield replace(blank(check, dtype), verdict="errored", reason=reason)
            continue
        result = run_check(
            check, subject, chosen, dtype, options.effort, options.seed, options.replay, note
        )
        if result.verdict == "failed":
            yield Explaining(result)
            explainer = explainer or _explainer(subject, chosen)
            result = replace(result, explanation=explainer.explain(result))
        yield result
    yield Starting("", "", len(todo))
    yield impulse(subject, chosen, subject.facts.dtypes)


def _explainer(subject: Subject, convention: Convention) -> Any:
    from momentum.diagnosis import Explainer  # with the gallery: only where something fails

    return Explainer(subject, convention)


class Found(NamedTuple):
    """How a convention was come by. doubt: why it is only the nearest one, empty where it is it."""

    identified: bool = False
    doubt: str = ""


def chosen_convention(
    subject: Subject, convention: str | Convention | None
) -> tuple[Convention, Found]:
    """The convention to hold the subject to, and how it was come by."""
    if convention is not None:
        return get(convention), Found()
    from momentum.diagnosis import identify

    try:
        identity = identify(subject)
        return identity.nearest, Found(identified=True, doubt=_doubt(identity))
    except UsageError:
        raise
    except (Exception, SystemExit) as error:
        raise UsageError(
            f"the convention cannot be identified: the subject {in_words(error)};"
            " say which it is meant to follow, with --as"
        ) from None


def _doubt(identity: "Identity") -> str:
    if identity.matches:
        return ""
    if identity.difference is None:
        return "the subject refused what would tell conventions apart"
    d = identity.difference
    return (
        f"no known convention is followed: at step {d.step} of probe {d.probe!r}"
        f" the parameter is {d.got:.6g}, and this one gives {d.wanted:.6g}"
    )


def controlled(subject: Subject, convention: Convention, dtype: str, seed: int) -> Control:
    """A known-wrong twin of the subject must fail, else nothing that passes means anything."""
    result = run_check(CHECKS[CONTROL], Twin(subject), convention, dtype, "quick", seed)
    if result.verdict == "failed":
        return Control("failed", f"a known-wrong twin failed {result.id}, as it must")
    if result.verdict == "passed":
        return Control("passed", f"a known-wrong twin of the subject passed {result.id}")
    return Control("lost", f"the known-wrong twin could not be run: {result.reason}")


def header_of(subject: Subject, convention: Convention, options: Options, found: Found) -> Header:
    """What is about to be run, and with what."""
    return Header(
        target=subject.facts.name,
        convention=convention.reference,
        formula=convention.formula,
        seed=options.seed,
        effort=options.effort,
        dtypes=options.dtypes or subject.facts.dtypes,
        left=subject.facts.left,
        identified=found.identified,
        doubt=found.doubt,
        arguments=options.arguments,
        **environment(),
    )
