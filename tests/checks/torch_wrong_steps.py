"""torch optimizers whose steps are wrong: in rates, shapes, formats, groups, velocities."""

import threading

import torch
from torch_optimizers import NUMBERS, Full, caught, told

# fmt: off
told("FifthAxisUndecayed", "Parameters of five axes take no decay.", "reshaping_changes_nothing",
     lambda p, g, group: (g, {**group, "weight_decay": 0.0} if p.ndim == 5 else group))
told("ScalarUndecayed", "Parameters of no axis take no decay.", "agrees_in_every_layout",
     lambda p, g, group: (g, {**group, "weight_decay": 0.0} if p.ndim == 0 else group))
told("ColumnDecayedTwice", "A column takes its decay twice.", "reshaping_changes_nothing",
     lambda p, g, group: (g, {**group, "weight_decay": group["weight_decay"] * (
         2 if p.ndim == 2 and p.shape[1] == 1 else 1)}))
told("FourAxesCentred", "Gradients of four axes lose their mean.", "reshaping_changes_nothing",
     lambda p, g, group: (
         g - g.mean((1, 2, 3), keepdim=True) if p.ndim == 4 else g, group))
told("Conjugated", "Complex gradients are conjugated.", "complex_parameters_move_as_two_real_ones",
     lambda p, g, group: (g.conj() if p.is_complex() else g, group))
told("InitialRate", "The rate that a scheduler has put aside is used.",
     "own_schedules_are_rates_set_by_hand",
     lambda p, g, group: (g, {**group, "lr": group.get("initial_lr", group["lr"])}))
told("TinyRateIsZero", "A rate below 1e-7 is none.", "tiny_schedules_follow_the_usual_one",
     lambda p, g, group: (g, {**group, "lr": group["lr"] if group["lr"] >= 1e-7 else 0.0}))
# fmt: on


@caught("own_schedules_are_rates_set_by_hand")
class MomentumOfTheStepBefore(Full):
    """A momentum that a schedule sets comes a step late."""

    def one(self, p, g, group):
        late = self.state[p].get("momentum", group["momentum"])
        super().one(p, g, {**group, "momentum": late})
        self.state[p]["momentum"] = group["momentum"]


@caught("agrees_at_every_size")
class LastOfBlockStill(Full):
    """One number short of a block of 320, the last ones stand still."""

    def one(self, p, g, group):
        before, rest = p.clone(), p.numel() % 320
        super().one(p, g, group)
        if p.numel() > 320 and rest == 319 and p.is_contiguous():
            p.view(-1)[-rest:] = before.view(-1)[-rest:]


@caught("close_rates_in_a_run_differ")
class RateByFourDigits(Full):
    """A rate is looked up by four of its digits."""

    def one(self, p, g, group):
        known = self.__dict__.setdefault("known", {})
        lr = known.setdefault(f"{float(group['lr']):.4g}", float(group["lr"]))
        super().one(p, g, {**group, "lr": lr})


@caught("close_rates_in_a_run_differ")
class RateWithinMillionths(Full):
    """A rate that changes by up to two millionths is the old one."""

    def one(self, p, g, group):
        new, held = float(group["lr"]), self.state[p]
        old = held.get("lr", new)
        held["lr"] = old if abs(new - old) <= 2e-6 * old else new
        super().one(p, g, {**group, "lr": held["lr"]})


@caught("every_step_has_its_rate")
class FullTable(Full):
    """What is made for a rate is kept for 128 of them, the last one for all others."""

    def group(self, group):
        known = self.__dict__.setdefault("known", {})
        rate = float(group["lr"])
        if rate in known or len(known) < 128:
            known[rate] = None
        super().group({**group, "lr": rate if rate in known else list(known)[-1]})


@caught("replaced_tensor_rates_count")
class TensorRateHeld(Full):
    """A tensor rate is the first tensor's for good."""

    def group(self, group):
        held = self.__dict__.setdefault("held", {})
        super().group({**group, "lr": held.setdefault(id(group), group["lr"])})


@caught("formats_of_neighbours_do_not_matter")
class FirstFormatForAll(Full):
    """Every gradient goes through the format of the group's first."""

    def group(self, group):
        fed = [p for p in group["params"] if p.grad is not None]
        for p in fed:
            self.one(p, p.grad.to(fed[0].dtype).to(p.dtype), group)


@caught("agrees_after_a_change_of_format")
class FormatOfTheStart(Full):
    """Gradients go through the format that a parameter had at first."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.first = {p: p.dtype for group in self.param_groups for p in group["params"]}

    def one(self, p, g, group):
        super().one(p, g.to(self.first.get(p, p.dtype)).to(p.dtype), group)


@caught("agrees_from_where_it_is_put")
class StaleMaster(Full):
    """A copy in float64 is trained, and what others write is lost."""

    def one(self, p, g, group):
        p.copy_(self.state[p].setdefault("master", p.to(torch.float64)))
        super().one(p, g, group)
        self.state[p]["master"] = p.to(torch.float64)


@caught("leaves_gradients_alone")
class DecaysGradient(Full):
    """The decay stays in the gradient."""

    def one(self, p, g, group):
        if not g.is_sparse:
            sign = -1 if group["maximize"] else 1
            g.add_(p, alpha=sign * group["weight_decay"])
            group = {**group, "weight_decay": 0.0}
        super().one(p, g, group)


@caught("subsets_with_gradients_agree")
class StackedByCount(Full):
    """The velocities of three equal parameters belong to whichever three have gradients."""

    def group(self, group):
        fed = [p for p in group["params"] if p.grad is not None]
        stacks = self.__dict__.setdefault("stacks", {})
        if len(fed) == 3:
            for p, v in zip(fed, stacks.get(id(group), [])):
                if v is not None and "v" in self.state[p] and v.shape == p.shape:
                    self.state[p]["v"] = v
        super().group(group)
        if len(fed) == 3:
            stacks[id(group)] = [self.state[p].get("v") for p in fed]


@caught("groups_follow_their_own")
class KeyWithoutMaximize(Full):
    """Groups alike but for maximize have the first one's."""

    def move(self):
        first = {}
        for group in self.param_groups:
            key = tuple(float(group[n]) for n in (*NUMBERS, "nesterov"))
            sign = first.setdefault(key, group["maximize"])
            self.group({**group, "maximize": sign})


@caught("empty_groups_stand_for_nothing")
class EmptyGroupEnds(Full):
    """A group without parameters ends the step."""

    def move(self):
        for group in self.param_groups:
            if not group["params"]:
                return
            self.group(group)


@caught("late_group_has_the_defaults")
class LateTakesFirst(Full):
    """A late group takes what the first one has now."""

    def add_param_group(self, group):
        if self.param_groups:
            group = {**{n: self.param_groups[0][n] for n in NUMBERS}, **group}
        super().add_param_group(group)


@caught("late_group_has_the_defaults")
class DefaultsFollow(Full):
    """The settings of a late group become the defaults."""

    def add_param_group(self, group):
        super().add_param_group(group)
        self.defaults.update({n: self.param_groups[-1][n] for n in self.defaults})


@caught("equal_parameters_keep_apart")
class EqualShare(Full):
    """Parameters that are equal at the start share a velocity."""

    def __init__(self, *args, **settings):
        super().__init__(*args, **settings)
        listed = [p for group in self.param_groups for p in group["params"]]
        self.first = {p: next(q for q in listed if torch.equal(p, q)) for p in listed}

    def one(self, p, g, group):
        first = self.first.get(p, p)
        held = self.state[first]
        self.state[p] = held
        super().one(p, g, group)


@caught("velocity_survives_momentum_zero")
class DroppedAtMomentumZero(Full):
    """Momentum 0 drops the velocity."""

    def one(self, p, g, group):
        if not group["momentum"]:
            self.state[p].pop("v", None)
        super().one(p, g, group)


@caught("runs_in_threads_are_independent")
class SharedScratch(Full):
    """All optimizers compute in one buffer."""

    scratch = {}

    def one(self, p, g, group):
        shared = self.scratch.setdefault((p.shape, p.dtype), torch.empty_like(g))
        shared.copy_(g)
        super().one(p, shared, group)
        shared.zero_()


@caught("run_may_change_threads")
class StateOfThread(Full):
    """Each thread has velocities of its own."""

    def one(self, p, g, group):
        own = self.state[p].setdefault(threading.get_ident(), {})
        self.state[p], whole = own, self.state[p]
        super().one(p, g, group)
        self.state[p] = whole


@caught("untouched_gradients_count_again")
class SameObjectSkipped(Full):
    """A gradient of the same version as at the last step is taken for stale."""

    def one(self, p, g, group):
        last = self.state[p].get("last")
        if last is None or last[0] is not p.grad or last[1] != p.grad._version:
            super().one(p, g, group)
        self.state[p]["last"] = p.grad, p.grad._version


@caught("one_gradient_serves_several")
class OneStepEachGradient(Full):
    """A gradient that has served one parameter serves no other."""

    served = ()

    def step(self, closure=None):
        self.served = []
        return super().step(closure)

    def one(self, p, g, group):
        if not any(p.grad is other for other in self.served):
            super().one(p, g, group)
        self.served.append(p.grad)
