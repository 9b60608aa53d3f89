"""What may be wrong: other conventions, known departures, and the gallery of wrong rules."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

from momentum.conventions import CONVENTIONS, Convention, Hyper, Rule, get
from momentum.diagnosis.departures import (  # fmt: skip
    DAMPENING,
    DECAY,
    MAXIMIZE,
    NESTEROV,
    SCHEDULED,
    UNFED,
)
from momentum.diagnosis.hypotheses import Departure, Hypothesis, seeded
from momentum.gallery import GALLERY, Defect, Machine
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.wrong._defect import RuleRun
from momentum.subjects.observation import Observation
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject

KNOWN: tuple[Departure, ...] = (*NESTEROV, *DAMPENING, *MAXIMIZE, *DECAY, *SCHEDULED, UNFED)

DECAYS = {
    "coupled": "the weight decay goes into the gradient and through the velocity",
    "before": "the weight decay acts on the parameter, before the step",
    "after": "the weight decay acts on the parameter, after the step",
}


class Explanation(Protocol):
    """How an optimizer with some cause would step."""

    def distance(self, observation: Observation) -> float:
        """Largest distance between the subject and it."""

    def holds(self, subject: Subject, observation: Observation) -> bool:
        """The subject's run agrees with it."""


class Suspect(NamedTuple):
    """A possible cause, and how an optimizer with it would step."""

    name: str
    words: str
    hypothesis: Explanation


def suspects(convention: Convention) -> list[Suspect]:
    """All of them, the simplest first."""
    own = Hypothesis.of(convention)
    found = [Suspect(d.name, d.words, d.on(own)) for d in KNOWN]
    found += _other_decays(convention)
    found += gallery(convention)
    found += _other_conventions(convention)
    return found


def pairs(convention: Convention) -> list[Suspect]:
    """Two things at once, for where none of `suspects` will do."""
    others = [*_other_decays(convention), *_other_conventions(convention)]
    found = [
        Suspect(f"{s.name}, {d.name}", f"{s.words}; and {d.words}", d.on(s.hypothesis))
        for s in others
        for d in KNOWN
        if isinstance(s.hypothesis, Hypothesis)
    ]
    for kind in _other_kinds(convention):
        for s in _other_conventions(convention.with_decay(kind)):
            words = f"{s.words}; and {DECAYS[kind]}"
            found.insert(0, Suspect(f"{s.name}, decay_{kind}", words, s.hypothesis))
    return found


def _other_kinds(convention: Convention) -> list[str]:
    same = {"before", "simultaneous"}
    return [
        kind for kind in DECAYS if kind != convention.decay and not {kind, convention.decay} <= same
    ]


def _other_decays(convention: Convention) -> Iterator[Suspect]:
    for kind in _other_kinds(convention):
        found = Hypothesis.of(convention.with_decay(kind))
        yield Suspect(f"decay_{kind}", DECAYS[kind], found)


def _other_conventions(convention: Convention) -> Iterator[Suspect]:
    for other in CONVENTIONS.values():
        if other.name != convention.name:
            decayed = other.with_decay(convention.decay)
            yield Suspect(other.name, other.in_words, Hypothesis.of(decayed))
    words = "the velocity is an average seeded with the first gradient"
    found = seeded(CONVENTIONS["accumulated"].with_decay(convention.decay))
    yield Suspect("seeded_average", words, found)


def gallery(convention: Convention) -> Iterator[Suspect]:
    """The wrong twins of this convention whose step is a rule, or a rule told other numbers.

    A wrong rule says what is wrong against its own convention; against another one that is no
    cause, although it may step the same way.
    """
    for defect in GALLERY.values():
        same = get(defect.convention).full_name == convention.full_name
        found = _hypothesis(defect) if same else None
        if found is not None:
            yield Suspect(defect.name, in_words(defect), found)


def in_words(defect: Defect) -> str:
    """Its statement and how it comes about."""
    text = f"{defect.statement.rstrip('.')} ({defect.cause})"
    return text[:1].lower() + text[1:]


def _hypothesis(defect: Defect) -> Hypothesis | None:
    machine: Any = defect.build()
    if not isinstance(machine, Machine):
        return None
    base: Hypothesis = Hypothesis.of(machine.convention)
    if machine.run is None and machine.rule is not None:
        rule = _unsigned(machine.rule)
        wrong = replace(base.convention, rule=rule, forms=_no_forms, decay="coupled")
        return replace(base, convention=wrong, departures=(defect.name,))
    if machine.rule is None and _only_hears(machine.run):
        retold = _heard_by(machine)
        return replace(base, retold=retold, departures=(defect.name,))
    return None


def _no_forms(h: Hyper) -> tuple[Rule, ...]:
    return ()


def _unsigned(step: Rule) -> Rule:
    """A whole step, for a convention that turns the sign itself."""
    return lambda x, g, s, h: step(x, -g if h.maximize else g, s, h)


def _only_hears(run: Any) -> bool:
    """A run that is right but for the hyper-parameters that its rule is told."""
    if not (isinstance(run, type) and issubclass(run, MachineRun)):
        return False
    own = [c for c in run.__mro__ if c not in (*RuleRun.__mro__, *MachineRun.__mro__)]
    return all(set(vars(c)) <= _HARMLESS for c in own)


_HARMLESS = {
    "seen_by_rule", "set", "hyper", "factor", "setup", "__module__", "__doc__", "__qualname__",
    "__annotations__", "__parameters__", "__orig_bases__", "__static_attributes__",
    "__firstlineno__",
}  # fmt: skip


def _heard_by(machine: Machine) -> Any:
    def retold(problem: Problem) -> Problem:
        dtype = "float64" if "float64" in machine.dtypes else problem.dtype
        run: MachineRun = machine.start(
            problem.start, problem.hypers[0], dtype, problem.groups, dict(problem.options)
        )
        rows = []
        for t, row in enumerate(problem.hypers):
            if t and row != problem.hypers[t - 1]:
                for g, h in enumerate(row):
                    run.set(h, g)
            rows.append(tuple(run.hyper(i) for i in range(len(problem.shapes))))
            run.step(problem.gradients(t, problem.start))
        return replace(problem, hypers=tuple(rows), groups=tuple(range(len(problem.shapes))))

    return retold
