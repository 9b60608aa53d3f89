"""The families of test vectors: what each one tests, and the cases that it is made of."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from momentum.conventions import Convention, Hyper

SINGLE, DOUBLE, ALL = ("float32",), ("float64",), ("float32", "float64", "float16", "bfloat16")
BOTH = SINGLE + DOUBLE


class Plan(NamedTuple):
    """A case before its numbers are drawn. rows: hyper-parameters, one a step.

    kind: of the numbers, as problems know them. missing: steps, from 0, without a gradient.
    """

    dtype: str
    size: int
    rows: Sequence[dict[str, Any]]
    kind: str = "normal"
    missing: frozenset[int] = frozenset()


class Family(NamedTuple):
    """tests: the sentence that its cases test. catches: a wrong optimizer that they fail.

    effect: what such an optimizer does to a training. reference: where one was reported.
    needs: hyper-parameters without which a convention has no such cases.
    """

    name: str
    tests: str
    catches: str
    effect: str
    reference: str = ""
    needs: frozenset[str] = frozenset({"momentum"})

    @property
    def plans(self) -> Sequence[Plan]:
        """Its cases, always the same."""
        return PLANS[self.name]


PLAIN = {"lr": 0.1}
MOMENTUM = {"lr": 0.1, "momentum": 0.9}
FULL = {"lr": 0.3, "momentum": 0.8, "dampening": 0.35, "weight_decay": 0.15, "nu": 0.6}
RATES = (0.1, 0.1, 0.01, 0.02, 0.5, 0.0, 0.3, 0.3)
SIZES = (1, 8, 15, 16, 17, 31, 32, 33, 64, 65, 257)


DECAYED = {**MOMENTUM, "weight_decay": 0.2}
MOMENTA = [{"lr": 0.1, "momentum": m} for m in (0.9, 0.9, 0.5, 0.8, 0.95, 0.9)]
HALVED = [{**MOMENTUM, "lr": 1e-3 / 2**t} for t in range(12)]
AHEAD = {**FULL, "dampening": 0.0, "nesterov": True}
COMBINED = (
    [FULL] * 8,
    [{**FULL, "lr": lr} for lr in RATES],
    *([row] * 8 for row in (AHEAD, {**AHEAD, "maximize": True}, {**FULL, "maximize": True})),
)

PLANS: Mapping[str, Sequence[Plan]] = {
    "basic": [Plan(d, 3, rows) for d in ALL for rows in ([PLAIN] * 2, [MOMENTUM] * 3)],
    "momentum": [
        *(Plan(d, 7, [{"lr": 0.05, "momentum": m}] * 20) for d in ALL for m in (0.5, 0.9, 0.99)),
        *(
            Plan("float32", 4, [{"lr": 0.25, "momentum": 0.5}] * 12, kind)
            for kind in ("impulse", "constant", "from_zero", "dyadic")
        ),
    ],
    "nesterov": [
        *(Plan(d, 7, [{**MOMENTUM, "nesterov": True}] * 10) for d in ALL),
        Plan("float64", 5, [{**MOMENTUM, "nesterov": t % 3 == 1} for t in range(9)]),
    ],
    "dampening": [
        Plan(d, 5, [{**MOMENTUM, "dampening": x}] * 6, kind)
        for d in BOTH
        for x, kind in ((0.3, "normal"), (0.9, "constant"))
    ],
    "weight_decay": [
        *(Plan(d, 7, [DECAYED] * 8) for d in ALL),
        Plan("float64", 5, [{**PLAIN, "weight_decay": 0.3}] * 4, "still"),
        Plan("float64", 5, [{**MOMENTUM, "weight_decay": 0.1 * t} for t in (1, 2, 0, 3, 1)]),
    ],
    "maximize": [Plan("float32", 5, [{**x, "maximize": True}] * 6) for x in (MOMENTUM, DECAYED)],
    "schedules": [
        *(Plan(d, 5, [{**MOMENTUM, "lr": lr} for lr in RATES]) for d in ALL),
        *(Plan(d, 5, rows) for d in BOTH for rows in (MOMENTA, HALVED)),
    ],
    "missing": [
        Plan("float32", 5, [MOMENTUM] * 7, missing=frozenset(gaps))
        for gaps in ({1}, {0}, {0, 1, 4})
    ],
    "sizes": [
        *(Plan(d, size, [MOMENTUM] * 2) for d in ALL for size in SIZES),
        Plan("float32", 1025, [MOMENTUM] * 2),
    ],
    "magnitudes": [
        Plan(d, 9, [MOMENTUM] * 6, kind) for d in ALL for kind in ("wide", "tiny", "faint")
    ],
    "long": [Plan(d, 3, [{"lr": 0.02, "momentum": 0.95}] * 150) for d in BOTH],
    "combined": [Plan(d, 7, rows) for d in ALL for rows in COMBINED],
}

FAMILIES = (
    Family("basic", "Two or three plain steps.", "a broken harness", "nothing can be said",
           "", frozenset()),
    Family("momentum", "The velocity gathers past gradients at falling weights.",
           "a velocity that is clamped, stale or one step late", "another effective rate",
           "mdenil/dropout#4"),
    Family("nesterov", "Nesterov's form looks ahead by one velocity, each step by its own flag.",
           "the old velocity in place of the new", "a slower or unstable training",
           "chainer/chainer#7335", frozenset({"momentum", "nesterov"})),
    Family("dampening", "Dampening holds back each gradient but, where so agreed, the first.",
           "a first step that is dampened, or dampening that is ignored",
           "a velocity that starts too small or stays too large",
           "metaopt/torchopt#219", frozenset({"momentum", "dampening"})),
    Family("weight_decay", "Decay pulls towards zero in the convention's own place.",
           "coupled decay for decoupled, or decay that is a constant", "another regularisation",
           "jettify/pytorch-optimizer#454", frozenset({"weight_decay"})),
    Family("maximize", "Ascent turns the gradient's sign, and not that of the decay.",
           "weights that grow by their decay", "divergence",
           "pytorch/pytorch#68579", frozenset({"maximize"})),
    Family("schedules", "A new rate, momentum or decay acts from its own step on.",
           "a rate on the other side of the velocity, or one that stays what it was",
           "jumps where the schedule changes", "pytorch/pytorch#152833"),
    Family("missing", "Without a gradient a parameter and its velocity stand still.",
           "a missing gradient that counts as zero", "parameters that drift while frozen",
           "pytorch/pytorch#1489"),
    Family("sizes", "Every element moves, whatever the size.",
           "whole vector blocks, or the rest after the last, left as they were",
           "parts of the model that never learn", "pytorch/pytorch#191763"),
    Family("magnitudes", "Small and large numbers keep their digits.",
           "an epsilon, a threshold, a narrower format inside", "faint gradients that are lost",
           "Nerogar/OneTrainer#996"),
    Family("long", "Nothing piles up over many steps.", "a slow drift of the rate or the momentum",
           "a training that slowly departs", ""),
    Family("combined", "All hyper-parameters together.", "an option that cancels another",
           "whatever the recipe asked for is not what runs", "huggingface/transformers#44075"),
)  # fmt: skip


def rows_of(plan: Plan, convention: Convention) -> list[Hyper]:
    """The hyper-parameters of a plan that a convention has."""
    return [Hyper(**{n: x for n, x in row.items() if n in convention.knows}) for row in plan.rows]
