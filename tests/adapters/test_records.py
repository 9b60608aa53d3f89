"""One record a framework, and what is read off it; records of other distributions count too."""

import re
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from pathlib import Path

import pytest

from momentum.adapters import Adapter, adapt
from momentum.adapters._record import adapters, of_module, own
from momentum.conversion.speakers import speakers
from momentum.errors import UsageError

ROOT = Path(__file__).parents[2]
EXTRAS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
    "optional-dependencies"
]


@pytest.mark.parametrize("record", own(), ids=lambda one: one.name)
def test_extra_installs_the_framework(record):
    if record.extra:
        names = {re.match(r"[\w-]+", text)[0] for text in EXTRAS[record.extra]}
        assert set(record.distributions[record.module]) & names


@pytest.mark.parametrize("record", own(), ids=lambda one: one.name)
def test_speakers_are_known(record):
    assert set(record.speakers) <= set(speakers())


def test_each_module_has_one_record():
    modules = [one.module for one in own() if one.module]
    assert len(modules) == len(set(modules))
    assert of_module("keras").name == "Keras"


def test_torch_is_asked_after_those_whose_classes_derive_from_its_own():
    # Its adapter takes any function of `params` and a rate, such as tinygrad's SGD.
    names = [one.name for one in adapters()]
    assert names.index("torch") > max(names.index(n) for n in ("Keras", "tinygrad", "functions"))


def test_error_names_what_is_loaded_and_nothing_else():
    with pytest.raises(UsageError) as caught:
        adapt(3, {}, "three")
    for record in own():
        told = f"{record.name}: {record.takes}" in str(caught.value)
        assert told == bool(record.takes and record.loaded)


def test_a_class_is_refused_in_no_words_about_functions():
    with pytest.raises(UsageError, match="classes: with ") as caught:
        adapt(type("Nothing", (), {}), {}, "mine")
    assert "functions: " not in str(caught.value)


FAKE = '''
from momentum.adapters import Adapter, adapt as anew

class Optimizer:
    pass

def step(theta, v, grad, lr, momentum):
    v = momentum * v + grad
    return theta - lr * v, v

record = Adapter(
    name="Fake", takes="its class", module="fakelearn", distributions={"fakelearn": ("fakelearn",)},
    accepts=lambda obj: obj is Optimizer, adapt=lambda obj, fixed, name: anew(step, fixed, name),
)
'''  # fmt: skip

ASKED = """
import fakelearn
from momentum.adapters import adapt, load, versions
from momentum.errors import UsageError
print(load("fakelearn:Optimizer").facts.name, versions()["fakelearn"])
try:
    adapt(3, {}, "three")
except UsageError as error:
    print(error)
"""


def test_other_distributions_register_by_entry_point(tmp_path):
    (tmp_path / "fakelearn.py").write_text(FAKE)
    info = tmp_path / "fakelearn-7.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: fakelearn\nVersion: 7.5\n")
    points = ConfigParser()
    points["momentum.adapters"] = {"fake": "fakelearn:record", "broken": "nowhere:record"}
    with (info / "entry_points.txt").open("w") as stream:
        points.write(stream)
    code = f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n{ASKED}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    loaded, refused = done.stdout.splitlines()
    assert loaded == "fakelearn:Optimizer 7.5"
    assert "Fake: its class" in refused
    assert "adapter nowhere:record cannot be loaded: ModuleNotFoundError" in refused


def test_adapter_that_accepts_nothing_may_only_prepare():
    assert not Adapter(name="x", takes="", module="x").accepts(object())
