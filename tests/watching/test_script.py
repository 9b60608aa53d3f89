"""`momentum watch SCRIPT`, the pytest fixture, and what both say."""

import json
import logging
from pathlib import Path

import pytest

import momentum
from momentum.doors.command_line import entry

torch = pytest.importorskip("torch")

SCRIPT = """
import sys, torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 5), nn.Tanh(), nn.Linear(5, 1))

class Wrong(torch.optim.SGD):
    def step(self, closure=None):
        self.param_groups[0]["lr"] *= 2
        super().step(closure)
        self.param_groups[0]["lr"] /= 2

class Larger(torch.optim.SGD):  # a rule of its own: it has an option that SGD does not have
    def __init__(self, params, trust=3.0, **options):
        super().__init__(params, **options)
        self.defaults["trust"] = trust
    def step(self, closure=None):
        for p in self.param_groups[0]["params"]:
            p.grad *= self.defaults["trust"]
        super().step(closure)
        p.data.add_(1)

made = {
    "sgd": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9),
    "wrong": lambda p: Wrong(p, lr=0.1, momentum=0.9),
    "adamw": lambda p: torch.optim.AdamW(p),
    "larger": lambda p: Larger(p, lr=0.1, momentum=0.9),
}
steps = int(sys.argv[1])
for name in sys.argv[2:]:
    if name == "raise":
        raise RuntimeError("the script's own error")
    optimizer = made[name](net.parameters())
    for _ in range(steps):
        optimizer.zero_grad()
        net(torch.randn(8, 4)).square().mean().backward()
        optimizer.step()
"""


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("train.py").write_text(SCRIPT, encoding="utf-8")
    return "train.py"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["5", "sgd"], 0, "passed: SGD held to accumulated, 5 of 5 steps verified"),
        (["5", "sgd", "adamw"], 0, "5 steps were not watched: the convention of AdamW is not"),
        (["5", "sgd", "larger"], 0, "the convention of Larger, which has trust beside SGD's"),
        (["5", "adamw"], 3, "the convention of AdamW is not known"),
        (["0", "sgd"], 3, ""),
        (["5", "wrong"], 1, "they moved 2 times as far as they should"),
        (["5", "sgd", "raise"], 1, "RuntimeError: the script's own error"),
    ],
)
def test_scripts_are_watched_as_they_are(
    script: str, capfd: pytest.CaptureFixture[str], words: list[str], code: int, told: str
) -> None:
    assert entry(["watch", script, *words]) == code
    err = capfd.readouterr().err
    assert told in err
    assert "Traceback" not in err.partition("the script's own error")[2]


def test_parameters_are_called_as_the_model_of_the_script_calls_them(
    script: str, capfd: pytest.CaptureFixture[str]
) -> None:
    assert entry(["watch", "--stop", script, "5", "wrong"]) == 1
    err = capfd.readouterr().err
    assert "stopped at step 1, rank 0, group 0, 2.weight[" in err or "0.weight[" in err


def test_files_are_written_and_told_again(script: str, capfd: pytest.CaptureFixture[str]) -> None:
    files = ["--jsonl", "w.jsonl", "--html", "w.html"]
    assert entry(["watch", *files, script, "5", "wrong", "sgd"]) == 1
    page = Path("w.html").read_text(encoding="utf-8")
    assert "they moved 2 times as far as they should" in page
    assert "<svg" in page
    lines = [json.loads(x) for x in Path("w.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines[0]["format"] == "momentum-watch"
    assert lines[-1]["verdict"] == "FAILED"
    assert Path("w.2.jsonl").exists()
    capfd.readouterr()
    assert entry(["explain", "w.jsonl"]) == 0
    assert "step 1, rank 0" in capfd.readouterr().out
    Path("cut.jsonl").write_text(Path("w.jsonl").read_text()[:-9], encoding="utf-8")
    assert entry(["explain", "cut.jsonl"]) == 0
    assert "ended early" in capfd.readouterr().out
    assert entry(["explain", "w.jsonl", script]) == 2


def test_violations_go_through_logging_and_are_silent_otherwise(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    def watched() -> None:
        p = torch.ones(3, requires_grad=True)
        optimizer = torch.optim.SGD([p], lr=0.1)
        with momentum.watch(optimizer, hyper=lambda group: {"lr": 0.2}):
            p.grad = torch.tensor([1.0, 2.0, 3.0])
            optimizer.step()

    logger = logging.getLogger("momentum.watch")
    with caplog.at_level(logging.WARNING, logger="momentum.watch"):
        watched()
    assert "they moved 0.5 times as far as they should" in caplog.text
    logger.propagate = False
    try:
        watched()
    finally:
        logger.propagate = True
    assert capfd.readouterr() == ("", "")
