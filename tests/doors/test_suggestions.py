"""A name that is none is refused with what may have been meant; known ones are offered."""

import os
import subprocess
import sys

import pytest

from momentum.conventions import CONVENTIONS, get
from momentum.doors.command_line import entry
from momentum.errors import closest, did_you_mean

SUBJECTS = """
from momentum.sgd import MomentumSGD
def right(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - v, v
def helper(x): ...
class Own(MomentumSGD): ...
number = 3
"""


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    (tmp_path / "some.py").write_text(SUBJECTS)
    (tmp_path / "none.py").write_text("x = 1\n")
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("word", "name"), [("kears", "keras"), ("KERAS", "keras"), ("zzzzzz", ""), ("", "")]
)
def test_closest_is_a_known_name_or_none(word, name):
    assert closest(word, ["keras", "torch"]) == name
    assert did_you_mean(word, ["keras", "torch"]) == (f"; did you mean {name!r}?" if name else "")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "some.py:rihgt"], "did you mean 'right'?"),
        (["check", "torch.optim:SDG"], "did you mean 'SGD'?"),
        (["check", "some.py:right", "--as", "kears"], "did you mean 'keras'?"),
        (["check", "some.py:right", "--as", "scalled:before"], "did you mean 'scaled'?"),
        (["check", "some.py:right", "--as", "scaled:befor"], "did you mean 'before'?"),
        (["check", "some.py:right", "--dtype", "flaot32"], "did you mean 'float32'?"),
        (["check", "some.py:right", "--only", "trajectroy"], "did you mean 'trajectory'?"),
        (
            ["check", "some.py:right", "--as", "scaled", "--only", "agrees_with_oracle[float23]"],
            "did you mean 'float32'?",
        ),
        (["convert", "--from", "tocrh", "--to", "keras", "lr=1"], "did you mean 'torch'?"),
        (["chek"], "'check'"),
    ],
)
def test_entry_says_what_may_have_been_meant(capfd, arguments, words):
    assert entry(arguments) == 2
    err = capfd.readouterr().err
    assert words in err
    assert err.count("\n") == 1
    assert len(err) < 400


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("PyTorch", "accumulated"),
        ("TensorFlow", "scaled:before"),
        ("tf", "scaled:before"),
        ("Keras", "scaled:before"),
        ("SCALED", "scaled"),
        ("Scikit-Learn", "scaled"),
        ("tf:coupled", "scaled"),
    ],
)
def test_get_understands_any_case_and_other_names(word, name):
    assert get(word).full_name == name


def test_every_convention_is_found_in_capitals():
    for name in CONVENTIONS:
        assert get(name.upper()).name == name


def test_check_understands_dtypes_and_efforts_in_any_case(capsys):
    arguments = ["some.py:right", "--as", "SCALED", "--dtype", "FP32", "--effort", "Quick"]
    assert entry(["check", *arguments, "--only", "trajectory"]) == 0
    assert "quick effort, seed 0, float32" in capsys.readouterr().out


def test_check_of_a_file_lists_its_optimizers(capsys):
    assert entry(["check", "some.py"]) == 2
    err = capsys.readouterr().err
    assert "say which of its optimizers: some.py:right, some.py:Own" in err
    assert entry(["check", "none.py"]) == 2
    assert "none.py has no optimizer" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("check --as ker", {"keras", "keras2"}),
        ("check --as TORCH7", {"torch7", "torch7.nag"}),
        ("check --dtype bf", {"bfloat16"}),
        ("check --only agrees_with_or", {"agrees_with_oracle"}),
        ("convert --to scal", {"scaled"}),
        ("identify --dtype float", {"float64", "float32", "float16"}),
        ("check --effort n", {"normal"}),
        ("vectors write --as scal", {"scaled"}),
        ("harness rus", {"rust"}),
    ],
)
def test_a_shell_is_offered_names(typed, offered):
    words = f"momentum {typed}"
    done = subprocess.run(
        [sys.executable, "-m", "momentum"], capture_output=True, text=True, check=True,
        env=os.environ | {
            "PYTHONPATH": os.pathsep.join(p for p in sys.path if p), "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1), "_MOMENTUM_COMPLETE": "bash_complete",
        },
    )  # fmt: skip
    assert {line.partition(",")[2] for line in done.stdout.split()} == offered
