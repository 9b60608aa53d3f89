"""Templates: each compiles, passes as it is, and fails with one character of its step changed."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from momentum.conventions import CONVENTIONS
from momentum.doors.command_line import entry
from momentum.languages.harness import LANGUAGES, template

TOOLS = {"c": "cc", "cpp": "c++", "rust": "rustc", "javascript": "node", "java": "javac",
         "fortran": "gfortran", "python": "python"}  # fmt: skip
LIGHT = ["--effort", "quick", "--only", "agrees_with_oracle", "--only", "follows_all_changes",
         "--only", "maximize_agrees"]  # fmt: skip

ONE = ["--effort", "quick", "--dtype", "float64", "--only", "agrees_with_oracle"]


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def built(language: str, text: str | None = None) -> str:
    """The command that runs a template, built where we are."""
    spoken = LANGUAGES[language]
    if shutil.which(TOOLS[language]) is None:
        pytest.skip(f"there is no {TOOLS[language]} here")
    if text is not None:
        Path(spoken.file).write_text(text, encoding="utf-8")
    if spoken.build:
        subprocess.run(spoken.build.split(), check=True, capture_output=True)
    return spoken.run


@pytest.mark.parametrize("language", LANGUAGES)
def test_template_passes_as_it_is(language: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry(["harness", language, "--as", "keras"]) == 0
    command = built(language)
    assert entry(["harness", "selftest", command]) == 0
    assert entry(["check", "--process", command, "--as", "keras", *LIGHT]) == 0, (
        capsys.readouterr().out
    )


@pytest.mark.parametrize("language", LANGUAGES)
def test_template_with_a_changed_sign_fails_with_the_cause_named(
    language: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _, text = template(language, "torch")
    assert "theta - lr*v" in text
    command = built(language, text.replace("theta - lr*v", "theta + lr*v"))
    assert entry(["harness", "selftest", command]) == 0
    assert entry(["check", "--process", command, "--as", "torch", *ONE]) == 1
    assert "without nesterov: lr is multiplied by -1" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "right", "wrong", "cause"),
    [
        ("two_point", "theta - v", "theta + v", "theta + v in place of theta - v"),
        ("averaged_debiased", "momentum*v", "momentum+v", "momentum + v in place of momentum*v"),
        ("quasi_hyperbolic", "nu*v", "nu+v", "nu + (momentum*v"),
        ("look_ahead", "theta - momentum*v", "theta + momentum*v", "theta + momentum*v in place"),
    ],
)
def test_one_changed_character_is_told_in_every_kind_of_state(
    name: str, right: str, wrong: str, cause: str, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    _, text = template("python", name)
    assert right in text
    command = built("python", text.replace(right, wrong))
    assert entry(["check", "--process", command, "--as", name, *ONE]) == 1
    assert cause in capsys.readouterr().out


@pytest.mark.parametrize("name", CONVENTIONS)
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_convention_has_a_template(language: str, name: str) -> None:
    _, text = template(language, name)
    assert "@@" not in text


def test_selftest_finds_a_harness_that_loses_digits(capsys: pytest.CaptureFixture[str]) -> None:
    _, text = template("python", "torch")
    lossy = text.replace('return struct.pack(">d", x).hex()',
                         'return struct.pack(">d", float(f"{x:.3f}")).hex()')  # fmt: skip
    assert lossy != text
    assert entry(["harness", "selftest", built("python", lossy)]) == 1
    assert "WRONG float64: every number comes back as it was sent" in capsys.readouterr().out


def test_selftest_finds_a_harness_that_ends_where_its_library_refuses(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _, text = template("python", "torch")
    strict = text.replace(
        "    grad = -grad", "    if lr < 0: raise ValueError('a rate of -1')\n    grad = -grad"
    )
    assert strict != text
    assert entry(["harness", "selftest", built("python", strict)]) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if line.startswith("WRONG")] == [
        f"WRONG {dtype}: what it refuses it answers, and goes on:"
        " ended with exit code 1 at 'step': ValueError: a rate of -1"
        for dtype in ("float64", "float32")
    ]


def test_selftest_takes_a_command_of_several_words(capsys: pytest.CaptureFixture[str]) -> None:
    Path("my step.py").write_text(template("python", "keras")[1], encoding="utf-8")
    assert entry(["harness", "selftest", sys.executable, "my step.py"]) == 0
    assert "WRONG" not in capsys.readouterr().out


FORGETFUL = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2] / "examples")!r})
from speak import serve

class Run:
    def __init__(self, parameters, hyper, dtype):
        self.rows, self.hyper = parameters, hyper

    def step(self, gradients):
        lr = self.hyper["lr"]
        self.rows = [[x - lr * d for x, d in zip(*both)] for both in zip(self.rows, gradients)]

    def set(self, hyper):
        self.hyper = hyper

    def restart(self):
        pass

    def parameters(self):
        return self.rows

serve(Run, dtypes=["float64"], hyper=["lr"], settable=["lr"], offers=["restart"])
"""


def test_selftest_finds_a_restart_that_keeps_what_was_set(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path("program.py").write_text(FORGETFUL, encoding="utf-8")
    assert entry(["harness", "selftest", f"{sys.executable} program.py"]) == 1
    told = capsys.readouterr().out.splitlines()
    assert [line for line in told if line.startswith("WRONG")] == [
        "WRONG float64: a restart goes back to the settings of the start:"
        " the step after it is another than the first"
    ]


@pytest.mark.parametrize(
    "arguments", [["harness", "cobol"], ["harness", "c", "--as", "banana"], ["harness", "selftest"]]
)
def test_bad_input_is_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert entry(arguments) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_an_existing_file_is_left_alone(tmp_path: Path) -> None:
    there = tmp_path / "there" / "harness.py"
    there.parent.mkdir()
    there.write_text("mine", encoding="utf-8")
    assert entry(["harness", "python", "--into", str(there.parent)]) == 2
    assert there.read_text(encoding="utf-8") == "mine"
