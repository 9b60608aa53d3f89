"""A step as matrices: what it does to the numbers, and what rounding may do to that.

For outputs y and old numbers a (parameter, state, gradient), all of one coordinate,

    y = value a        error(y) <= |value| error(a) + doubt (|a| + error(a)) + floor

A term c f_1 ... f_k a of the multiplied-out step meets, in whatever algebra, at most k products,
one rounding of each factor, and one sum fewer than there are terms:

    doubt = sum over terms of |c f_1 ... f_k| ((1 + d_1) ... (1 + d_k) (1 + u)^(k + n - 1) - 1)

and the largest of all forms. See docs/bound.md for the class of implementations and the proof.
"""

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from momentum.arithmetic import FORMATS, Format, exact, nearest
from momentum.arithmetic.exact import Given
from momentum.arithmetic.expanded import Compound, Factor, Term
from momentum.arithmetic.surd import EXACT, Exact
from momentum.oracle.expansion import Output, Sum, Way
from momentum.oracle.given import Array

_FLOAT32 = FORMATS["float32"]
_FLOAT64_U = 2.0**-53
# Coefficients and bounds are computed in float64: more than some 10^6 of its roundings.
_SLACK = 1.0 + 2.0**-28


class Number(NamedTuple):
    """A pure number and the error with which an implementation may hold it."""

    value: float
    error: float

    @staticmethod
    @lru_cache(maxsize=4096)
    def given(x: Given, format: Format) -> "Number":
        """A hyper-parameter: held in the format, in float32 or in float64, the worst of them."""
        value = nearest(x) if isinstance(x, EXACT) else float(x)
        held = [float(format.round(value))]
        if format.u > _FLOAT32.u:
            held.append(float(_FLOAT32.round(value)))
        if isinstance(x, EXACT):
            error = max(_above(abs(exact(y) - exact(x))) if math.isfinite(y) else math.inf
                        for y in (*held, value))  # fmt: skip
        else:
            error = max(abs(y - value) for y in held)
        if format.flushes and abs(value) < format.smallest_normal:
            error = max(error, abs(value))
        return Number(value, error)


def _above(gap: Exact) -> float:
    """A float64 above a distance; none where there is no distance."""
    return math.nextafter(nearest(gap), math.inf) if gap != 0 else 0.0


class Step(NamedTuple):
    """One step: new values = value [values; gradient], and as errors to sizes

        new errors = spread [errors; |values|; |gradient|; error(gradient); 1]

    reach: no intermediate result is larger than reach [|values| + errors; |gradient| + its error].
    floor: the last column of spread. joined: value, spread and reach, side by side.

    Shapes: value and reach (outputs, outputs + 1), spread (outputs, 2 outputs + 3).
    """

    value: Array
    spread: Array
    reach: tuple[tuple[float, ...], ...]
    floor: tuple[float, ...]
    joined: Array


class _Path(NamedTuple):
    """A term on its way: its size, the logarithm of what its factors and products may add, an
    absolute error of its coefficient, one of its result, and the largest partial product."""

    size: float
    growth: float
    lost: float
    floor: float
    reach: float


class Measure:
    """Sums of products under one row of hyper-parameters in one format."""

    def __init__(self, numbers: Mapping[str, Number], format: Format, own_error: bool) -> None:
        self.numbers, self.format, self.own_error = numbers, format, own_error
        self.log = math.log1p(format.operation_u)
        self.underflow = format.underflow * (2.0 if format.flushes else 1.0)
        self.known: dict[Factor, Number] = {}
        self.paths: dict[int, tuple[Term, _Path]] = {}

    def factor(self, f: Factor) -> Number:
        """A factor's value and error."""
        found = self.known.get(f)
        if found is None:
            if isinstance(f, str):
                found = self.numbers[f]
            elif isinstance(f, float):
                found = Number.given(f, self.format)
            else:
                found = self._compound(f)
            self.known[f] = found
        return found

    def _compound(self, f: Compound) -> Number:
        value, error = self.sum(f.terms)
        if not f.inverse:
            return Number(value, error)
        least = abs(value) - error
        if not least > 0:
            return Number(1.0 / value if value else 0.0, math.inf)
        own = _FLOAT64_U / abs(value) if self.own_error else 0.0
        return Number(1.0 / value, (error / (abs(value) * least) + own) * _SLACK)

    def sum(self, terms: Sum) -> Number:
        """A pure sum of products: its value, and its error in every order."""
        paths = [self.path(t) for t in terms]
        value = math.fsum(self.signed(t) for t in terms)
        error = sum(p.size * math.expm1(p.growth) + p.lost + p.floor for p in paths)
        gross = sum(p.size for p in paths)
        if not error and all(p.size.is_integer() for p in paths) and gross <= 2**8:
            return Number(value, 0.0)  # a count of steps
        sums = len(paths) - 1
        if sums == 1:
            error += math.expm1(self.log) * (error + abs(value))
        elif sums:
            error += math.expm1(sums * self.log) * (error + gross)
        error += sums * self.format.lost_in_sums
        if self.own_error:
            error += _FLOAT64_U * abs(value)  # fsum rounds once
            error += sum(_FLOAT64_U * p.size * len(t.factors) for p, t in zip(paths, terms)
                         if len(t.factors) > 1)  # fmt: skip
        return Number(value, error * _SLACK)

    def signed(self, term: Term) -> float:
        """The term's coefficient in float64."""
        value = float(term.coefficient)
        for f in term.factors:
            value *= self.factor(f).value
        return value

    def path(self, term: Term) -> _Path:
        """A term's own roundings, those of the sums apart; of one object once.

        It is kept beside them: another one could come to have its identity.
        """
        found = self.paths.get(id(term))
        if found is None:
            found = self.paths[id(term)] = term, self._path(term)
        return found[1]

    def _path(self, term: Term) -> _Path:
        size = float(abs(term.coefficient))
        growth, reach, least, floors, products = 0.0, max(size, 1.0), min(size, 1.0), 0, 0
        rounded = int(math.frexp(size)[0] != 0.5)
        largest = size
        for f in term.factors:
            value, error = self.factor(f)
            magnitude = abs(value)
            size *= magnitude
            largest *= magnitude + error
            reach *= max(1.0, magnitude + error)
            least *= min(1.0, magnitude)
            products += 1
            free = error == 0.0 and math.frexp(magnitude)[0] == 0.5
            if not free:
                rounded += 1
                growth += math.log1p(error / magnitude) if magnitude else 0.0
            if not free or magnitude < 1.0 or self.format.flushes:
                floors += 1
        # Of pure numbers the first is multiplied by none.
        growth += (rounded if term.atom else max(rounded - 1, 0)) * self.log
        lost = largest if size == 0.0 else 0.0
        if (products > 1 or self.format.flushes) and least < 2.0 * self.format.smallest_normal:
            lost += products * self.underflow * reach
        return _Path(size, growth, lost, floors * self.underflow * reach, reach)

    def step(self, outputs: Mapping[str, Output], atoms: Mapping[str, int]) -> Step:
        """Matrices for the outputs that are arrays, the parameter first, by name.

        atoms: the column of each old number.
        """
        theta, *fields = outputs
        rows = {f"new {n}": self._row(outputs[n], atoms, {}) for n in fields}
        every = [self._row(outputs[theta], atoms, rows), *rows.values()]
        last = len(every)
        spread = [[*(abs(v) + d for v, d in zip(row.value, row.doubt[:last])), *row.doubt,
                   abs(row.value[last]) + row.doubt[last], row.floor]
                  for row in every]  # fmt: skip
        joined = np.array([row.value + s + row.reach for row, s in zip(every, spread)])
        value, errors = joined[:, : last + 1].copy(), joined[:, last + 1 : 3 * last + 4].copy()
        floor = tuple(row.floor for row in every)
        return Step(value, errors, tuple(tuple(row.reach) for row in every), floor, joined)

    def _row(self, output: Output, atoms: Mapping[str, int], new: Mapping[str, "_Row"]) -> "_Row":
        count = len(atoms)
        value, doubt, reach, floor = [0.0] * count, [0.0] * count, [0.0] * count, 0.0
        own = [0.0] * count
        for term in output.forms[0]:
            column, coefficient = atoms[term.atom], self.signed(term)
            value[column] += coefficient
            if self.own_error:  # this value is itself a sum of float64 products
                own[column] += abs(coefficient) * (len(output.forms[0]) - 1 + len(term.factors))
        for way in output.ways:
            d, r, f = self._way(way, atoms, new)
            doubt, reach = list(map(_larger, doubt, d)), list(map(_larger, reach, r))
            floor = _larger(floor, f)
        doubt = [(d + o * _FLOAT64_U) * _SLACK for d, o in zip(doubt, own)]
        return _Row(value, doubt, floor * _SLACK, reach)

    def _way(
        self, way: Way, atoms: Mapping[str, int], new: Mapping[str, "_Row"]
    ) -> tuple[list[float], list[float], float]:
        doubt, reach = [0.0] * len(atoms), [0.0] * len(atoms)
        floor, largest = 0.0, 1.0
        for term, sums in way.terms:
            size, growth, lost, floors, far = self.path(term)
            growth += sums * self.log
            if not way.free and len(term.factors) < 2:
                far = size  # as it is written, nothing larger comes before the product
            grown, added = math.exp(growth), size * math.expm1(growth)
            added += lost * grown
            floor += floors * grown
            largest = max(largest, far)
            row = new.get(term.atom)
            if row is None:
                column = atoms[term.atom]
                doubt[column] += added
                reach[column] += far * grown
                continue
            for j, (value, d, r) in enumerate(zip(row.value, row.doubt, row.reach)):
                doubt[j] += added * (abs(value) + d) + size * d
                reach[j] += far * grown * r
            floor += (size + added) * row.floor
        return doubt, reach, floor + way.sums * self.format.lost_in_sums * largest


class _Row(NamedTuple):
    """One output's rows of the matrices of Step."""

    value: list[float]
    doubt: list[float]
    floor: float
    reach: list[float]


def _larger(a: float, b: float) -> float:
    """The larger one; nan, which no claim survives, before all."""
    return a if a >= b or a != a else b
