"""What a run of the machine shares with the program around it: memory, hooks, schedules."""

import pickle
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper
from momentum.gallery.machine.run_state import Keeping
from momentum.subjects.protocol import Array, Gradient, Raised
from momentum.subjects.settings import Settings, around_unusual, shown

AT_FIRST = Settings.now()
HALVING = "halving"
T = TypeVar("T")
Seen = list[tuple[str, list[Array]]]


class Hosted(Keeping):
    """The part of a run that is about its surroundings; each method is described in OFFERS.

    unwritten: what new memory holds, by luck. way: how this step is taken, where it is not by a
    plain call.
    """

    begun: list[Hyper]
    writes: list[int]
    tape: list[list[Gradient]]
    frozen: set[int]
    unwritten = 0.0
    way = ""

    def freeze(self, i: int, frozen: bool) -> None:
        """Whether parameter i asks for gradients, which is nothing to a step."""
        (self.frozen.add if frozen else self.frozen.discard)(i)

    def place(self, values: Sequence[Array]) -> None:
        """Other values for the parameters, written from outside."""
        for x, new, d in zip(self.theta, values, self.dtypes):
            x[...] = format_of(d).round(new)

    def rebind(self, how: str) -> None:
        """The same numbers in other memory: one array each, or views of one vector."""
        if how == "together":
            ends = np.cumsum([x.size for x in self.theta])[:-1]
            parts = np.split(np.concatenate([np.ravel(x) for x in self.theta]), ends)
            self.theta = [part.reshape(x.shape) for part, x in zip(parts, self.theta)]
        else:
            self.theta = [np.array(x) for x in self.theta]

    def regroup(self) -> None:
        """Other arrays with the same numbers."""
        self.rebind("each")

    def recast(self, dtype: str) -> None:
        """The parameters in another format."""
        self.dtypes = [dtype] * len(self.theta)
        self.theta = [np.array(format_of(dtype).round(x)) for x in self.theta]

    def replace_rates(self) -> None:
        """Rates are numbers here, which cannot be told from equal ones."""

    def refill(self, gradients: Sequence[Gradient]) -> None:
        """A step whose gradients lie where the last ones lay."""
        for i, (held, g, d) in enumerate(zip(self.grads, gradients, self.dtypes)):
            if held is None or g is None:
                self.grads[i] = None if g is None else np.array(format_of(d).round(g))
            else:
                held[...] = format_of(d).round(g)
        self.move()

    def again(self) -> None:
        """A step along the last gradients, as they are."""
        self.move()

    def step_one(self, gradient: Array) -> None:
        """A step of all parameters along one gradient."""
        self.receive([gradient])
        self.grads *= len(self.theta)
        self.move()

    def step_keyed(self, gradients: Sequence[Gradient], order: Sequence[int]) -> None:
        """A step whose gradients come by name."""
        self.step(self.by_name({i: gradients[i] for i in order}))

    def by_name(self, gradients: Mapping[int, Gradient]) -> list[Gradient]:
        """The gradients of the parameters, in their order."""
        return [gradients[i] for i in range(len(gradients))]

    def move(self) -> None:
        """All parameters, from the gradients received."""
        raise NotImplementedError

    def receive(self, gradients: Sequence[Gradient]) -> None:
        """The gradients, in memory of their own."""
        raise NotImplementedError

    def set(self, hyper: Hyper, group: int = 0) -> None:
        """Hyper-parameters of a group from the next step on."""
        self.hypers[group] = hyper

    def through_file(self, saved: T) -> T:
        """Arrays and numbers go through a file unchanged."""
        read: T = pickle.loads(pickle.dumps(saved))
        return read

    def zero_grad(self, to_none: bool) -> None:
        """No gradients, or zeros."""
        self.grads = [None if g is None or to_none else np.zeros(g.shape) for g in self.grads]

    def glances(self) -> dict[str, Callable[[], object]]:
        """Calls that are no step, by name."""
        return {"repr": lambda: repr(self)}

    def hooked_step(self, gradients: Sequence[Gradient], closure: bool = False) -> Seen:
        """A step between two hooks."""
        seen: Seen = []

        def hook(name: str) -> None:
            seen.append((name, [np.array(x) for x in self.theta]))

        self.way = "closure" if closure else ""
        self.between(hook, lambda: (self.step_closure if closure else self.step)(gradients))
        self.way = ""
        return seen

    def between(self, hook: Callable[[str], None], step: Callable[[], object]) -> None:
        """The hooks are called around the step."""
        hook("before")
        step()
        hook("after")

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step; see Run."""
        raise NotImplementedError

    def unwritten_step(self, gradients: Sequence[Gradient]) -> None:
        """A step in which new memory holds nan; see OFFERS."""
        self.unwritten = np.nan
        self.step(gradients)
        self.unwritten = 0.0

    def step_by(self, closure: Callable[[], float]) -> float | None:
        """Evaluate the closure, then move."""
        loss = closure()
        self.move()
        return loss

    def step_closure(
        self, gradients: Sequence[Gradient], hypers: Sequence[Hyper] = ()
    ) -> tuple[float | None, float | None, int]:
        """A step through a closure; see OFFERS."""
        losses: list[float] = []

        def closure() -> float:
            for g, h in enumerate(hypers):
                self.set(h, g)
            self.receive(gradients)
            with np.errstate(all="ignore"):
                pairs = [(x, g) for x, g in zip(self.theta, gradients) if g is not None]
                losses.append(float(np.sum([np.sum(x * g) for x, g in pairs])))
            return losses[-1]

        self.way = "closure"
        returned = self.step_by(closure)
        self.way = ""
        return returned, losses[-1] if losses else None, len(losses)

    def raising_step(self) -> bool:
        """A step whose closure raises; see OFFERS."""

        def closure() -> float:
            raise Raised

        try:
            self.step_by(closure)
        except Raised:
            return True
        return False

    def versions(self) -> list[int]:
        """How often each parameter was written."""
        return list(self.writes)

    def slopes(self) -> list[list[Array]]:
        """Derivatives by the gradients: the rule is linear, so a run from 0 of one of them."""
        fed = self.tape
        return [[self._slope(fed, t, i) for i in range(len(self.theta))] for t in range(len(fed))]

    def _slope(self, fed: Sequence[Sequence[Gradient]], t: int, i: int) -> Array:
        start = [np.zeros(x.shape) for x in self.theta]
        run = self.subject.start(start, self.begun, self.dtypes[i], self.groups)
        for s in range(len(fed)):
            run.step([np.full(x.shape, float((s, j) == (t, i))) for j, x in enumerate(start)])
        return run.parameters()[i]

    def rate_slope(self) -> float:
        """Derivative by the rate, in which the rule is linear without decay: a run from 0."""
        start, unit = (
            [np.zeros(x.shape) for x in self.theta],
            [h.having(lr=1.0) for h in self.begun],
        )
        run = self.subject.start(start, unit, self.dtypes[0], self.groups)
        for row in self.tape:
            run.step(row)
        return sum(float(np.sum(x)) for x in run.parameters())

    def schedules(self, steps: int) -> dict[str, list[list[Hyper]]]:
        """The machine's own schedule halves the rate at every step."""
        rows = [[h._replace(lr=h.lr * 0.5**t) for h in self.begun] for t in range(steps)]
        return {HALVING: rows}

    def settings(self) -> dict[str, object]:
        """What is set for the whole process."""
        return shown()

    def unusual_step(
        self, gradients: Sequence[Gradient]
    ) -> tuple[dict[str, object], dict[str, object]]:
        """A step among other settings than usual, and what is set before and after."""
        return around_unusual(partial(self.step, gradients), self.settings)

    def restore(self) -> None:
        """Put it back."""
        AT_FIRST.put_back()
