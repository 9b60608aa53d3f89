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
from typing import Any, NamedTuple

import numpy as np
from flint import fmpq
from numpy.typing import NDArray

from momentum.arithmetic import FORMATS, Format, exact, nearest
from momentum.arithmetic.expanded import Compound, Factor, Term
from momentum.oracle.expansion import Output, Sum

Array = NDArray[np.float64]

_FLOAT32 = FORMATS["float32"]
_FLOAT64_U = 2.0**-53
# Coefficients and bounds are computed in float64: more than some 10^6 of its roundings.
_SLACK = 1.0 + 2.0**-28


class Number(NamedTuple):
    """A pure number and the error with which an implementation may hold it."""

    value: float
    error: float

    @classmethod
    def given(cls, x: Any, format: Format) -> "Number":
        """A hyper-parameter: held in the format, in float32 or in float64, the worst of them."""
        value = nearest(x) if isinstance(x, fmpq) else float(x)
        held = [float(format.round(value))]
        if format.u > _FLOAT32.u:
            held.append(float(_FLOAT32.round(value)))
        if isinstance(x, fmpq):
            error = max(math.nextafter(nearest(abs(exact(y) - x)), math.inf) * (y != x)
                        if math.isfinite(y) else math.inf for y in (*held, value))  # fmt: skip
        else:
            error = max(abs(y - value) for y in held)
        if format.flushes and abs(value) < format.smallest_normal:
            error = max(error, abs(value))
        return cls(value, error)


class Step(NamedTuple):
    """One step. Shapes: value, doubt, reach (outputs, outputs + 1); floor (outputs,).

    reach: no intermediate result exceeds reach (|a| + error(a)). spread: what errors of outputs and
    sizes of outputs and gradient add to the new errors, (outputs, 2 outputs + 1).
    """

    value: Array
    doubt: Array
    floor: Array
    reach: Array
    spread: Array


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
        elif sums > 1:
            error += math.expm1(sums * self.log) * (error + gross)
        error += max(sums, 0) * self.format.lost_in_sums
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
        """A term's own roundings, those of the sums apart."""
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
        with np.errstate(all="ignore"):  # where a number is infinite, no claim is made
            return self._step(theta, fields, outputs, atoms)

    def _step(
        self, theta: str, fields: list[str], outputs: Mapping[str, Output], atoms: Mapping[str, int]
    ) -> Step:
        rows = {f"new {n}": self._row(outputs[n], atoms, {}) for n in fields}
        first = self._row(outputs[theta], atoms, rows)
        value, doubt, floor, reach = (np.array(x) for x in zip(first, *rows.values()))
        spread = np.hstack([(np.abs(value) + doubt)[:, : len(value)], doubt])
        return Step(value, doubt, floor, reach, spread)

    def _row(self, output: Output, atoms: Mapping[str, int], new: Mapping[str, "_Row"]) -> "_Row":
        count = len(atoms)
        value, own = np.zeros(count), np.zeros(count)
        for term in output.forms[0]:
            column, coefficient = atoms[term.atom], self.signed(term)
            value[column] += coefficient
            if self.own_error:  # this value is itself a sum of float64 products
                own[column] += abs(coefficient) * (len(output.forms[0]) - 1 + len(term.factors))
        doubt, reach, floor = np.zeros(count), np.zeros(count), 0.0
        for way, free in output.ways:
            d, r, f = self._way(way, free, atoms, new)
            doubt, reach, floor = np.maximum(doubt, d), np.maximum(reach, r), max(floor, f)
        return _Row(value, (doubt + own * _FLOAT64_U) * _SLACK, floor * _SLACK, reach)

    def _way(
        self, way: Sum, free: bool, atoms: Mapping[str, int], new: Mapping[str, "_Row"]
    ) -> tuple[Array, Array, float]:
        doubt, reach = np.zeros(len(atoms)), np.zeros(len(atoms))
        floor, largest, sums = 0.0, 1.0, max(len(way) - 1, 0)
        shared = [t.atom for t in way]
        for term in way:
            size, growth, lost, floors, far = self.path(term)
            # (1 - c) a has a product on the way of the lone a.
            merged = not term.factors and shared.count(term.atom) > 1
            growth += (sums + merged if free else term.sums) * self.log
            if not free and len(term.factors) < 2:
                far = size  # as it is written, nothing larger comes before the product
            grown, added = math.exp(growth), size * math.expm1(growth)
            added += lost * grown
            floor += floors * grown
            largest = max(largest, far)
            if term.atom in new:
                row = new[term.atom]
                doubt += added * (np.abs(row.value) + row.doubt) + size * row.doubt
                reach += far * grown * row.reach
                floor += (size + added) * row.floor
            else:
                doubt[atoms[term.atom]] += added
                reach[atoms[term.atom]] += far * grown
        floor += sums * self.format.lost_in_sums * largest
        return doubt, reach, floor


class _Row(NamedTuple):
    """One output's rows of the matrices of Step."""

    value: Array
    doubt: Array
    floor: float
    reach: Array
