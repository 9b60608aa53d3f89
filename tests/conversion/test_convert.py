"""Conversions: proven ones replayed by other means and known ones by hand."""

import random
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from flint import fmpq

import momentum
from momentum.arithmetic import exact
from momentum.conventions import CONVENTIONS, SPEAKERS, Hyper, get
from momentum.conversion import Conversion, Speaker, convert, speaker, speakers
from momentum.conversion.proof import drift, prove, row_at
from momentum.conversion.text import tell


def distinct() -> list[Speaker]:
    """One speaker for every rule and set of hyper-parameters."""
    found: dict[Any, Speaker] = {}
    for name in speakers():
        who = speaker(name)
        both = who.dampened_nesterov or not (who.takes("dampening") and who.takes("nesterov"))
        key = who.convention.full_name, frozenset(who.names) - {"maximize"}, both
        found.setdefault(key, who)
    return list(found.values())


ALL = distinct()


def schedule(who: Speaker, rng: random.Random, steps: int) -> list[Hyper]:
    """Rates and momenta that change, zeros among them, with all that the speaker's API has."""

    def twelfth() -> fmpq:
        return fmpq(rng.randint(1, 11), 12)

    nesterov = who.takes("nesterov") and rng.random() < 0.5
    dampened = who.takes("dampening") and (not nesterov or who.dampened_nesterov)
    decay = twelfth() if who.takes("weight_decay") and rng.random() < 0.4 else fmpq(0)
    dampening = twelfth() if dampened and rng.random() < 0.4 else fmpq(0)
    nu = twelfth() if who.takes("nu") else fmpq(1)
    changes = rng.choice(["nothing", "lr", "lr", "momentum", "both", "lr 0", "momentum 0"])
    rows, lr, momentum = [], twelfth(), twelfth()
    for t in range(steps):
        if t and changes in ("lr", "both") and rng.random() < 0.6:
            lr = twelfth()
        if t and changes in ("momentum", "both") and rng.random() < 0.6:
            momentum = twelfth()
        off = rng.random() < 0.4
        now_lr = fmpq(0) if off and changes == "lr 0" else lr
        now = fmpq(0) if off and changes == "momentum 0" else momentum
        rows.append(Hyper(now_lr, now, dampening, decay, nesterov, False, nu))
    return rows


def replayed_apart(c: Conversion, rng: random.Random) -> int | None:
    """First step at which the models see different points, on one random closed loop."""
    a, b = c.source.convention, c.target.convention
    steps = len(c.source_hypers) + (5 if c.proof and c.proof.forever else 0)
    start, curvature = fmpq(rng.randint(-9, 9), 7), fmpq(rng.randint(1, 9), 5)
    x, s = start, a.initial
    y, u = start, b.initial if c.initial is None else c.initial
    for t in range(steps):
        h, k = row_at(c.source_hypers, t), row_at(c.rows, t)
        point, other = a.gradient_point(x, s, h), b.gradient_point(y, u, k)
        if point != other:
            return t
        grad = curvature * point + fmpq(rng.randint(-9, 9), 8)
        x, s = a.step(x, grad, s, h)
        y, u = b.step(y, grad, u, k)
    h, k = row_at(c.source_hypers, steps), row_at(c.rows, steps)
    return None if a.gradient_point(x, s, h) == b.gradient_point(y, u, k) else steps


@pytest.mark.parametrize("source", ALL, ids=lambda s: s.name)
def test_convert_proves_what_an_independent_replay_confirms(source: Speaker) -> None:
    rng = random.Random(source.name)
    exist = 0
    for target in ALL:
        rows = schedule(source, rng, rng.randint(1, 4))
        found = convert(source, target, rows)
        if found.exists:
            exist += 1
            assert replayed_apart(found, rng) is None, (target.name, rows)
            assert all(not h.weight_decay or target.takes("weight_decay") for h in found.rows)
            assert all(not h.dampening or target.takes("dampening") for h in found.rows)
            assert all(not h.nesterov or target.takes("nesterov") for h in found.rows)
        else:
            assert found.remainder is not None
            assert found.remainder.difference
    assert exist > len(ALL) // 3


@pytest.mark.parametrize("name", speakers())
def test_convert_into_itself_changes_nothing(name: str) -> None:
    h = {"lr": "0.1"} | ({"momentum": "0.9"} if speaker(name).takes("momentum") else {})
    found = convert(name, name, h, steps=3)
    assert found.exists
    assert found.initial is None
    assert set(found.rows) == set(found.source_hypers)


def numbers(rows: Sequence[Hyper], name: str) -> list[str]:
    return [str(getattr(h, name)) for h in rows]


def rates(*values: str, **others: str) -> list[dict[str, str]]:
    return [{"lr": v, "momentum": "0.9", **others} for v in values]


def test_momentum_is_corrected_when_the_rate_changes() -> None:
    """Goyal et al. 2017, section 2.1, remark 2: momentum times new rate over old, and back."""
    into = convert("torch", "keras", rates("0.1", "0.05", "0.05"))
    assert numbers(into.rows, "momentum") == ["9/10", "9/20", "9/10", "9/10"]
    back = convert("keras", "torch", rates("0.1", "0.05", "0.05"))
    assert numbers(back.rows, "momentum") == ["9/10", "9/5", "9/10", "9/10"]
    assert into.proof is not None
    assert into.proof.forever


def test_decoupled_decay_is_coupled_decay_with_other_numbers_after_step_one() -> None:
    """theta' = c theta - v' with v' = m v + lr g: with c = 1 - lr w and u = theta - theta',

    u' = m c u + lr g + (1 - c) (1 - m) theta, the coupled rule with momentum m c and decay
    w (1 - m). Only the first step, where u is not yet (1 - c) theta, decays by w.
    """
    found = convert("keras", "torch", {"lr": "0.1", "momentum": "0.9", "weight_decay": "0.01"})
    assert numbers(found.rows, "momentum") == ["8991/10000"] * 2
    assert numbers(found.rows, "weight_decay") == ["1/100", "1/1000"]
    assert found.proof is not None
    assert found.proof.forever


def test_coupled_decay_needs_a_decoupled_one_of_its_own_at_every_step() -> None:
    """The decay factor follows c' = 1 + m - lr w - m / c, from c = 1 - lr w."""
    found = convert("torch", "keras", {"lr": "1/2", "momentum": "1/4", "weight_decay": 1}, steps=4)
    factor, wanted = Fraction(1, 2), []
    for _ in range(4):
        wanted.append(str(2 * (1 - factor)))
        factor = 1 + Fraction(1, 4) - Fraction(1, 2) - Fraction(1, 4) / factor
    assert numbers(found.rows, "weight_decay") == wanted
    assert found.then is None


def test_a_dampened_first_step_needs_a_velocity_that_is_there_already() -> None:
    found = convert("mlx", "torch", {"lr": "0.1", "momentum": "0.9", "dampening": "0.5"})
    assert found.exists
    assert found.initial == get("torch").initial._replace(step=1)
    assert found.rows == found.source_hypers
    spared = convert("torch", "mlx", {"lr": "0.1", "momentum": "0.9", "dampening": "0.5"})
    assert numbers(spared.rows, "dampening") == ["0", "1/2"]


def test_quasi_hyperbolic_with_nu_as_momentum_is_nesterov() -> None:
    """Ma and Yarats 2019, section 3; lr is that of the average, times 1 - momentum."""
    found = convert("qhm", "torch", {"lr": "0.1", "momentum": "0.9", "nu": "0.9"})
    assert found.rows == (
        Hyper(*map(exact, (Fraction(1, 100), Fraction(9, 10), 0, 0)), True, False, fmpq(1)),
    )


def test_the_look_ahead_point_walks_with_nesterov() -> None:
    found = convert("sutskever", "keras", rates("0.1", "0.2", "0.1"))
    assert found.exists
    assert all(h.nesterov for h in found.rows)
    assert numbers(found.rows, "lr") == ["1/10", "1/5", "1/10", "1/10"]


def test_debiasing_is_a_rate_for_each_step() -> None:
    """lr (1 - m) / (1 - m^t) in front of the plain sum."""
    h = {"lr": "0.1", "momentum": "0.5"}
    found = convert("optax.ema_debiased", "optax.ema", h, steps=3)
    assert numbers(found.rows, "lr") == ["1/5", "2/15", "4/35"]
    assert found.then is None


def test_a_gradient_of_a_step_at_rate_zero_is_lost_inside() -> None:
    into = convert("torch", "d2l", rates("0", "0.1", "0.1"))
    assert into.remainder is not None
    assert into.remainder.step == 2
    assert into.remainder.pair == (1, 1)
    assert str(into.remainder.difference) == "9/100"
    assert convert("keras", "mlx", rates("0.1", "0", "0.1")).exists


def test_momentum_zero_ends_the_past_in_every_velocity() -> None:
    rows = [Hyper(fmpq(1, 4), fmpq(m, 4)) for m in (1, 3, 0, 2)]
    for a in ("accumulated", "scaled", "two_point"):
        for b in ("accumulated", "scaled", "two_point"):
            assert convert(a, b, rows).exists


def test_proof_refuses_a_number_that_is_off_by_one_part_in_a_trillion() -> None:
    a, h = get("scaled"), Hyper(fmpq(1, 10), fmpq(9, 10)).lifted(exact)
    wrong = h._replace(momentum=h.momentum + fmpq(1, 10**12))
    assert prove(a, [h], a, [h], steps=3) is not None
    assert prove(a, [h], a, [wrong], steps=3) is None
    assert prove(a, [h], a, [h, h, wrong, h], steps=5) is None
    late = prove(a, [h], a, [*[h] * 5, wrong], steps=5)
    assert late is not None
    assert not late.forever


def test_proof_agrees_with_the_oracle_on_rounded_numbers() -> None:
    """Dyadic numbers, so that the oracle's float64 hyper-parameters are the exact ones."""
    rows = [{"lr": x, "momentum": 0.5} for x in (0.5, 0.25, 0.25, 1.0)]
    found = convert("torch", "keras", rows)
    assert found.is_exact_in_float64
    rng = np.random.default_rng(0)
    start, grads = rng.standard_normal(3), rng.standard_normal((4, 3))
    paths = [
        momentum.replay(
            who, start, grads, tier="exact",
            lr=[float(h.lr) for h in hs[:4]], momentum=[float(h.momentum) for h in hs[:4]],
        ).exact
        for who, hs in (("torch", found.source_hypers), ("keras", found.floats))
    ]  # fmt: skip
    assert all(np.array_equal(x, y) for x, y in zip(*paths))


def test_bound_covers_what_rounded_numbers_do() -> None:
    h = {"lr": "0.1", "momentum": "0.9", "weight_decay": "0.01"}
    found = convert("keras", "torch", h, steps=30)
    assert not found.is_exact_in_float64
    a, b = found.source.convention, found.target.convention
    rng = random.Random(1)
    for _ in range(20):
        x = y = fmpq(rng.randint(-8, 8), 8)
        s, u = a.initial, b.initial
        for t in range(30):
            grad = fmpq(rng.randint(-8, 8), 8)
            x, s = a.step(x, grad, s, row_at(found.source_hypers, t))
            y, u = b.step(y, grad, u, row_at(found.floats, t).lifted(exact))
        assert x != y
        assert abs(x - y) <= exact(found.bound())
    assert found.bound("float32") > found.bound()
    assert drift(b, [Hyper(fmpq(1, 2), fmpq(1, 2)).lifted(exact)], 1, None, "float64") > 0


@pytest.mark.parametrize(
    ("source", "given", "message"),
    [
        ("torch", {"momentum": "0.9"}, "lr is missing"),
        ("torch", {"lr": "fast"}, "'fast' is no number"),
        ("torch", {"lr": "0.1", "beta": "0.9"}, "torch has no beta"),
        ("torch", {"lr": float("nan")}, "no exact value"),
        ("jax", {"lr": "0.1", "mass": "0.9", "momentum": "0.9"}, "given twice"),
        ("torch", {"lr": 1, "momentum": 0.5, "dampening": 0.5, "nesterov": True}, "does not have"),
        ("keras", {"lr": "0.1", "nesterov": "maybe"}, "wanted true or false"),
        ("adam", {"lr": "0.1"}, "unknown convention"),
        ("optax.ema_debiased", {"lr": "0.1", "momentum": 1}, "divides by zero at step 1"),
        ("keras", [], "no hyper-parameters"),
    ],
)
def test_convert_refuses_bad_input_at_the_door(source: str, given: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        convert(source, "torch", given)


def test_speakers_spell_every_name_of_every_convention() -> None:
    for name in SPEAKERS:
        who = speaker(name)
        assert who.name == name
        assert {"lr", "momentum"} <= set(who.names)
        extra = set(who.names) - {"lr", "momentum", "weight_decay", "maximize"}
        assert extra <= CONVENTIONS[who.convention.name].takes
        assert all(who.canonical(own) == canon for canon, own in who.names.items())


@pytest.mark.parametrize("target", ["d2l", "keras2", "caffe", "scaled", "optax"])
@pytest.mark.parametrize("signs", [(True, True), (True, False), (False, True)])
def test_maximize_is_converted_as_minimizing_is(target: str, signs: tuple[bool, bool]) -> None:
    rows = [{"lr": "0.1", "momentum": "0.9", "maximize": signs[0]}] * 4
    rows += [{"lr": "0.01", "momentum": "0.9", "maximize": signs[1]}]
    found = convert("torch", target, rows)
    plain = convert("torch", target, [row | {"maximize": False} for row in rows])
    assert found.exists
    assert plain.exists
    # Their own rules on the same gradients, to the last digit.
    theirs, ours = get(found.target.convention), get("torch")
    x = y = exact(3)
    s, t = theirs.initial, ours.initial
    for step in range(9):
        h = found.hypers[step] if step < len(found.hypers) else found.then
        x, s = theirs.step(x, exact(step * step - 5), s, h)
        y, t = ours.step(y, exact(step * step - 5), t, found.source_hypers[min(step, 4)])
        assert x == y


def test_a_source_takes_its_own_defaults_and_the_answer_says_so() -> None:
    torch7 = convert("torch7", "torch", {"learningRate": "0.1", "momentum": "0.9"})
    assert torch7.source_hypers[0].dampening == fmpq(9, 10)
    assert torch7.assumed == "dampening=momentum (torch/optim, sgd.lua)"
    sklearn = convert("sklearn", "torch", {"learning_rate_init": "0.1"})
    assert sklearn.source_hypers[0].nesterov
    assert sklearn.source_hypers[0].momentum == fmpq(9, 10)
    assert any("momentum=0.9, nesterovs_momentum=true" in line for line in tell(sklearn))
    given = {"learning_rate_init": "0.1", "momentum": "0.5", "nesterov": "false"}
    assert convert("sklearn", "torch", given).assumed == ""
    assert not convert("sklearn", "torch", given).source_hypers[0].nesterov
    assert convert("onnx", "torch", {"R": "0.1", "alpha": "0.5", "beta": "1"}).assumed == ""
    assert convert("torch", "keras", {"lr": "0.1", "momentum": "0.9"}).assumed == ""


def test_defaults_are_values_of_hyper_parameters_that_the_speaker_has() -> None:
    for name in SPEAKERS:
        who = speaker(name)
        for hyper, value in who.spelling.defaults.items():
            assert who.takes(hyper)
            assert isinstance(value, bool) or value in who.names or 0 < Fraction(value) < 1
        assert who.spelling.source


@pytest.mark.parametrize(
    ("name", "idle"),
    [("torch", True), ("libtorch", True), ("timm", True), ("optax", False), ("mindspore", False)],
)
def test_a_velocity_that_stands_still_without_momentum_is_told(name: str, idle: bool) -> None:
    """torch touches its buffer only where momentum is not 0, in C++ as in Python."""
    own = speaker(name).names
    rows = [{own["lr"]: "0.1", own["momentum"]: momentum} for momentum in ("0.9", "0", "0.9")]
    words = f"momentum 0: {name} leaves its velocity alone"
    assert any(line.startswith(words) for line in tell(convert(name, "scaled", rows))) == idle
    assert not any(line.startswith(words) for line in tell(convert(name, "scaled", rows[:1])))
