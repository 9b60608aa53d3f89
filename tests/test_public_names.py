"""The public names: each is there, documented, and found from the package itself."""

import subprocess
import sys

import pytest

import momentum
from momentum.conventions import get

NEEDS_TORCH = {"MomentumSGD", "init_momentum_states", "sgd_momentum"}


@pytest.mark.parametrize("name", momentum.__all__)
def test_public_names_are_there_and_documented(name: str) -> None:
    if name in NEEDS_TORCH:
        pytest.importorskip("torch")
    assert name in dir(momentum)
    public = getattr(momentum, name)
    assert isinstance(public, dict) or public.__doc__


def test_unknown_names_are_refused() -> None:
    with pytest.raises(AttributeError, match="attribute nadam"):
        _ = momentum.nadam


def test_packages_named_for_what_they_do_can_be_called() -> None:
    from momentum.gallery import Machine

    subject = Machine("right", get("scaled"))
    assert momentum.identify(subject).nearest.name == "scaled"
    assert momentum.convert("caffe", "mxnet", {"lr": 0.1, "momentum": 0.9}).rows


def test_import_is_quick_and_loads_nothing_heavy() -> None:
    code = (
        "import momentum, sys; sys.exit(len({'numpy', 'torch', 'hypothesis'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_help_works_where_torch_is_not_installed() -> None:
    code = (
        "import sys; sys.modules['torch'] = None\n"  # as if it were not there
        "import momentum; help(momentum)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "Reference oracle" in done.stdout
