"""What a verdict costs: runs of the command line, each beside one import of the framework.

Each is a process of its own, as a user starts it, with imports and runs in turn; its verdict is
asserted. A subject that hangs is held to a number of its time limits.
"""

import importlib.util
import subprocess
import sys
from collections.abc import Callable, Sequence
from importlib.resources import files
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest

ROUNDS = 3
LIMIT = 5

HANGS = """
import time

def step(theta, grad, v, lr, momentum):
    time.sleep(3600)
"""

JAX = """
import jax

@jax.jit
def step(theta, grad, v, lr, momentum):
    v = momentum * v + grad
    return theta - lr * v, v
"""

OPTAX = """
import optax

def factory(lr: float, momentum: float = 0.0) -> optax.GradientTransformation:
    return optax.sgd(lr, momentum)
"""


def timed(arguments: Sequence[str], code: int = 0) -> float:
    began = perf_counter()
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)
    took = perf_counter() - began
    assert done.returncode == code, done.stdout + done.stderr
    return took


def check(target: str, *more: str) -> list[str]:
    return ["-m", "momentum", "check", target, *more]


@pytest.mark.benchmark(group="check torch.optim:SGD")
@pytest.mark.parametrize(("effort", "goal"), [("quick", 3.0), ("normal", 6.0)])
def test_check_of_torch(
    benchmark: Any, said: Callable[..., None], effort: str, goal: float
) -> None:
    wanted = check("torch.optim:SGD", "--effort", effort)
    loads = "import torch; torch.optim.SGD([torch.zeros(1)])"  # what torch puts off until then
    took: list[tuple[float, float, float]] = []
    benchmark.pedantic(
        lambda: took.append((timed(wanted), timed(["-c", "import torch"]), timed(["-c", loads]))),
        rounds=ROUNDS,
    )
    said(f"{effort} check / import torch", [a / b for a, b, _ in took], "times", goal)
    said("first torch.optim.SGD / import torch", [c / b for _, b, c in took], "times")


@pytest.mark.benchmark(group="check of a compiled framework, quick effort")
@pytest.mark.parametrize(
    ("framework", "target", "convention", "goal"),
    [
        ("jax", JAX, "zero_started", 10),
        ("optax", OPTAX, "optax", 10),
        ("tinygrad", "tinygrad.nn.optim:SGD", "tinygrad", 30),
    ],
)
def test_check_of_a_compiled_framework(
    benchmark: Any,
    said: Callable[..., None],
    tmp_path: Path,
    framework: str,
    target: str,
    convention: str,
    goal: float,
) -> None:
    if importlib.util.find_spec(framework) is None:
        pytest.skip(f"{framework} is not installed")
    if "\n" in target:
        (tmp_path / "subject.py").write_text(target)
        target = f"{tmp_path / 'subject.py'}:{'step' if framework == 'jax' else 'factory'}"
    wanted = check(target, "--as", convention, "--effort", "quick")
    known = files("momentum") / "report" / "matrix" / "expected" / f"{framework}.toml"
    if known.is_file():
        wanted += ["--expected", str(known)]
    took: list[float] = []
    benchmark.pedantic(lambda: took.append(timed(wanted)), rounds=ROUNDS)
    said(f"quick check, {framework}", took, "s", goal)


@pytest.mark.benchmark(group="check of a step that hangs")
def test_check_of_a_step_that_hangs(
    benchmark: Any, said: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "hangs.py").write_text(HANGS)
    wanted = check(f"{tmp_path}/hangs.py:step", "--as", "torch", "--time-limit", str(LIMIT))
    took: list[float] = []
    benchmark.pedantic(lambda: took.append(timed(wanted, code=1)), rounds=1)
    said("check of a step that hangs / time limit", [t / LIMIT for t in took], "times", 4)
