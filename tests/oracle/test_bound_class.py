"""The bound holds for the class of right implementations that docs/bound.md writes down.

Right implementations are drawn at random: the terms of a rule's step in any algebra, anew at every
step; products and sums in any order and grouping, common factors taken out, equal arrays taken
together, scalars multiplied beforehand and held in any format, sums of scalars multiplied out or
not, fused multiply-add; or another form of the rule as it is written.
"""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import momentum
from momentum.arithmetic import FORMATS, Format, format_of
from momentum.arithmetic.expanded import Factor, Term, cancelled
from momentum.conventions import CONVENTIONS, Convention, Hyper, Rule, get
from momentum.conventions.hyper import NUMBERS
from momentum.oracle.expansion import expansion

X = Any


class Member:
    """One run of a random implementation in a format."""

    def __init__(self, convention: Convention, format: Format, seed: int) -> None:
        self.convention, self.format = convention, format
        self.rng = np.random.default_rng(seed)
        self.fields = type(convention.initial)._fields
        self.state: list[Any] = list(convention.initial)
        self.exact_values: dict[str, float] = {}

    def round(self, x: X) -> X:
        """To the working format, flushed where it flushes."""
        with np.errstate(all="ignore"):
            x = self.format.round(x)
            if self.format.flushes:
                x = np.where(np.abs(x) < self.format.smallest_normal, 0.0, x)
            return x

    def step(self, theta: X, grad: X, h: Hyper) -> X:
        """The parameter after a step; the state is kept here."""
        with np.errstate(all="ignore"):
            return self._step(theta, grad, h)

    def _step(self, theta: X, grad: X, h: Hyper) -> X:
        kinds = ["array" if isinstance(x, np.ndarray) else x for x in self.state]
        outputs = expansion(self.convention, h, kinds)
        self.arrays = {"theta": theta, "grad": grad}
        self.numbers = {}
        for name, x in zip(self.fields, self.state):
            (self.arrays if isinstance(x, np.ndarray) else self.numbers)[f"state {name}"] = x
        self.numbers |= {n: self.held(getattr(h, n)) for n in Hyper._fields}
        forms = self.convention.all_forms(h)
        if len(forms) > 1 and self.rng.random() < 0.5:
            return self.written(forms[int(self.rng.integers(1, len(forms)))], theta, grad, h)
        state = [
            np.broadcast_to(self.free(x.forms[0]), np.shape(theta)).copy()
            if x.is_array else self.pure(x.forms[0]) for x in outputs[1:]
        ]  # fmt: skip
        moved = self.free(outputs[0].forms[0])
        self.state = state
        return moved

    def written(self, form: Rule, theta: X, grad: X, h: Hyper) -> X:
        """Another form of the rule, in the order in which it is written."""
        told = h.lifted(lambda x: x)._replace(
            **{n: Written(self, self.numbers[n]) for n in NUMBERS if getattr(h, n) not in (0, 1)}
        )
        held = type(self.convention.initial)(
            *(Written(self, x) if isinstance(x, (np.ndarray, float)) else x for x in self.state)
        )
        if h.maximize:
            grad = -grad  # the form turns it back
        moved, kept = form(Written(self, theta), Written(self, grad), held, told)
        self.state = [
            np.broadcast_to(_value(x), np.shape(theta)).copy()
            if isinstance(x, Written) and np.ndim(x.value) else float(_value(x)) for x in kept
        ]  # fmt: skip
        return moved.value

    def free(self, terms: tuple[Term, ...]) -> X:
        """The rule's terms as they stand, or like ones taken together."""
        if self.rng.random() < 0.5:
            terms = cancelled(terms)
        return self.round(self.sum(list(terms)))

    def pure(self, terms: tuple[Term, ...]) -> float:
        """A number of the state, as its form stands."""
        return float(self.round(self.sum(list(terms), plain=True)))

    def held(self, x: float) -> float:
        """A hyper-parameter in this format, in float32 or as it is."""
        if isinstance(x, bool) or self.rng.random() < 0.3:
            return x
        wide = FORMATS["float32"] if self.format.u > 2.0**-24 else FORMATS["float64"]
        return float(self.round(x) if self.rng.random() < 0.5 else wide.round(x))

    def factor(self, f: Factor) -> float:
        if isinstance(f, str):
            return self.numbers[f]
        if isinstance(f, float):
            return self.held(f)
        found = self.sum(list(f.terms), plain=True)
        return self.round(1.0 / found) if f.inverse else found

    def sum(self, terms: list[Term], plain: bool = False) -> X:
        """Some terms, added up in one of the ways there are."""
        if not terms:
            return 0.0
        if len(terms) == 1:
            return self.product(terms[0])
        way = self.rng.random()
        if way < 0.25 and not plain:
            shared = [f for t in terms for f in t.factors
                      if sum(f in other.factors for other in terms) > 1]  # fmt: skip
            if shared:
                return self.factored(terms, shared[int(self.rng.integers(len(shared)))])
        elif way < 0.5 and not plain:
            atoms = [t.atom for t in terms]
            twice = [a for a in atoms if a and atoms.count(a) > 1]
            if twice:
                return self.together(terms, twice[int(self.rng.integers(len(twice)))])
        order = self.rng.permutation(len(terms))
        cut = int(self.rng.integers(1, len(terms)))
        left, right = ([terms[i] for i in part] for part in (order[:cut], order[cut:]))
        if len(right) == 1 and right[0].factors and right[0].atom and self.rng.random() < 0.3:
            return self.fused(left, right[0])
        return self.round(self.sum(left, plain) + self.sum(right, plain))

    def factored(self, terms: list[Term], factor: Factor) -> X:
        inside, outside = [], []
        for t in terms:
            if factor in t.factors:
                rest = list(t.factors)
                rest.remove(factor)
                inside.append(t._replace(factors=tuple(rest)))
            else:
                outside.append(t)
        product = self.round(self.factor(factor) * self.sum(inside))
        return self.round(self.sum(outside) + product) if outside else product

    def together(self, terms: list[Term], atom: str) -> X:
        scalar = self.sum([t._replace(atom="") for t in terms if t.atom == atom], plain=True)
        product = self.round(scalar * self.arrays[atom])
        outside = [t for t in terms if t.atom != atom]
        return self.round(self.sum(outside) + product) if outside else product

    def fused(self, left: list[Term], right: Term) -> X:
        scalar = self.product(right._replace(atom=""))
        return self.round(self.sum(left) + scalar * self.arrays[right.atom])

    def product(self, term: Term) -> X:
        parts: list[Any] = [self.factor(f) for f in term.factors]
        if term.atom:
            parts.append(self.arrays[term.atom])
        if abs(term.coefficient) != 1 or not parts:
            parts.append(float(abs(term.coefficient)))
        while len(parts) > 1:
            i, j = self.rng.choice(len(parts), size=2, replace=False)
            made = self.round(parts[i] * parts[j])
            parts = [x for k, x in enumerate(parts) if k not in (i, j)] + [made]
        return parts[0] if term.coefficient > 0 else -parts[0]


class Written:
    """A number whose operations round once, with their operands in either order."""

    __array_ufunc__ = None

    def __init__(self, member: Member, value: X) -> None:
        self.member, self.value = member, value

    def _made(self, value: X) -> "Written":
        return Written(self.member, self.member.round(value))

    def __neg__(self) -> "Written":
        return Written(self.member, -self.value)

    def __add__(self, other: X) -> "Written":
        return self._made(self.value + _value(other))

    def __sub__(self, other: X) -> "Written":
        return self._made(self.value - _value(other))

    def __rsub__(self, other: X) -> "Written":
        return self._made(_value(other) - self.value)

    def __mul__(self, other: X) -> "Written":
        return self._made(self.value * _value(other))

    def __truediv__(self, other: X) -> "Written":
        return self._made(self.value / _value(other))

    __radd__, __rmul__ = __add__, __mul__


def _value(x: X) -> X:
    return x.value if isinstance(x, Written) else x


HYPERS: list[dict[str, Any]] = [
    {"lr": 0.1, "momentum": 0.9},
    {"lr": 0.5, "momentum": 0.5, "weight_decay": 0.01},
    {"lr": 4.0, "momentum": 0.999, "weight_decay": 0.25},
    {"lr": 1.8e-5, "momentum": 0.0014, "weight_decay": 0.3},
    {"lr": 0.03, "momentum": 0.07},
    {"lr": 0.7, "momentum": 0.0, "weight_decay": 0.1},
]
FLAGS = [{}, {"nesterov": True}, {"dampening": 0.3}, {"nu": 0.7}, {"nu": 0.98}]
DECAYS = ("", ":before", ":after")


def cases() -> list[Any]:
    found = []
    for name, decay, flags in itertools.product(CONVENTIONS, DECAYS, FLAGS):
        takes = CONVENTIONS[name].takes
        if set(flags) <= takes and (decay != ":after" or not flags):
            found.append(pytest.param(name + decay, flags, id=f"{name}{decay} {flags}"))
    return found


def worst(
    name: str, dtype: str, hyper: dict[str, Any], seed: int, size: int = 60, steps: int = 8
) -> float:
    """The largest error / bound of one random implementation."""
    format, convention = format_of(dtype), get(name)
    rng = np.random.default_rng(seed)
    scale = 2.0 ** int(rng.integers(-12, 3))
    start = format.round(rng.standard_normal(size) * scale)
    grads = [format.round(rng.standard_normal(size) * scale) for _ in range(steps)]
    tier: Any = "exact" if dtype == "float64" else "fast"
    size = min(size, 12 if tier == "exact" else size)
    start, grads = start[:size], [g[:size] for g in grads]
    truth = momentum.replay(name, start, grads, dtype=dtype, tier=tier, **hyper)
    member, theta, path = Member(convention, format, seed), start, []
    for g, h in zip(grads, truth.hypers):
        theta = member.step(theta, -g if h.maximize else g, h)
        path.append(theta)
    compared = truth.compare(path)
    return float(max(compared.trajectory.ratio.max(), compared.step.ratio.max()))


@pytest.mark.parametrize("dtype", [*FORMATS, "float32:flushing"])
@pytest.mark.parametrize(("name", "flags"), cases())
def test_no_random_implementation_leaves_the_bound(
    name: str, flags: dict[str, Any], dtype: str
) -> None:
    for seed, hyper in enumerate(HYPERS):
        assert worst(name, dtype, hyper | flags, seed) <= 1, (hyper, seed)


def test_the_bound_is_reached_by_some_random_implementation() -> None:
    """Not much wider than needed: of a hundred draws, one uses most of it."""
    ratios = [worst("accumulated", "float32", HYPERS[0], seed) for seed in range(100)]
    assert max(ratios) > 0.75


def walked(step: Any, dtype: str, seed: int) -> tuple[Any, list[Any], list[Any]]:
    """Start, gradients and iterates of step(x, grad, round), whose start is far from 0."""
    rng, round = np.random.default_rng(seed), FORMATS[dtype].round
    x = start = round(rng.standard_normal(2000))
    grads = [round(rng.standard_normal(2000) * 0.01) for _ in range(30)]
    path = []
    for g in grads:
        x = step(x, g, round)
        path.append(x)
    return start, grads, path


def passes(names: list[str], walk: tuple[Any, list[Any], list[Any]], dtype: str) -> list[bool]:
    start, grads, path = walk
    return [
        momentum.replay(name, start, grads, lr=0.1, momentum=0.9, dtype=dtype).compare(path).passed
        for name in names
    ]


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_a_difference_of_iterates_is_left_out_and_is_covered_where_it_is_named(dtype: str) -> None:
    """What docs/bound.md leaves out, and the names that it has there."""
    wide = FORMATS["float32"].round
    lr, m = float(wide(0.1)), float(wide(0.9))
    before: list[Any] = []

    def two_points(x: X, g: X, round: Any) -> X:
        before.append(x)
        gone = round(x - before[-2]) if before[1:] else 0.0 * x
        return round(round(x - round(lr * g)) + round(m * gone))

    names = ["scaled", "scaled:differences", "two_point"]
    assert passes(names, walked(two_points, dtype, 0), dtype) == [False, True, True]

    v: list[Any] = [0.0]

    def by_rate(x: X, g: X, round: Any) -> X:
        new = round(x - round(lr * round(round(m * v[-1]) + g)))
        v.append(round(round(x - new) / lr))
        return new

    names = ["zero_started", "zero_started:differences"]
    assert passes(names, walked(by_rate, dtype, 1), dtype) == [False, True]


@pytest.mark.parametrize("name", ["scaled", "zero_started", "accumulated"])
def test_no_random_implementation_with_a_difference_leaves_its_bound(name: str) -> None:
    for dtype, (seed, hyper) in itertools.product(FORMATS, enumerate(HYPERS)):
        assert worst(f"{name}:differences", dtype, hyper, seed) <= 1, (dtype, hyper)


def test_nesterovs_method_of_1983_is_a_convention_in_a_file() -> None:
    file = str(Path(__file__).parents[2] / "examples" / "nesterov_1983.py")
    lr, m = (float(FORMATS["float32"].round(x)) for x in (0.1, 0.9))
    last: list[Any] = []

    def extrapolated(x: X, g: X, round: Any) -> X:
        y, y_old = round(x - round(lr * g)), last[-1] if last else x
        last.append(y)
        return round(y + round(m * round(y - y_old)))

    names = ["scaled:nesterov", file]
    assert passes(names, walked(extrapolated, "float32", 2), "float32") == [False, True]
    # In exact numbers it is Nesterov's form of `scaled` until the momentum changes.
    paths = [
        momentum.replay(
            name, [1.0, -2.0], [[0.5, 0.25], [1.0, 0.5], [0.25, 1.0]], lr=0.5, tier="exact",
            momentum=[0.5, 0.5, 0.25],
        ).values.tolist()
        for name in names
    ]  # fmt: skip
    assert paths[0][:2] == paths[1][:2]
    assert paths[0][2] != paths[1][2]
