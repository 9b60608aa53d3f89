"""The answer: what a subject computes, what it may as well compute, and what it does not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from momentum.arithmetic import format_of
from momentum.conventions import CONVENTIONS, Convention
from momentum.diagnosis.candidates import (
    USUAL,
    Candidate,
    Difference,
    Seen,
    contained,
    decide,
    first_difference,
)
from momentum.diagnosis.departures import NESTEROV_FORM
from momentum.diagnosis.estimate import Estimate, measure
from momentum.diagnosis.fitted import drifting, fitted
from momentum.diagnosis.hypothesis import Hypothesis
from momentum.diagnosis.own_momentum import with_own_momentum
from momentum.diagnosis.probes import dtype_for, taken, tried, trimmed
from momentum.diagnosis.response import Response, response
from momentum.diagnosis.rounding import below, looks_rounded
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Subject
from momentum.subjects.trial import claimed


@dataclass(frozen=True)
class Identity:
    """What a subject computes.

    matches: conventions that explain every probe, the nearest first; none where a probe is left
    unexplained. departures: how the subject departs from the nearest, in words; a match with
    departures is that convention but for them. answers: by aspect, in words. undecided: what could
    not be told apart, and why. refused: probes that the subject refused, with its words.
    remarks: on the probing itself. difference: the first place where the nearest convention fails.
    estimates: hyper-parameters as measured; not a verdict.
    """

    subject: str
    dtype: str
    nearest: Convention
    matches: tuple[Convention, ...]
    departures: tuple[str, ...]
    answers: Mapping[str, str]
    undecided: tuple[str, ...]
    refused: Mapping[str, str]
    unexplained: tuple[str, ...]
    remarks: tuple[str, ...]
    difference: Difference | None
    response: Response | None
    estimates: tuple[Estimate, ...]
    hypothesis: Hypothesis


def identify(
    subject: Subject,
    dtype: str | None = None,
    estimates: bool = True,
    also: Sequence[Convention] = (),
) -> Identity:
    """Which convention a subject follows, by exact replay of short probes.

    dtype: the finest that the subject claims, where none is given. estimates: measure the
    hyper-parameters too. also: conventions to consider beside those of the package.
    """
    subject = claimed(subject, () if dtype is None else (dtype,))
    trial = dtype or dtype_for(subject.facts)
    subject = with_own_momentum(subject, trial)
    subject, declined = trimmed(subject, trial)
    facts, has = subject.facts, taken(subject.facts)
    chosen, remarks = trial, [f"called {facts.called}"] if facts.called else []
    remarks += [f"{n}: {why}" for n, why in facts.left.items() if n in facts.fixed]
    alive, seen, refused = decide(subject, chosen, also)
    fit: Hypothesis | None = None
    for coarser in below(chosen) if alive[0].failed else ():
        again = decide(subject, chosen, also, coarser)
        if again[0][0].failed:
            continue
        likely = min(again[0], key=lambda c: c.rank).likeliest
        fit = _fit(subject, likely, chosen, seen)
        if fit is None and looks_rounded(subject, likely, chosen):
            remarks.append(f"its {chosen} is less precise than {chosen}: as precise as {coarser}")
            alive, seen, refused = again
        elif fit is None:
            remarks.append(
                f"within the bounds of {coarser} it is {likely.base.full_name}; in {chosen} it "
                "departs from it systematically, which no rounding does"
            )
        break
    refused = declined | refused
    matched = [c for c in alive if not c.failed]
    unexplained = tuple(alive[0].failed) if alive else ()
    if not seen:
        matched, unexplained = [], tuple(refused)
    ranked = sorted(matched, key=lambda c: c.rank)
    if len(ranked) > 1:
        ranked = _rounded_alike(subject, ranked, seen[0].probe.problem)
    difference, answer = None, response(subject, chosen)
    if not ranked:
        failed = next((s for s in seen if s.probe.name in unexplained), None)
        ranked = sorted(alive, key=lambda c: c.remoteness(failed))
        if failed is not None:
            difference = first_difference(failed, ranked[0])
        if isinstance(answer, Response) and answer.linear and not answer.shifted:
            # Which rule drifts is hard to see from how far off each is.
            roots = (Hypothesis.of(CONVENTIONS[n]) for n in USUAL)
            fits = (_fit(subject, root, chosen, seen) for root in roots if fit is None)
            fit = next((found for found in fits if found is not None), fit)
    first = ranked[0]
    best = first.likeliest if matched else first.root
    if fit is not None:
        best, difference, unexplained = fit, None, ()
    best = _named(best)
    told = bool(matched) or fit is not None
    if isinstance(answer, str):
        refused = refused | {"measurement": answer}
    found = measure(subject, best, chosen) if estimates and told else ()
    return Identity(
        subject=facts.name,
        dtype=chosen,
        nearest=best.base,
        matches=tuple(_matches(ranked)) if matched else (best.base,) * told,
        departures=best.words if told else (),
        answers=_answers(first, has) if matched else {},
        undecided=tuple(_undecided(ranked, has)) if matched else (),
        refused=refused,
        unexplained=unexplained,
        remarks=tuple(remarks),
        difference=difference,
        response=None if isinstance(answer, str) else answer,
        estimates=found,
        hypothesis=best,
    )


def _rounded_alike(
    subject: Subject, ranked: Sequence[Candidate], problem: Problem
) -> list[Candidate]:
    """Those first that hold for long in the coarsest format, too.

    Rules that are one on paper part there: x - x_before loses digits that a velocity keeps.
    """
    facts = subject.facts
    coarsest = min(facts.dtypes, key=lambda dtype: format_of(dtype).precision)
    free = {n: x for n, x in LASTING.items() if n in facts.hyper - facts.fixed.keys()}
    row = tuple(h.having(**free) for h in problem.hypers[0])
    run = tried(subject, replace(problem, dtype=coarsest, hypers=(row,) * 100, kind="normal"))
    if isinstance(run, str):
        return list(ranked)
    return sorted(ranked, key=lambda c: not c.likeliest.holds(subject, run))


LASTING: Mapping[str, float] = {"lr": 2.0**-10, "momentum": 1 - 2.0**-7}
"""What is lost of a velocity then counts for many steps, beside parameters that hardly move."""


def _fit(
    subject: Subject, likely: Hypothesis, dtype: str, seen: Sequence[Seen]
) -> Hypothesis | None:
    """The convention with one number off, where that explains every probe."""
    groups = (fitted, drifting)
    for suspect in (s for group in groups for s in group(subject, likely.base, dtype)):
        more = replace(suspect.hypothesis, base=likely.base)
        observations = [s.observation for s in seen]
        observations += [
            o for seed in (21, 22)
            if not isinstance(o := tried(subject, replace(
                seen[0].probe.problem, seed=seed, kind="normal")), str)
        ]  # fmt: skip
        if all(more.holds(subject, o) for o in observations):
            return more
    return None


def _matches(ranked: Sequence[Candidate]) -> Iterable[Convention]:
    told = (_named(c.likeliest).base for c in ranked)
    return {c.full_name: c for c in told}.values()


def _named(found: Hypothesis) -> Hypothesis:
    """What is always in Nesterov's form, under the name of that."""
    always = found.words == (NESTEROV_FORM.words,)
    return Hypothesis.of(found.base.in_nesterov_form()) if always else found


def _answers(candidate: Candidate, has: frozenset[str]) -> dict[str, str]:
    """Each aspect in words."""
    answers = {}
    for aspect, option in zip(candidate.options, candidate.chosen):
        if option.departure is not None:
            answers[aspect] = option.departure.words
        elif aspect == "weight_decay":
            answers[aspect] = _DECAY_WORDS[option.decay or "coupled"]
        elif aspect == "dampening":
            answers[aspect] = candidate.root.base.dampening
        elif aspect.endswith(" change"):
            what = aspect.removesuffix(" change")
            answers[aspect] = f"a new {what} acts at once, and the velocity is kept"
        else:
            answers[aspect] = "honoured"
    if "momentum" in has:
        answers["learning rate"] = candidate.root.base.rate
        if "lr change" not in answers:
            answers["learning rate"] = "inside or outside of the velocity: not decided"
    return {k: v for k, v in answers.items() if v}


_DECAY_WORDS = {
    "coupled": "coupled (L2): added to the gradient, so it goes through the velocity",
    "before": "decoupled: x = (1 - lr weight_decay) x before or beside the step",
    "simultaneous": "decoupled: x = (1 - lr weight_decay) x before or beside the step",
    "after": "decoupled: x = (1 - lr weight_decay) x after the step",
}


def _undecided(ranked: Sequence[Candidate], has: frozenset[str]) -> list[str]:
    """What several candidates have in common, and why nothing here can part them."""
    several = {c.root.base.name: c.root.base for c in ranked}
    names, found = list(several), []
    if len(names) > 1:
        found.append(f"{' = '.join(names)}: {'; '.join(_reasons(several, has))}")
    found += [
        words
        for c in CONVENTIONS.values()
        if contained(c, has)
        for n, words in c.contains.items()
        if n in names
    ]
    first = ranked[0]
    kinds = {o.decay for o in first.options.get("weight_decay", ()) if o.departure is None}
    if "before" in kinds:
        found.append(
            "decay before = simultaneous: one rule, as the gradient is taken before either"
        )
    if len(kinds) > 1:
        found.append(
            f"decay {' = '.join(sorted(str(k) for k in kinds))}: one rule without momentum"
        )
    for aspect, options in first.options.items():
        others = [o.departure.words for o in options if o.departure is not None]
        if others and any(o.departure is None for o in options):
            found.append(f"{aspect}: it may as well be that {' or '.join(dict.fromkeys(others))}")
        elif len(dict.fromkeys(others)) > 1:
            found.append(f"{aspect}: {' = '.join(dict.fromkeys(others))} here")
    return found


def _reasons(several: Mapping[str, Convention], has: frozenset[str]) -> list[str]:
    if "momentum" not in has:
        return ["without momentum every convention is plain gradient descent"]
    reasons = [
        words for c in several.values() for other, words in c.alike.items() if other in several
    ]
    if len({c.rate for c in several.values() if c.rate}) > 1:
        reasons.append(
            "with a constant learning rate the velocities differ by the factor lr alone, and lr "
            "cannot be changed in a run"
        )
    return reasons or ["one rule on everything that the subject can be driven with"]
