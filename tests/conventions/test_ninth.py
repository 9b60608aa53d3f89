"""A convention of one's own, in one file: every command works with it, and none is changed by it.

Its name, rule and what it takes are all that the file says; everything else is optional.
"""

import ast
import json
from pathlib import Path

import numpy as np
import pytest
from flint import fmpq

import momentum
from momentum.adapters import adapt, load
from momentum.checks import CHECKS
from momentum.conventions import CONVENTIONS, Convention, Hyper, get
from momentum.conversion import convert
from momentum.diagnosis import Explainer, describe, identify
from momentum.diagnosis.suspects import suspects
from momentum.doors.command_line import entry
from momentum.gallery import Machine
from momentum.oracle.replay import replay
from momentum.report.matrix import Row, compare
from momentum.report.matrix import render as tables
from momentum.runner.one_check import run_check

NINTH = '''
from momentum.conventions import Convention, State

def rule(theta, grad, state, h):
    """The average of the steps, not of the gradients: the rate is inside it."""
    d = grad + h.weight_decay * theta
    v = h.momentum * state.v + (1 - h.momentum) * h.lr * d
    return theta - v, State(state.step + 1, v)

convention = Convention("averaged_steps", rule, frozenset({"momentum"}))
'''

SUBJECTS = """
def right(theta, v, grad, lr, momentum, weight_decay=0.0):
    v = momentum * v + (1 - momentum) * lr * (grad + weight_decay * theta)
    return theta - v, v

def decoupled(theta, v, grad, lr, momentum, weight_decay=0.0):
    v = momentum * v + (1 - momentum) * lr * grad
    return theta - lr * weight_decay * theta - v, v

def scaled(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - v, v

def scaled_wrongly(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - 1.03125 * v, v
"""
FEW = (
    "agrees_with_oracle", "decay_is_of_its_kind", "waiting_only_delays",
    "impulse_response_is_closed_form", "constant_gradient_reaches_its_speed",
)  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "ninth.py").write_text(NINTH)
    (tmp_path / "subjects.py").write_text(SUBJECTS)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ninth() -> Convention:
    return get("ninth.py:convention")


def registered(monkeypatch: pytest.MonkeyPatch) -> Convention:
    """What the one line in the table does."""
    monkeypatch.setitem(CONVENTIONS, "averaged_steps", ninth())
    return get("averaged_steps")


def test_get_reads_a_convention_from_a_file_once() -> None:
    assert ninth() is not None
    assert get("ninth.py:convention") == get("ninth.py")
    assert get("ninth.py:convention:before").decay == "before"
    assert get(get("ninth.py:convention:before").reference) == get("ninth.py::before")


@pytest.mark.parametrize(
    ("which", "words"),
    [
        ("ninth.py:other", "ninth.py has no convention 'other': its conventions are convention"),
        ("none.py:convention", "none.py: No such file or directory"),
        ("broken.py:convention", "broken.py: raised ZeroDivisionError: division by zero"),
        ("empty.py", "empty.py holds no Convention"),
        ("scaled.py", "scaled.py is called scaled, as one of the package is"),
        ("ninth.py:convention:later", "unknown weight decay 'later'"),
    ],
)
def test_get_says_in_one_line_what_is_wrong_with_a_file(which: str, words: str) -> None:
    Path("broken.py").write_text("1 / 0")
    Path("empty.py").write_text("number = 3")
    Path("scaled.py").write_text(NINTH.replace("averaged_steps", "scaled"))
    with pytest.raises(ValueError, match=r"[.]py|decay") as raised:
        get(which)
    assert words in str(raised.value)
    assert "\n" not in str(raised.value)


def test_check_accepts_the_right_and_finds_the_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    only = [word for name in FEW for word in ("--only", name)]
    options = ["--as", "ninth.py:convention", "--effort", "quick", "--dtype", "float32", *only]
    assert entry(["check", "subjects.py:right", *options]) == 0
    out = capsys.readouterr().out
    assert "PASSED: subjects.py:right follows convention ninth.py:convention" in out
    assert "no closed form is on record for the response to a gradient" in out
    report = ["--jsonl", "report.jsonl"]
    assert entry(["check", "subjects.py:decoupled", *options, *report]) == 1
    capsys.readouterr()
    assert entry(["explain", "report.jsonl"]) == 0
    cause = capsys.readouterr().out
    assert "acts on the parameter, before the step" in cause or "averaged_steps:before" in cause
    rows = [json.loads(line) for line in Path("report.jsonl").read_text().splitlines()]
    replays = [row["replay"] for row in rows if row.get("replay")]
    assert replays
    assert all("--as ninth.py:convention" in text for text in replays)


def test_every_check_runs_on_it_and_passes_its_own_machine() -> None:
    machine = Machine("its own", ninth())
    results = [run_check(c, machine, ninth(), "float32", "quick") for c in CHECKS.values()]
    assert {r.check: r.reason or r.where for r in results if r.bad} == {}
    assert sum(r.verdict == "passed" for r in results) > len(results) // 2


def test_identify_takes_it_along(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry(["identify", "subjects.py:right"]) == 0
    assert "averaged_steps" not in capsys.readouterr().out
    assert entry(["identify", "subjects.py:right", "--as", "ninth.py:convention"]) == 0
    assert capsys.readouterr().out.startswith("subjects.py:right: averaged_steps\n")
    assert entry(["identify", "subjects.py:right", "--as", "ninth.py:other"]) == 2


def test_explain_names_it_where_it_was_built_by_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    registered(monkeypatch)
    scaled, subject = get("scaled"), load("subjects.py:right", {})
    result = run_check(CHECKS["agrees_with_oracle"], subject, scaled, "float32", "quick")
    assert Explainer(subject, scaled).explain([result])
    words = {suspect.words for suspect in suspects(scaled)}
    assert "another rule (convention averaged_steps)" in words


def test_convert_proves_or_says_that_it_is_not_supported() -> None:
    ninth_ = ninth()
    row = {"lr": "1/2", "momentum": "1/3"}
    found = convert(ninth_, "scaled", row)
    assert found.proof is not None
    assert found.proof.forever
    assert found.rows[-1].lr == fmpq(1, 3)  # (1 - 1/3) 1/2
    assert convert(ninth_, ninth_, row).exists
    with pytest.raises(ValueError, match=r"not supported: .* has no inverse"):
        convert("scaled", ninth_, row)
    assert entry(["convert", "--from", "scaled", "--to", "ninth.py", "lr=0.1", "momentum=0.9"]) == 2


def test_matrix_compares_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    subject = load("subjects.py:right", {})
    before = compare(subject)
    cells = compare(subject, [ninth()])
    assert cells.pop("averaged_steps").kind == "same"
    assert cells == before
    registered(monkeypatch)
    row = Row("mine", "subjects.py:right", {}, "averaged_steps", {}, cells=compare(subject))
    told = tables.text([row], {})
    assert "averag" in told
    assert "same*" in told


def test_replay_takes_it_by_address_and_agrees_with_numbers_worked_by_hand() -> None:
    found = replay("ninth.py:convention", [0.0], [[1.0], [1.0]], lr=[0.5, 1.0], momentum=0.5)
    assert found.values.ravel().tolist() == [-0.25, -0.875]  # v = 1/4, then 1/8 + 1/2


def test_the_verdicts_of_others_do_not_change(monkeypatch: pytest.MonkeyPatch) -> None:
    def verdicts() -> list[object]:
        found: list[object] = []
        for name in ("scaled", "scaled_wrongly"):
            subject, convention = load(f"subjects.py:{name}", {}), get("scaled")
            explainer = Explainer(subject, convention)
            for check in FEW[:2]:
                result = run_check(CHECKS[check], subject, convention, "float32", "quick")
                found += [result, explainer.explain([result])]
            found.append(describe(identify(subject)))
        return found

    before = verdicts()
    registered(monkeypatch)
    assert verdicts() == before


def test_a_class_of_the_package_trains_under_it() -> None:
    torch = pytest.importorskip("torch")
    from momentum.sgd import MomentumSGD

    p = torch.nn.Parameter(torch.zeros(2, dtype=torch.float64))
    optimizer = MomentumSGD([p], "ninth.py:convention", lr=0.5, momentum=0.5)
    p.grad = torch.ones_like(p)
    optimizer.step()
    assert p.tolist() == [-0.25, -0.25]
    subject = adapt(MomentumSGD, {"convention": "ninth.py:convention"}, "x")
    run = subject.start([np.zeros(1)], [Hyper(0.5, 0.5)], "float64")
    run.step([np.ones(1)])
    assert run.parameters()[0].tolist() == [-0.25]


# The average seeded with the first gradient is `accumulated` with dampening = momentum; a subject
# without a momentum of its own is tried as one of each placement of the rate; and a number that is
# off by a factor is "scaled".
NAMED = {
    "diagnosis/candidates.py": {"accumulated", "scaled"},
    "diagnosis/suspects.py": {"accumulated"},
    "diagnosis/fitted.py": {"scaled"},
    # A unit of recipes: how many batches' gradients are accumulated.
    "conversion/given.py": {"accumulated"},
}


@pytest.mark.parametrize(
    "room", ["theory", "oracle", "subjects", "conversion", "checks", "diagnosis", "runner"]
)
def test_no_table_outside_the_records_names_a_convention(room: str) -> None:
    root = Path(momentum.__file__).parent
    for path in sorted((root / room).rglob("*.py")):
        nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        named = {n.value for n in nodes if isinstance(n, ast.Constant)} & set(CONVENTIONS)
        assert named <= NAMED.get(f"{room}/{path.name}", set()), path
