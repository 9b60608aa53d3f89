"""Ways not to do what a convention says, as functions from hypothesis to hypothesis."""

from collections import namedtuple
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import starmap
from typing import Any, NamedTuple, SupportsFloat, cast

from flint import fmpq

from momentum.arithmetic import exact
from momentum.arithmetic.number import Number
from momentum.conventions import Convention, Hyper, Moved, Rule, State
from momentum.diagnosis.hypothesis import (
    EVERYTHING,
    Array,
    Hypothesis,
    Schedule,
    Strand,
    Suspect,
    Telling,
)
from momentum.subjects.drive import Observation

Apply = Callable[[Hypothesis], Hypothesis]
"""What a departure makes of a hypothesis."""


class Departure(NamedTuple):
    """One way not to do what a convention says."""

    words: str
    apply: Apply

    def on(self, hypothesis: Hypothesis) -> Hypothesis:
        """The hypothesis, departed from."""
        return replace(self.apply(hypothesis), words=(*hypothesis.words, self.words))

    def suspected(self, hypothesis: Hypothesis) -> Suspect[Hypothesis]:
        """The same as a possible cause."""
        return Suspect(self.words, self.on(hypothesis))


def all_of(table: Mapping[str, Apply]) -> tuple[Departure, ...]:
    """Departures by their words."""
    return tuple(starmap(Departure, table.items()))


def plain(number: SupportsFloat) -> float:
    """The value of a number of any kind."""
    return float(getattr(number, "value", number))


def told(change: Callable[[Hyper], Hyper]) -> Apply:
    """The whole step, decay included, is told other hyper-parameters.

    Without momentum there is no velocity that could be dampened.
    """

    def changed(h: Hyper) -> Hyper:
        new = change(h)
        gone = plain(h.momentum) and not plain(new.momentum)
        return new._replace(dampening=0) if gone else new

    def apply(hypothesis: Hypothesis) -> Hypothesis:
        return _rewritten(hypothesis, lambda step, x, g, s, h: step(x, g, s, changed(h)), changed)

    return apply


Value = Callable[[Number, Callable[[float], Number]], Number]
"""Another number, from the one that is set and a function by which floats become of its kind."""


def valued(name: str, value: Value) -> Apply:
    """In place of a hyper-parameter acts a number that was measured."""

    def change(h: Hyper) -> Hyper:
        own: Any = getattr(h, name)
        rational = isinstance(h.lr, fmpq)
        return h.having(**{name: value(exact(own), exact) if rational else value(own, float)})

    return told(change)


def constant(name: str, value: float) -> Apply:
    """A hyper-parameter has this value whatever is set."""
    return valued(name, lambda x, alike: alike(value))


Step = Callable[[Rule, Number, Number, State, Hyper], Moved]
"""A step inside which another one, given first, is taken."""


def around(step: Step) -> Apply:
    """The whole step, decay included, inside another function."""
    return lambda hypothesis: _rewritten(hypothesis, step, lambda h: h)


Beside = Callable[[Rule, Number, Number, State, Any, Hyper], tuple[Number, State, Any]]
"""step, theta, grad, the rule's own state, what is kept beside it, h -> theta and both of these."""


def keeping(act: Beside) -> Apply:
    """The whole step inside a function that keeps something beside its state, 0 at first."""

    def apply(hypothesis: Hypothesis) -> Hypothesis:
        inner = hypothesis.convention.initial
        held = f"held_{len(inner)}"
        kind = cast(Any, namedtuple)("Held", [*inner._fields, held])

        def stepped(step: Rule, theta: Number, grad: Number, state: State, h: Hyper) -> Moved:
            own = type(inner)(*state[:-1])
            theta, own, kept = act(step, theta, grad, own, state[-1], h)
            return theta, kind(*own, kept)

        changed = around(stepped)(hypothesis)
        convention = replace(changed.convention, initial=kind(*inner, 0.0))
        return replace(changed, convention=convention)

    return apply


def taken_as(telling: Telling, slack: int = 1) -> Apply:
    """Each strand is taken in another way."""

    def apply(hypothesis: Hypothesis) -> Hypothesis:
        slacker = max(slack, hypothesis.slack)
        return replace(hypothesis, tellings=(*hypothesis.tellings, telling), slack=slacker)

    return apply


def fed(change: Callable[[Strand], Iterable[Array | None]], slack: int = 1) -> Apply:
    """Other gradients, from those of a strand, step by step."""

    def telling(observation: Observation, strand: Strand) -> Iterable[Strand]:
        return (strand._replace(grads=tuple(change(strand))),)

    return taken_as(telling, slack)


def present(change: Callable[[list[Array]], Iterable[Array]]) -> Callable[..., Iterator[Any]]:
    """The same from those of the steps that have one; the others still have none."""

    def changed(strand: Strand) -> Iterator[Array | None]:
        grads = [g for g in strand.grads if g is not None]
        new = iter(change(grads) if grads else grads)
        yield from (None if g is None else next(new) for g in strand.grads)

    return changed


def scheduled(change: Schedule) -> Apply:
    """The rule sees other hyper-parameters than those that were set, step by step."""

    def telling(observation: Observation, strand: Strand) -> Iterable[Strand]:
        return (strand._replace(hypers=tuple(change(strand.hypers))),)

    return taken_as(telling)


def unsigned(step: Rule) -> Rule:
    """A whole step, for a convention that turns the gradient's sign itself."""
    return lambda x, g, s, h: step(x, -g if h.maximize else g, s, h)


def ruled(own: Hypothesis, rule: Rule) -> Hypothesis:
    """Another rule in place of the whole step but for its sign, in no other form."""
    other = replace(own.convention, rule=rule, forms=lambda h: (), decay="coupled")
    return replace(own, convention=other)


def _rewritten(hypothesis: Hypothesis, step: Step, change: Callable[[Hyper], Hyper]) -> Hypothesis:
    """Another rule around the whole step. The sign of the gradient is turned once, inside."""
    old = hypothesis.convention

    def inside(own: Rule) -> Rule:
        return unsigned(partial(step, own))

    def forms(h: Hyper) -> tuple[Rule, ...]:
        return tuple(map(inside, old.all_forms(change(h))[1:]))

    new = replace(old, rule=inside(old.step), forms=forms, decay="coupled", takes=EVERYTHING)
    return replace(hypothesis, convention=new)


def seeded(convention: Convention) -> Hypothesis:
    """An average that starts with the first gradient: dampening is the momentum."""
    change = told(lambda h: h._replace(dampening=h.momentum))
    words = "dampening equals momentum, so that the velocity is an average seeded with v = g"
    return Departure(words, change).on(Hypothesis.of(convention))
