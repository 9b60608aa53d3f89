"""The families of test vectors: what each one tests, and the cases that it is made of."""

from collections.abc import Callable, Iterator, Sequence
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
    reference: str
    needs: frozenset[str]
    plans: Callable[[], Iterator[Plan]]


PLAIN = {"lr": 0.1}
MOMENTUM = {"lr": 0.1, "momentum": 0.9}
FULL = {"lr": 0.3, "momentum": 0.8, "dampening": 0.35, "weight_decay": 0.15, "nu": 0.6}
RATES = (0.1, 0.1, 0.01, 0.02, 0.5, 0.0, 0.3, 0.3)


def _basic() -> Iterator[Plan]:
    for dtype in ALL:
        yield Plan(dtype, 3, [PLAIN] * 2)
        yield Plan(dtype, 3, [MOMENTUM] * 3)


def _momentum() -> Iterator[Plan]:
    for dtype in ALL:
        for momentum in (0.5, 0.9, 0.99):
            yield Plan(dtype, 7, [{"lr": 0.05, "momentum": momentum}] * 20)
    for kind in ("impulse", "constant", "from_zero", "dyadic"):
        yield Plan("float32", 4, [{"lr": 0.25, "momentum": 0.5}] * 12, kind)


def _nesterov() -> Iterator[Plan]:
    for dtype in ALL:
        yield Plan(dtype, 7, [{**MOMENTUM, "nesterov": True}] * 10)
    yield Plan("float64", 5, [{**MOMENTUM, "nesterov": t % 3 == 1} for t in range(9)])


def _dampening() -> Iterator[Plan]:
    for dtype in BOTH:
        yield Plan(dtype, 5, [{**MOMENTUM, "dampening": 0.3}] * 6)
        yield Plan(dtype, 5, [{**MOMENTUM, "dampening": 0.9}] * 6, "constant")


def _decay() -> Iterator[Plan]:
    for dtype in ALL:
        yield Plan(dtype, 7, [{**MOMENTUM, "weight_decay": 0.2}] * 8)
    yield Plan("float64", 5, [{**PLAIN, "weight_decay": 0.3}] * 4, "still")
    changing = [{**MOMENTUM, "weight_decay": 0.1 * t} for t in (1, 2, 0, 3, 1)]
    yield Plan("float64", 5, changing)


def _maximize() -> Iterator[Plan]:
    for more in ({}, {"weight_decay": 0.2}):
        yield Plan("float32", 5, [{**MOMENTUM, **more, "maximize": True}] * 6)


def _schedules() -> Iterator[Plan]:
    for dtype in ALL:
        yield Plan(dtype, 5, [{**MOMENTUM, "lr": lr} for lr in RATES])
    for dtype in BOTH:
        yield Plan(dtype, 5, [{"lr": 0.1, "momentum": m} for m in (0.9, 0.9, 0.5, 0.8, 0.95, 0.9)])
        yield Plan(dtype, 5, [{**MOMENTUM, "lr": 1e-3 / 2**t} for t in range(12)])


def _missing() -> Iterator[Plan]:
    for gaps in ({1}, {0}, {0, 1, 4}):
        yield Plan("float32", 5, [MOMENTUM] * 7, missing=frozenset(gaps))


def _sizes() -> Iterator[Plan]:
    for dtype in ALL:
        for size in (1, 8, 15, 16, 17, 31, 32, 33, 64, 65, 257):
            yield Plan(dtype, size, [MOMENTUM] * 2)
    yield Plan("float32", 1025, [MOMENTUM] * 2)


def _magnitudes() -> Iterator[Plan]:
    for dtype in ALL:
        for kind in ("wide", "tiny", "faint"):
            yield Plan(dtype, 9, [MOMENTUM] * 6, kind)


def _long() -> Iterator[Plan]:
    for dtype in BOTH:
        yield Plan(dtype, 3, [{"lr": 0.02, "momentum": 0.95}] * 150)


def _combined() -> Iterator[Plan]:
    for dtype in ALL:
        yield Plan(dtype, 7, [FULL] * 8)
        yield Plan(dtype, 7, [{**FULL, "lr": lr} for lr in RATES])
        ahead = {**FULL, "dampening": 0.0, "nesterov": True}
        for row in (ahead, {**ahead, "maximize": True}, {**FULL, "maximize": True}):
            yield Plan(dtype, 7, [row] * 8)


FAMILIES = (
    Family("basic", "Two or three plain steps.", "a broken harness", "nothing can be said",
           "", frozenset(), _basic),
    Family("momentum", "The velocity gathers past gradients at falling weights.",
           "a velocity that is clamped, stale or one step late", "another effective rate",
           "mdenil/dropout#4", frozenset({"momentum"}), _momentum),
    Family("nesterov", "Nesterov's form looks ahead by one velocity, each step by its own flag.",
           "the old velocity in place of the new", "a slower or unstable training",
           "chainer/chainer#7335", frozenset({"momentum", "nesterov"}), _nesterov),
    Family("dampening", "Dampening holds back each gradient but, where so agreed, the first.",
           "a first step that is dampened, or dampening that is ignored",
           "a velocity that starts too small or stays too large",
           "metaopt/torchopt#219", frozenset({"momentum", "dampening"}), _dampening),
    Family("weight_decay", "Decay pulls towards zero in the convention's own place.",
           "coupled decay for decoupled, or decay that is a constant", "another regularisation",
           "jettify/pytorch-optimizer#454", frozenset({"weight_decay"}), _decay),
    Family("maximize", "Ascent turns the gradient's sign, and not that of the decay.",
           "weights that grow by their decay", "divergence",
           "pytorch/pytorch#68579", frozenset({"maximize"}), _maximize),
    Family("schedules", "A new rate, momentum or decay acts from its own step on.",
           "a rate on the other side of the velocity, or one that stays what it was",
           "jumps where the schedule changes", "pytorch/pytorch#152833", frozenset({"momentum"}),
           _schedules),
    Family("missing", "Without a gradient a parameter and its velocity stand still.",
           "a missing gradient that counts as zero", "parameters that drift while frozen",
           "pytorch/pytorch#1489", frozenset({"momentum"}), _missing),
    Family("sizes", "Every element moves, whatever the size.",
           "whole vector blocks, or the rest after the last, left as they were",
           "parts of the model that never learn", "pytorch/pytorch#191763",
           frozenset({"momentum"}), _sizes),
    Family("magnitudes", "Small and large numbers keep their digits.",
           "an epsilon, a threshold, a narrower format inside", "faint gradients that are lost",
           "Nerogar/OneTrainer#996", frozenset({"momentum"}), _magnitudes),
    Family("long", "Nothing piles up over many steps.", "a slow drift of the rate or the momentum",
           "a training that slowly departs", "", frozenset({"momentum"}), _long),
    Family("combined", "All hyper-parameters together.", "an option that cancels another",
           "whatever the recipe asked for is not what runs", "huggingface/transformers#44075",
           frozenset({"momentum"}), _combined),
)  # fmt: skip


def rows_of(plan: Plan, convention: Convention) -> list[Hyper]:
    """The hyper-parameters of a plan that a convention has."""
    return [Hyper(**{n: x for n, x in row.items() if n in convention.knows}) for row in plan.rows]
