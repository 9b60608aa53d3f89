"""Which convention a subject follows: every probe against every convention's replay."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, NamedTuple, cast

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import CONVENTIONS, Convention
from momentum.diagnosis.departure import Departure, seeded
from momentum.diagnosis.departures import DEPARTURES, NESTEROV_FORM, UNDECAYED
from momentum.diagnosis.hypothesis import Hypothesis
from momentum.diagnosis.probes import Probe, probes, taken, tried
from momentum.subjects.drive import Observation, begin
from momentum.subjects.protocol import Array, Facts, Subject

DECAYS = ("coupled", "before", "after")
"""Kinds of decay that exact arithmetic tells apart: `simultaneous` is `before`."""

USUAL = ("accumulated", "scaled")
"""The rate outside of the velocity, and inside it."""

SHAPES = ((8,), (3, 2))

PATIENCE = 3
"""Failures in a row after which hypotheses further away are not judged."""


class Option(NamedTuple):
    """How one aspect is treated: a kind of decay, and a departure or none."""

    decay: str | None = None
    departure: Departure | None = None


class Difference(NamedTuple):
    """The first place where the nearest convention and the subject part."""

    probe: str
    step: int
    coordinate: int
    wanted: float
    got: float
    parameter: int = 0


@dataclass(frozen=True)
class Seen:
    """A probe, and what the subject did in it."""

    probe: Probe
    observation: Observation


class Candidate:
    """A convention still in question, with the options that are left for each aspect.

    name: the subject's, which may tell who is spoken by.
    """

    def __init__(self, root: Hypothesis, name: str) -> None:
        self.root, self.name = root, name
        self.options: dict[str, list[Option]] = {}
        self.failed: list[str] = []

    def left(self, aspect: str) -> list[Option]:
        """Options that no probe has ruled out."""
        if aspect not in self.options:
            known = [None, *DEPARTURES.get(aspect, ())]
            kinds = DECAYS if aspect == "weight_decay" else (None,)
            self.options[aspect] = [Option(k, d) for k in kinds for d in known]
        return self.options[aspect]

    def hypotheses(self, about: Sequence[str]) -> Iterator[tuple[tuple[Option, ...], Hypothesis]]:
        """Every combination of options for these aspects."""
        seen = set()
        for chosen in product(*(self.left(a) for a in about)):
            found = self.hypothesis(chosen)
            kind = next((o.decay for o in chosen if o.decay), None)
            # Without decay its kind is none: one of them stands for all.
            if not UNDECAYED.keys().isdisjoint(found.words):
                kind = None
            key = (kind, found.words)
            if key not in seen:
                seen.add(key)
                yield chosen, found

    def hypothesis(self, chosen: Sequence[Option]) -> Hypothesis:
        """The convention with these options."""
        found = self.root
        for option in chosen:
            if option.decay is not None:
                decayed = found.convention.with_decay(option.decay)
                base = found.base.with_decay(option.decay)
                found = replace(found, base=base, convention=decayed)
        for option in chosen:
            if option.departure is not None:
                found = option.departure.on(found)
        return found

    @property
    def chosen(self) -> tuple[Option, ...]:
        """The options that depart least; of kinds of decay, the speaker's own where it is left."""
        spoken, decay = self.spoken
        found = []
        for aspect, options in self.options.items():
            least = [o for o in options if o.departure is None] or options
            if aspect == "weight_decay" and spoken:
                # Of one rule's two names the speaker's own is taken.
                same = {decay, "before" if decay == "simultaneous" else decay}
                least = [o._replace(decay=decay) for o in least if o.decay in same] or least
            found.append(least[0])
        return tuple(found)

    @property
    def likeliest(self) -> Hypothesis:
        """The convention with these."""
        return self.hypothesis(self.chosen)

    @property
    def spoken(self) -> tuple[int, str]:
        """How many words of one of its speakers' names are in the subject's name, and its decay."""
        words = set(re.split(r"[^a-z0-9]+", self.name.lower()))
        best = (0, "coupled")
        speakers: Mapping[str, str] = self.root.base.spoken_by
        for speaker, decay in speakers.items():
            parts = set(re.split(r"[^a-z0-9]+", speaker))
            best = max(best, (len(parts), decay)) if parts <= words else best
        return best

    @property
    def rank(self) -> tuple[int, int, int]:
        """The fewer departures, the nearer; then the more it is spoken by the subject."""
        known, own = list(CONVENTIONS), self.root.base.name
        order = known.index(own) if own in known else len(known)
        return len(self.likeliest.words), -self.spoken[0], order

    def remoteness(self, failed: Seen | None) -> tuple[float, float, tuple[int, int, int]]:
        """The later the first difference, the nearer; then the smaller the distance."""
        if failed is None:
            return 0.0, 0.0, self.rank
        observation, about = failed.observation, failed.probe.about
        near = min(h.distance(observation) for _, h in self.hypotheses(about))
        return -first_difference(failed, self).step, near, self.rank


def accepted(
    subject: Subject, observation: Observation, hypotheses: Sequence[Hypothesis], format: str = ""
) -> list[bool]:
    """Which hypotheses hold.

    Equal replays do; the others are judged, the nearest first, until a few in a row have failed:
    errors of those behind them are larger still, and bounds of one run differ little.
    """
    distances = [h.distance(observation) for h in hypotheses]
    verdicts = [d == 0 for d in distances]
    failures = 0
    for i in sorted(range(len(hypotheses)), key=lambda i: distances[i]):
        if not verdicts[i]:
            if failures == PATIENCE or not np.isfinite(distances[i]):
                break
            verdicts[i] = hypotheses[i].holds(subject, observation, format)
            failures = 0 if verdicts[i] else failures + 1
    return verdicts


def decide(
    subject: Subject, dtype: str, also: Sequence[Convention] = (), format: str = ""
) -> tuple[list[Candidate], list[Seen], dict[str, str]]:
    """Candidates that are left, what was seen, and the probes that were refused.

    also: conventions to consider beside those of the package. format: whose error bounds are
    taken, those of the dtype where none is given.
    """
    facts = subject.facts
    alive = [Candidate(root, facts.name) for root in _roots(facts, also)]
    seen: list[Seen] = []
    refused: dict[str, str] = {}
    shapes: tuple[tuple[int, ...], ...] = SHAPES
    if isinstance(tried(subject, next(probes(facts, dtype, shapes)).problem), str):
        shapes = SHAPES[:1]  # it may know one parameter alone, or no matrices
    for probe in probes(facts, dtype, shapes):
        observation = tried(subject, probe.problem)
        if isinstance(observation, str):
            refused[probe.name] = observation
            continue
        seen.append(Seen(probe, observation))
        every = [(c, chosen, h) for c in alive for chosen, h in c.hypotheses(probe.about)]
        verdicts = accepted(subject, observation, [h for _, _, h in every], format)
        good = [(c, chosen) for (c, chosen, _), ok in zip(every, verdicts) if ok]
        if not good:
            for c in alive:
                c.failed.append(probe.name)
            if probe.name == "constant":
                break
            continue
        alive = [c for c in alive if any(c is g for g, _ in good)]
        for c in alive:
            for k, aspect in enumerate(probe.about):
                allowed = {chosen[k] for g, chosen in good if g is c}
                c.options[aspect] = [o for o in c.left(aspect) if o in allowed]
    if "point" in facts.offers and seen and not any(c.failed for c in alive):
        pointed = [c for c in alive if _points(subject, seen[0], c)]
        alive = pointed or alive
    return alive, seen, refused


def contained(convention: Convention, has: frozenset[str]) -> bool:
    """It is one of the others, as the subject lacks what tells them apart."""
    return bool(convention.contains) and not convention.takes <= has | {"momentum"}


def _roots(facts: Facts, also: Sequence[Convention]) -> list[Hypothesis]:
    """Every convention that can be told from others, and what each makes of absent options."""
    has = taken(facts)
    roots = [
        Hypothesis.of(c)
        for c in {c.name: c for c in (*CONVENTIONS.values(), *also)}.values()
        if not contained(c, has)
    ]
    if "dampening" not in has and "momentum" in has:
        roots.append(seeded(CONVENTIONS[USUAL[0]]))
    if "nesterov" not in has:
        roots += [NESTEROV_FORM.on(r) for r in roots if "nesterov" in r.base.takes]
    return roots


def _points(subject: Subject, seen: Seen, candidate: Candidate) -> bool:
    """The subject wants its gradients where the convention takes them.

    Three steps, in which dyadic numbers need few enough bits for every format.
    """
    problem = seen.observation.problem
    run: Any = begin(subject, problem)
    convention = candidate.likeliest.convention
    theta, state = problem.start[0], convention.initial
    format = format_of(problem.dtype)
    for fed, (h, *_) in list(zip(seen.observation.fed, problem.hypers))[:3]:
        wanted = format.round(convention.gradient_point(theta, state, h))
        if not np.array_equal(np.asarray(run.point()[0], dtype=np.float64), wanted):
            return False
        run.step([None if g is None else g.copy() for g in fed])
        theta, state = convention.step(theta, cast(Array, fed[0]), state, h)
    return True


def first_difference(seen: Seen, candidate: Candidate) -> Difference:
    """Where the candidate at its best and the subject part in a probe that it does not explain."""
    chosen = [candidate.left(a)[0] for a in seen.probe.about]
    rows = candidate.hypothesis(chosen).replayed(seen.observation)
    format = format_of(seen.observation.problem.dtype)
    for t, (wanted, got) in enumerate(zip(rows, seen.observation.iterates), 1):
        # Numbers that the dtype cannot hold are as near as it comes.
        for i, (x, y) in enumerate(zip(wanted, got)):
            unequal = np.flatnonzero(format.round(x) != y)
            if unequal.size:
                k = int(unequal[0])
                here, there = float(x.flat[k]), float(y.flat[k])
                return Difference(seen.probe.name, t, k, here, there, i)
    return Difference(seen.probe.name, 0, 0, 0.0, 0.0)
