"""Combinations of hyper-parameters that can be asked of a subject."""

import itertools
from typing import Any

import pytest

from momentum.conventions.hyper import NAMES, NEUTRAL, Domain, Hyper

VALUES: dict[str, Any] = {
    "lr": 0.25, "momentum": 0.75, "dampening": 0.5, "weight_decay": 0.125,
    "nesterov": True, "maximize": True, "nu": 0.375,
}  # fmt: skip
KEYS = ("momentum", "dampening", "nesterov", "weight_decay")


def settings() -> list[dict[str, Any]]:
    """Each of four hyper-parameters free, not there, fixed to its neutral value, or fixed on."""
    kinds = ("free", "absent", "off", "on")
    return [dict(zip(KEYS, row)) for row in itertools.product(kinds, repeat=len(KEYS))]


def domain_of(setting: dict[str, Any], together: bool) -> Domain:
    fixed = {n: NEUTRAL[n] for n in KEYS if setting[n] == "off"}
    fixed |= {n: VALUES[n] for n in KEYS if setting[n] == "on"}
    hyper = {"lr"} | {n for n in KEYS if setting[n] != "absent"}
    return Domain.of(hyper, fixed, together=together)


def wishes() -> list[dict[str, Any]]:
    """Every subset of hyper-parameters on, the others off or not named."""
    found = []
    for on in itertools.product((False, True), repeat=len(KEYS)):
        named = {n: VALUES[n] for n, x in zip(KEYS, on) if x}
        found += [named, {**{n: NEUTRAL[n] for n in KEYS}, **named}]
    return found


@pytest.mark.parametrize("together", [False, True])
def test_combined_is_valid_wherever_something_is(together: bool) -> None:
    for setting in settings():
        domain = domain_of(setting, together)
        for wanted in wishes():
            h = domain.combined(wanted)
            for name in KEYS:
                if setting[name] in ("absent", "off"):
                    assert getattr(h, name) == NEUTRAL[name], (setting, wanted)
                if setting[name] == "on":
                    assert getattr(h, name) == VALUES[name], (setting, wanted)
            if domain.empty is None:
                assert h.momentum or not (h.nesterov or h.dampening), (setting, wanted)
                assert together or not (h.nesterov and h.dampening), (setting, wanted)


def test_combined_keeps_a_valid_wish() -> None:
    domain = Domain.of(NAMES, {}, together=True)
    assert domain.combined(VALUES) == Hyper(**VALUES)
    assert domain.combined({}) == Hyper(0.1)
    assert domain.combined({"nesterov": True}) == Hyper(0.1, 0.9, nesterov=True)


@pytest.mark.parametrize("together", [False, True])
def test_never_says_which_cannot_be_on(together: bool) -> None:
    for setting in settings():
        domain = domain_of(setting, together)
        if domain.empty is not None:
            continue
        for name in KEYS:
            seen = any(getattr(domain.combined(w), name) != NEUTRAL[name] for w in wishes())
            assert (domain.never(name) is None) == seen, (setting, name, domain.never(name))


@pytest.mark.parametrize(
    ("fixed", "words"),
    [
        ({"momentum": 0.0, "dampening": 0.5}, "dampening 0.5 without momentum"),
        ({"momentum": 0.0, "nesterov": True}, "nesterov True without momentum"),
        ({"nesterov": True, "dampening": 0.5}, "takes no nesterov with dampening"),
        ({"momentum": 0.5, "dampening": 0.5}, None),
        ({"nesterov": True}, None),
        ({"dampening": 0.0, "momentum": 0.0, "nesterov": False}, None),
    ],
)
def test_empty_names_what_contradicts_itself(fixed: dict[str, Any], words: str | None) -> None:
    said = Domain.of(NAMES, fixed).empty
    assert said is None if words is None else words in str(said)
