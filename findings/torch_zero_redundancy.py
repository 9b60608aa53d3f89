"""torch's ZeroRedundancyOptimizer: groups that are walked through once, closures, copies.

Parameters of a group that is an iterator are lost, because groups are looked at before they are
taken. The rates of the groups are handed on before a closure is called, so what it sets is late. A
copy steps no more: what it needs is not in the state that Optimizer hands to a copy.
"""

import copy
import pickle

import torch
import torch.distributed as dist
from torch.distributed.optim import ZeroRedundancyOptimizer

dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)


def moved(make, within_closure=None):
    p = torch.nn.Parameter(torch.zeros(1))
    optimizer = make([{"params": iter([p])}] if within_closure is None else [p])

    def closure():
        p.grad = torch.ones(1)
        if within_closure is not None:
            optimizer.param_groups[0]["lr"] = within_closure
        return 0.0

    optimizer.step(closure)
    return p.item()


def plain(params):
    return torch.optim.SGD(params, lr=0.5)


def sharded(params):
    return ZeroRedundancyOptimizer(params, torch.optim.SGD, lr=0.5)


print("an iterator:", moved(plain), moved(sharded))
assert moved(plain) == -0.5
assert moved(sharded) == 0.0  # wanted -0.5

print("a rate of 1/4 in the closure:", moved(plain, 0.25), moved(sharded, 0.25))
assert moved(plain, 0.25) == -0.25
assert moved(sharded, 0.25) == -0.5  # wanted -0.25

found = []
for act in (copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))):
    p = torch.nn.Parameter(torch.zeros(1))
    act(plain([p])).step()
    try:
        act(sharded([p])).step()
    except AttributeError as error:
        found.append(str(error))
        print(error)
assert len(found) == 2  # wanted none
dist.destroy_process_group()
