"""Several groups in one optimizer, each with hyper-parameters of its own."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from momentum.checks import _given as given
from momentum.checks._check import Found, Problem, Problems, Setting, Trial, agrees, check, problems
from momentum.checks._paths import Other, feed_of, law
from momentum.conventions import Hyper
from momentum.subjects.protocol import Array

THREE: tuple[dict[str, Any], ...] = (
    {"lr": 0.3, "momentum": 0.8, "dampening": 0.35, "weight_decay": 0.15, "nu": 0.6},
    {"lr": 0.07, "momentum": 0.5, "dampening": 0.1, "weight_decay": 0.4, "nu": 0.9},
    {"lr": 0.13, "momentum": 0.9, "dampening": 0.6, "weight_decay": 0.05, "nu": 0.3},
)
"""Pairwise different in everything."""

SHAPES = ((5,), (5,), (2, 3), (5,), (7,))
MEMBERS = (0, 1, 2, 2, 0)
TORCH = "torch.optim, per-parameter options"


def _problem(setting: Setting, rows: Sequence[Sequence[Hyper]]) -> Problem:
    return given.run(setting, [tuple(row) for row in rows], SHAPES, groups=MEMBERS)


def different(setting: Setting) -> list[Problem]:
    """Three groups without a common value; flags on in one group each."""
    plain = [given.hyper(setting, **w) for w in THREE]
    first = [
        given.hyper(setting, **THREE[0], nesterov=True),
        given.hyper(setting, **THREE[1], maximize=True),
        given.hyper(setting, **THREE[2]),
    ]
    bare = [given.hyper(setting, **{**w, "weight_decay": 0.0, "dampening": 0.0}) for w in THREE]
    mixed = [bare[0], plain[1], first[0]]
    return [_problem(setting, [row] * 3) for row in (plain, first, mixed)]


def alike_but_for_one(setting: Setting) -> Problems:
    """Groups that differ from both their neighbours in a single hyper-parameter each."""
    other = {"lr": 0.07, "momentum": 0.5, "dampening": 0.1, "weight_decay": 0.4, "nu": 0.9}
    for flag in ({}, {"nesterov": True}):
        own: dict[str, Any] = {**THREE[0], **flag}
        changes: list[dict[str, Any]] = [{n: x} for n, x in other.items()]
        changes += [{"maximize": True}, {"nesterov": not flag}]
        row = [given.hyper(setting, **{**own, **c}) for change in changes for c in ({}, change)]
        yield given.apart(setting, row)
    # Without dampening, which Nesterov's form may not be had with: pairs that differ in a flag.
    bare = {**THREE[0], "dampening": 0.0}
    flags = [{"nesterov": n, "maximize": m} for n, m in ((0, 0), (1, 0), (1, 1), (0, 1))]
    row = list(dict.fromkeys(given.hyper(setting, **bare, **flag) for flag in flags))
    yield from (given.apart(setting, order) for order in (row, row[::-1]))


@agrees(
    statement="Each group follows its own hyper-parameters, whatever the others have.",
    source=TORCH,
    catches="""groups_merged_by_rate_and_momentum nesterov_of_first_like_group
        dampening_of_the_group_before
        first_group_for_all last_group_for_all momentum_of_first_group_for_all
        decay_of_first_group_only decay_once_per_group maximize_of_first_group_only
        velocity_shared_by_shape""",
    needs=("groups",),
    random=lambda s: problems(s, steps=(1, 4), groups=3, shapes=((3,), (3,), (2, 2))),
)
def groups_follow_their_own(setting: Setting) -> Problems:
    """All of them different, and alike but for one thing."""
    return [*different(setting), *alike_but_for_one(setting)]


@agrees(
    statement="Each of very many groups follows its own hyper-parameters.",
    source=TORCH,
    catches="groups_beyond_16_dropped last_group_for_all",
    needs=("groups", "hyper:lr"),
)
def many_groups_follow_their_own(setting: Setting) -> Problems:
    """Forty groups, each with a rate of its own and others' momentum and decay."""
    row = [
        given.hyper(setting, **{**THREE[g % 3], "lr": 0.05 + g / 128}, maximize=g % 5 == 0)
        for g in range(40)
    ]
    return [given.apart(setting, row, (3,))]


@agrees(
    statement="A change of one group's hyper-parameters in a run reaches that group alone.",
    source=f"{TORCH}; torch.optim.lr_scheduler, which sets each group's rate",
    catches="set_changes_all_groups set_reaches_first_group_only",
    needs=("groups", "settable:lr"),
)
def groups_change_alone(setting: Setting) -> Problems:
    """One group's values change at a time, then all of them; nothing else does."""
    rows = [tuple(given.hyper(setting, **w) for w in THREE)]
    for g in (1, 2, 0):
        other = {"lr": 0.21 + g / 64, "momentum": 0.65 + g / 32, "weight_decay": 0.3 + g / 32}
        row = list(rows[-1])
        row[g] = given.changed(setting, row[g], **other)
        rows.append(tuple(row))
    rows.append(tuple(given.changed(setting, h, lr=0.05 + g / 16) for g, h in enumerate(rows[-1])))
    return [_problem(setting, rows)]


@agrees(
    statement="A group without momentum steps by its own gradient, next to groups that have it.",
    source="bitsandbytes-foundation/bitsandbytes#2082: the update of the parameter before",
    catches="update_of_previous_parameter momentum_of_first_group_for_all",
    needs=("groups", "hyper:momentum"),
)
def group_without_momentum_agrees(setting: Setting) -> Problems:
    """A group without momentum before, between and after ones that have it, with equal shapes."""
    rows = [[given.hyper(setting, **w) for w in THREE] for _ in range(3)]
    for bare, row in enumerate(rows):
        row[bare] = given.hyper(setting, **{**THREE[bare], "momentum": 0.0, "dampening": 0.0})
    return [_problem(setting, [row] * 3) for row in rows]


@check(
    statement="A group's path depends on no other group's values or hyper-parameters.",
    source=TORCH,
    catches="first_group_for_all velocity_shared_by_shape",
    needs=("groups", "settable:lr"),
    always=lambda s: different(s)[:2],
)
def group_ignores_the_others(trial: Trial) -> Found:
    feed, groups = feed_of(trial.problem), trial.problem.groups

    def other(kept: int) -> Other:
        def mine(i: int, x: Array) -> Array:
            return x if groups[i] == kept else np.zeros_like(x)

        # All values outside the group times -8, and their rate halved.
        changed = feed.mapped(lambda i, x: x if groups[i] == kept else -8.0 * x)
        hypers = [
            tuple(h if g == kept else h._replace(lr=h.lr / 2) for g, h in enumerate(row))
            for row in feed.hypers
        ]
        return Other(replace(changed, hypers=hypers), mine, mine)

    yield from law(trial, map(other, range(len(trial.problem.hypers[0]))))


@agrees(
    statement="A group without parameters stands for nothing, wherever it is.",
    source=f"{TORCH}; a list of what is to be trained comes out empty where all of it is frozen",
    catches="empty_group_ends_the_step",
    needs=("groups",),
)
def empty_groups_stand_for_nothing(setting: Setting) -> Problems:
    """Such a group is the first, one between, and the last."""
    row = tuple(given.hyper(setting, **w) for w in THREE)
    for members in ((1, 1, 2), (0, 2, 2), (0, 1, 1)):
        yield given.run(setting, [row] * 3, ((5,), (2, 3), (5,)), groups=members)
