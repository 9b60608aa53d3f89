"""torch optimizers nobody ships: a right one, and right ones that look different."""

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


class TensorRate(Full):
    """A rate is made a tensor, which is the default of late groups as well, as torch has it."""

    def __init__(self, params, lr=1e-3, *rest, **more):
        super().__init__(params, torch.as_tensor(lr, dtype=torch.float64), *rest, **more)


RIGHT = (Chunked, Stacked, TensorRate)

CAUGHT: dict[type, str] = {}
"""Wrong ones, which say in their docstrings what is wrong, and the check that finds it."""


def caught(check):
    """Register a wrong class by the check that finds it."""

    def register(made):
        CAUGHT[made] = check
        return made

    return register


def told(name, words, check, change):
    """The same for one whose step is given another gradient or other settings."""

    def one(self, p, g, group):
        Full.one(self, p, *change(p, g, group))

    caught(check)(type(name, (Full,), {"__doc__": words, "one": one}))
