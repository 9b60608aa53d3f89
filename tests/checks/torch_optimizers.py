"""torch optimizers nobody ships: a right one, right ones that look different, and what goes wrong.

Each wrong class says in its docstring what is wrong; `CAUGHT` says which check finds it.
"""

import threading

import torch

NUMBERS = ("lr", "momentum", "dampening", "weight_decay")
FLAGS = ("nesterov", "maximize")


class Full(torch.optim.Optimizer):
    """The rule of torch.optim.SGD, one tensor after the other."""

    def __init__(
        self, params, lr=1e-3, momentum=0.0, dampening=0.0, weight_decay=0.0, nesterov=False,
        *, maximize=False,
    ):  # fmt: skip
        if not all(float(x) >= 0 for x in (lr, momentum, weight_decay)):
            raise ValueError("wanted numbers from 0 on")
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("nesterov wants a momentum and no dampening")
        numbers = dict(zip(NUMBERS, (lr, momentum, dampening, weight_decay)))
        super().__init__(params, {**numbers, "nesterov": nesterov, "maximize": maximize})

    @torch.no_grad()
    def step(self, closure=None):
        loss = None if closure is None else torch.enable_grad()(closure)()
        self.move()
        return loss

    def move(self):
        for group in self.param_groups:
            self.group(group)

    def group(self, group):
        for p in group["params"]:
            if p.grad is not None:
                self.one(p, p.grad, group)

    def one(self, p, g, group):
        d = -g if group["maximize"] else g
        if group["weight_decay"]:
            d = d.add(p, alpha=group["weight_decay"])
        if group["momentum"]:
            v = self.state[p].get("v")
            if v is None:
                v = self.state[p]["v"] = d.clone()
            else:
                v.mul_(group["momentum"]).add_(d, alpha=1 - group["dampening"])
            d = d.add(v, alpha=group["momentum"]) if group["nesterov"] else v
        p.add_(d, alpha=-float(group["lr"]))


# Right ones that look different.


class Chunked(Full):
    """Real views of complex numbers, flat copies, chunks with a tail, rates kept by their value."""

    local = threading.local()

    def one(self, p, g, group):
        own = p
        if p.is_complex():
            own, g = torch.view_as_real(p), torch.view_as_real(g.resolve_conj())
        state, x, g = self.state[p], own.reshape(-1).clone(), g.reshape(-1)
        known = self.__dict__.setdefault("rates", {})
        rate = known.setdefault(float(group["lr"]), float(group["lr"]))
        old, new = state.get("v"), []
        for begin in range(0, x.numel(), 320):
            s = slice(begin, min(x.numel(), begin + 320))
            d = -g[s] if group["maximize"] else g[s]
            d = d + group["weight_decay"] * x[s] if group["weight_decay"] else d
            if group["momentum"]:
                keep = 1 - group["dampening"]
                new.append(d.clone() if old is None else group["momentum"] * old[s] + keep * d)
                d = d + group["momentum"] * new[-1] if group["nesterov"] else new[-1]
            x[s] = x[s] - rate * d
        if group["momentum"]:
            state["v"] = torch.cat(new) if new else x.clone()
        own.copy_(x.view(own.shape))


class Stacked(Full):
    """Equal shapes of all groups with equal settings are stacked and stepped at once."""

    def move(self):
        buckets = {}
        for group in self.param_groups:
            key = tuple(float(group[n]) for n in (*NUMBERS, *FLAGS))
            for p in group["params"]:
                if p.grad is not None:
                    first = "v" not in self.state[p]
                    kind = (key, p.shape, p.dtype, first, p.grad.layout)
                    buckets.setdefault(kind, []).append((p, group))
        for members in buckets.values():
            if members[0][0].grad.is_sparse:
                for p, group in members:
                    self.one(p, p.grad, group)
            else:
                self.at_once([p for p, _ in members], members[0][1])

    def at_once(self, ps, group):
        x, g = torch.stack([p.data for p in ps]), torch.stack([p.grad for p in ps])
        d = torch.add(-g if group["maximize"] else g, x, alpha=group["weight_decay"])
        if group["momentum"]:
            if "v" in self.state[ps[0]]:
                held = torch.stack([self.state[p]["v"] for p in ps])
                v = held * group["momentum"] + (1 - group["dampening"]) * d
            else:
                v = d
            for p, row in zip(ps, v):
                self.state[p]["v"] = row.clone()
            d = d + group["momentum"] * v if group["nesterov"] else v
        for p, row in zip(ps, x - float(group["lr"]) * d):
            p.copy_(row)


RIGHT = (Chunked, Stacked)


# Wrong ones.


class FifthAxisUndecayed(Full):
    """Parameters of five axes take no decay."""

    def one(self, p, g, group):
        super().one(p, g, {**group, "weight_decay": 0.0} if p.ndim == 5 else group)


class ColumnDecayedTwice(Full):
    """A column takes its decay twice."""

    def one(self, p, g, group):
        column = p.ndim == 2 and p.shape[1] == 1
        decay = group["weight_decay"] * (2 if column else 1)
        super().one(p, g, {**group, "weight_decay": decay})


class FourAxesCentred(Full):
    """Gradients of four axes lose their mean."""

    def one(self, p, g, group):
        super().one(p, g - g.mean((1, 2, 3), keepdim=True) if p.ndim == 4 else g, group)


class LastOfBlockStill(Full):
    """One number short of a block of 320, the last ones stand still."""

    def one(self, p, g, group):
        before, rest = p.clone(), p.numel() % 320
        super().one(p, g, group)
        if p.numel() > 320 and rest == 319 and p.is_contiguous():
            p.view(-1)[-rest:] = before.view(-1)[-rest:]


class RateByFourDigits(Full):
    """A rate is looked up by four of its digits."""

    def one(self, p, g, group):
        known = self.__dict__.setdefault("known", {})
        lr = known.setdefault(f"{float(group['lr']):.4g}", float(group["lr"]))
        super().one(p, g, {**group, "lr": lr})


class RateWithinMillionths(Full):
    """A rate that changes by up to two millionths is the old one."""

    def one(self, p, g, group):
        new, held = float(group["lr"]), self.state[p]
        old = held.get("lr", new)
        held["lr"] = old if abs(new - old) <= 2e-6 * old else new
        super().one(p, g, {**group, "lr": held["lr"]})


class InitialRate(Full):
    """The rate that a scheduler has put aside is used."""

    def one(self, p, g, group):
        super().one(p, g, {**group, "lr": group.get("initial_lr", group["lr"])})


class LateTakesFirst(Full):
    """A late group takes what the first one has now."""

    def add_param_group(self, group):
        if self.param_groups:
            group = {**{n: self.param_groups[0][n] for n in NUMBERS}, **group}
        super().add_param_group(group)


class DecaysGradient(Full):
    """The decay stays in the gradient."""

    def one(self, p, g, group):
        if not g.is_sparse:
            sign = -1 if group["maximize"] else 1
            g.add_(p, alpha=sign * group["weight_decay"])
            group = {**group, "weight_decay": 0.0}
        super().one(p, g, group)


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


class FirstFormatForAll(Full):
    """Every gradient goes through the format of the group's first."""

    def group(self, group):
        fed = [p for p in group["params"] if p.grad is not None]
        for p in fed:
            self.one(p, p.grad.to(fed[0].dtype).to(p.dtype), group)


class FormatOfTheStart(Full):
    """Gradients go through the format that a parameter had at first."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self.first = {p: p.dtype for group in self.param_groups for p in group["params"]}

    def one(self, p, g, group):
        super().one(p, g.to(self.first.get(p, p.dtype)).to(p.dtype), group)


class LoadKeepsLive(Full):
    """What is loaded does not replace velocities that are there."""

    def load_state_dict(self, state_dict):
        live = {p: s["v"].clone() for p, s in self.state.items() if "v" in s}
        super().load_state_dict(state_dict)
        for p, v in live.items():
            self.state[p]["v"] = v


class LoadKeepsDecay(Full):
    """A loaded state does not bring its weight decay."""

    def load_state_dict(self, state_dict):
        kept = [group["weight_decay"] for group in self.param_groups]
        super().load_state_dict(state_dict)
        for group, decay in zip(self.param_groups, kept):
            group["weight_decay"] = decay


class StaleMaster(Full):
    """A copy in float64 is trained, and what others write is lost."""

    def one(self, p, g, group):
        p.copy_(self.state[p].setdefault("master", p.to(torch.float64)))
        super().one(p, g, group)
        self.state[p]["master"] = p.to(torch.float64)


class KeyWithoutMaximize(Full):
    """Groups alike but for maximize have the first one's."""

    def move(self):
        first = {}
        for group in self.param_groups:
            key = tuple(float(group[n]) for n in (*NUMBERS, "nesterov"))
            sign = first.setdefault(key, group["maximize"])
            self.group({**group, "maximize": sign})


class TinyRateIsZero(Full):
    """A rate below 1e-7 is none."""

    def one(self, p, g, group):
        lr = float(group["lr"])
        super().one(p, g, {**group, "lr": lr if lr >= 1e-7 else 0.0})


class TensorRateHeld(Full):
    """A tensor rate is the first tensor's for good."""

    def group(self, group):
        held = self.__dict__.setdefault("held", {})
        super().group({**group, "lr": held.setdefault(id(group), group["lr"])})


class ScalarUndecayed(Full):
    """Parameters of no axis take no decay."""

    def one(self, p, g, group):
        super().one(p, g, {**group, "weight_decay": 0.0} if p.ndim == 0 else group)


class Conjugated(Full):
    """Complex gradients are conjugated."""

    def one(self, p, g, group):
        super().one(p, g.conj() if p.is_complex() else g, group)


class ClearsToZeros(Full):
    """Gradients are always cleared to zeros."""

    def zero_grad(self, set_to_none=True):
        super().zero_grad(set_to_none=False)


class ClearsMore(Full):
    """Clearing gradients into zeros clears the velocities, too."""

    def zero_grad(self, set_to_none=True):
        super().zero_grad(set_to_none)
        if not set_to_none:
            self.state.clear()


class PostHookFirst(Full):
    """The hook after a step is called before it."""

    def move(self):
        for hook in self._optimizer_step_post_hooks.values():
            hook(self, (), {})
        super().move()


class SharedScratch(Full):
    """All optimizers compute in one buffer."""

    scratch = {}

    def one(self, p, g, group):
        shared = self.scratch.setdefault((p.shape, p.dtype), torch.empty_like(g))
        shared.copy_(g)
        super().one(p, shared, group)
        shared.zero_()


class GradientModeOff(Full):
    """Gradients are off after a step."""

    def step(self, closure=None):
        loss = super().step(closure)
        torch.set_grad_enabled(False)
        return loss


class RateBeforeClosure(Full):
    """Groups are read before the closure is called."""

    @torch.no_grad()
    def step(self, closure=None):
        before = [dict(group) for group in self.param_groups]
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in before:
            self.group(group)
        return loss


class FrozenMoves(Full):
    """A parameter that is frozen goes on by its velocity."""

    def group(self, group):
        super().group(group)
        for p in group["params"]:
            if p.grad is None and not p.requires_grad and "v" in self.state[p]:
                p.add_(self.state[p]["v"], alpha=-float(group["lr"]))


class FrozenForgets(Full):
    """A parameter that is frozen loses its velocity."""

    def group(self, group):
        for p in group["params"]:
            if not p.requires_grad:
                self.state[p].pop("v", None)
        super().group(group)


class FrozenSkipped(Full):
    """A gradient on a frozen parameter does not count."""

    def one(self, p, g, group):
        if p.requires_grad:
            super().one(p, g, group)


class DroppedAtMomentumZero(Full):
    """Momentum 0 drops the velocity."""

    def one(self, p, g, group):
        if not group["momentum"]:
            self.state[p].pop("v", None)
        super().one(p, g, group)


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


class FullTable(Full):
    """What is made for a rate is kept for 128 of them, the last one for all others."""

    def group(self, group):
        known = self.__dict__.setdefault("known", {})
        rate = float(group["lr"])
        if rate in known or len(known) < 128:
            known[rate] = None
        super().group({**group, "lr": rate if rate in known else list(known)[-1]})


class StateOfThread(Full):
    """Each thread has velocities of its own."""

    def one(self, p, g, group):
        own = self.state[p].setdefault(threading.get_ident(), {})
        self.state[p], whole = own, self.state[p]
        super().one(p, g, group)
        self.state[p] = whole


class CountsTooEarly(Full):
    """A step counts when its closure is called, whatever comes of it."""

    taken = 0

    def step(self, closure=None):
        self.taken += 1
        return super().step(closure)

    def one(self, p, g, group):
        if self.taken > 1:
            self.state[p].setdefault("v", torch.zeros_like(p))
        super().one(p, g, group)


class DefaultsFollow(Full):
    """The settings of a late group become the defaults."""

    def add_param_group(self, group):
        super().add_param_group(group)
        self.defaults.update({n: self.param_groups[-1][n] for n in self.defaults})


class LoadsTheFirst(Full):
    """A load drops the velocities of parameters that came late."""

    def __setstate__(self, held):
        super().__setstate__(held)
        first = self.__dict__.setdefault("first", len(self.param_groups[0]["params"]))
        for p in self.param_groups[-1]["params"][0 if self.param_groups[1:] else first :]:
            self.state.pop(p, None)


class EmptyGroupEnds(Full):
    """A group without parameters ends the step."""

    def move(self):
        for group in self.param_groups:
            if not group["params"]:
                return
            self.group(group)


CAUGHT = {
    EmptyGroupEnds: "empty_groups_stand_for_nothing",
    EqualShare: "equal_parameters_keep_apart",
    FullTable: "every_step_has_its_rate",
    StateOfThread: "run_may_change_threads",
    CountsTooEarly: "raising_closure_is_no_step",
    DefaultsFollow: "late_group_has_the_defaults",
    LoadsTheFirst: "any_order_of_calls_agrees",
    FifthAxisUndecayed: "reshaping_changes_nothing",
    ColumnDecayedTwice: "reshaping_changes_nothing",
    FourAxesCentred: "reshaping_changes_nothing",
    LastOfBlockStill: "agrees_at_every_size",
    RateByFourDigits: "close_rates_in_a_run_differ",
    RateWithinMillionths: "close_rates_in_a_run_differ",
    InitialRate: "own_schedules_are_rates_set_by_hand",
    LateTakesFirst: "late_group_has_the_defaults",
    DecaysGradient: "leaves_gradients_alone",
    StackedByCount: "subsets_with_gradients_agree",
    FirstFormatForAll: "formats_of_neighbours_do_not_matter",
    FormatOfTheStart: "agrees_after_a_change_of_format",
    LoadKeepsLive: "goes_back_to_an_earlier_state",
    LoadKeepsDecay: "loaded_options_count",
    StaleMaster: "agrees_from_where_it_is_put",
    KeyWithoutMaximize: "groups_follow_their_own",
    TinyRateIsZero: "tiny_schedules_follow_the_usual_one",
    TensorRateHeld: "replaced_tensor_rates_count",
    ScalarUndecayed: "agrees_in_every_layout",
    Conjugated: "complex_parameters_move_as_two_real_ones",
    ClearsToZeros: "gradients_are_cleared",
    ClearsMore: "only_steps_move_a_run",
    PostHookFirst: "hooks_stand_around_a_step",
    SharedScratch: "runs_in_threads_are_independent",
    GradientModeOff: "leaves_the_process_alone",
    RateBeforeClosure: "closure_may_set_the_rate",
    FrozenMoves: "frozen_parameters_rest",
    FrozenForgets: "frozen_parameters_rest",
    FrozenSkipped: "gradients_of_the_frozen_count",
    DroppedAtMomentumZero: "velocity_survives_momentum_zero",
}
