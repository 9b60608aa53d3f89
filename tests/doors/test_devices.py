"""Pipes, terminals, folders and devices in the place of a file: one line, and no waiting."""

import os

import pytest

from momentum.doors.command_line import entry

SUBJECT = """
def step(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - v, v
"""
CHECK = ["check", "subject.py:step", "--as", "scaled", "--effort", "quick", "--dtype", "float32",
         "--only", "agrees_with_oracle"]  # fmt: skip
CONVERT = ["convert", "--from", "torch", "--to", "keras", "lr=0.1"]
READ = {
    "explain": ["explain"],
    "expected": [*CHECK, "--expected"],
    "schedule": [*CONVERT, "--schedule"],
    "answers": ["vectors", "verify"],
    "matrix": ["matrix", "--only", "sklearn", "--jsonl"],
    "script": ["watch"],
}
WRITTEN = {
    "jsonl": [*CHECK, "--jsonl"],
    "html": [*CHECK, "--html"],
    "schedule": [*CONVERT, "--write"],
    "vectors": ["vectors", "write"],
    "harness": ["harness", "c", "--into"],
}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    (tmp_path / "subject.py").write_text(SUBJECT)
    (tmp_path / "folder.py").mkdir()
    os.mkfifo(tmp_path / "pipe")
    os.mkfifo(tmp_path / "pipe.py")
    monkeypatch.chdir(tmp_path)


def refused(arguments, capsys):
    assert entry(arguments) == 2
    said = capsys.readouterr().err
    assert said.startswith("momentum: error: ")
    assert said.count("\n") == 1
    return said


@pytest.mark.parametrize("place", ["pipe", "folder.py", "/dev/full", "/dev/zero"])
@pytest.mark.parametrize("name", READ)
def test_what_is_no_file_is_not_read(name, place, capsys):
    refused([*READ[name], place], capsys)


@pytest.mark.parametrize("name", WRITTEN)
def test_a_pipe_that_nobody_reads_is_not_written(name, capsys):
    refused([*WRITTEN[name], "pipe"], capsys)


@pytest.mark.parametrize("place", ["pipe.py", "folder.py"])
def test_a_target_and_a_convention_are_files(place, capsys):
    assert "there is no file" in refused(["check", f"{place}:step"], capsys)
    for command in ([*CHECK, "--as"], ["identify", "subject.py:step", "--as"], ["watch", "--as"]):
        words = [*command, f"{place}:rule", *["subject.py"] * (command[0] == "watch")]
        assert "it is no file" in refused(words, capsys)


def test_a_convention_whose_file_does_not_end_is_refused(tmp_path, capsys):
    (tmp_path / "endless.py").write_text("while True:\n    pass\n")
    said = refused([*CHECK, "--as", "endless.py:rule", "--time-limit", "1"], capsys)
    assert "its file was not done after 1 s" in said


def test_a_convention_whose_file_ends_the_process_is_refused(tmp_path, capsys):
    (tmp_path / "leaves.py").write_text("import os\nos._exit(0)\n")
    said = refused([*CHECK, "--as", "leaves.py:rule"], capsys)
    assert "its file ended the process with exit code 0" in said
