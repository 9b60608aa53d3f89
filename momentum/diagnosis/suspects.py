"""What may be wrong: other conventions, known departures, and the gallery of wrong rules."""

import re
from collections.abc import Iterator
from functools import reduce

import numpy as np

from momentum.conventions import CONVENTIONS, Convention, Hyper, get
from momentum.diagnosis.departure import ruled, seeded, unsigned
from momentum.diagnosis.departures import KNOWN
from momentum.diagnosis.feeding import departures
from momentum.diagnosis.hypothesis import Hypothesis, Suspect
from momentum.diagnosis.identify import identify
from momentum.gallery import GALLERY, Defect, Machine
from momentum.subjects.protocol import Subject

DECAYS = {
    "coupled": "the weight decay goes into the gradient and through the velocity",
    "before": "the weight decay acts on the parameter, before the step",
    "after": "the weight decay acts on the parameter, after the step",
}


def suspects(convention: Convention, groups: bool = True) -> list[Suspect[Hypothesis]]:
    """All of them, the simplest first. groups: another group's numbers may act too."""
    own = Hypothesis.of(convention)
    found = [*_without_nesterov(convention), *(d.suspected(own) for d in KNOWN)]
    found += _other_decays(convention)
    found += [d.suspected(own) for d in departures(convention, groups)]
    found += _other_conventions(convention)
    found += gallery(convention)
    return found


def identified(subject: Subject, dtype: str, own: Convention) -> Iterator[Suspect[Hypothesis]]:
    """What the subject is by its own behaviour, in short probes, with all its departures.

    Of the convention that it is held to, where these are all there is to it.
    """
    also = () if own.name in CONVENTIONS else (own,)
    found = identify(subject, dtype, estimates=False, also=also)
    if found.matches:
        best = found.hypothesis
        known = [d for d in KNOWN if d.words in best.words]
        if best.words and len(known) == len(best.words):
            departed = reduce(lambda h, d: d.on(h), known, Hypothesis.of(own))
            yield Suspect("; ".join(best.words), departed)
        words = f"behaves as {best.base.full_name} ({best.base.words or best.base.name})"
        if best.words:
            words += f", but {'; '.join(best.words)}"
        yield Suspect(words, best)


def pairs(convention: Convention) -> list[Suspect[Hypothesis]]:
    """Two things at once, for where none of `suspects` will do."""
    others = [*_other_decays(convention), *_other_conventions(convention)]
    found = [
        Suspect(f"{s.words}; and {d.words}", d.on(s.hypothesis)) for s in others for d in KNOWN
    ]
    for kind in _other_kinds(convention):
        for s in _other_conventions(convention.with_decay(kind)):
            found.insert(0, Suspect(f"{s.words}; and {DECAYS[kind]}", s.hypothesis))
    return found


def _other_kinds(convention: Convention) -> list[str]:
    same = {"before", "simultaneous"}
    return [
        kind for kind in DECAYS if kind != convention.decay and not {kind, convention.decay} <= same
    ]


def _other_decays(convention: Convention) -> Iterator[Suspect[Hypothesis]]:
    for kind in _other_kinds(convention):
        yield Suspect(DECAYS[kind], Hypothesis.of(convention.with_decay(kind)))


def _without_nesterov(convention: Convention) -> Iterator[Suspect[Hypothesis]]:
    """Of what should always take Nesterov's form: the same rule in its plain one."""
    if convention.always_nesterov and convention.name in CONVENTIONS:
        plain = CONVENTIONS[convention.name].with_decay(convention.decay)
        yield Suspect("Nesterov's form is not taken", Hypothesis.of(plain))


def _other_conventions(convention: Convention) -> Iterator[Suspect[Hypothesis]]:
    """Where gradients are taken ahead, one that is told from it by that alone is no other rule."""
    same = set(convention.alike) if convention.looks_ahead else set()
    for other in CONVENTIONS.values():
        if other.name != convention.name and same.isdisjoint({other.name, *other.alike}):
            same_form = other.with_decay(convention.decay)
            if convention.always_nesterov:
                if "nesterov" not in other.takes:
                    continue
                same_form = same_form.in_nesterov_form()
            yield Suspect(other.in_words, Hypothesis.of(same_form))
    words = "the velocity is an average seeded with the first gradient"
    found = seeded(CONVENTIONS["accumulated"].with_decay(convention.decay))
    yield Suspect(words, found)


def gallery(convention: Convention) -> Iterator[Suspect[Hypothesis]]:
    """The wrong twins of this convention whose step is a rule, or a rule told other numbers.

    A wrong rule says what is wrong against its own convention; against another one that is no
    cause, although it may step the same way.
    """
    for defect in GALLERY.values():
        same = get(defect.convention).full_name == convention.full_name
        found = _hypothesis(defect) if same else None
        if found is not None and _elementwise(found.convention):
            yield Suspect(in_words(defect), found)


def named_in(words: str) -> frozenset[str]:
    """The hyper-parameters that some words speak of; NAME:nesterov is a name."""
    return frozenset(re.findall(r"(?<![\w:])\w+", words)) & frozenset(Hyper._fields)


def _elementwise(convention: Convention) -> bool:
    """Its step can be taken with plain numbers, so that the oracle can replay it."""
    x = np.ones(2)
    try:
        moved, state = convention.step(x, x, convention.initial, Hyper(0.5, 0.5))
        convention.step(moved, x, state, Hyper(0.5, 0.5))
    except (AttributeError, ValueError):  # it asks for a function of whole arrays
        return False
    return True


def in_words(defect: Defect) -> str:
    """Its statement: what was observed, and not how it may have come about."""
    text = defect.statement.rstrip(".")
    return text[:1].lower() + text[1:]


def _hypothesis(defect: Defect) -> Hypothesis | None:
    """Its rule; None where it is wrong in something else."""
    machine = defect.build()
    if not isinstance(machine, Machine) or machine.run is not None or machine.rule is None:
        return None
    return ruled(Hypothesis.of(machine.convention), unsigned(machine.rule))
