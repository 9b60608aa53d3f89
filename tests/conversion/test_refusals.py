"""Refused conversions, by exhaustion: over a finite field every hyper-parameter can be tried.

A conversion in rationals whose denominators a prime p does not divide stays one modulo p. So if
no choice of hyper-parameters out of GF(p), for all steps, gives the source's impulse responses
modulo p, none exists in rationals (but for such denominators). This knows nothing of how
conversions are found: it takes each step with the convention's own rule, in all ways there are.
"""

import itertools
import random
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from flint import fmpq
from numpy.typing import NDArray

from momentum.arithmetic.surd import root
from momentum.conventions import Convention, Hyper
from momentum.conversion import Speaker, convert, speaker
from momentum.conversion.proof import row_at

PRIMES = (5, 7, 11, 13)
# Rows tried at once; where a step has more ways to go than this the prime says nothing.
MOST = 2_000_000

Integers = NDArray[np.int64]


class Residue:
    """Integers modulo p, with the operations that rules use."""

    def __init__(self, values: Any, p: int) -> None:
        self.values, self.p = np.asarray(values) % p, p

    def _other(self, other: Any) -> Any:
        return other.values if isinstance(other, Residue) else other

    def __add__(self, other: Any) -> "Residue":
        return Residue(self.values + self._other(other), self.p)

    __radd__ = __add__

    def __sub__(self, other: Any) -> "Residue":
        return Residue(self.values - self._other(other), self.p)

    def __rsub__(self, other: Any) -> "Residue":
        return Residue(self._other(other) - self.values, self.p)

    def __mul__(self, other: Any) -> "Residue":
        return Residue(self.values * self._other(other), self.p)

    __rmul__ = __mul__

    def __truediv__(self, other: "Residue") -> "Residue":
        inverse = np.array([0] + [pow(i, -1, self.p) for i in range(1, self.p)])
        return Residue(self.values * inverse[other.values], self.p)


def modulo(x: fmpq, p: int) -> int:
    """Raises: ValueError where p divides the denominator."""
    return int(x.p) * pow(int(x.q), -1, p) % p


def responses(source: Convention, rows: Sequence[Hyper]) -> list[list[fmpq]]:
    """After each step: weights of the start and of every gradient in the point seen."""
    size = len(rows) + 1
    points: list[list[fmpq]] = [[] for _ in rows]
    for history in range(size):
        theta, state = fmpq(int(history == 0)), source.initial
        for t, h in enumerate(rows):
            theta, state = source.step(theta, fmpq(int(history == t + 1)), state, h)
            points[t].append(source.gradient_point(theta, state, row_at(rows, t + 1)))
    return points


def solvable(source: Speaker, target: Speaker, rows: Sequence[Hyper], p: int) -> bool | None:
    """Whether hyper-parameters modulo p give the responses; None where there are too many."""
    wanted = [[modulo(x, p) for x in y] for y in responses(source.convention, rows)]
    initial = target.convention.initial
    starts = [initial]
    if target.convention.name == "accumulated":
        starts.append(initial._replace(step=1))
    answers = [
        _reached(target, start, nesterov, wanted, p)
        for nesterov in ((False, True) if target.takes("nesterov") else (False,))
        for start in starts
    ]
    return True if True in answers else None if None in answers else False


def _reached(
    target: Speaker, initial: Any, nesterov: bool, wanted: Sequence[Sequence[int]], p: int
) -> bool | None:
    """All velocities that are possible after each step, as long as the points are right.

    A column for each history; then the debiasing weight, then the momentum laid down for the
    next step, by which look_ahead shows its point.
    """
    convention, size = target.convention, len(wanted) + 1
    ahead, debiased = convention.name == "look_ahead", hasattr(initial, "weight")
    dampened = target.takes("dampening") and (not nesterov or target.dampened_nesterov)
    every, none = range(p), [0]
    seen: Integers = np.eye(1, size, dtype=np.int64)
    held: Integers = np.zeros((1, size + 2), dtype=np.int64)
    for t, point in enumerate(wanted):
        first = convention.name == "accumulated" and initial.step + t == 0
        ways = itertools.product(
            every,
            none if ahead else every,
            every if dampened and not first else none,
            every if target.takes("weight_decay") else none,
            every if target.takes("nu") else [1],
            every if ahead else none,
        )
        grid = np.array(list(ways), dtype=np.int64)
        if len(grid) * len(held) > MOST:
            return None
        all_held = np.repeat(held, len(grid), axis=0)
        chosen = np.tile(grid, (len(held), 1))
        lr, momentum, dampening, decay, nu, following = (
            Residue(chosen[:, i : i + 1], p) for i in range(6)
        )
        v = Residue(all_held[:, :size], p)
        momentum = Residue(all_held[:, size + 1 :], p) if ahead else momentum
        theta = momentum * v + seen if ahead else Residue(np.tile(seen, (len(chosen), 1)), p)
        grad = Residue(np.tile(np.eye(1, size, t + 1, dtype=np.int64), (len(chosen), 1)), p)
        state = initial._replace(step=initial.step + t, v=v)
        if debiased:
            state = state._replace(weight=Residue(all_held[:, size : size + 1], p))
        h = Hyper(lr, momentum, dampening, decay, nesterov, False, nu)
        theta, state = convention.step(theta, grad, state, h)
        shown = theta - following * state.v if ahead else theta
        right = (shown.values == np.array(point)).all(axis=1)
        weight = state.weight.values if debiased else np.ones((len(chosen), 1), dtype=np.int64)
        right &= weight[:, 0] != 0
        after = np.concatenate([state.v.values, weight, following.values], axis=1)
        held = np.unique(after[right], axis=0)
        seen = np.array([point], dtype=np.int64)
        if not len(held):
            return False
    return True


PAIRS = [
    (a, b)
    for a in ("torch", "mlx", "jax", "keras", "d2l", "timm", "ng", "muon", "qhm", "river", "polyak")
    for b in ("torch", "jax", "keras", "d2l", "timm", "muon", "polyak", "river", "optax.ema")
    if a != b
]


def rows_for(who: Speaker, rng: random.Random) -> list[Hyper]:
    """Four steps in which everything changes that the API lets change.

    Each x and 1 - x has no prime factor but 2 and 3, so that none is 0 or 1 modulo p by chance.
    """

    def drawn() -> fmpq:
        return fmpq(*rng.choice([(1, 2), (1, 3), (2, 3), (1, 4), (3, 4), (1, 9), (8, 9)]))

    nesterov = who.takes("nesterov") and rng.random() < 0.7
    damped = who.takes("dampening") and not nesterov
    dampening = drawn() if damped else fmpq(0)
    decay = drawn() if who.takes("weight_decay") and rng.random() < 0.3 else fmpq(0)
    nu = drawn() if who.takes("nu") else fmpq(1)
    return [
        Hyper(rng.choice([drawn(), fmpq(0)]) if t == 1 else drawn(), drawn(), dampening,
              decay, nesterov, False, nu)
        for t in range(4)
    ]  # fmt: skip


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_refused_conversions_do_not_exist(source: str, target: str) -> None:
    a, b = speaker(source), speaker(target)
    rng = random.Random(f"{source} {target}")
    rows = rows_for(a, rng)
    found = convert(a, b, rows)
    if found.exists:
        return
    left = found.remainder
    assert left is not None
    answers = []
    for p in PRIMES:
        try:
            answers.append(solvable(a, b, rows, p))
        except ValueError:
            continue
        if answers[-1] is False:
            return
    # Numbers exist, in some field at least: then the refusal must have named a surd.
    assert left.surd is not None, answers
    assert root(left.surd) is None


@pytest.mark.parametrize(
    ("source", "target"),
    [("torch", "keras"), ("torch", "river"), ("keras", "torch"), ("ng", "optax.ema_debiased")],
)
def test_exhaustion_finds_what_exists(source: str, target: str) -> None:
    """Else the tests above would pass for nothing: a constant row, with numbers of both APIs."""
    a, b = speaker(source), speaker(target)
    nesterov = target == "river"
    h = Hyper(fmpq(1, 2), fmpq(2, 3), fmpq(0), fmpq(0), nesterov, False, fmpq(1))
    assert convert(a, b, [h, h]).exists
    assert solvable(a, b, [h, h], 11)


def test_a_velocity_that_only_sums_is_the_mean_times_the_number_of_steps() -> None:
    """v_t = g_1 + ... + g_t is t times their mean, which moves on by (t - 1) / t."""
    found = convert("keras", "optax.ema_debiased", {"lr": "0.1", "momentum": 1}, steps=6)
    assert found.proof is not None
    numbers = [(h.lr, h.momentum) for h in found.rows]
    assert numbers == [(fmpq(t, 10), fmpq(t - 1, t)) for t in range(1, 7)]


def test_a_difference_that_other_numbers_would_undercut_is_not_called_the_smallest() -> None:
    """At rate 0 the velocity m v + k g may hold any part of g: k = -1 / m.

    A large m leaves as little of the gradient as one likes, so no difference is the smallest.
    """
    rows = [{"lr": lr, "momentum": "1/6", "nesterov": True} for lr in ("11/12", "1/6", "0")]
    left = convert("scaled", "zero_started", rows, steps=5).remainder
    assert left is not None
    assert "smallest" not in str(left)
    assert left.differs == left.step


def test_the_smallest_difference_is_that_of_the_best_form() -> None:
    """By hand: lr (1 - nu m) = 0.037 and 0.1 0.7 0.1 0.9 = 0.0063 are the weights of step 2.

    So torch's velocity is 0.0063 / 0.037 g1 + g2, and step 3 wants 0.00567 g1 + 0.0063 g2 of it.
    In Nesterov's form it is n g1 + g2 with 0.037 n^2 = 0.0063 (1 + n), n = 0.50646 and irrational.
    """
    left = convert("qhm", "torch", {"lr": "0.1", "momentum": "0.9", "nu": "0.7"}).remainder
    assert left is not None
    assert left.pair == (1, 2)
    numbers = [fmpq(k, 10**5) for k in range(10**4)]
    plain, nesterov = (
        min(max(abs(fmpq(567, 10**5) - q * part), abs(fmpq(63, 10**4) - q)) for q in numbers)
        for part in (fmpq(63, 370), fmpq(50646, 10**5))
    )
    assert abs(left.difference - nesterov) <= fmpq(1, 10**5) < plain - nesterov
