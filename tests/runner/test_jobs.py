"""The report is the same, byte for byte, whatever number of processes measures."""

import os
import threading
from dataclasses import dataclass, replace

import numpy as np
import pytest

from momentum.adapters import adapt
from momentum.adapters.plain import plain_subject
from momentum.report import jsonl
from momentum.runner import pool
from momentum.runner.options import Options
from momentum.runner.results import run
from momentum.runner.supervisor import Supervisor

OPTIONS = Options(effort="quick", seed=5, only=("trajectory", "schedules", "state", "sensitivity"))


def right(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - v, v


def wrong(theta, v, grad, lr, momentum):
    v = momentum * v + grad
    return theta - lr * v, v


def dies_in_half_precision(theta, v, grad, lr, momentum):
    if theta.dtype == np.float16 and theta.size > 3:
        os._exit(1)
    return right(theta, v, grad, lr, momentum)


def draws(theta, v, grad, lr, momentum):
    theta, v = right(theta, v, grad, lr, momentum)
    return theta * (1 + 1e-3 * np.random.standard_normal()), v  # noqa: NPY002 - what all share


@pytest.mark.parametrize("step", [right, wrong, dies_in_half_precision, draws])
def test_report_does_not_depend_on_the_number_of_workers(step, monkeypatch):
    def load():
        return adapt(step, {}, step.__name__)

    if step is draws:  # no cause fits what is drawn, and the search takes half a minute to see it
        monkeypatch.setattr(Supervisor, "explained", lambda self, results: list(results))
    reports = [jsonl.text(run(load, "scaled", replace(OPTIONS, workers=n))) for n in (1, 2, 5)]
    assert reports[1:] == reports[:1] * 2


STEPS = iter(range(10**9))


@dataclass
class Tires:
    """A run whose rate depends on how many steps its process has made."""

    parameters_: list[np.ndarray]
    lr: float

    def step(self, gradients):
        rate = self.lr * (1 + 1e-3 * next(STEPS))
        pairs = zip(self.parameters_, gradients)
        self.parameters_ = [(x - rate * g).astype(x.dtype) for x, g in pairs]

    def parameters(self):
        return self.parameters_


@pytest.mark.parametrize("threads", [False, True])
def test_report_of_what_compiles_does_not_depend_on_the_number_of_workers(threads, monkeypatch):
    monkeypatch.setattr(pool, "BATCH", 1)

    def load():
        if threads:  # what a copy of the process would lack
            threading.Thread(target=threading.Event().wait, daemon=True).start()

        def begin(parameters, hyper, dtype):
            return Tires([x.astype(dtype) for x in parameters], hyper.lr)

        return plain_subject(
            begin, hyper=["lr"], dtypes=["float32", "float64"], compiles=True, name="tires"
        )

    checks = ("reshaping_changes_nothing", "exact_where_nothing_rounds", "agrees_with_oracle")
    options = replace(OPTIONS, only=checks)
    reports = [jsonl.text(run(load, "scaled", replace(options, workers=n))) for n in (1, 2)]
    assert reports[0] == reports[1]
    assert '"verdict":"failed"' in reports[0].replace(" ", "")
