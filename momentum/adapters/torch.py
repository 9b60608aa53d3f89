"""torch: an Optimizer class, or a function of parameters that returns an optimizer."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

from momentum.adapters import _device, _shared
from momentum.adapters._record import framework
from momentum.adapters._shared import argument_names, fitted
from momentum.conventions import Convention, Hyper
from momentum.conventions.hyper import NAMES, NEUTRAL
from momentum.errors import UsageError
from momentum.subjects.protocol import Array, Facts
from momentum.subjects.trial import refused

if TYPE_CHECKING:
    import torch

    from momentum.adapters._torch_run import TorchRun

_ALWAYS = {
    *("resume", "hand_over", "foreign_state", "state_bytes", "live_objects", "file", "glances"),
    *("generators", "integers", "refill", "closure", "closure_raises", "closure_sets", "graph"),
    *("freeze", "place", "restart", "rebind", "regroup", "recast", "versions"),
    *("settings", "threads", "another_thread", "again", "one_gradient"),
    *("fed", "overwrite", "unwritten", "storage", "layouts", "mixed_dtypes", "validates"),
}
"""What every optimizer of torch offers; see OFFERS."""


def accepts(obj: object) -> bool:
    """A torch.optim.Optimizer class, or a function of `params` and a learning rate."""
    import torch

    if isinstance(obj, type):
        return issubclass(obj, torch.optim.Optimizer)
    if not callable(obj):
        return False
    if isinstance(obj, partial):
        return accepts(obj.func)
    first, second, *_ = [*argument_names(obj), "", ""]
    parameters = first == "param_groups" or first.endswith(("params", "parameters"))
    return parameters and second != "states"


def adapt(
    factory: "Callable[..., torch.optim.Optimizer]", fixed: Mapping[str, object], name: str
) -> "TorchSubject":
    """A subject from an optimizer's constructor.

    fixed: arguments of the constructor that are the caller's choice, such as `fused`; `device` is
    where the tensors are made, if the constructor takes none.
    Raises: UsageError where the constructor takes or wants something else.
    """
    import torch

    from momentum.adapters._torch_run import restore
    from momentum.adapters._torch_tensors import DTYPES
    from momentum.adapters._torch_trial import Trial, handed_on, hookable, needed_to_step

    torch.set_num_threads(1)  # the same rounding in every run
    device, fixed = _device.parted(factory, fixed, name)
    names, hyper, others = fitted(factory, 1, fixed, name)
    names |= handed_on(partial(factory, **others), names)
    own = {names.get(n, n): value for n, value in hyper.items()} | others
    build = partial(factory, **own) if own else factory
    free = {n: theirs for n, theirs in names.items() if n not in hyper}
    trial = Trial(build, free, name, device)
    optimizer = trial.optimizer()
    restore()
    if needed := needed_to_step(optimizer):
        given = ", ".join(f"{n}=None" for n in needed)
        what = "a closure" if needed == ["closure"] else " and ".join(needed)
        raise UsageError(
            f"{name} cannot be stepped: step() needs {what}; write step(self, {given}) and take the"
            " gradients that the parameters have where none is given"
        )
    group = optimizer.param_groups[0]
    groups = set(free.values()) <= set(group)
    found = {
        "point": hasattr(optimizer, "look_ahead"),
        "schedulers": "lr" in group,
        "scaler": True,
        "hooks": hookable(optimizer),
        # The base class hooks the steps of a copy, too, and that for good.
        "deepcopy": hookable(optimizer),
        "pickle": hookable(optimizer),
        "own_schedules": "lr" in group,
        "late_groups": groups,
        "saves_options": groups,
        "zero_grad": "set_to_none" in argument_names(optimizer.zero_grad),
        "complex": trial.steps(dtype=torch.complex64),
        "names": trial.steps(names=True),
        "differentiable": trial.records,
        "shared_dicts": groups,
        "sparse": trial.steps(sparse=True),
        "tensor_lr": "lr" in free and trial.steps(lr=torch.tensor(0.5)),
        "nesterov_with_dampening": {"nesterov", "dampening"} <= set(free)
        and trial.steps(nesterov=True, dampening=0.5),
    }
    restore()
    inside = {
        n: group[n] for n in NAMES if n not in names and group.get(n) not in (None, NEUTRAL.get(n))
    }
    unknown = {
        n: x
        for n, x in optimizer.defaults.items()
        if isinstance(x, float) and x and n not in {*names, *names.values(), *NEUTRAL}
    }
    left = {}
    if unknown and "momentum" not in {*names, *inside, *hyper}:
        told = ", ".join(f"{n}={x:g}" for n, x in unknown.items())
        left["momentum"] = (
            f"none of its arguments is known as one: {told}; a function that takes it by that name"
            " and returns the optimizer would be understood"
        )
    facts = Facts(
        name=name,
        dtypes=tuple(DTYPES),
        hyper=frozenset(free),
        settable=frozenset(n for n, theirs in free.items() if theirs in group),
        fixed=inside | hyper,
        groups=groups,
        none_gradients=True,
        largest=2**18,
        bare=_bare,
        left=left,
        offers=frozenset({n for n, offered in found.items() if offered} | _ALWAYS),
    )
    subject = TorchSubject(facts, build, free, device)
    no = refused(subject)
    taken = tuple(d for d in DTYPES if d not in no)
    return replace(subject, facts=replace(facts, dtypes=taken, left={**left, **no}))


def _bare(convention: Convention) -> "TorchSubject":
    """torch's base class with a rule and nothing else."""
    from momentum.adapters._torch_bare import Bare

    return adapt(partial(Bare, convention=convention), {}, "torch.optim.Optimizer")


@dataclass(frozen=True)
class TorchSubject:
    """A torch optimizer behind the face that the checks see. names: our name -> its name.

    device: of parameters and gradients.
    """

    facts: Facts
    build: "Callable[..., torch.optim.Optimizer]"
    names: Mapping[str, str]
    device: str = _device.CPU

    def start(
        self,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None = None,
        options: Mapping[str, object] | None = None,
    ) -> "TorchRun":
        """A new run. Raises: ValueError where a hyper-parameter is refused."""
        from momentum.adapters._torch_run import TorchRun

        return TorchRun(self, parameters, hypers, dtype, groups, dict(options or {}))

    def named(self, h: Hyper) -> dict[str, Any]:
        """Hyper-parameters by the optimizer's own names.

        Raises: ValueError where one differs from what it has for good.
        """
        return _shared.arguments(h, self.names, self.facts.fixed)


ADAPTER = framework(
    "torch",
    takes="an Optimizer class, or a function of params and a rate that returns one",
    accepts=accepts,
    adapt=adapt,
    rank=2,  # Keras on torch derives from its classes
)
