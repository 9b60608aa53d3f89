"""Which convention is this, with which numbers, and why does it fail?

One hypothesis serves every question: a convention, what departs from it, and where (`hypothesis`).
A departure is a function from hypothesis to hypothesis, with its name and its words (`departure`).

From a failing result to its cause, the way of `explain`:

    failing runs     which runs of the convention fail, from which step on    kept, context
    hypotheses       what may be wrong, the simplest first                    suspects, likely
        departures   other numbers, schedules, gradients, groups, formats     departures, feeding,
                                                                              numbers, moments
        walked       an array goes through a function                         arrays, walked,
                                                                              functions
        poison       what is not finite spreads                               poison
        shown        averages, ways back, gathered gradients                  shown
        fitted       a number measured in a run                               fitted, estimate
        thresholds   an option acts on one side of a number                   thresholds
        mutants      one small mistake anywhere in the rule's own text        mutants
        simulated    a wrong run of the gallery; a coarser format             simulated, rounding
        interrupted  what a save, a load or a copy loses                      interrupted
    where            the settings, parameters and elements that go wrong      scopes, place
    counter-probes   runs that the cause was not chosen by, and must explain  trials
    cause            what holds in all of them, and nothing contradicts       explain

What a subject is, from short probes: probes, candidates, identify, response, words. One subject
against every convention at once, for the matrix: comparing.
"""

from momentum.diagnosis.estimate import Estimate, measure
from momentum.diagnosis.explain import Explainer, explain
from momentum.diagnosis.identify import Identity, identify
from momentum.diagnosis.response import Response, response
from momentum.diagnosis.words import decisive, describe, summary

__all__ = [
    "Estimate",
    "Explainer",
    "Identity",
    "Response",
    "decisive",
    "describe",
    "explain",
    "identify",
    "measure",
    "response",
    "summary",
]
