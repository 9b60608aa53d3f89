"""Where a convention is not kept, without a word on how."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from momentum.diagnosis.context import Context
from momentum.diagnosis.hypothesis import Hypothesis, Scope, Suspect
from momentum.diagnosis.kept import Kept
from momentum.diagnosis.scopes import Verdicts, fitting
from momentum.subjects.drive import Observation
from momentum.subjects.protocol import Subject


@dataclass(frozen=True)
class Place:
    """Where the convention is not kept, and where it is; how it is broken is unknown."""

    own: Hypothesis
    scope: Scope

    def speaks(self, subject: Subject, observation: Observation) -> bool:
        """It is about some element."""
        return any(self.scope.mask(observation, i).any() for i in range(len(observation.fed[0])))

    def holds(self, subject: Subject, observation: Observation) -> bool:
        """Wrong are these elements and no others."""
        right = self.own.agreement(subject, observation)
        return all(np.array_equal(~x, self.scope.mask(observation, i)) for i, x in enumerate(right))


def places(
    kept: Kept, context: Context, seen: Sequence[Verdicts], runs: Sequence[Observation]
) -> Iterator[Suspect[Place]]:
    """Which elements are wrong in all these runs, where it is not all of them."""
    blind = [v._replace(explained=[np.ones_like(x) for x in v.right]) for v in seen]
    for scope in fitting(blind):
        place = Place(kept.own, scope)
        inside = [scope.mask(o, i) for o in runs for i in range(len(o.problem.shapes))]
        if all(x.all() for x in inside) or not any(x.any() for x in inside):
            continue  # it says nothing of these runs
        trial = chain(runs, kept.trials.around(context, scope))
        if all(place.holds(kept.subject, o) for o in trial):
            words = f"{scope.words}: wrong, all others right"
            words = f"{context.words}, {words}" if context.words else words
            yield Suspect(words, place)
