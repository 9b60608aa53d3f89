"""Optimizers that nobody wrote: right ones by random algebra, wrong ones by random mistakes.

Both start from a convention's own text, run over expressions; for one setting of the flags its step
is rewritten, for the others it is the convention's. Which of them is right is not said by how they
were made: both are run beside the convention in rational numbers, with all hyper-parameters
changing at every step, and right is what goes the same way exactly.
"""

import random
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from itertools import product

from flint import fmpq

from momentum.arithmetic.expression import Expression, made, number, replaced, symbol
from momentum.arithmetic.number import Number as Numeric
from momentum.conventions import (
    CONVENTIONS,
    Convention,
    Hyper,
    Moved,
    State,
    Step,
    expressed,
    symbols_of,
)
from momentum.conventions.hyper import NUMBERS
from momentum.gallery.machine.machine import DTYPES, PLAIN, Machine
from momentum.gallery.machine.number import Number, Working, multiply_add
from momentum.gallery.rewriting import LARGEST, at, equals, mistakes, paths, put

KINDS = ("coupled", "before", "simultaneous", "after")
MOVES = 24
"""Rewritings of a right step at most."""

STEPS = 7
"""Of the exact run that tells right from wrong; the first ones see every branch of a rule."""

WORKINGS = {
    "": (Working(), DTYPES),
    "fused wherever it can be": (Working(fused=True), DTYPES),
    "wider inside": (Working(inside=True), ("float32", "float16", "bfloat16")),
    "hyper-parameters in float64": (Working(wide_hyper=True), DTYPES),
}
"""How a right one may compute, and in which formats."""


@dataclass(frozen=True)
class Generated:
    """An optimizer drawn at random, for one setting of the flags.

    first, later: the step, first and later. scale: what the stored velocity is times the
    convention's own. how: what was done to the step, in words. formed: it is a named form, which
    stands for momenta other than 0.
    """

    convention: Convention
    nesterov: bool
    maximize: bool
    first: Step
    later: Step
    scale: Fraction
    how: tuple[str, ...]
    working: Working = PLAIN
    dtypes: tuple[str, ...] = DTYPES
    formed: bool = False

    @property
    def name(self) -> str:
        """The convention, the flags, and what was done."""
        flags = [n for n in ("nesterov", "maximize") if getattr(self, n)]
        return f"{' '.join([self.convention.full_name, *flags])}: {', '.join(self.how)}"

    def rule(self, theta: Numeric, grad: Numeric, state: State, h: Hyper) -> Moved:
        """One whole step."""
        rational = isinstance(h.lr, fmpq)
        other = (h.nesterov, h.maximize) != (self.nesterov, self.maximize)
        if other or (self.formed and not h.momentum):
            by = _exact(self.scale) if rational else float(self.scale)
            own = state if by == 1 else state._replace(v=state.v * (1 / by))
            moved, new = self.convention.step(theta, grad, own, h)
            return moved, new if by == 1 else new._replace(v=new.v * by)
        return (self.later if state.step else self.first).taken(theta, grad, state, h, _fused)

    def build(self) -> Machine:
        """A new subject; a machine shows its point by the convention's own velocity."""
        without = frozenset() if self.scale == 1 else frozenset({"point"})
        return Machine(
            self.name, self.convention, rule=self.rule, working=self.working, dtypes=self.dtypes,
            without=without,
        )  # fmt: skip

    def is_right(self, seed: int) -> bool:
        """Whether it goes the convention's way exactly, from a random start and schedule."""
        rng = random.Random(seed)

        def rational() -> fmpq:
            return fmpq(rng.randint(-97, 97), rng.randint(1, 61))

        theta = other = rational()
        state = kept = self.convention.initial
        for _ in range(STEPS):
            numbers = {
                n: fmpq(rng.randint(1, 58), 59) for n in NUMBERS if n in self.convention.knows
            }
            h = Hyper(**numbers, nesterov=self.nesterov, maximize=self.maximize).lifted(_exact)
            grad = rational()
            theta, state = self.convention.step(theta, grad, state, h)
            try:
                other, kept = self.rule(other, grad, kept, h)
            except ZeroDivisionError:
                return False
            if other != theta:
                return False
        return True


def _exact(x: Fraction | int | fmpq) -> fmpq:
    return fmpq(x.numerator, x.denominator) if isinstance(x, Fraction) else fmpq(x)


def _fused(a: Numeric, b: Numeric, c: Numeric) -> Numeric:
    """a b + c with one rounding where the numbers round at all."""
    rounds = any(isinstance(x, Number) for x in (a, b, c))
    return multiply_add(a, b, c) if rounds else a * b + c


@cache
def settings() -> tuple[tuple[Convention, bool, bool], ...]:
    """Every convention with every kind of decay, and every setting of the flags that it has."""
    found = []
    for convention, kind in product(CONVENTIONS.values(), KINDS):
        for nesterov in (False, True) if "nesterov" in convention.takes else (False,):
            for maximize in (False, True):
                found.append((convention.with_decay(kind), nesterov, maximize))
    return tuple(found)


def _own(seed: int) -> tuple[random.Random, Convention, bool, bool, Step, Step]:
    every = settings()
    convention, nesterov, maximize = every[seed % len(every)]
    h = symbols_of(convention, nesterov=nesterov, maximize=maximize)
    first, later = expressed(convention, first=True, h=h), expressed(convention, h=h)
    return random.Random(seed), convention, nesterov, maximize, first, later


def right(seed: int) -> Generated:
    """The right optimizer of this seed; seeds one after another go through all settings.

    Raises: AssertionError if exact arithmetic says that it is wrong.
    """
    rng, convention, nesterov, maximize, first, later = _own(seed)
    how: list[str] = []
    if rng.random() < 0.2:
        first, later = _formed(convention, nesterov, maximize, rng, how)
    scale = Fraction(1) if convention.keeps_iterates else rng.choice(SCALES)
    if scale != 1:
        how.append(f"velocity times {scale}")
        first, later = (_rescaled(step, scale) for step in (first, later))
    formed = bool(how and how[0].startswith("form"))
    if not formed:
        alike = first == later
        later = _rewritten(later, rng, how)
        first = later if alike else _rewritten(first, rng, [])
    words, (working, dtypes) = rng.choice(list(WORKINGS.items()))
    how += [words] if words else []
    found = Generated(
        convention, nesterov, maximize, first, later, scale, tuple(how) or ("as it is",),
        working, dtypes, formed,
    )  # fmt: skip
    assert found.is_right(seed), found.name
    return found


SCALES = (Fraction(1), Fraction(1), Fraction(-1), Fraction(2), Fraction(-4))
"""What a velocity is stored as a multiple of. Left out are other numbers, which round it once more
at every step, and those below 1, which take digits from a subnormal one.
"""


def _formed(
    convention: Convention, nesterov: bool, maximize: bool, rng: random.Random, how: list[str]
) -> tuple[Step, Step]:
    """A named form of the rule: the bound covers it as written, and not in other algebra."""
    known = {n: 0.5 for n in NUMBERS if n in convention.knows}
    forms = convention.all_forms(Hyper(**known, nesterov=nesterov, maximize=maximize))
    which = rng.randrange(len(forms))
    how.append(f"form {which}")
    h = symbols_of(convention, nesterov=nesterov, maximize=maximize)
    return (
        expressed(convention, first=True, h=h, rule=forms[which]),
        expressed(convention, h=h, rule=forms[which]),
    )


def _rescaled(step: Step, scale: Fraction) -> Step:
    """The velocity is kept as `scale` times what it is."""
    v, by = symbol("v"), number(scale)
    if scale == -1:
        back: Expression = made("negative", v)
    else:
        back = made("*", number(1 / scale), v)
    outputs = step.replaced({v: back}).outputs
    new = outputs["v"]
    return Step.of(outputs | {"v": made("negative", new) if scale == -1 else made("*", by, new)})


def _rewritten(step: Step, rng: random.Random, how: list[str]) -> Step:
    outputs = step.outputs
    for _ in range(rng.randint(0, MOVES)):
        name = rng.choice(list(outputs))
        root = outputs[name]
        where = paths(root)
        if len(where) >= LARGEST:
            continue
        path = rng.choice(where)
        choices = equals(at(root, path))
        if choices:
            words = rng.choice(sorted({words for words, _ in choices}))
            part = rng.choice([part for other, part in choices if other == words])
            outputs[name] = put(root, path, part)
            if words not in how:
                how.append(words)
    return Step.of(outputs)


def wrong(seed: int) -> Generated:
    """The wrong optimizer of this seed, by one mistake; those that turn out right are not taken."""
    rng, convention, nesterov, maximize, first, later = _own(seed)
    known = frozenset(NUMBERS) & convention.knows | {"theta", "grad", *later.state}
    while True:
        steps = {"first": first, "later": later}
        words = _mistaken(steps, rng, known, alike=first == later)
        found = Generated(
            convention, nesterov, maximize, steps["first"], steps["later"], Fraction(1), (words,)
        )
        if not found.is_right(seed):
            return found


def _mistaken(
    steps: dict[str, Step], rng: random.Random, known: frozenset[str], alike: bool
) -> str:
    """Make one mistake in the steps; returns what it is."""
    if not alike and rng.random() < 0.1:
        which = rng.choice(["first", "later"])
        steps["first"] = steps["later"] = steps[which]
        return f"every step is as the {which} one"
    which = "later" if alike else rng.choice(["first", "later"])
    outputs = steps[which].outputs
    name = rng.choice(list(outputs))
    root = outputs[name]
    if name == "theta" and rng.random() < 0.15:
        new, old = steps[which].state["v"], symbol("v")
        turned = replaced(root, {new: old})
        words = "the old velocity for the new one"
    else:
        path = rng.choice(paths(root))
        choices = mistakes(at(root, path), rng, known)
        if not choices:
            return "nothing"
        words, part = rng.choice(choices)
        turned = put(root, path, part)
    outputs[name] = turned
    steps[which] = Step.of(outputs)
    if alike:
        steps["first"] = steps[which]
        return f"{words} in {name}"
    return f"{words} in {name}, {which} steps"
