"""The examples for trainers, run where their framework is installed."""

import runpy
from pathlib import Path
from typing import Any

import pytest

import momentum
from momentum.adapters import timm

torch = pytest.importorskip("torch")

FOLDER = Path(__file__).parents[2] / "examples" / "watch"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.py")), ids=lambda p: p.stem)
def test_examples_are_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) < 40


def test_the_accelerate_example_passes(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("accelerate")
    runpy.run_path(str(FOLDER / "accelerate_loop.py"))
    assert "passed: SGD held to accumulated, 4 of 4 steps verified" in capsys.readouterr().out


@pytest.mark.parametrize("wrong", [False, True])
@pytest.mark.filterwarnings("ignore")
def test_the_lightning_callback_fails_a_fit_with_wrong_steps(tmp_path: Path, wrong: bool) -> None:
    lightning = pytest.importorskip("lightning")

    class Doubled(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            loss = super().step(closure)
            for p in self.param_groups[0]["params"]:
                p.data.sub_(self.state[p]["momentum_buffer"], alpha=0.1)
            return loss

    class Line(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(3, 1)

        def training_step(self, batch: Any, batch_idx: int) -> Any:
            return self.layer(batch[0]).square().mean()

        def configure_optimizers(self) -> Any:
            kind = Doubled if wrong else torch.optim.SGD
            return kind(self.parameters(), lr=0.1, momentum=0.9)

    rows = torch.utils.data.TensorDataset(torch.ones(8, 3))
    watch = runpy.run_path(str(FOLDER / "lightning_callback.py"))["Watch"](every=2)
    trainer = lightning.Trainer(
        max_epochs=2, callbacks=[watch], logger=False, accelerator="cpu", default_root_dir=tmp_path,
        enable_checkpointing=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    if wrong:
        with pytest.raises(AssertionError, match="they moved 2 times as far as they should"):
            trainer.fit(Line(), torch.utils.data.DataLoader(rows, 2))
    else:
        trainer.fit(Line(), torch.utils.data.DataLoader(rows, 2))
        assert watch.reports[0].passed
        assert watch.reports[0].steps == 8


def test_sgdw_of_timm_is_known_and_its_others_are_not() -> None:
    timm.prepare()
    timm.prepare()  # as whoever loads a second optimizer does
    pytest.importorskip("timm")
    from timm.optim import SGDP, SGDW

    p = torch.ones(3, requires_grad=True)
    optimizer = SGDW([p], lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True)
    with momentum.watch(optimizer) as report:
        for _ in range(5):
            optimizer.zero_grad()
            p.square().sum().backward()
            optimizer.step()
    assert report.passed, str(report)
    assert report.convention == "accumulated:before"
    with pytest.raises(ValueError, match="SGDP is not known"), momentum.watch(SGDP([p], lr=0.1)):
        pass
