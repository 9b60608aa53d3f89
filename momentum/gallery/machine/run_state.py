"""What a run of the machine keeps, saves, copies and shows of itself."""

import copy
import gc
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper
from momentum.subjects.layouts import SPREAD, between, laid_out
from momentum.subjects.offers import copied
from momentum.subjects.protocol import Array

if TYPE_CHECKING:
    from momentum.gallery.machine.machine import Machine

BYTES = {"float64": 8, "float32": 4, "float16": 2, "bfloat16": 2}
Saved = dict[str, Any]
"""The state of a run by name."""

Options = Mapping[str, Any]
"""What a start may be given besides; see OFFERS."""

Told = dict[str, float]
"""Hyper-parameters of a group, as a caller writes them."""


class Keeping:
    """State and memory of a run: save and load, copies, layouts, counts."""

    subject: "Machine"
    theta: list[Any]
    grads: list[Any]
    states: dict[int, Any]
    hypers: list[Hyper]
    groups: list[int]
    dtypes: list[str]
    options: Options
    given: list[Told]
    dicts: list[Told]
    taken: int

    # Saving and loading.

    def live(self) -> Saved:
        """All state, uncopied."""
        return {
            "theta": self.theta,
            "states": self.states,
            "hypers": self.hypers,
            "taken": self.taken,
        }

    def save(self) -> Saved:
        """All state; later steps do not change it."""
        return copy.deepcopy(self.live())

    def load(self, saved: Saved) -> None:
        """Go on from what was saved, which later steps do not change.

        Raises: ValueError where it does not fit this run.
        """
        self.fits(saved)
        self.take_over(copy.deepcopy(saved))

    def hand_over(self, other: "Keeping") -> None:
        """Load this run's live state into another."""
        other.load(self.live())

    def fits(self, saved: Saved) -> None:
        """Raises: ValueError where what was saved is not of such a run."""
        if set(saved) != {"theta", "states", "hypers", "taken"}:
            raise ValueError(f"saved state holds {', '.join(sorted(saved))}")
        if len(saved["theta"]) != len(self.theta):
            raise ValueError(f"state of {len(saved['theta'])} parameters for {len(self.theta)}")
        for i, state in saved["states"].items():
            if not 0 <= i < len(self.theta):
                raise ValueError(f"state of parameter {i}, which there is not")
            if "v" not in getattr(state, "_fields", ()):
                raise ValueError(f"state of parameter {i} is another optimizer's")
            shape = np.shape(getattr(state, "v", 0))
            if shape not in (self.theta[i].shape, ()):
                raise ValueError(f"parameter {i}: velocity of shape {shape}")

    def take_over(self, saved: Saved) -> None:
        """Make the saved state this run's own."""
        for x, values in zip(self.theta, saved["theta"]):
            x[...] = values
        self.states = saved["states"]
        self.hypers = list(saved["hypers"])
        self.taken = saved["taken"]

    def foreign_state(self) -> dict[str, Saved]:
        """Saved states that do not fit; see OFFERS."""
        wrong_shape, other, fewer = self.save(), self.save(), self.save()
        for i, state in wrong_shape["states"].items():
            wrong_shape["states"][i] = state._replace(v=np.zeros(np.size(state.v) + 1))
        other["states"] = {i: {"exp_avg": np.zeros(x.shape)} for i, x in enumerate(self.theta)}
        fewer["theta"].pop()
        return {
            "velocities of another shape": wrong_shape,
            "state of another optimizer": other,
            "one parameter fewer": fewer,
        }

    def contents(self) -> dict[str, object]:
        """What a copy of the run consists of."""
        return {n: x for n, x in vars(self).items() if n != "subject"}

    def duplicate(self, how: str) -> Self:
        """An independent copy of the run, by deepcopy or pickle."""
        twin = copy.copy(self)
        twin.__dict__.update(copied(self.contents(), how))
        return twin

    # Memory.

    def laid_out(self, values: Array, gradient: bool = False) -> Array:
        """The values in memory of their own, in the layout that the options name."""
        return laid_out(values, self.options.get("layout", "contiguous"), gradient)

    def surroundings(self) -> list[Array]:
        """The memory around and between the elements of parameters and gradients."""
        held = [x for x in (*self.theta, *self.grads) if x is not None and x.base is not None]
        if self.options.get("layout") not in SPREAD:
            return []
        return [between(x) for x in held]

    def fed(self) -> list[Array | None]:
        """The last gradients as they read now."""
        return [None if g is None else np.array(g) for g in self.grads]

    def overwrite_fed(self) -> None:
        """Fill the last gradients with nan, in place."""
        for g in self.grads:
            if g is not None:
                writable = g if g.flags.writeable else g.base
                if writable is not None:
                    writable[...] = np.nan

    def storage(self) -> list[tuple[int, int]]:
        """Identity of each parameter's memory."""
        return [(id(x), x.__array_interface__["data"][0]) for x in self.theta]

    def caller_dicts(self) -> tuple[list[Told], list[Told]]:
        """The groups' dicts before the start and now."""
        return self.given, self.dicts

    def kept_arrays(self) -> Iterator[tuple[Array, str]]:
        """All arrays of the state, each with its format."""
        for i, state in self.states.items():
            for x in state:
                if isinstance(x, np.ndarray):
                    yield x, self.subject.working.state_format(self.dtypes[i])

    def state_bytes(self) -> int:
        """Bytes of the state, as the formats count them."""
        unique = {id(x): x.size * BYTES[format_of(d).name] for x, d in self.kept_arrays()}
        return sum(unique.values())

    def live_objects(self) -> int:
        """Arrays that this run keeps alive."""
        gc.collect()
        return len(self.theta) + sum(1 for _ in self.kept_arrays())

    def graph_nodes(self) -> int:
        """NumPy keeps no autograd graph."""
        return 0
