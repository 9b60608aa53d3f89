"""Nothing that a person wrote is lost, whatever becomes of a run or of the disk."""

import os
import subprocess
import sys

import pytest

from momentum.doors.command_line import entry
from momentum.report import jsonl

SUBJECT = """
def step(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - v, v
"""
ARGUMENTS = ["subject.py:step", "--as", "scaled", "--effort", "quick", "--only", "trajectory",
             "--dtype", "float32"]  # fmt: skip


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    (tmp_path / "subject.py").write_text(SUBJECT)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments, **more):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.run(
        [sys.executable, "-m", "momentum", *arguments],
        capture_output=True, text=True, env=environment, check=False, **more,
    )  # fmt: skip


def shell(line):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.run(
        ["bash", "-c", line.format(f"{sys.executable} -m momentum")],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("target", ["no_such_module_at_all:SGD", "subject.py:none"])
def test_check_keeps_an_earlier_report_where_the_target_cannot_be_loaded(here, target):
    (here / "r.jsonl").write_text("earlier")
    assert entry(["check", target, "--as", "scaled", "--jsonl", "r.jsonl"]) == 2
    assert (here / "r.jsonl").read_text() == "earlier"


@pytest.mark.parametrize(
    "paths",
    [
        ["--jsonl", "x", "--html", "x"],
        ["--jsonl", "x", "--html", "./x"],
        ["--jsonl", "link", "--html", "x"],
        ["--html", "e.toml", "--expected", "e.toml"],
    ],
)
def test_check_refuses_to_write_two_things_into_one_file(here, capsys, paths):
    (here / "e.toml").write_text("")
    (here / "link").symlink_to(here / "x")
    assert entry(["check", *ARGUMENTS, *paths]) == 2
    assert "are one file" in capsys.readouterr().err
    assert not (here / "x").exists()


@pytest.mark.parametrize("option", ["--jsonl", "--html"])
def test_check_says_in_one_line_that_a_disk_is_full(option):
    done = run("check", *ARGUMENTS, option, "/dev/full")
    assert done.returncode == 2
    assert done.stderr == "momentum: error: cannot write /dev/full: No space left on device\n"
    assert done.stdout.startswith("PASSED")


def test_check_says_in_one_line_that_its_output_is_full():
    done = shell("{} check " + " ".join(ARGUMENTS) + " > /dev/full")
    assert done.returncode == 2
    assert done.stderr == "momentum: error: cannot print: No space left on device\n"


@pytest.mark.parametrize("line", ["{} explain r.jsonl", "{} check --list", "{} --version"])
def test_commands_say_in_one_line_that_their_output_is_full(line):
    entry(["check", *ARGUMENTS, "--jsonl", "r.jsonl"])
    done = shell(line + " > /dev/full")
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "No space left on device" in done.stderr


def test_check_with_closed_streams_ends_with_a_documented_code(here):
    line = "{} check " + " ".join(ARGUMENTS) + " --jsonl r.jsonl"
    for closed, code in ((">&-", 2), ("2>&-", 0), ("<&-", 0), (">&- 2>&- <&-", 2)):
        done = shell(f"{line} {closed}")
        assert done.returncode == code
        assert "Traceback" not in done.stderr
        assert jsonl.read(here / "r.jsonl").verdict() == "passed"


def test_check_keeps_its_exit_code_where_nobody_reads_on():
    assert (
        shell("{} check " + " ".join(ARGUMENTS) + " | true; exit ${{PIPESTATUS[0]}}").returncode
        == 0
    )


def test_check_in_a_folder_that_is_gone_says_so(here):
    gone = here / "gone"
    gone.mkdir()
    done = shell(f"cd {gone}; rmdir {gone}; {{}} check subject.py:step --as scaled --jsonl r.jsonl")
    assert done.returncode == 2
    assert done.stderr == "momentum: error: the working folder is gone\n"
