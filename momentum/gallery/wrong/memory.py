"""Memory that is changed, shared or kept: gradients, parameters, dicts, old velocities."""

from collections.abc import Iterator, Sequence

import numpy as np

from momentum.arithmetic import format_of
from momentum.conventions import Hyper
from momentum.gallery.machine.machine import MachineRun
from momentum.gallery.machine.run_state import Saved
from momentum.gallery.wrong._defect import Method, defect, family, reported
from momentum.gallery.wrong._families import afterwards, around, before, misread
from momentum.gallery.wrong._terms import signed, undecayed
from momentum.subjects.protocol import Array


@family("update")
def written(over: Method, run: MachineRun, update: Method, i: int, grad: Array, h: Hyper) -> None:
    """The rule is applied to a gradient that is left changed, with what is still to be applied."""
    values, rest = over(run, grad, i, h)
    values = format_of(run.dtypes[i]).round(values)
    if grad.flags.writeable:
        grad[...] = values
    update(i, values, rest)


@family("update")
def spoilt(after: Method, run: MachineRun, update: Method, i: int, grad: Array, h: Hyper) -> None:
    """The step is right, but the caller's gradient is something else afterwards."""
    update(i, np.array(grad), h)
    if grad.flags.writeable:
        grad[...] = format_of(run.dtypes[i]).round(after(run, grad, i, h))


# fmt: off
written("gradient_decayed_in_place", "The decay is added to the caller's gradient.",
        "g += decay x",
        lambda run, g, i, h: (g, h) if h.maximize or not h.weight_decay
        else (g + h.weight_decay * run.theta[i], undecayed(h)),
        "pytorch/pytorch#12218 pytorch/pytorch#69189 pytorch/pytorch#18732 "
        "pytorch/pytorch#12107 kozistr/pytorch_optimizer#519")
written("gradient_negated_in_place", "maximize negates the caller's gradient.", "g.neg_()",
        lambda run, g, i, h: (signed(g, h), h._replace(maximize=False)),
        "kozistr/pytorch_optimizer#519")
spoilt("gradient_overwritten_by_nesterov", "Nesterov overwrites the caller's gradient.",
       "g += momentum v",
       lambda run, g, i, h: g + h.momentum * run.states[i].v if h.nesterov else g,
       "kozistr/pytorch_optimizer#519")
spoilt("gradient_cleared", "The caller's gradient is zero after the step.",
       "zero_grad within step", lambda run, g, i, h: 0 * g)
spoilt("gradient_cleared_in_later_groups", "Gradients of later groups are zero after the step.",
       "each group clears the one after it",
       lambda run, g, i, h: 0 * g if run.groups[i] else g)
spoilt("gradient_scaled_in_place", "The caller's gradient is scaled by lr.", "g *= lr",
       lambda run, g, i, h: h.lr * g, convention="scaled")
misread("velocity_of_unwritten_memory", "The first velocity is what memory held, times 0.",
        "empty_like, and a product with 0",
        lambda run, i, g: g if i in run.states else g + 0 * run.unwritten)
before("set")(
    "half_velocity_cleared_on_set",
    "In half precision every change of a hyper-parameter clears the velocity.",
    "a guard compares the velocity's type, always float32, with the parameter's",
    lambda run, hyper, group=0: {"states": {}}, "NVIDIA/warp#1593", dtypes=("float16", "bfloat16"))
before("move")("parameter_replaced", "Parameters move to new memory.", "x = x - lr v",
               lambda run: {"theta": [np.array(x) for x in run.theta]})
afterwards("setup")("caller_dict_changed", "The caller's dict is changed.", "kept and filled in",
                    lambda run: {"dicts": [{**d, "initial_lr": d["lr"]} for d in run.dicts]},
                    "pytorch/pytorch#51794", level="should")
afterwards("setup")("hyper_leaks_between_runs", "Changes reach runs that are started later.",
                    "hyper-parameters are held where both optimizers were built from",
                    lambda run: {"hypers": run.subject.memory.setdefault(
                        str(run.hypers), run.hypers)},
                    "pytorch/pytorch#51794")
around("kept_arrays")("velocity_stored_twice", "Two arrays are kept a parameter.",
                      "the update is kept too",
                      lambda run, kept: [(y, d) for x, d in kept() for y in (x, x.copy())],
                      level="should")
# fmt: on


@defect("accumulated", "The first velocity is the gradient's memory.", "v = g without a copy")
class velocity_is_gradient(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        first = i not in self.states
        super().update(i, grad, h)
        if first and not h.weight_decay and not h.maximize:
            self.states[i] = self.states[i]._replace(v=grad)


@defect("accumulated", "Velocities overlap by one element.", "an offset into one flat buffer")
class velocity_overlaps_neighbour(MachineRun):
    def move(self) -> None:
        super().move()
        for i, state in self.states.items():
            after = self.states.get(i + 1)
            if after is not None and np.size(state.v) > 1 and np.size(after.v):
                state.v.flat[-1] = after.v.flat[0]


@defect(
    "accumulated", "A new optimizer on the same parameters goes on with the old one's velocity."
)
class buffers_outlive_optimizer(MachineRun):
    """Buffers are held by the class, and found again by the parameter."""

    def restart(self) -> None:
        kept = self.states
        super().restart()
        self.states = kept


@defect("accumulated", "What is written into a parameter in mid-run is undone by the next step.")
class master_undoes_placing(MachineRun):
    """Steps are taken from a master copy that nobody tells."""

    def setup(self) -> None:
        self.master = [np.array(x) for x in self.theta]

    def add_group(self, parameters: Sequence[Array], hyper: Hyper | None) -> None:
        super().add_group(parameters, hyper)
        self.master += [np.array(x) for x in self.theta[len(self.master) :]]

    def take_over(self, saved: Saved) -> None:
        super().take_over(saved)
        self.master = [np.array(x) for x in self.theta]

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        self.theta[i][...] = self.master[i]
        super().update(i, grad, h)
        self.master[i] = np.array(self.theta[i])


@defect("accumulated", "What is written near to where a parameter was is undone.")
class master_follows_from_afar(master_undoes_placing):
    """A master copy is read anew only where the parameter has gone far."""

    def update(self, i: int, grad: Array, h: Hyper) -> None:
        gone = np.abs(self.theta[i] - self.master[i]).max(initial=0)
        if gone > np.abs(self.master[i]).max(initial=0) / 8:
            self.master[i] = np.array(self.theta[i])
        super().update(i, grad, h)


@reported("metaopt/torchopt#219 pytorch/pytorch#144154")
@defect("accumulated", "Every step's velocity is kept.", "a list that only grows")
class keeps_every_velocity(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        super().update(i, grad, h)
        self.aside[self.taken, i] = self.states[i].v.copy(), self.dtypes[i]

    def kept_arrays(self) -> Iterator[tuple[Array, str]]:
        yield from (*super().kept_arrays(), *self.aside.values())


@reported("metaopt/torchopt#219 pytorch/pytorch#144154")
@defect("accumulated", "The velocity hangs in the autograd graph.", "not detached")
class velocity_hangs_in_graph(MachineRun):
    def graph_nodes(self) -> int:
        return self.taken * len(self.states)

    def live_objects(self) -> int:
        return super().live_objects() + self.graph_nodes()


@defect("accumulated", "Memory around a strided parameter is written.", "strides are not read")
class strided_written_densely(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        super().update(i, grad, h)
        if self.options.get("layout") == "strided" and self.theta[i].size:
            self.theta[i].base[..., 1] = self.theta[i]


@defect("accumulated", "A block of vectors is written beyond a parameter's end.", "no tail loop")
class tail_written_past_the_end(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        super().update(i, grad, h)
        if self.options.get("layout") == "offset" and self.theta[i].size % 4:
            self.theta[i].base[-1] = 0.0


@defect(
    "accumulated",
    "The first element stands still where memory begins at no vector.",
    "a loop that peels up to the alignment, and moves on without them",
)
class unaligned_head_skipped(MachineRun):
    def update(self, i: int, grad: Array, h: Hyper) -> None:
        first = np.array(self.theta[i].flat[:1])
        super().update(i, grad, h)
        if self.theta[i].ctypes.data % 16:
            self.theta[i].flat[:1] = first
