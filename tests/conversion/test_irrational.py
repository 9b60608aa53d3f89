"""Conversions that need square roots: proven with the roots, printed as floats, with a bound."""

import csv
import json
import math
import random
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from flint import arb, fmpq

import momentum
from momentum.arithmetic import exact
from momentum.arithmetic.near import DIGITS, Lost, Near
from momentum.arithmetic.surd import Surd
from momentum.conventions import Hyper
from momentum.conversion import Conversion, convert
from momentum.conversion.proof import row_at
from momentum.conversion.text import tell
from momentum.doors.convert import run
from momentum.oracle.replay import replay_steps


def recipe(*rows: tuple[str, str], **others: Any) -> list[dict[str, Any]]:
    return [{"lr": lr, "momentum": m, **others} for lr, m in rows]


# Found by a random search over pairs; every one was refused in rationals.
NEEDS_ROOTS: list[tuple[str, str, list[dict[str, Any]], int]] = [
    ("mlx", "keras", recipe(("0", "0.75"), ("7/12", "0.75"), ("0", "0.75")), 50),
    ("optax.ema", "keras", recipe(("0", "2/3"), ("5/6", "2/3")), 2),
    ("timm", "keras", recipe(("0", "0"), ("0.5", "0.25"), ("0.5", "0"), nesterov=True), 50),
    ("keras2", "averaged", recipe(("0.75", "0.5"), ("0.5", "0.5"), ("0.25", "0.5"),
                                  nesterov=True), 3),
    ("qhm", "scaled", recipe(("0", "0.75"), ("0.5", "0.75"), ("0", "0.75"), nu="0.5",
                             weight_decay="0.5"), 50),
    ("keras2", "accumulated", recipe(("0.25", "0.25"), ("0.5", "0.25"), nesterov=True), 6),
    ("scaled", "zero_started", recipe(("0.75", "0.75"), ("0.5", "0.75"), nesterov=True,
                                      weight_decay="0.5"), 4),
]  # fmt: skip


def found_for(case: tuple[str, str, list[dict[str, Any]], int]) -> Conversion:
    source, target, rows, steps = case
    return convert(source, target, rows, steps=steps)


def point(convention: Any, rows: Sequence[Hyper], initial: Any, history: int, t: int) -> Any:
    """Weight of one gradient (0: of the start) in the point seen after t steps, by the rule."""
    x, state = exact(int(history == 0)), initial
    for s in range(t):
        x, state = convention.step(x, exact(int(history == s + 1)), state, row_at(rows, s))
    return convention.gradient_point(x, state, row_at(rows, t))


@pytest.mark.parametrize("case", NEEDS_ROOTS, ids=lambda c: f"{c[0]} {c[1]}")
def test_impulses_of_both_rules_are_equal_to_the_last_digit(case: Any) -> None:
    found = found_for(case)
    assert found.exists
    assert any(isinstance(x, Surd) for h in found.rows for x in h)
    source, target = found.source.convention, found.target.convention
    initial = target.initial if found.initial is None else found.initial
    for t in range(1, min(case[3], 7) + 1):
        for history in range(t + 1):
            a = point(source, found.source_hypers, source.initial, history, t)
            assert a == point(target, found.rows, initial, history, t)


WITHOUT_END = (*NEEDS_ROOTS[5][:3], 50)


@pytest.mark.parametrize("case", [*NEEDS_ROOTS, WITHOUT_END], ids=lambda c: f"{c[0]} {c[3]}")
def test_the_printed_floats_stay_within_the_bound(case: Any) -> None:
    """Both sides replayed, and the target's rule in plain float64, on gradients up to 1."""
    found = found_for(case)
    steps = case[3]
    rng = np.random.default_rng(10)
    start, grads = rng.uniform(-1, 1, 8), rng.uniform(-1, 1, (steps, 8))
    theirs = replay_steps(
        found.source.convention, start, list(grads),
        [row_at(found.source_hypers, t) for t in range(steps)], dtype="float64",
    )  # fmt: skip
    ours = [row_at(found.floats, t) for t in range(steps)]
    named = {n: [getattr(h, n) for h in ours] for n in ("lr", "momentum", "weight_decay")}
    dampening = {n: [getattr(h, n) for h in ours] for n in ("dampening",) if found.target.takes(n)}
    replayed = momentum.replay(
        found.target.convention, start, grads, tier="exact", nesterov=ours[-1].nesterov, **named,
        **dampening,
    )  # fmt: skip
    assert len({h.nesterov for h in ours}) == 1
    x, state = start, found.target.convention.initial
    for h, grad in zip(ours, grads):
        x, state = found.target.convention.step(x, grad, state, h)
    wanted = theirs.exact[-1]
    bound = exact(found.bound())
    for i in range(8):
        assert abs(exact(replayed.exact[-1][i]) - exact(wanted[i])) <= bound
        assert abs(exact(x[i]) - exact(wanted[i])) <= bound
    assert 0 < bound < fmpq(1, 10**9)


def test_velocity_of_mlx_goes_on_in_keras_with_a_root() -> None:
    """A gradient at rate 0, kept by momentum -1; lr 7/12, momentum 3/4: sqrt(7/12 3/4) = sqrt(7)/4.

    v = m u + lr g, x -= lr g + m v: m^2 lr_1 = 7/12 3/4 = 7/16 is the weight of the first gradient.
    """
    found = found_for(NEEDS_ROOTS[0])
    m = found.rows[1].momentum
    assert m * m == fmpq(7, 16)
    assert m > 0
    assert found.floats[1].momentum == math.sqrt(7) / 4
    text = "\n".join(tell(found))
    assert "momentum=0.6614378277661477" in text
    assert "exactly, before rounding: " in text
    assert "momentum=sqrt(7)/4" in text
    assert "rounded to the nearest float64" in text
    assert f"it may cost {found.bound():.2g} in float64" in text


def test_roots_without_end_are_found_to_many_digits() -> None:
    """Every step takes the root of the last one's root, without end: m_t+1^2 lr = m_t lr m."""
    source, target, rows, _ = NEEDS_ROOTS[5]
    found = convert(source, target, rows, steps=50)
    assert found.proof is not None
    assert found.proof.near
    assert not found.proof.forever
    assert str(found.proof).startswith("equal to 150 digits after 50 steps")
    momenta = [h.momentum for h in found.rows]
    for before, now in pairwise(momenta[1:20]):
        assert now * now == before * fmpq(1, 4)
        assert abs(now * now - before * fmpq(1, 4)) < fmpq(1, 10**DIGITS)
    assert 0 < found.bound() < 2.0**-40
    text = "\n".join(tell(found))
    assert "irrational: each step would need another square root on top of the last" in text
    assert "momentum=0.1767766952966369" in text


def test_near_numbers_that_enclosures_do_not_part_are_no_answer() -> None:
    wide = Near(arb(1, 1e-9))
    with pytest.raises(Lost, match="too wide"):
        assert wide == 1
    assert wide != 2
    assert Near.of(fmpq(2)).root() ** 2 == 2


def test_command_line_writes_floats_that_are_read_again(tmp_path: Path) -> None:
    file = tmp_path / "rates.csv"
    file.write_text("step,lr,momentum,nesterov\n1,0.25,0.25,true\n2,0.5,,\n")
    for name in ("out.csv", "out.json"):
        out = tmp_path / name
        code, text = run("keras2", "accumulated", [], file, 5, out)
        assert code == 0
        assert "irrational" in text
        whole = out.read_text()
        rows = json.loads(whole) if name == "out.json" else list(csv.DictReader(whole.splitlines()))
        found = convert("keras2", "accumulated", NEEDS_ROOTS[5][2], steps=5)
        assert [float(row["momentum"]) for row in rows] == [h.momentum for h in found.floats]
        assert [float(row["lr"]) for row in rows] == [h.lr for h in found.floats]
    code, text = run("keras2", "accumulated", [], file, 50, tmp_path / "long.csv")
    assert code == 0
    assert "smallest difference" not in text
    assert len((tmp_path / "long.csv").read_text().splitlines()) == 51


def test_no_refusal_where_one_root_would_do() -> None:
    """Random pairs: what is still refused needs the root of no positive number."""
    rng = random.Random(11)
    names = ["torch", "optax", "keras", "keras2", "mlx", "ng", "muon", "scaled", "accumulated",
             "zero_started", "averaged", "qhm", "river", "timm"]  # fmt: skip
    irrational = 0
    for _ in range(400):
        source, target = rng.choice(names), rng.choice(names)
        nesterov = {"nesterov": True} if source in ("torch", "optax", "keras", "keras2") else {}
        part = lambda: f"{rng.randint(1, 11)}/12"  # noqa: E731
        m = part()
        rows = [{"lr": rng.choice([part(), "0"]), "momentum": m, **nesterov} for _ in range(2)]
        found = convert(source, target, rows)
        if found.exists:
            irrational += any(isinstance(x, Surd) for h in found.rows for x in h)
        else:
            assert found.remainder is not None
            assert found.remainder.surd is None or found.remainder.surd < 0
    assert irrational >= 3
