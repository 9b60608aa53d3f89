"""The command and its files: calls to copy, schedules in and out, refusals in one line."""

import json
from pathlib import Path

import pytest
from flint import fmpq

from momentum.arithmetic import exact
from momentum.conventions import Hyper
from momentum.conversion import speaker
from momentum.doors.command_line import entry


def cli(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    code = entry(["convert", *arguments])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_command_prints_a_call_to_copy(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("learning_rate=0.1", "momentum=0.9", "nesterov=true")
    code, text = cli(capsys, "--from", "keras", "--to", "torch", *given)
    assert code == 0
    assert "torch: torch.optim.SGD(params, lr=0.1, momentum=0.9, nesterov=True)" in text
    assert "proof: equal after every step" in text


def test_command_says_no_with_the_smallest_difference(capsys: pytest.CaptureFixture[str]) -> None:
    given = ("lr=0.1", "momentum=0.9", "nu=0.7")
    code, text = cli(capsys, "--from", "qhm", "--to", "torch", *given)
    assert code == 1
    assert "no conversion: at step 3" in text
    assert "smallest difference" in text


@pytest.mark.parametrize("suffix", ["csv", "json"])
def test_command_reads_and_writes_schedules(
    suffix: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, out, back = (tmp_path / f"{n}.{suffix}" for n in ("in", "out", "back"))
    rows = [{"step": 1, "lr": 0.5, "momentum": 0.5}, {"step": 3, "lr": 0.25}]
    text = "step,lr,momentum\n1,0.5,0.5\n3,0.25,\n" if suffix == "csv" else json.dumps(rows)
    file.write_text(text, encoding="utf-8")
    call = ("--from", "torch", "--to", "keras", "--schedule", str(file), "--write", str(out))
    assert cli(capsys, *call)[0] == 0
    call = ("--from", "keras", "--to", "torch", "--schedule", str(out), "--write", str(back))
    code, _ = cli(capsys, *call)
    assert code == 0
    got = convert_rows(back)
    assert [r["lr"] for r in got[:4]] == ["0.5", "0.5", "0.25", "0.25"]
    assert {r["momentum"] for r in got[1:]} == {"0.5"}


def convert_rows(path: Path) -> list[dict[str, str]]:
    from momentum.conversion.schedule import rows_in

    return rows_in(path.read_text(encoding="utf-8"), path, {})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("lr",), "wanted NAME=VALUE"),
        (("lr=0.1", "lr=0.2"), "given twice"),
        (("lr=0.1", "--schedule", "nowhere.csv"), "nowhere.csv"),
        (("speed=0.1",), "torch has no speed"),
        (("lr=0.1", "momentum=3.5e38"), "beyond the largest float32"),
        (("lr=0.1", "momentum=1e400"), "beyond the largest float64"),
        (("lr=1e999999999",), "more than 1000 digits"),
        (("lr=0." + "1" * 5000,), "more than 1000 digits"),
        (("lr=0.1", "--schedule", "/dev/zero"), "cannot read the schedule"),
        (("lr=0.1", "--schedule", "."), "Is a directory"),
        (("lr=0.1", "--steps", "9" * 20), "--steps"),
        (("lr=0.1", "--write", "none/x.csv"), "cannot write"),
    ],
)
def test_command_refuses_in_one_line(
    arguments: tuple[str, ...], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    code, text = cli(capsys, "--from", "torch", "--to", "keras", *arguments)
    assert code == 2
    assert message in text
    assert len(text.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("step,lr\n2,0.1\n", "wanted step 1 first"),
        ("step,lr\n1,0.1\n1,0.2\n", "row 2 is step 1; wanted 2"),
        ("lr,momentum\n0.1\n", "another number of values"),
        ('{"lr": 0.1}', "wanted a JSON list"),
        ("[{]", "Expecting"),
        ("lr\n", "no rows"),
        ("[" * 100_000, "recursion"),
        ("step,lr\n" + "9" * 5000 + ",1\n", "wanted 1 to"),
        ("step,lr\n" + "9" * 20 + ",1\n", "wanted 1 to"),
    ],
)
def test_schedule_refuses_what_is_none(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ValueError, match=message):
        convert_rows(path)


def test_command_writes_what_the_framework_would_default_otherwise() -> None:
    """torch_optimizer.QHM takes nu = 0.7 where none is given; scikit-learn, Nesterov's."""
    from momentum.conversion.text import snippet

    h = Hyper(fmpq(1, 2), fmpq(1, 2)).lifted(exact)
    assert "nu=1" in snippet(speaker("qhm"), h)
    assert "nesterovs_momentum=False" in snippet(speaker("sklearn"), h)
    assert "dampening=0" in snippet(speaker("burn"), h)
