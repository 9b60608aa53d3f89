"""The report is the same, byte for byte, whatever number of processes measures."""

import os
from dataclasses import replace

import numpy as np
import pytest

from momentum.adapters import adapt
from momentum.report import jsonl
from momentum.runner.options import Options
from momentum.runner.results import run

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
def test_report_does_not_depend_on_the_number_of_workers(step):
    def load():
        return adapt(step, {}, step.__name__)

    reports = [jsonl.text(run(load, "scaled", replace(OPTIONS, workers=n))) for n in (1, 2, 5)]
    assert reports[1:] == reports[:1] * 2
