"""`momentum bench`: what is timed is right, and what is said of it can be read again."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import momentum
from momentum.doors import bench as door
from momentum.doors.bench import EPOCH, SHAPES
from momentum.doors.command_line import entry
from momentum.errors import UsageError
from momentum.report.timings import Timing

SMALL = next(iter(SHAPES))


def test_a_report_times_a_target_beside_all_paths_of_torch() -> None:
    report = momentum.bench("momentum:MomentumSGD", "accumulated", rounds=3, works=[SMALL, EPOCH])
    names = [t.name for t in report.timings if t.work == SMALL]
    assert names[0] == "momentum:MomentumSGD"
    assert names[1:] == [f"torch.optim.SGD {path}" for path in ("single", "foreach", "fused")]
    for t in report.timings:
        assert len(t.seconds) == len(t.ratios) == 3
        assert t.name != "torch.optim.SGD single" or set(t.ratios) == {1.0}
        assert t.work == EPOCH or t.state_bytes == 4.0  # one float32 velocity
    table = str(report)
    assert all(name in table for name in names)
    assert EPOCH in table


class Twice(torch.optim.SGD):
    """Steps twice."""

    def step(self, closure: Any = None) -> Any:
        super().step(closure)
        return super().step(closure)


def test_a_target_that_is_wrong_is_not_timed() -> None:
    with pytest.raises(UsageError, match=r"Twice is not accumulated: what is wrong is not timed"):
        momentum.bench(Twice, "accumulated", rounds=3, works=[SMALL])


def test_an_unknown_convention_is_refused() -> None:
    with pytest.raises(UsageError, match="unknown convention"):
        momentum.bench("torch.optim:SGD", "adam", rounds=3, works=[SMALL])


def test_the_command_writes_what_it_measured(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(door, "SHAPES", {SMALL: (SHAPES[SMALL][0], 1)})
    monkeypatch.setattr(door, "SIZES", (10, 100))
    pytest.importorskip("matplotlib")
    file, picture = tmp_path / "b.json", tmp_path / "b.png"
    arguments = ["bench", "torch.optim:SGD", "--as", "torch", "--rounds", "3"]
    assert entry([*arguments, "--json", str(file), "--plot", str(picture)]) == 0
    assert "x torch" in capsys.readouterr().out
    assert picture.read_bytes().startswith(b"\x89PNG")
    rows = json.loads(file.read_text())["benchmarks"]
    assert {r["group"] for r in rows} == {SMALL, EPOCH}
    wanted = {"min", "max", "mean", "stddev", "median", "iqr", "rounds", "outliers", "ops", "total"}
    assert all(wanted <= set(r["stats"]) for r in rows)


HANGS = """
import time, torch

class Hangs(torch.optim.SGD):
    def step(self, closure=None):
        if self.state:
            time.sleep(3600)
        return super().step(closure)
"""


def test_the_command_ends_what_hangs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "hangs.py").write_text(HANGS)
    arguments = ["bench", f"{tmp_path}/hangs.py:Hangs", "--as", "torch", "--time-limit", "20"]
    assert entry(arguments) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "was still running after 20 s (--time-limit) while it was timed" in said


def test_a_row_keeps_the_order_of_its_statistics() -> None:
    took = tuple(float(x) for x in np.random.default_rng(0).uniform(1, 2, 9))
    report = momentum.BenchReport("x", "torch", (Timing("w", "n", took, took, 1),))
    stats: dict[str, Any] = json.loads(report.to_json())["benchmarks"][0]["stats"]
    order = [stats[n] for n in ("min", "q1", "median", "q3", "max")]
    assert order == sorted(order)
    assert stats["data"] == list(took)
