"""The other frameworks behind the face that the checks see, each under its own convention."""

from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest

from momentum.adapters import load
from momentum.conventions import Hyper
from momentum.errors import UsageError

TARGETS = {
    "torchopt": ("torchopt:sgd",),
    "timm": ("timm.optim.sgdw:SGDW",),
    "river.momentum": ("river.optim:Momentum",),
    "river": ("river.optim:NesterovMomentum",),
    "onnx": ("onnx.reference:ReferenceEvaluator",),
    "chainer": ("chainer.optimizers:MomentumSGD",),
    "chainer.corrected": ("chainer.optimizers:CorrectedMomentumSGD",),
    "paddle": ("paddle.optimizer:Momentum",),
}
CASES = [(speaker, target) for speaker, targets in TARGETS.items() for target in targets]
ONLY_FLOAT32 = ("onnx", "paddle")
"""onnx: attributes are float32. paddle: the momentum is, findings/paddle_float64.py."""


@pytest.fixture
def subject(request):
    module = request.param[1].partition(".")[0].partition(":")[0]
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    return load(request.param[1])


both = pytest.mark.parametrize(
    ("speaker", "subject"), [(s, (s, t)) for s, t in CASES], indirect=["subject"]
)


@both
def test_convention_is_its_own(speaker, subject, worst_ratio):
    if speaker == "torchopt":  # a missing gradient stops it, findings/torchopt_missing_gradient.py
        subject = replace(subject, facts=replace(subject.facts, none_gradients=False))
    dtypes = ("float32",) if speaker in ONLY_FLOAT32 else subject.facts.dtypes
    assert all(worst_ratio(subject, speaker, dtype) <= 1 for dtype in dtypes)


@both
def test_run_goes_on(speaker, subject, goes_on):
    # torchopt: whether a call is the first is no part of the state, findings/torchopt_resume.py.
    assert goes_on(subject, "resume", "float32") == (speaker != "torchopt")


@both
def test_unknown_hyper_parameters_are_refused(speaker, subject):
    assert "nu" not in subject.facts.hyper
    with pytest.raises(ValueError, match="nu"):
        subject.start([np.ones(2)], [Hyper(0.1, 0.9, nu=0.5)], "float32")


@pytest.mark.parametrize("speaker", ["chainer", "river.momentum"])
def test_unknown_arguments_are_refused(speaker):
    (target,) = TARGETS[speaker]
    if find_spec(target.partition(".")[0]) is None:
        pytest.skip("not installed")
    with pytest.raises(UsageError, match="takes no 'fused'"):
        load(target, {"fused": "True"})
