"""A user's script with every public function: `mypy --strict` passes it, and sees wrong keywords.

mypy runs over this file in the environment `types`, and nothing else does. An unused ignore is an
error there, so each line with one proves that a type checker refuses the call.
"""

import numpy as np
import torch

import momentum

start = np.array([1.0, -2.0])
gradients = [np.array([0.5, 0.25]), np.array([0.125, -1.0])]

truth: momentum.Trajectory = momentum.replay("torch", start, gradients, lr=0.1, momentum=0.9)
compared: momentum.Comparison = truth.compare(gradients)
passed: bool = compared.passed

subject: momentum.Subject = momentum.load("torch.optim:SGD", {"nesterov": "True"})
dtypes: tuple[str, ...] = subject.facts.dtypes
results = momentum.check(torch.optim.SGD, "torch", effort="quick", seed=1)
code: int = results.exit_code()
found = momentum.identify(subject)
nearest: momentum.Convention = found.nearest
conversion = momentum.convert("keras", "torch", {"lr": 0.1, "momentum": 0.9}, steps=10)
exists: bool = conversion.exists

model = torch.nn.Linear(2, 2)
optimizer = momentum.MomentumSGD(model.parameters(), "keras", lr=0.1, momentum=0.9)
with momentum.watch(optimizer, every=2, names=model.named_parameters()) as report:
    optimizer.step()
worst: float = report.worst
momentum.sgd_momentum([], [], {"lr": 0.1, "momentum": 0.9})


@momentum.parametrize(torch.optim.SGD, as_="torch")
def test_conformance(check: object) -> None: ...


momentum.replay("torch", start, gradients, rate=0.1)  # type: ignore[call-arg]
momentum.check(torch.optim.SGD, "torch", convention_="x")  # type: ignore[call-arg]
momentum.identify(subject, dtipe="float32")  # type: ignore[call-arg]
momentum.convert("keras", "torch", {"lr": 0.1}, step=10)  # type: ignore[call-arg]
momentum.watch(optimizer, each=2)  # type: ignore[call-arg]
momentum.load("torch.optim:SGD", set={})  # type: ignore[call-arg]
momentum.MomentumSGD([], learning_rate=0.1)  # type: ignore[call-arg]
momentum.parametrize(torch.optim.SGD, convention="torch")  # type: ignore[call-arg]
momentum.nadam  # type: ignore[attr-defined]  # noqa: B018
