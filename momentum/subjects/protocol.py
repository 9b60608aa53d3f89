"""The one face that the checks see of an optimizer under test."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from momentum.conventions import Convention, Hyper
from momentum.conventions.hyper import Domain

Array = NDArray[np.float64]
Gradient = Array | None


class SubjectError(Exception):
    """The subject broke its contract: wrong shape, wrong dtype, no such parameter."""


class Raised(Exception):
    """What a closure raises to see what becomes of it."""


OFFERS = {
    "resume": "save() gives all state, load(saved) puts it into a freshly started run",
    "deepcopy": "duplicate('deepcopy') gives an independent run",
    "pickle": "duplicate('pickle') gives an independent run",
    "hand_over": "hand_over(other) loads the live state into a freshly started run, uncopied,"
    " as other.load_state_dict(this.state_dict()) does",
    "place": "place(values) writes other values into the parameters in mid-run, beside the"
    " optimizer, as a loaded checkpoint or an averaging of weights does",
    "restart": "restart() puts a new optimizer, of the settings of the start, on the same"
    " parameters as they are",
    "fed": "fed() gives the last gradients as they read after the step",
    "overwrite": "overwrite_fed() fills the last gradients with nan, in place",
    "unwritten": "unwritten_step(gradients) is a step during which new memory that nobody has"
    " written yet holds nan",
    "closure": "step_closure(gradients) steps through a closure that sets the gradients, and"
    " returns (what the step returned, what the closure returned, number of calls)",
    "closure_sets": "step_closure(gradients, hypers) sets the groups' hyper-parameters, too, in it",
    "closure_raises": "raising_step() steps through a closure that raises, and returns whether its"
    " error came through",
    "freeze": "freeze(i, frozen) says that parameter i asks for no gradients: requires_grad",
    "late_groups": "add_group(parameters, hyper) appends a group to a running optimizer; with None"
    " for hyper, one that says nothing and has the optimizer's defaults",
    "scaler": "scaled_step(gradients, scale) feeds scale x gradients through a gradient scaler,"
    " which must skip the step where one is not finite; returns whether it skipped",
    "schedulers": "start(..., options={'scheduler': factors}) lets the framework's own scheduler"
    " multiply lr by factors[t] at step t",
    "own_schedules": "schedules(steps) names the framework's own schedules, and what each sets by"
    " itself at every step: name -> rows of Hyper; start(..., options={'schedule': name}) uses it",
    "tensor_lr": "start(..., options={'tensor_lr': True}) passes the learning rate as a tensor,"
    " which set() fills; replace_rates() puts equal tensors in its place",
    "layouts": "start(..., options={'layout': name}) with a name from LAYOUTS; surroundings() reads"
    " the memory between the elements",
    "mixed_dtypes": "start(..., options={'dtypes': names}) gives parameter i the dtype names[i]",
    "sparse": "step_sparse(gradients) feeds them as sparse tensors",
    "state_bytes": "state_bytes() counts the bytes that the state holds",
    "saves_options": "save() keeps the hyper-parameters of all groups, and load() brings them back",
    "rebind": "rebind(how) puts the parameters' numbers into other memory behind the same"
    " parameters: 'each' as p.data = ... does, 'together' as views of one vector",
    "regroup": "regroup() puts other parameters with the same numbers into the groups",
    "recast": "recast(dtype) turns the live parameters into another"
    " format, as module.double() does",
    "complex": "start(..., options={'complex': True}) takes a last axis of two for one number",
    "generators": "start(..., options={'generator': True}) hands the parameters over by something"
    " that is walked through once, as module.parameters() is",
    "integers": "start(..., options={'integers': True}) passes whole numbers as such: lr=1",
    "again": "again() is a step along the last gradients, the very same objects, untouched",
    "one_gradient": "step_one(gradient) is a step whose parameters all have one and the same object"
    " as their gradient",
    "keyed": "step_keyed(gradients, order) hands the gradients over by name, in that order of"
    " parameters",
    "refill": "refill(gradients) is a step whose gradients are written into the memory of the last"
    " ones, as backward passes after zero_grad(set_to_none=False) do",
    "file": "through_file(saved) writes what save() returned to a file and reads it, as data only",
    "names": "start(..., options={'names': names}) names the parameters; names may be the same",
    "zero_grad": "zero_grad(to_none) clears all gradients, into None or into zeros; see fed()",
    "hooks": "hooked_step(gradients, closure) steps between two hooks, through a closure where that"
    " is True; returns in order which were called,"
    " 'before' or 'after', each with the parameters that it saw",
    "glances": "glances() names calls that are no step, such as showing the optimizer or reading"
    " its groups: name -> function of nothing",
    "versions": "versions() gives a counter for each parameter that every write to it advances",
    "differentiable": "start(..., options={'differentiable': True}) records its steps; slopes() is"
    " the derivative of the sum of all parameters by the gradients of each step; rate_slope(), if"
    " tensor_lr is True too, by the learning rate",
    "settings": "settings() shows what the framework has set for the whole process or thread, by"
    " name; restore() puts it back to what it was before any subject; unusual_step(gradients) steps"
    " where others than usual are set, and returns those before and after",
    "threads": "runs may be stepped in several threads at once",
    "another_thread": "a run may go on in another thread than the one that began it",
    "point": "point() gives the parameters at which the next gradient is to be taken",
    "live_objects": "live_objects() counts the framework's tensors that are alive",
    "graph": "graph_nodes() counts parameters and state tensors that hang in an autograd graph",
    "nesterov_with_dampening": "both at once are accepted",
    "storage": "storage() gives an identity of each parameter's memory",
    "validates": "bad hyper-parameters are refused with ValueError at start",
    "shared_dicts": "caller_dicts() gives the dicts the groups were built from, before and after",
    "foreign_state": "foreign_state() gives saved states that load() must refuse, by name",
}
"""What a run may offer beyond the four methods that it must have."""

LAYOUTS = (
    *("contiguous", "offset", "transposed", "strided"),
    *("channels_last", "channels_last_3d", "expanded"),
)


@dataclass(frozen=True)
class Facts:
    """What a subject claims; decides which checks apply.

    hyper: hyper-parameters that start() honours. settable: those that set() changes mid-run.
    fixed: hyper-parameters that the caller has fixed. groups: several groups in one optimizer.
    none_gradients: a gradient may be None. largest: number of elements worth trying.
    flushes_subnormals: results below the smallest normal number may become zero.
    at_once: steps(gradients, hypers) takes many steps, sooner than one by one, and returns the
    parameters after each.
    compiles: a shape that is new costs it a compilation.
    bare(convention): a subject that is the framework's base class with that rule and nothing else.
    assumed: nobody claimed the dtypes; which of them are kept, a trial shows. left: those that are
    not judged, with the reason. called: how, where that is another way than the usual one.
    """

    name: str
    dtypes: tuple[str, ...]
    hyper: frozenset[str]
    settable: frozenset[str] = frozenset()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    groups: bool = False
    none_gradients: bool = False
    offers: frozenset[str] = frozenset()
    flushes_subnormals: bool = False
    compiles: bool = False
    scalars: bool = True
    empty: bool = True
    largest: int = 4097
    at_once: bool = False
    bare: "Callable[[Convention], Subject] | None" = field(default=None, compare=False)
    assumed: bool = False
    left: Mapping[str, str] = field(default_factory=dict)
    called: str = ""

    @cached_property
    def domain(self) -> Domain:
        """The combinations of hyper-parameters that can be asked of it."""
        return Domain.of(self.hyper, self.fixed, together="nesterov_with_dampening" in self.offers)

    def format_name(self, dtype: str) -> str:
        """The format whose rounding the subject may show."""
        return f"{dtype}:flushing" if self.flushes_subnormals else dtype


class Run(Protocol):
    """One live optimizer with its parameters. Beyond these, see OFFERS."""

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step; gradients in the order of the parameters, None where there is none."""

    def parameters(self) -> list[Array]:
        """Copies of the parameters as float64.

        Raises: SubjectError where shape or dtype are not those it was started with.
        """

    def set(self, hyper: Hyper, group: int = 0) -> None:
        """Change a group's hyper-parameters from the next step on."""


class Subject(Protocol):
    """An optimizer under test, whatever framework it lives in."""

    @property
    def facts(self) -> Facts:
        """What it claims."""

    def start(
        self,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None = None,
        options: Mapping[str, object] | None = None,
    ) -> Run:
        """A new Run. hypers: one a group; groups[i]: group of parameter i, all 0 by default.

        Raises: ValueError where a hyper-parameter is refused.
        """
