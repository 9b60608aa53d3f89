"""SGD with momentum for torch: every convention's own rule, applied to tensors.

Source: Zhang, Lipton, Li and Smola, Dive into Deep Learning, section "Momentum" (`sgd_momentum`);
torch.optim.Optimizer for the manners of `MomentumSGD`.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.optim.optimizer import ParamsT, StateDict

from momentum.conventions import CONVENTIONS, Convention, Hyper, get
from momentum.conventions.hyper import FLAGS, NUMBERS
from momentum.sgd._applying import Due, Group
from momentum.sgd._reading import gradient, number


class MomentumSGD(torch.optim.Optimizer):
    """SGD with momentum under any convention; its step is `Convention.step`, applied to tensors.

    convention: an object, a name (`scaled`, `scaled:before`) or a speaker (`keras`). It is an
    option of a parameter group like every other one. nu: for `quasi_hyperbolic` only. A learning
    rate may be a tensor of one element, which each group copies; torch's schedulers then fill it,
    and no step waits for its number. compile: hand the rule to torch.compile.

    A parameter without gradient is passed by: neither it nor its velocity moves. A sparse gradient
    is taken as the dense one that it stands for. Parameters keep their storage, gradients are never
    changed; velocities have the type of their parameter. The state is the rule's own. Its tensors
    are written to, but what `state_dict` returned stays as it was.

    `look_ahead` takes its gradient at another point: see the method of that name. `step(closure)`
    calls the closure there; `step()` applies the rule to the gradients as they are.

    Raises: ValueError for a hyper-parameter that is not a finite number, is negative (nu may be),
    or is one that the convention does not have, in the defaults or a group; for parameters given
    twice; for a loaded state that is not one of this optimizer. During training, where schedulers
    set hyper-parameters, only those that are not finite are refused, before any parameter moves.
    """

    _ahead = False
    _shown = True  # somebody may hold the state's tensors
    _told: Mapping[int, tuple[list[Any], Group]] = {}

    def __init__(
        self,
        params: ParamsT,
        convention: str | Convention = "accumulated",
        lr: float | Tensor = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        nu: float = 1.0,
        compile: bool = False,
    ) -> None:
        # torch: refuses nesterov with momentum 0 or with dampening; the rule has a meaning there.
        h = Hyper(lr, momentum, dampening, weight_decay, nesterov, maximize, nu)
        defaults = {"convention": convention, **h._asdict(), "compile": compile}
        super().__init__(params, _checked_in(defaults, "defaults"))

    def add_param_group(self, param_group: dict[str, object]) -> None:
        """Take on more parameters; the caller's dict is left as it is.

        Raises: ValueError for bad hyper-parameters and for parameters given twice.
        """
        if not isinstance(param_group, dict) or "params" not in param_group:
            raise ValueError(f"a parameter group is a dict with params, got {param_group!r}")
        where = f"parameter group {len(self.param_groups)}"
        group = _checked_in({**self.defaults, **param_group}, where)
        if not isinstance(group["params"], (Tensor, set)):  # torch refuses sets
            group["params"] = list(group["params"])
            ids = [id(p[1] if isinstance(p, tuple) else p) for p in group["params"]]
            if len(set(ids)) < len(ids):
                twice = next(i for i, one in enumerate(ids) if one in ids[:i])
                raise ValueError(f"{where}: params[{twice}] was given before")
        super().add_param_group(group)

    def step(self, closure: Callable[[], float] | None = None) -> float | None:  # type: ignore[override]  # torch: two overloads
        """One step of every parameter that has a gradient; returns what the closure returns."""
        if self._ahead:
            raise RuntimeError("step() inside look_ahead(): the parameters are not at home there")
        loss = None
        if closure is not None:
            with self.look_ahead(), torch.enable_grad():
                loss = closure()
        with torch.no_grad():
            for group, due in self._due():  # all of it read before anything moves
                for one, kept in zip(due, group.apply(due)):
                    if kept is not one.kept:
                        self.state[one.p] = kept
        self._shown = False
        return loss

    def _due(self) -> list[tuple[Group, list[Due]]]:
        """What every group has to do in a step, read and checked."""
        found = []
        for i, options in enumerate(self.param_groups):
            group, due = self._group(i, options), []
            names = group.names
            for j, p in enumerate(options["params"]):
                if p.grad is None:
                    continue
                kept = self.state.get(p)
                if kept:
                    v = kept.get("v") if kept.keys() == names else None
                    if not isinstance(v, Tensor) or v.shape != p.shape:
                        _state(p, kept, group.convention, f"parameter group {i}, params[{j}]")
                due.append(Due(p, gradient(p), kept or {}))
            found.append((group, due))
        return found

    def _group(self, i: int, options: Mapping[str, object]) -> Group:
        """What is said of a group; what is said in tensors is not looked into."""
        given = [self._shown, *map(options.get, _SAID)]
        last = self._told.get(i)
        if last is None or not all(map(_same, given, last[0])):
            tensors: dict[str, Any] = {n: x.reshape(()) for n, x in options.items()
                                       if n in NUMBERS and isinstance(x, Tensor)}  # fmt: skip
            plain = {n: 1.0 if n == "nu" else 0.0 for n in tensors}
            convention, h = _read({**options, **plain}, f"parameter group {i}")
            h = h._replace(**tensors)
            last = given, Group(convention, h, not self._shown, bool(options.get("compile")))
            self._told = {**self._told, i: last}
        return last[1]

    @contextmanager
    def look_ahead(self) -> Iterator[None]:
        """Within, parameters are where their convention takes the gradient; then back, bit for bit.

            with optimizer.look_ahead():
                loss(model).backward()
            optimizer.step()

        Only the convention `look_ahead` has another point than the parameter itself, so the same
        loop trains under every convention.

        Raises: RuntimeError when used within itself, or for a step within.
        """
        if self._ahead:
            raise RuntimeError("look_ahead() inside look_ahead()")
        with torch.no_grad():
            moves = []
            for p, convention, state, h in _plan(self.param_groups, self.state):
                point = convention.gradient_point(p, state, h)
                if point is not p:
                    moves.append((p, p.clone(), point))
            for p, _, point in moves:
                p.copy_(point)
        self._ahead = True
        try:
            yield
        finally:
            self._ahead = False
            with torch.no_grad():
                for p, home, _ in moves:
                    p.copy_(home)

    def state_dict(self) -> StateDict:
        """State and groups, as torch's; the tensors in it stay as they are."""
        self._shown = True
        return super().state_dict()

    def load_state_dict(self, state_dict: StateDict) -> None:
        """Go on where another MomentumSGD was; nothing is shared with it.

        Raises: ValueError, before anything changes, for a state of other parameters or optimizers.
        """
        missing = {"state", "param_groups"} - set(state_dict)
        if missing:
            raise ValueError(f"state_dict has no {', '.join(sorted(missing))}")
        super().load_state_dict(state_dict)

    def __setstate__(self, state: StateDict) -> None:
        """The last stage of loading and of unpickling: the one place that sees the new state."""
        plan = _plan(state["param_groups"], state["state"])
        stray = set(state["state"]) - {p for p, *_ in plan}
        if stray:
            raise ValueError(f"state of parameters that are in no group: {stray}")
        own: defaultdict[Any, dict[str, Any]] = defaultdict(dict)
        for p, _, kept, _ in plan:
            if state["state"].get(p):
                own[p] = _copied(kept._asdict())
        super().__setstate__({**state, "state": own})


Plan = list[tuple[Tensor, Convention, Any, Hyper]]
"""Each parameter with its convention, its state before the step and its hyper-parameters."""


def _plan(groups: Iterable[Mapping[str, Any]], states: Mapping[Tensor, object]) -> Plan:
    """All that a step needs, read and checked before anything moves."""
    plan: Plan = []
    for i, group in enumerate(groups):
        convention, h = _read(group, f"parameter group {i}")
        for j, p in enumerate(group["params"]):
            state = _state(p, states.get(p), convention, f"parameter group {i}, params[{j}]")
            plan.append((p, convention, state, h))
    return plan


def _state(p: Tensor, kept: object, convention: Convention, where: str) -> Any:
    """What was kept, as the rule's own state, if the rule made it for such a parameter."""
    if kept is None or kept == {}:
        return convention.initial
    wanted = convention.initial._fields
    if not isinstance(kept, Mapping) or set(kept) != set(wanted):
        got = ", ".join(map(str, kept)) if isinstance(kept, Mapping) else repr(kept)
        by = f"convention {convention.name} keeps {', '.join(wanted)}"
        raise ValueError(f"{where}: state of {got}, but {by}")
    v = kept["v"]
    if not isinstance(v, Tensor) or v.shape != p.shape:
        got = f"has shape {tuple(v.shape)}" if isinstance(v, Tensor) else f"is {v!r}"
        raise ValueError(f"{where}: v {got}, wanted a tensor of shape {tuple(p.shape)}")
    return type(convention.initial)(**kept)


_SAID = ("convention", "compile", *Hyper._fields)


def _same(a: object, b: object) -> bool:
    """One object, or equal numbers that are no tensors."""
    return a is b or (type(a) is float and type(b) is float and a == b)


def _copied(options: Mapping[str, object]) -> dict[str, object]:
    """The same with tensors of our own."""
    return {n: x.detach().clone() if isinstance(x, Tensor) else x for n, x in options.items()}


_named = cache(get)  # a step asks for every group


def _read(
    options: Mapping[str, object], where: str, least: float = -math.inf
) -> tuple[Convention, Hyper]:
    """Convention and hyper-parameters of a group, as Python numbers."""
    which = options.get("convention")
    if not isinstance(which, (str, Convention)):
        raise ValueError(f"{where}: convention = {which!r}, wanted a name or a Convention")
    values: dict[str, Any] = {}
    for name in NUMBERS:
        values[name] = number(options, name, where, -math.inf if name == "nu" else least)
    for name in FLAGS:
        values[name] = options.get(name)
        if not isinstance(values[name], bool):
            raise ValueError(f"{where}: {name} = {values[name]!r}, wanted True or False")
    h = Hyper(**values)
    try:
        convention = _named(which) if isinstance(which, str) else which
        convention.validate(h)
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None
    return convention, h


def _checked_in(options: Mapping[str, object], where: str) -> dict[str, Any]:
    """A copy of new options: conventions by name, tensors copied, all of it checked."""
    convention, h = _read(options, where, least=0.0)
    try:
        convention.step(0.0, 0.0, convention.initial, h)
    except ZeroDivisionError:
        text = f"convention {convention.name} divides by zero with momentum = {h.momentum}"
        raise ValueError(f"{where}: {text}") from None
    # A name where it leads back to the convention: checkpoints are made of plain data.
    known = convention.name in CONVENTIONS and get(convention.full_name) == convention
    numbers = _copied({name: options[name] for name in NUMBERS})
    return {**options, **numbers, "convention": convention.full_name if known else convention}
