"""An optimizer in NumPy that runs any rule in any working precision and offers all there is.

It is right by itself; a defect replaces its rule, or overrides one of its methods.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from momentum.arithmetic import FORMATS, format_of
from momentum.conventions import Convention, Hyper, Rule, State
from momentum.conventions.hyper import COMMON
from momentum.gallery.machine.hosting import HALVING, Hosted
from momentum.gallery.machine.number import Number, Working, hypers
from momentum.gallery.machine.run_state import Options
from momentum.subjects.protocol import OFFERS, Array, Facts, Gradient

DTYPES = tuple(FORMATS)
PLAIN = Working()
Gradients = Sequence[Gradient]


@dataclass(frozen=True)
class Machine:
    """A Subject. rule: one whole step, the convention's own by default; run: what steps it.

    without: offers that this one does not make. hyper: names that it honours, all by default.
    memory: what all runs of one subject share; nothing, where it is right.
    """

    name: str
    convention: Convention
    rule: Rule | None = None
    run: "type[MachineRun] | None" = None
    working: Working = PLAIN
    dtypes: tuple[str, ...] = DTYPES
    without: frozenset[str] = frozenset()
    hyper: frozenset[str] | None = None
    fixed_after_start: frozenset[str] = frozenset()
    memory: dict[str, Any] = field(default_factory=dict, compare=False)

    @cached_property
    def facts(self) -> Facts:
        """What it claims: everything that its convention knows."""
        takes = self.convention.knows
        hyper = takes if self.hyper is None else takes & self.hyper
        without = set(self.without)
        if not {"nesterov", "dampening"} <= hyper:
            without.add("nesterov_with_dampening")
        if not self.convention.looks_ahead:
            without.add("point")
        return Facts(
            name=self.name,
            dtypes=self.dtypes,
            hyper=frozenset(hyper),
            settable=frozenset(hyper) - self.fixed_after_start,
            groups=True,
            none_gradients=True,
            largest=2**18,
            offers=frozenset(OFFERS) - without,
        )

    def start(
        self,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None = None,
        options: Options | None = None,
    ) -> "MachineRun":
        """A new run.

        Raises: ValueError where a hyper-parameter is refused.
        """
        made = self.run or MachineRun
        return made(self, parameters, hypers, dtype, groups, options or {})


class MachineRun(Hosted):
    """One live optimizer. The methods here are the steps; those of Keeping and Hosted
    are about the state and the surroundings.

    scale: of the last loss that had one. aside: what a defect keeps of its own.
    """

    scale = 1.0

    def __init__(
        self,
        subject: Machine,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None,
        options: Options,
    ) -> None:
        self.subject = subject
        self.dtypes: list[str] = list(options.get("dtypes", [dtype] * len(parameters)))
        self.options = options
        self.dicts = [h._asdict() for h in hypers]
        self.given = [dict(d) for d in self.dicts]
        self.hypers = list(hypers)
        self.begun = list(hypers)
        self.groups = list(groups or [0] * len(parameters))
        for g, h in enumerate(hypers):
            self.validate(h, g)
        self.theta: list[Any] = []
        for x, d in zip(parameters, self.dtypes):
            self.theta.append(self.laid_out(format_of(d).round(x)))
        self.grads: list[Any] = [None] * len(self.theta)
        self.states: dict[int, Any] = {}
        self.taken = 0
        self.aside: dict[Any, Any] = {}
        self.writes = [0] * len(self.theta)
        self.tape, self.frozen = [], set()
        self.setup()

    def setup(self) -> None:
        """What a defect keeps beside."""

    def validate(self, h: Hyper, group: int) -> None:
        """Raises: ValueError for hyper-parameters that make no sense."""
        self.subject.convention.validate(h)
        for name in COMMON:
            value = getattr(h, name)
            if not (np.isfinite(value) and value >= 0):
                raise ValueError(f"{name} = {value}, wanted a finite number, at least 0")
        both = "nesterov_with_dampening" in self.subject.facts.offers
        if h.nesterov and h.dampening and not both:
            raise ValueError("nesterov takes no dampening")

    # One step.

    def step(self, gradients: Gradients) -> None:
        """One step; see Run."""
        self.receive(gradients)
        if self.options.get("differentiable"):
            self.tape.append(list(gradients))
        self.move()
        self.writes = [n + (g is not None) for n, g in zip(self.writes, gradients)]

    def receive(self, gradients: Gradients) -> None:
        """The gradients, in memory of their own, as backward passes leave them."""
        self.grads = [
            None if g is None else self.laid_out(format_of(d).round(g), gradient=True)
            for g, d in zip(gradients, self.dtypes)
        ]

    def move(self) -> None:
        """All parameters, from the gradients received."""
        with np.errstate(all="ignore"):
            for i, grad in enumerate(self.grads):
                if grad is None:
                    self.absent(i)
                else:
                    self.update(i, grad, self.hyper(i))
        self.taken += 1

    def absent(self, i: int) -> None:
        """Parameter i has no gradient: neither it nor its velocity moves."""

    def hyper(self, i: int) -> Hyper:
        """Hyper-parameters of parameter i at this step."""
        g = self.groups[i]
        return self.hypers[g]._replace(lr=self.hypers[g].lr * self.factor(g))

    def factor(self, group: int) -> float:
        """What the scheduler multiplies the learning rate by."""
        if self.options.get("schedule") == HALVING:
            return 0.5**self.taken
        factors = self.options.get("scheduler")
        return float(factors[min(self.taken, len(factors) - 1)]) if factors else 1.0

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        """Parameter i, by the rule, in place."""
        theta, state = self.advanced(i, self.theta[i], grad, h)
        self.theta[i][...] = theta
        self.states[i] = state

    def advanced(self, i: int, theta: Array, grad: Array, h: Hyper) -> tuple[Array, State]:
        """Parameter and state after a step of the rule, rounded as they are stored."""
        working, dtype = self.subject.working, self.dtypes[i]
        rule = self.subject.rule or self.subject.convention.step
        moved, after = rule(
            working.number(theta, dtype),
            working.number(grad, dtype),
            self._numbers(i),
            hypers(working, h, dtype),
        )
        kept = format_of(working.state_format(dtype))
        value = format_of(dtype).cast(moved.value)
        if value.shape != theta.shape:
            value = np.broadcast_to(value, theta.shape)
        return value, type(after)._make(
            kept.cast(x.value).copy() if isinstance(x, Number) else x for x in after
        )

    def state(self, i: int) -> State:
        """What the rule kept of parameter i."""
        held: State = self.states.get(i, self.subject.convention.initial)
        return held

    def _numbers(self, i: int) -> State:
        """The same in numbers of the working format."""
        state, number = self.state(i), self.subject.working.number
        return type(state)._make(
            number(x, self.dtypes[i]) if isinstance(x, np.ndarray) else x for x in state
        )

    # Other ways to take a step.

    def step_sparse(self, gradients: Gradients) -> None:
        """Sparse gradients stand for dense ones."""
        self.way = "sparse"
        self.step(gradients)
        self.way = ""

    def scaled_step(self, gradients: Gradients, scale: float) -> bool:
        """A step through a gradient scaler; see OFFERS."""
        self.scale = scale
        with np.errstate(all="ignore"):
            self.receive([None if g is None else g * scale for g in gradients])
            if self.found_inf():
                self.skipped(scale)
                return True
            self.unscale(scale)
            self.move()
        return False

    def found_inf(self) -> bool:
        """Some gradient is not finite."""
        return not all(np.isfinite(g).all() for g in self.grads if g is not None)

    def skipped(self, scale: float) -> None:
        """The scaler leaves out this step."""

    def unscale(self, scale: float) -> None:
        """Divide the gradients by the scale, in place."""
        for g, d in zip(self.grads, self.dtypes):
            if g is not None and g.flags.writeable:
                g[...] = format_of(d).round(g * (1.0 / scale))

    # Around it.

    def add_group(self, parameters: Sequence[Array], hyper: Hyper | None) -> None:
        """More parameters; with the defaults, where they come without hyper-parameters."""
        hyper = self.begun[0] if hyper is None else hyper
        self.validate(hyper, len(self.hypers))
        self.hypers.append(hyper)
        self.begun.append(hyper)
        for x in parameters:
            self.groups.append(len(self.hypers) - 1)
            self.dtypes.append(self.dtypes[0])
            self.theta.append(self.laid_out(format_of(self.dtypes[0]).round(x)))
            self.grads.append(None)
            self.writes.append(0)

    def restart(self) -> None:
        """A new optimizer on the same parameters; see OFFERS."""
        self.hypers = list(self.begun)
        self.states, self.taken, self.aside = {}, 0, {}
        self.setup()

    def parameters(self) -> list[Array]:
        """Copies."""
        return [np.array(x) for x in self.theta]

    def point(self) -> list[Array]:
        """Where the next gradient is taken."""
        return [self.point_of(i) for i in range(len(self.theta))]

    def point_of(self, i: int) -> Array:
        """Where the next gradient of parameter i is taken."""
        working, dtype = self.subject.working, self.dtypes[i]
        theta, h = working.number(self.theta[i], dtype), hypers(working, self.hyper(i), dtype)
        with np.errstate(all="ignore"):
            point = self.subject.convention.gradient_point(theta, self._numbers(i), h)
        return np.asarray(np.broadcast_to(point.value, self.theta[i].shape)).copy()
