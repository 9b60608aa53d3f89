"""Signals end a run in good order, and nothing that a subject started outlives it."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from momentum.doors.command_line import entry

PATIENCE = 60.0

SUBJECTS = """
import os, time
from pathlib import Path

def note():
    with open("pids", "a") as file:
        file.write(f"{os.getpid()}\\n")

def sleeps():
    while True:
        time.sleep(0.05)

def step(theta, v, grad, lr, momentum):
    if Path("report.jsonl").exists() and not Path("pids").exists():
        if os.fork() == 0:
            os.setsid()
            note()
            sleeps()
        note()
        sleeps()
    return right(theta, v, grad, lr, momentum)

def right(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - v, v
"""


def running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def until(holds) -> bool:
    began = time.monotonic()
    while not holds() and time.monotonic() - began < PATIENCE:
        time.sleep(0.05)
    return holds()


@pytest.fixture
def started(tmp_path):
    """A check that hangs in the control, with a child in a session of its own."""
    (tmp_path / "subjects.py").write_text(SUBJECTS)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    process = subprocess.Popen(
        [sys.executable, "-m", "momentum", "check", "subjects.py:step", "--as", "scaled",
         "--jsonl", "report.jsonl", "--time-limit", "500"],
        cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    pids = tmp_path / "pids"
    assert until(lambda: pids.exists() and len(pids.read_text().split()) == 2)
    yield process, [int(x) for x in pids.read_text().split()], tmp_path / "report.jsonl"
    process.kill()
    process.wait()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.parametrize("times", [1, 3])
def test_signal_ends_a_run_with_a_footer_and_nothing_left(started, number, times):
    process, pids, report = started
    for _ in range(times):
        process.send_signal(number)
    output, _ = process.communicate(timeout=PATIENCE)
    assert process.returncode == 130
    assert "Traceback" not in output
    last = json.loads(report.read_text().splitlines()[-1])
    assert (last["record"], last["unfinished"]) == ("footer", "interrupted")
    assert not [pid for pid in pids if running(pid)]


def test_kill_leaves_nothing_running_and_a_report_that_says_it_is_cut_off(started):
    process, pids, report = started
    process.kill()
    process.wait()
    assert until(lambda: not [pid for pid in pids if running(pid)])
    assert [json.loads(x)["record"] for x in report.read_text().splitlines()] == ["header"]


INTERRUPTED = """
from momentum.doors import command_line
from momentum.__main__ import main

def entry():
    try:
        exec("raise KeyboardInterrupt")  # as where a class of the standard library is being made
    except KeyboardInterrupt:
        print("told")
        return 130

command_line.entry = entry
main()
"""


def test_interrupt_ends_with_its_code_wherever_it_came(tmp_path):
    (tmp_path / "interrupted.py").write_text(INTERRUPTED)
    path = os.pathsep.join([str(tmp_path), *(p for p in sys.path if p)])
    done = subprocess.run(
        [sys.executable, "-m", "interrupted"], env=os.environ | {"PYTHONPATH": path},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "told\n", "")


def test_check_runs_in_a_thread_that_is_not_the_main_one(tmp_path, monkeypatch, capsys):
    (tmp_path / "subjects.py").write_text(SUBJECTS)
    monkeypatch.chdir(tmp_path)
    codes: list[int] = []
    arguments = ["check", "subjects.py:right", "--as", "scaled", "--only", "agrees_with_oracle"]
    thread = threading.Thread(target=lambda: codes.append(entry([*arguments, "--effort", "quick"])))
    thread.start()
    thread.join()
    assert codes == [0]


def test_check_refuses_an_empty_target(capsys):
    assert entry(["check", ""]) == 2
    assert capsys.readouterr().err.startswith("momentum: error: TARGET is empty")
