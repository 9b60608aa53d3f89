"""Runs of a torch optimizer, for tests of what they do."""

import numpy as np
import torch

from momentum.adapters import adapt
from momentum.conventions import Hyper

H = Hyper(0.5, 0.5)
SGD = torch.optim.SGD


def started(factory=SGD, hypers=(H,), start=None, dtype="float32", **more):
    start = [np.zeros(2)] if start is None else start
    return adapt(factory, {}, "x").start(list(start), list(hypers), dtype, **more)


def ones(run):
    return [np.ones(x.shape) for x in run.parameters()]
