"""torch optimizers that are wrong around a step: what is saved, frozen, cleared, hooked, called."""

import torch
from torch_optimizers import Full, caught


@caught("goes_back_to_an_earlier_state")
class LoadKeepsLive(Full):
    """What is loaded does not replace velocities that are there."""

    def load_state_dict(self, state_dict):
        live = {p: s["v"].clone() for p, s in self.state.items() if "v" in s}
        super().load_state_dict(state_dict)
        for p, v in live.items():
            self.state[p]["v"] = v


@caught("loaded_options_count")
class LoadKeepsDecay(Full):
    """A loaded state does not bring its weight decay."""

    def load_state_dict(self, state_dict):
        kept = [group["weight_decay"] for group in self.param_groups]
        super().load_state_dict(state_dict)
        for group, decay in zip(self.param_groups, kept):
            group["weight_decay"] = decay


@caught("gradients_are_cleared")
class ClearsToZeros(Full):
    """Gradients are always cleared to zeros."""

    def zero_grad(self, set_to_none=True):
        super().zero_grad(set_to_none=False)


@caught("only_steps_move_a_run")
class ClearsMore(Full):
    """Clearing gradients into zeros clears the velocities, too."""

    def zero_grad(self, set_to_none=True):
        super().zero_grad(set_to_none)
        if not set_to_none:
            self.state.clear()


@caught("hooks_stand_around_a_step")
class PostHookFirst(Full):
    """The hook after a step is called before it."""

    def move(self):
        for hook in self._optimizer_step_post_hooks.values():
            hook(self, (), {})
        super().move()


@caught("leaves_the_process_alone")
class GradientModeOff(Full):
    """Gradients are off after a step."""

    def step(self, closure=None):
        loss = super().step(closure)
        torch.set_grad_enabled(False)
        return loss


@caught("leaves_the_process_alone")
class GradientModeOn(Full):
    """Gradients are on after a step, also where they were off."""

    def step(self, closure=None):
        loss = super().step(closure)
        torch.set_grad_enabled(True)
        return loss


@caught("closure_may_set_the_rate")
class RateBeforeClosure(Full):
    """Groups are read before the closure is called."""

    @torch.no_grad()
    def step(self, closure=None):
        before = [dict(group) for group in self.param_groups]
        loss = None if closure is None else torch.enable_grad()(closure)()
        for group in before:
            self.group(group)
        return loss


@caught("frozen_parameters_rest")
class FrozenMoves(Full):
    """A parameter that is frozen goes on by its velocity."""

    def group(self, group):
        super().group(group)
        for p in group["params"]:
            if p.grad is None and not p.requires_grad and "v" in self.state[p]:
                p.add_(self.state[p]["v"], alpha=-float(group["lr"]))


@caught("frozen_parameters_rest")
class FrozenForgets(Full):
    """A parameter that is frozen loses its velocity."""

    def group(self, group):
        for p in group["params"]:
            if not p.requires_grad:
                self.state[p].pop("v", None)
        super().group(group)


@caught("gradients_of_the_frozen_count")
class FrozenSkipped(Full):
    """A gradient on a frozen parameter does not count."""

    def one(self, p, g, group):
        if p.requires_grad:
            super().one(p, g, group)


@caught("raising_closure_is_no_step")
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


@caught("any_order_of_calls_agrees")
class LoadsTheFirst(Full):
    """A load drops the velocities of parameters that came late."""

    def __setstate__(self, held):
        super().__setstate__(held)
        first = self.__dict__.setdefault("first", len(self.param_groups[0]["params"]))
        for p in self.param_groups[-1]["params"][0 if self.param_groups[1:] else first :]:
            self.state.pop(p, None)
