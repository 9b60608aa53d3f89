"""Every path of torch.optim.SGD with up to three of its options, under all checks: nothing errors,
and only recorded defects fail. The nightly run takes all combinations, others a few.
"""

import os
from itertools import combinations
from pathlib import Path

import pytest

import momentum
from momentum.errors import UsageError
from momentum.report import matrix
from momentum.runner.expectations import read

OPTIONS = {
    "nesterov": True, "maximize": True, "differentiable": True, "weight_decay": 0.1,
    "dampening": 0.3, "momentum": 0.9, "lr": 0.1,
}  # fmt: skip
PATHS = {"single": {"foreach": False}, "foreach": {"foreach": True}, "fused": {"fused": True}}
FEW = [("single", "dampening differentiable"), ("foreach", "nesterov lr")]

WITH_OPTIONS = {
    ("foreach", "nesterov"): "agrees_in_every_layout[float32]",  # as leaves_gradients_alone
    ("foreach", "weight_decay"): "differentiates_the_rule[float32]",
    ("foreach", "differentiable"): "differentiates_the_rule[float32]",
}
"""What fails with these options alone: see torch_foreach_gradient.py and _differentiable.py."""


def every_combination():
    for path in PATHS:
        for count in (1, 2, 3):
            for names in combinations(OPTIONS, count):
                refused = {"nesterov", "dampening"} <= set(names)
                if not refused and not (path == "fused" and "differentiable" in names):
                    yield path, " ".join(names)


def recorded(path, names):
    """Ids of what may fail, by the list of findings."""
    if path == "single":
        return set()
    file = Path(matrix.__file__).parent / "expected" / f"torch_{path}.toml"
    more = {id_ for (way, name), id_ in WITH_OPTIONS.items() if way == path and name in names}
    return {e.id for e in read(file)} | more


@pytest.mark.parametrize(
    ("path", "names"), every_combination() if os.environ.get("MOMENTUM_FRESH") else FEW
)
def test_only_recorded_defects_fail_with_any_options(path, names):
    chosen = {name: OPTIONS[name] for name in names.split()}
    results = momentum.check(
        "torch.optim:SGD", "torch", settings=PATHS[path] | chosen, effort="quick"
    )
    must = [r for r in results.results if r.level == "must"]
    assert not [r.id for r in must if r.verdict == "errored"]
    assert sum(r.verdict == "passed" for r in must) > 100
    assert {r.id for r in must if r.verdict == "failed"} <= recorded(path, names.split())


def test_fused_and_differentiable_are_refused_in_one_line():
    with pytest.raises(UsageError, match="does not support `differentiable`"):
        momentum.check("torch.optim:SGD", settings={"fused": True, "differentiable": True})
