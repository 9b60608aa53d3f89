"""Imports point one way, and frameworks stay in their adapters."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import momentum
from momentum.adapters._record import own

ROOT = Path(momentum.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))

# A room may import from itself and from the rooms before it.
LAYERS = (
    ("errors",),
    ("arithmetic",),
    ("conventions",),
    ("theory",),
    ("oracle",),
    ("subjects",),
    ("sgd", "adapters", "gallery", "languages", "conversion"),
    ("article", "checks"),
    ("diagnosis",),
    ("runner",),
    ("report",),
    ("watching",),
    ("doors",),
    ("__main__", "__init__"),
)
LAYER = {name: i for i, names in enumerate(LAYERS) for name in names}

FRAMEWORKS = {m for one in own() for m in (one.module, *one.distributions) if m} | {"ml_dtypes"}
MAY_IMPORT = {
    "sgd": {"torch"},
    "watching": {"torch"},
    "article": {"torch", "matplotlib", "pooch"},
    "doors": {"matplotlib"},  # what `bench --plot` draws
}


def imported(path: Path) -> set[str]:
    """Dotted names of all modules that a file imports, at the top or inside functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def unit(path: Path) -> str:
    """The layer's name of a file: its package, or itself where it stands alone."""
    first = path.relative_to(ROOT).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_layers_point_one_way(path: Path) -> None:
    here = unit(path)
    assert here in LAYER, f"{here} has no layer: give it one in this test"
    for name in imported(path):
        parts = name.split(".")
        if parts[0] != "momentum" or len(parts) == 1 or parts[1] not in LAYER:
            continue
        assert parts[1] == here or LAYER[parts[1]] <= LAYER[here], f"{path} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_layers_keep_frameworks_in_their_adapters(path: Path) -> None:
    here = unit(path)
    found = {name.split(".")[0] for name in imported(path)} & (FRAMEWORKS | {"matplotlib", "pooch"})
    if here != "adapters":
        assert found <= MAY_IMPORT.get(here, set()), f"{path} imports {found}"


def test_layers_import_without_any_framework() -> None:
    code = "import sys, momentum; print(sorted(m.split('.')[0] for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for name in FRAMEWORKS | {"hypothesis", "click", "rich", "matplotlib"}:
        assert f"'{name}'" not in done.stdout, f"import momentum loads {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_layers_files_stay_short(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300


TYPED_IN = {
    "rtol",
    "atol",
    "rel_tol",
    "abs_tol",
    "allclose",
    "isclose",
    "approx",
    "assert_allclose",
}


@pytest.mark.parametrize(
    "path", FILES + sorted(Path(__file__).parent.rglob("*.py")), ids=lambda p: p.name
)
def test_tolerances_are_never_typed_in(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        name = getattr(node, "arg", None) if isinstance(node, ast.keyword) else None
        name = name or getattr(node, "attr", None) or getattr(node, "id", None)
        assert name not in TYPED_IN, f"{path}:{getattr(node, 'lineno', 0)}: {name}"
