"""An optimizer from Lightning Fabric's setup_optimizers can be neither copied nor pickled.

The wrapper's class is made when it is called, so pickle does not find it; a deep copy asks its
wrapped optimizer for everything, before it has one, and without end.
"""

import copy
import pickle

import torch
from lightning.fabric import Fabric

p = torch.nn.Parameter(torch.zeros(1))
inner = torch.optim.SGD([p], lr=0.5, momentum=0.5)
optimizer = Fabric(accelerator="cpu", devices=1).setup_optimizers(inner)
p.grad = torch.ones(1)
optimizer.step()

found = []
for act in (lambda o: copy.deepcopy(o).step(), lambda o: pickle.loads(pickle.dumps(o)).step()):
    act(inner)  # what is inside can be both
    try:
        act(optimizer)
    except (RecursionError, pickle.PicklingError) as error:
        found.append(type(error).__name__)
        print(error)
assert found == ["RecursionError", "PicklingError"]  # wanted neither
