"""What a framework's spelling says beyond its names, each fact once, as its source has it."""

from typing import Any

import pytest
from flint import fmpq

from momentum.conventions import CONVENTIONS, SPEAKERS, Convention, Hyper, Spelling, get
from momentum.conventions._inverse import Found, Inverse, Scale
from momentum.conventions.hyper import Domain

SAID = {s.name: s for c in CONVENTIONS.values() for s in c.speakers}

# `if momentum != 0:` around the velocity, or a buffer made only then.
IDLE = """torch libtorch torch7 burn torchopt bitsandbytes timm pytorch_optimizer torch_optimizer
keras keras2 mxnet tinygrad_classic neon megengine tinygrad mlx fastai"""
# No check that one of the two is 0: torch and torch7 raise.
DAMPENED_NESTEROV = "burn onnx pytorch_optimizer"
# x -= weight_decay x, whatever the rate: SGDW of TensorFlow Addons.
PER_STEP = "tfa"
# v = momentum v + (1 - momentum) g, where unit gain is not turned off.
UNIT_GAIN = "cntk"
# The constructor's own momentum where it is neither 0 nor asked for, and what else it has on.
DEFAULTS: dict[str, dict[str, Any]] = {
    "torch7": {"dampening": "momentum"},
    "burn": {"momentum": "0.9", "dampening": "0.1"},
    "muon": {"momentum": "0.95", "nesterov": True},
    "sklearn": {"momentum": "0.9", "nesterov": True},
    "qhm": {"nu": "0.7"},
    "dlib": {"momentum": "0.9", "weight_decay": "0.0005"},
    "mlpack": {"momentum": "0.5"},
    "brain.js": {"momentum": "0.1"},
} | {
    name: {"momentum": "0.9"}
    for name in (
        "river", "river.momentum", "chainer", "chainer.corrected", "flux", "lasagne", "nnabla",
        "tiny-dnn", "flax", "paddle", "heavyball",
    )
}  # fmt: skip


@pytest.mark.parametrize(
    ("flag", "names"),
    [
        ("idle", IDLE),
        ("dampened_nesterov", DAMPENED_NESTEROV),
        ("per_step", PER_STEP),
        ("unit_gain", UNIT_GAIN),
    ],
)
def test_a_flag_is_set_for_those_that_do_so_and_no_other(flag: str, names: str) -> None:
    assert {n for n, s in SAID.items() if getattr(s, flag)} == set(names.split())


def test_defaults_are_those_of_the_constructors() -> None:
    assert {n: s.defaults for n, s in SAID.items() if s.defaults} == DEFAULTS


def test_every_speaker_is_said() -> None:
    assert set(SAID) == set(SPEAKERS)


def test_what_nothing_is_said_of_is_off() -> None:
    plain = Spelling("own", {"lr": "lr"}, "own({})")
    off = plain.dampened_nesterov, plain.idle, plain.per_step, plain.unit_gain
    assert off == (False, False, False, False)
    assert (plain.decay, plain.defaults) == ("coupled", {})
    convention = Convention("own", lambda theta, grad, state, h: (theta, state))
    assert convention.takes == {"momentum"}
    assert convention.all_forms(Hyper(1.0)) != ()
    assert convention.forms(Hyper(1.0, 0.5)) == ()
    off = convention.keeps_iterates, convention.always_nesterov, convention.covers_differences
    assert off == (False, False, False)
    assert (convention.initial.step, convention.initial.v) == (0, 0)
    assert not Domain(frozenset({"lr"})).together
    assert not Domain.of({"lr"}, {}).together
    assert Found(1, 2) == (1, 2, 1, 1, None, None)
    assert Hyper(1) == (1, 0, 0, 0, False, False, 1)


def test_how_a_rule_is_solved_is_said_of_each() -> None:
    inverses = {name: c.inverse for name, c in CONVENTIONS.items()}
    found = {n: i for n, i in inverses.items() if i is not None}
    assert set(found) == set(CONVENTIONS)
    # v = d at the first step.
    assert [n for n, i in found.items() if i.seeded] == ["accumulated"]
    # v' = m v + (1 - m) d changes what share of a velocity is whose, also while nothing moves.
    assert [n for n, i in found.items() if i.scale and i.scale.standing] == ["averaged"]
    assert not Inverse(lambda w, nesterov, free: iter(())).seeded
    assert not Scale(lambda w, found, by: None, lambda w, first, found: None).standing
    assert [n for n, c in CONVENTIONS.items() if c.keeps_iterates] == ["two_point"]


FORMS = {
    "accumulated": (0, 1, 1, 2, 3, 4),
    "zero_started": (0, 1, 1, 2, 3, 4),
    "scaled": (0, 1, 1, 2, 3, 4),
    "averaged": (2, 3, 3, 4, 5, 6),
    "averaged_debiased": (2, 2, 2, 2, None, None),
    "quasi_hyperbolic": (3, 3, 3, 3, None, None),
    "look_ahead": (2, 2, 3, 3, None, None),
    "two_point": (0, 0, 0, 0, None, None),
}
"""How many other forms there are of a step without momentum and decay, with decay, with momentum,
with both, and then in Nesterov's form without and with momentum: decay can be multiplied out, and a
velocity that is left can be nudged from where it is."""


@pytest.mark.parametrize("name", FORMS)
def test_a_rule_has_the_forms_that_its_numbers_tell_apart(name: str) -> None:
    half, none = fmpq(1, 2), 0
    for (momentum, decay, nesterov), wanted in zip(
        [
            (none, none, False),
            (none, half, False),
            (half, none, False),
            (half, half, False),
            (none, none, True),
            (half, none, True),
        ],
        FORMS[name],
    ):
        h = Hyper(half, momentum, 0, decay, nesterov)
        assert wanted is None or len(get(name).forms(h)) == wanted
