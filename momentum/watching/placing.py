"""Which parameters and coordinates of an optimizer are watched, bundled by what they share."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.parameter import is_lazy

from momentum.arithmetic import FORMATS
from momentum.conventions import Convention, get
from momentum.watching.bundle import Bundle, Member
from momentum.watching.options import Options
from momentum.watching.reading import (
    Option,
    convention_of,
    local,
    names_in_process,
    taken,
    velocity_of,
)
from momentum.watching.sample import Sample, budgets, draw
from momentum.watching.walks import is_linear


class Placing:
    """The bundles of an optimizer, as its parameters come, go, and begin anew.

    tensors: of each that is watched its elements, its share of the sample, and how often that was
    drawn, by name. left: those that are not judged, with the reason. resumed: a run began anew, so
    that a state without a velocity is no sign that there is none.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, options: Options, names: Mapping[Tensor, str]
    ) -> None:
        self.optimizer, self.options = optimizer, options
        chosen = options.convention
        self.convention = convention_of(optimizer) if chosen is None else get(chosen)
        self.generator = np.random.default_rng(options.seed)
        self.names = dict(names)
        self.called: dict[str, Tensor] = {}
        self.searched = False
        self.bundles: list[Bundle] = []
        self.tensors: dict[str, tuple[int, Sample, int]] = {}
        self.left: dict[Tensor, str] = {}
        self.linear: dict[int, bool] = {}
        self.drawn = 0
        self.resumed = False

    def draw(self, steps: int, settled: bool) -> bool:
        """Sample parameters that are new, and from time to time the others; whether any was.

        settled: all steps until now were compared.
        """
        groups = self.optimizer.param_groups
        places = {
            p: (g, i) for g, group in enumerate(groups) for i, p in enumerate(group["params"])
        }
        self._leave(places)
        rates = [group.get("momentum") for group in groups]
        still = [not isinstance(x, Tensor) and x is not None and not x for x in rates]
        # torch: a velocity stands still while momentum is 0, and goes on from there
        moving = [b for b in self.bundles if b.still and not still[b.members[0].group]]
        if moving:
            self.begin_anew(moving)
        if self.options.sample != "all" and settled and steps - self.drawn >= self.options.redraw:
            self.drawn = steps
            self.bundles = [bundle for bundle in self.bundles if not self._can_begin(bundle)]
        watched = {m.p for bundle in self.bundles for m in bundle.members}
        new = [p for p in places if p not in watched and p not in self.left]
        if new:
            self._place(new, places)
        for bundle in self.bundles:
            bundle.still = still[bundle.members[0].group]
        return bool(new)

    def _leave(self, places: Mapping[Tensor, tuple[int, int]]) -> None:
        """Parameters that are gone, or in another group, are watched no more."""

        def here(m: Member) -> bool:
            return m.p in places and places[m.p][0] == m.group

        parts = [x for b in self.bundles for x in b.split([here(m) for m in b.members])]
        self.bundles = [x for x in parts if here(x.members[0])]

    def _can_begin(self, bundle: Bundle) -> bool:
        """Whether the state shows all that another sample needs to go on."""
        try:
            return bundle.linear and all(
                bundle.still or self._shown(m.p, bundle.convention) is not None
                for m in bundle.members
            )
        except ValueError:
            return False

    def _place(self, new: list[Tensor], places: Mapping[Tensor, tuple[int, int]]) -> None:
        sizes = [0 if is_lazy(p) else local(p).numel() for p in places]
        shares = dict(zip(places, budgets(sizes, self.options.sample)))
        together: dict[Hashable, Bundle] = {}
        for p in new:
            if is_lazy(p):
                continue  # its first step comes later
            name, here = self._called(p, places[p]), local(p)
            kind = str(here.dtype).removeprefix("torch.")
            if kind not in FORMATS or not here.numel():
                self.left[p] = f"{name}: {kind} is not judged" if here.numel() else ""
                continue
            own = self.optimizer.param_groups[places[p][0]].get("convention")
            told = self.options.convention is not None
            convention = self.convention if own is None or told else get(own)
            self._shown(p, convention)  # refuse now what cannot be taken up
            indices = draw(here.numel(), shares[p], self.generator)
            every = len(indices) == here.numel()
            positions = None if every else torch.from_numpy(indices).to(here.device)
            linear, group = self._linear(convention), places[p][0]
            alone = () if linear else (name,)
            shared = (group, id(convention), kind, here.device, *alone)
            bundle = together.setdefault(shared, Bundle((), convention, FORMATS[kind], linear))
            bundle.members += (Member(p, name, group, indices, positions),)
            draws = self.tensors[name][2] if name in self.tensors else 0
            self.tensors[name] = here.numel(), shares[p], draws + 1
        self.bundles += together.values()

    def _called(self, p: Tensor, place: tuple[int, int]) -> str:
        # torch: optimizers made from named parameters know them
        own = self.optimizer.param_groups[place[0]].get("param_names")
        if p not in self.names and not own and not self.searched:
            self.searched = True
            self.names = names_in_process() | self.names
        where = f"groups[{place[0]}][{place[1]}]" if place[0] else f"params[{place[1]}]"
        name = self.names.get(p) or (own[place[1]] if own else where)
        if self.called.setdefault(name, p) is not p:  # models of one kind have names alike
            name = f"{name}, {where}"
        return name

    def part(self) -> None:
        """Take bundles apart whose members no longer share what the oracle goes by."""

        def key(bundle: Bundle, p: Tensor) -> Hashable:
            return p.grad is not None, bundle.begins and self._start_key(p, bundle.convention)

        parts = [b.split([key(b, m.p) for m in b.members]) for b in self.bundles]
        self.bundles = [bundle for one in parts for bundle in one]

    def begin_anew(self, bundles: Sequence[Bundle] = ()) -> None:
        """Velocities are taken from the optimizer's state, where it shows them; all by default."""
        self.resumed = True
        for bundle in bundles or list(self.bundles):
            self.bundles.remove(bundle)
            for m in bundle.members:
                try:
                    self._shown(m.p, bundle.convention)
                except ValueError as error:
                    self._give_up([m], str(error))
            parts = bundle.split([m.p in self.left for m in bundle.members])
            self.bundles += [x.renewed() for x in parts if x.members[0].p not in self.left]

    def hides(self, bundle: Bundle, momentum: Option) -> bool:
        """Whether a step with momentum, from a state without a velocity, has left none there.

        Then it is kept elsewhere, and what a load brought there is unknown: nothing is claimed.
        """
        if not self.resumed or not (isinstance(momentum, Tensor) or momentum):
            return False
        try:
            if any(self._shown(m.p, bundle.convention) is not None for m in bundle.members):
                return False
        except ValueError:  # it shows more than is known of
            return False
        self.bundles.remove(bundle)
        self._give_up(bundle.members, "its velocity is not in the state, and unknown after a load")
        return True

    def _give_up(self, members: Iterable[Member], reason: str) -> None:
        self.left |= {m.p: f"{m.name}: {reason}" for m in members}

    def start_of(self, bundle: Bundle) -> dict[str, Tensor]:
        """What the state shows of a bundle, tensors where they are; empty where it has none."""
        shown = [self._shown(m.p, bundle.convention) for m in bundle.members]
        if shown[0] is None:
            return {}
        held = [taken(x["v"], m.positions) for x, m in zip(shown, bundle.members) if x is not None]
        return {**shown[0], "v": torch.cat(held)}

    def _linear(self, convention: Convention) -> bool:
        if id(convention) not in self.linear:
            self.linear[id(convention)] = is_linear(convention)
        return self.linear[id(convention)]

    def _start_key(self, p: Tensor, convention: Convention) -> Hashable:
        shown = self._shown(p, convention)
        if shown is None:
            return None
        return tuple(id(x) if isinstance(x, Tensor) else x for n, x in shown.items() if n != "v")

    def _shown(self, p: Tensor, convention: Convention) -> dict[str, Any] | None:
        """The velocity and numbers that the state keeps for a parameter, None where it has none.

        Raises: ValueError where it has more than is known of, or less than is needed.
        """
        state = self.optimizer.state.get(p) or {}
        velocity = velocity_of(state, p, self.options.velocity)
        if velocity is None:
            return None
        needed = sorted(set(type(convention.initial)._fields) - {"step", "v"})
        if not self._linear(convention):
            raise ValueError(
                f"{convention.name} is watched from the first step on: the optimizer has a velocity"
            )
        if not set(needed) <= set(state):
            raise ValueError(
                "the optimizer has a velocity already, and its state does not show"
                f" {', '.join(needed)}, which {convention.name} needs to go on"
            )
        return {"v": velocity, **{n: state[n] for n in needed}}
