"""Targets and options as a user types them."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from momentum.adapters import _resolve, adapt, load
from momentum.adapters._record import Adapter
from momentum.adapters._resolve import literal, resolve
from momentum.conventions import Hyper
from momentum.errors import UsageError


@pytest.mark.parametrize(
    "target", ["torch.optim:SGD", "torch.optim.SGD", "torch:optim.SGD", "torch.optim.sgd:SGD"]
)
def test_resolve_finds_a_class_however_it_is_named(target):
    assert resolve(target) is torch.optim.SGD


OPTIMIZER = "import torch\nclass Mine(torch.optim.SGD):\n    pass\n"


def test_load_reads_a_file_and_its_classes_can_be_pickled(tmp_path):
    path = tmp_path / "mine_in_a_file.py"
    path.write_text(OPTIMIZER)
    subject = load(f"{path}:Mine", {"foreach": "False"})
    assert subject.facts.name == f"{path}:Mine"
    live = subject.start([np.zeros(1)], [Hyper(0.5)], "float32")
    assert live.duplicate("pickle").parameters()[0] == 0.0


def test_load_finds_modules_of_the_current_directory(tmp_path, monkeypatch):
    (tmp_path / "beside_us.py").write_text(OPTIMIZER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert "lr" in load("beside_us:Mine").facts.hyper


def test_a_file_named_like_a_module_does_not_replace_it(tmp_path):
    path = tmp_path / "torch.py"
    path.write_text("answer = 42\n")
    assert resolve(f"{path}:answer") == 42
    assert sys.modules["torch"] is torch


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("nosuchmodule:SGD", "there is no module 'nosuchmodule'"),
        ("nosuchmodule.SGD", "there is no module 'nosuchmodule'"),
        ("torch.nosuch:SGD", "there is no module 'torch.nosuch'"),
        ("torch.optim:Sgd", "torch.optim has no 'Sgd'"),
        ("torch.optim.Sgd", "torch.optim has no 'Sgd'"),
        ("SGD", "is no target"),
        ("", "is no target"),
        ("nosuchfile.py:SGD", "there is no file 'nosuchfile.py'"),
        ("torch:nn", "no optimizer that is known here"),
        ("math:sqrt", "no optimizer that is known here"),
        ("torch.nn:Linear", "no optimizer that is known here"),
    ],
)
def test_load_refuses_what_it_cannot_use_in_one_line(target, words):
    with pytest.raises(UsageError) as caught:
        load(target)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import nosuchmodule", "it needs 'nosuchmodule'"),
        ("import tinygrad", "pip install 'momentum-oracle[tinygrad]'"),
        ("1 / 0", "cannot be imported: ZeroDivisionError: division by zero"),
        ("raise SystemExit(3)", "cannot be imported: SystemExit: 3"),
        ("def f(:", "cannot be imported: SyntaxError"),
    ],
)
def test_load_tells_why_a_file_cannot_be_imported(tmp_path, monkeypatch, text, words):
    path = tmp_path / "broken_file.py"
    path.write_text(text + "\n")
    monkeypatch.setitem(sys.modules, "tinygrad", None)
    with pytest.raises(UsageError) as caught:
        load(f"{path}:SGD")
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"), [("True", True), (" 0.5", 0.5), ("'scaled'", "scaled"), ("None", None)]
)
def test_literal_reads_python_literals(text, value):
    assert literal("x", text) == value


@pytest.mark.parametrize("text", ["true", "scaled", "1 +", "", "__import__('os')"])
def test_literal_refuses_everything_else(text):
    with pytest.raises(UsageError, match="--set x="):
        literal("x", text)


def test_a_subject_stays_as_it_is():
    subject = load("torch.optim:SGD")
    assert adapt(subject, {}, "x") is subject
    with pytest.raises(UsageError, match="is a Subject already"):
        adapt(subject, {"lr": 0.1}, "x")


def test_frameworks_stay_unimported_for_a_plain_function():
    program = (
        "import sys, momentum.adapters as a\n"
        "f = lambda theta, v, grad, lr, momentum: (theta, v)\n"
        "a.adapt(f, {}, 'f')\n"
        "print(sorted({'torch', 'jax', 'keras', 'optax', 'sklearn'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stderr


def test_what_a_file_imports_is_prepared_before(monkeypatch, tmp_path):
    """Its framework may have to be told of a device before it is imported."""
    (tmp_path / "framework_of_a_file.py").write_text("import os\nready = os.environ['READY']\n")
    (tmp_path / "target.py").write_text("from framework_of_a_file import ready\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    record = Adapter(
        "x", "x", "framework_of_a_file", prepare=lambda: monkeypatch.setenv("READY", "yes")
    )
    monkeypatch.setattr(
        _resolve, "of_module", lambda name: record if name == record.module else None
    )
    assert _resolve.in_file(str(tmp_path / "target.py")).ready == "yes"
