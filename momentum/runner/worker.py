"""What a contained process does for a run: load the subject, and answer one request at a time."""

import gc
import os
import platform
import threading
from collections.abc import Callable
from dataclasses import replace

from momentum.checks import CHECKS, Check
from momentum.checks.result import Header, Result, versions
from momentum.conventions import Convention, get
from momentum.diagnosis import Explainer, Identity, decisive, describe, identify
from momentum.errors import UsageError
from momentum.gallery.twin import twin_of
from momentum.runner import events
from momentum.runner.events import Event, Job, Request
from momentum.runner.one_check import WHOLE, OutOfMemory, forget_local_constants, run_check
from momentum.runner.options import Options, jobs, judged_in
from momentum.runner.series import impulse
from momentum.subjects.guard import Guarded
from momentum.subjects.isolation import Lost, limit_trials
from momentum.subjects.isolation.cell import serve
from momentum.subjects.isolation.channel import Channel
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Facts, Subject
from momentum.subjects.settings import Settings, put_back_after_loading
from momentum.subjects.strangers import in_words, tamed

TRIAL = 0.25
"""Part of the time limit that a trial of the subject may take while it is loaded."""


Tell = Callable[[Event], None]


class Worker:
    """Answers requests about one subject. convention: what it is held to, if that is given."""

    def __init__(
        self,
        load: Callable[[], Subject],
        convention: str | Convention | None,
        options: Options,
    ) -> None:
        self.load_subject, self.convention, self.options = load, convention, options
        self.subject: Subject
        self.todo: list[tuple[Check, str]] = []
        self.explainer: Explainer | None = None
        self.base: Guarded | None = None

    def load(self, tell: Tell = lambda event: None) -> events.Loaded | events.Refused:
        """Import the target, and see that the options fit it; tells of each trial of it."""
        forget_local_constants()
        limit_trials(self.options.time_limit * TRIAL, lambda: tell(events.Trying("")))
        before = Settings.now()
        try:
            subject = judged_in(self.load_subject(), self.options)
            put_back_after_loading(before)
            self.subject = Guarded(subject)
            self.todo = jobs(self.subject, self.options)
            if self.convention is not None:
                get(self.convention)
        except (UsageError, ValueError) as error:
            return events.Refused(str(error))
        except BaseException as error:
            name = " ".join(self.options.arguments) or "the target"
            if not isinstance(ours := tamed(error), Exception):
                raise
            return events.Refused(f"{name} {in_words(ours)}")
        limit_trials(self.options.time_limit * TRIAL)  # nobody waits for news of further ones
        return events.Loaded(_is_alone(), subject.facts.compiles, subject.facts.at_once)

    def answer(self, request: Request, tell: Tell) -> None:
        """Tell the events that a request leads to; the last one is its answer."""
        try:
            tell(self._answer(request, lambda problem: tell(events.Trying(problem))))
        except OutOfMemory as error:
            tell(Lost(str(error), slow=True))

    def _answer(self, request: Request, note: Callable[[str], None]) -> Event:
        if isinstance(request, events.Prepare):
            return self._prepared()
        if isinstance(request, events.Describe):
            return self._described(request)
        convention = self._get(request.convention)
        if isinstance(request, events.TryTwin):
            return tried_twin(self.subject, convention, request.dtype, self.options.seed)
        if isinstance(request, events.Measure):
            return self._measured(request.job, convention, note)
        if isinstance(request, events.Respond):
            return events.Responded(impulse(self.subject, convention, self.subject.facts.dtypes))
        self.explainer = self.explainer or Explainer(self.subject, convention)
        words = self.explainer.explain(request.results, note, request.avoided)
        return events.Explained(words, self.explainer.unexplained)

    def _get(self, name: str) -> Convention:
        given = None if self.convention is None else get(self.convention)
        return given if given is not None and given.reference == name else get(name)

    def _prepared(self) -> Event:
        try:
            if self.convention is None:
                identity = identify(self.subject)
                chosen, asked, doubt = identity.nearest, "", _doubt(identity)
            else:
                chosen, given = get(self.convention), self.convention
                doubt = _flag_left(chosen, self.subject.facts)
                asked = given if isinstance(given, str) else chosen.reference
        except UsageError as error:
            return events.Refused(str(error))
        except Exception as error:
            return events.Refused(
                f"the convention cannot be identified: the subject {in_words(error)};"
                " say which it is meant to follow, with --as"
            )
        facts, options = self.subject.facts, self.options
        todo = [Job(c.name, d, c.family, c.why_not(facts, chosen) or "") for c, d in self.todo]
        header = Header(
            target=facts.name,
            convention=chosen.reference,
            formula=chosen.formula,
            seed=options.seed,
            effort=options.effort,
            dtypes=options.dtypes or facts.dtypes,
            left=facts.left,
            called=facts.called,
            asked=asked,
            doubt=doubt,
            arguments=options.arguments,
            versions=versions(),
            platform=platform.platform(),
        )
        return events.Prepared(header, tuple(todo))

    def _described(self, request: events.Describe) -> Event:
        more = [get(which) for which in request.also]
        try:
            return events.Described(describe(identify(self.subject, request.dtype, also=more)))
        except UsageError as error:
            return events.Refused(str(error))
        except Exception as error:
            return events.Refused(
                f"{self.subject.facts.name} cannot be identified: it {in_words(error)}"
            )

    def _measured(self, job: Job, convention: Convention, note: Callable[[str], None]) -> Result:
        check, said = CHECKS[job.check], self.options
        result = run_check(
            check, self.subject, convention, job.dtype, said.effort, said.seed, said.replay, note
        )
        if result.bad and result.level == "should" and result.problem:
            result = replace(result, shared=self._shared(result, convention))
        return result

    def _shared(self, result: Result, convention: Convention) -> str:
        """The base class that earns the same advice on this problem; empty where none does."""
        bare = self.subject.facts.bare
        if bare is None:
            return ""
        self.base = self.base or Guarded(bare(convention))
        check, problem = CHECKS[result.check], Problem.from_text(result.problem)
        again = run_check(check, self.base, convention, result.dtype, "quick", only=problem)
        return self.base.facts.name if again.verdict == result.verdict else ""

    def load_and_serve(self, channel: Channel) -> None:
        """Load, and then start a copy of this process for every worker that is asked for.

        Where copies would not work, because threads run that a copy would lack, this process is
        the worker.
        """
        loaded = self.load(channel.send)
        channel.send(loaded)
        if isinstance(loaded, events.Loaded):
            gc.freeze()  # what loading made stays; collecting it again and again takes long
            if loaded.forks:
                serve(channel, self.work)
            else:
                self.work(channel)

    def work(self, channel: Channel) -> None:
        """Answer what comes through the channel, to its end."""
        for request in channel.receive():
            assert isinstance(request, Request)
            self.answer(request, channel.send)


def _is_alone() -> bool:
    """No thread runs beside this one, known to Python or not."""
    try:
        return len(os.listdir("/proc/self/task")) == 1
    except OSError:
        return threading.active_count() == 1


def _flag_left(convention: Convention, facts: Facts) -> str:
    """What always takes Nesterov's form is asked of a subject whose flag for it is off."""
    if not convention.always_nesterov or "nesterov" not in facts.hyper | set(facts.fixed):
        return ""
    if facts.fixed.get("nesterov"):
        return ""
    return f"its flag nesterov is off: --as {convention.name} --set nesterov=True turns it on"


def _doubt(identity: Identity) -> str:
    if identity.matches:
        return " and ".join(identity.departures)
    if identity.difference is None:
        return "the subject refused what would tell conventions apart"
    d = identity.difference
    seen = (
        f"at step {d.step} of probe {d.probe!r} the parameter is {d.got:.6g}, and this one gives"
        f" {d.wanted:.6g}"
    )
    return f"no known convention is followed: {'; '.join((*decisive(identity), seen))}"


def tried_twin(subject: Subject, convention: Convention, dtype: str, seed: int) -> events.TwinTried:
    """A known-wrong twin of the subject must fail, else nothing that passes means anything."""
    result = run_check(CHECKS[WHOLE], twin_of(subject), convention, dtype, "quick", seed)
    if result.verdict == "failed":
        return events.TwinTried("caught", f"a known-wrong twin failed {result.id}, as it must")
    if result.verdict == "passed":
        return events.TwinTried("missed", f"a known-wrong twin of the subject passed {result.id}")
    if result.verdict == "no_claim":
        return events.TwinTried("not run", f"a known-wrong twin shows nothing: {result.reason}")
    return events.TwinTried("not run", f"the known-wrong twin could not be run: {result.reason}")
