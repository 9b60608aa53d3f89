"""What may be wrong, group by group, the simplest first."""

from collections.abc import Iterable, Iterator

from momentum.diagnosis.fitted import bounded, drifting, fitted
from momentum.diagnosis.functions import between, scaled
from momentum.diagnosis.hypothesis import Hypothesis, Suspect
from momentum.diagnosis.kept import Kept
from momentum.diagnosis.moments import decayed, late
from momentum.diagnosis.mutants import mutants
from momentum.diagnosis.poison import poisoning
from momentum.diagnosis.shown import shown
from momentum.diagnosis.suspects import identified, suspects
from momentum.diagnosis.thresholds import thresholds
from momentum.subjects.drive import Observation


def likely(
    kept: Kept, observation: Observation, clear: bool
) -> Iterator[Iterable[Suspect[Hypothesis]]]:
    """What is known to go wrong.

    clear: an error is too large for one of little more than its rounding, which some number always
    fits. A number that is wrong acts in steady runs as well.
    """
    subject, own, problem = kept.subject, kept.own, observation.problem
    convention, step = own.base, kept.fails(observation) or 1
    steady = not kept.changes(observation)
    yield suspects(convention, len(problem.hypers[0]) > 1)
    if clear and steady:
        yield bounded(subject, convention, observation)
    yield late(own, problem, step)
    if not clear:
        return
    yield decayed(own, observation, step)
    if steady:
        yield thresholds(kept, observation)
    yield poisoning(convention, observation)


def measured(
    kept: Kept, observation: Observation, names: frozenset[str], clear: bool
) -> Iterator[Iterable[Suspect[Hypothesis]]]:
    """What the wrong steps themselves suggest, and rules that differ little.

    names: of hyper-parameters to speak of.
    """
    if not clear:
        return
    subject, own, trials = kept.subject, kept.own, kept.trials
    convention, problem, step = own.base, observation.problem, kept.fails(observation) or 1
    steady = not kept.changes(observation)
    yield between(convention, observation, step, trials.scalars(problem.dtype))
    yield shown(own, observation, step)
    if steady:
        yield fitted(subject, convention, problem.dtype, problem.hypers[0][0])
    yield scaled(convention, observation, step)
    if steady:
        yield drifting(subject, convention, problem.dtype)
    yield mutants(convention, observation, names)
    yield identified(subject, problem.dtype, convention)
