"""The command line: exit codes, one clear line for bad input, and reports that survive."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from momentum.doors.command_line import entry

SUBJECTS = """
import os, time
import numpy as np

def right(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - v, v

def wrong(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - 1.0009765625 * v, v

def slow(theta, v, grad, lr, momentum):
    time.sleep(0.005)
    return right(theta, v, grad, lr, momentum)

def exits(theta, v, grad, lr, momentum):
    os._exit(3)

def prints(theta, v, grad, lr, momentum):
    print("garbage")
    os.write(1, b"garbage")
    return right(theta, v, grad, lr, momentum)

class Nothing: ...
number = 3
"""
BROKEN = "import no_such_module_anywhere"


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    (tmp_path / "subjects.py").write_text(SUBJECTS)
    (tmp_path / "broken.py").write_text(BROKEN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def check(*arguments, only=("agrees_with_oracle",)):
    names = [word for name in only for word in ("--only", name)]
    return entry(["check", *arguments, "--as", "scaled", "--effort", "quick", *names])


def program(*arguments, **more):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    return subprocess.Popen(
        [sys.executable, "-m", "momentum", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment, **more,
    )  # fmt: skip


def test_check_of_a_right_optimizer_exits_0(capsys):
    assert check("subjects.py:right") == 0
    out, err = capsys.readouterr()
    lines = out.splitlines()
    assert lines[0] == "PASSED: subjects.py:right follows convention scaled"
    assert lines[1] == "3 passed, 0 failed, 0 errored, 0 skipped"
    assert len(lines) < 18  # with the power in each dtype
    assert err == ""
    assert "\x1b" not in out


def test_check_of_a_wrong_optimizer_exits_1_and_names_what_is_wrong(capsys):
    assert check("subjects.py:wrong") == 1
    out = capsys.readouterr().out
    assert out.startswith("FAILED: subjects.py:wrong breaks 1 of 1 checks of convention scaled,")
    assert re.search(r"agrees_with_oracle +float\d+ .*step 1, parameter 0 of shape .* bounds", out)
    assert "step 1, parameter 0 of shape" in out


def test_check_shows_every_check_where_asked(capsys):
    assert check("subjects.py:wrong", "-v") == 1
    out = capsys.readouterr().out
    assert re.search(r"float32 +error \S+ is \S+ times its bound \S+", out)
    assert "CHECKS: the worst error as a fraction of its derived bound" in out


HOSTILE = "\ud800 \x1b[2J\x9b [red]x[/red] \u202e"


@pytest.mark.parametrize("encoding", ["utf-8", "ascii", "latin-1"])
def test_check_escapes_what_a_subject_says_in_every_report(here, encoding):
    (here / "hostile_é.py").write_text(
        f"def step(theta, v, grad, lr, momentum):\n    raise ValueError({HOSTILE!a})\n",
        encoding="utf-8",
    )
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join(p for p in sys.path if p),
        "PYTHONIOENCODING": encoding,
    }
    done = subprocess.run(
        [sys.executable, "-m", "momentum", "check", "hostile_é.py:step", "--as", "scaled",
         "--effort", "quick", "--only", "trajectory", "--jsonl", "r.jsonl", "--html", "r.html"],
        capture_output=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr == b""
    for text in (
        done.stdout.decode(encoding), (here / "r.jsonl").read_text(), (here / "r.html").read_text()
    ):  # fmt: skip
        assert "[red]x[/red]" in text
        assert r"\x9b" in text
        assert text.replace("\n", "").isprintable()
    told = subprocess.run(
        [sys.executable, "-m", "momentum", "explain", "r.jsonl"],
        capture_output=True, env=environment, check=True,
    )  # fmt: skip
    assert told.stdout.decode(encoding).replace("\n", "").isprintable()


def test_check_prints_a_command_that_replays_the_failure(capsys):
    check("subjects.py:wrong", "--dtype", "float32")
    command = next(
        line for line in capsys.readouterr().out.splitlines() if line.startswith("momentum check")
    )
    done = subprocess.run(
        ["bash", "-c", f"{sys.executable} -m {command}"], capture_output=True, text=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )  # fmt: skip
    assert done.returncode == 1
    assert "STEP BY STEP" in done.stdout
    assert "1 failed" in done.stdout


def test_check_of_a_subject_that_exits_exits_1(capsys):
    assert check("subjects.py:exits") == 1
    assert "ended the process with exit code 3" in capsys.readouterr().out


def test_check_keeps_a_subjects_output_out_of_the_report(capfd):
    assert check("subjects.py:prints") == 0
    assert "garbage" not in "".join(capfd.readouterr())


def test_check_in_which_nothing_runs_exits_3(capsys):
    assert check("subjects.py:right", only=("groups_follow_their_own",)) == 3
    assert capsys.readouterr().out.startswith("NOTHING RAN")


REFUSED = {
    "no target": [],
    "unknown module": ["no_such_module_anywhere:SGD"],
    "unknown name": ["subjects:SGD"],
    "unknown file": ["nowhere.py:SGD"],
    "not a path": ["SGD"],
    "a module that cannot be imported": ["broken.py:SGD"],
    "a class": ["subjects.py:Nothing"],
    "a number": ["subjects.py:number"],
    "an unknown convention": ["subjects.py:right", "--as", "no_such"],
    "an unknown decay": ["subjects.py:right", "--as", "scaled:sideways"],
    "an unknown check": ["subjects.py:right", "--only", "no_such"],
    "a check in an unknown dtype": ["subjects.py:right", "--only", "agrees_with_oracle[float8]"],
    "an unknown dtype": ["subjects.py:right", "--dtype", "float8"],
    "a setting without a value": ["subjects.py:right", "--set", "lr"],
    "a setting that is no literal": ["subjects.py:right", "--set", "lr=0.1.2"],
    "a setting that it does not take": ["subjects.py:right", "--set", "colour=1"],
    "an unknown effort": ["subjects.py:right", "--effort", "heroic"],
    "a seed that is no number": ["subjects.py:right", "--seed", "x"],
    "a time that is no number": ["subjects.py:right", "--time-limit", "nan"],
    "time without end": ["subjects.py:right", "--time-limit", "inf"],
    "no time": ["subjects.py:right", "--time-limit", "0"],
    "an unknown option": ["subjects.py:right", "--fast"],
    "a second target": ["subjects.py:right", "subjects.py:wrong"],
    "target and process": ["subjects.py:right", "--process", "cat"],
    "expectations that are not there": ["subjects.py:right", "--expected", "none.toml"],
    "an update of nothing": ["subjects.py:right", "--update-expected"],
    "a report into nowhere": ["subjects.py:right", "--jsonl", "none/report.jsonl"],
    "a page into nowhere": ["subjects.py:right", "--html", "none/report.html"],
    "a page of no name": ["subjects.py:right", "--html", "a\0b"],
    "a page of half a character": ["subjects.py:right", "--html", "\ud800"],
    "a page over a folder": ["subjects.py:right", "--html", "."],
    "a replay of no problem": ["subjects.py:right", "--only", "agrees_with_oracle",
                               "--replay", "{}"],
    "a replay of no JSON": ["subjects.py:right", "--only", "agrees_with_oracle", "--replay", "x"],
}  # fmt: skip


@pytest.mark.parametrize("arguments", REFUSED.values(), ids=REFUSED)
def test_check_refuses_bad_input_in_one_line(capfd, arguments):
    assert entry(["check", *arguments]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("momentum: error: ")
    assert err.count("\n") == 1


@pytest.mark.parametrize("only", [[], ["--only", "trajectory", "--only", "schedules"]])
def test_check_replays_one_check_only(capfd, only):
    assert entry(["check", "subjects.py:right", "--as", "scaled", *only, "--replay",
                  '{"dtype":"float32","shapes":[[]],"hypers":[[1,[["0x1p-3","0x0p+0","0x0p+0","0x0p+0",false,false,"0x1p+0"]]]],"groups":[0],"kind":"normal",'
                  '"seed":1,"missing":[],"options":[]}']) == 2  # fmt: skip
    assert "exactly one --only" in capfd.readouterr().err


@pytest.mark.parametrize("arguments", [["no_such_command"], ["--no-such-option"]])
def test_entry_refuses_what_is_no_command(capfd, arguments):
    assert entry(arguments) == 2
    assert capfd.readouterr().err.count("\n") == 1


def test_entry_without_a_command_helps_and_is_not_green(capfd):
    assert entry([]) == 2
    assert "Commands:" in capfd.readouterr().err


def test_entry_says_its_version(capfd):
    from momentum import __version__

    assert entry(["--version"]) == 0
    assert capfd.readouterr().out == f"momentum {__version__}\n"


def test_help_of_check_shows_examples_and_exit_codes(capfd):
    assert entry(["check", "--help"]) == 0
    out = capfd.readouterr().out
    assert "Examples:" in out
    assert "Exit codes:" in out


def test_check_lists_the_checks(capfd):
    assert entry(["check", "--list", "--only", "trajectory"]) == 0
    assert "agrees_with_oracle (must, every dtype)" in capfd.readouterr().out


def test_help_loads_neither_numpy_nor_hypothesis():
    code = (
        "import sys; from momentum.doors.command_line import entry; entry(['check', '--help']);"
        "print([m for m in ('numpy', 'hypothesis', 'rich', 'torch') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(p for p in sys.path if p)},
    )  # fmt: skip
    assert done.stdout.splitlines()[-1] == "[]"


def test_check_leaves_nothing_behind_but_what_it_was_told_to(here):
    assert check("subjects.py:wrong", "--jsonl", "report.jsonl", "--html", "report.html") == 1
    found = {p.name for p in here.iterdir()} - {"__pycache__"}
    assert found == {"subjects.py", "broken.py", "report.jsonl", "report.html"}


def test_check_writes_the_same_report_for_the_same_seed(here):
    for name in ("one", "two"):
        check("subjects.py:wrong", "--jsonl", name, "--html", f"{name}.html")
    assert (here / "one").read_bytes() == (here / "two").read_bytes()
    assert (here / "one.html").read_bytes() == (here / "two.html").read_bytes()


def test_check_writes_its_report_to_stdout_and_the_table_beside(capsys):
    assert check("subjects.py:right", "--jsonl", "-") == 0
    out, err = capsys.readouterr()
    records = [json.loads(line) for line in out.splitlines()]
    assert [r["record"] for r in records] == ["header", "result", "result", "result", "footer"]
    assert err.startswith("PASSED")


def test_check_learns_what_is_expected_and_then_holds_to_it(here, capsys):
    expected = ("--expected", "expected.toml")
    assert check("subjects.py:wrong", *expected, "--update-expected") == 0
    text = (here / "expected.toml").read_text()
    assert text.count("[[expected]]") == 3
    assert "not yet explained: error" in text
    (here / "expected.toml").write_text(text.replace("not yet explained", "issue 7"))
    assert check("subjects.py:wrong", *expected) == 0
    assert "3 expected failures" in capsys.readouterr().out
    assert check("subjects.py:right", *expected) == 1
    assert "was expected to fail (issue 7" in capsys.readouterr().out
    assert check("subjects.py:wrong", "--dtype", "float32", *expected, "--update-expected") == 0
    assert (here / "expected.toml").read_text().count("issue 7") == 3
    assert check("subjects.py:right", *expected, "--update-expected") == 0
    assert "[[expected]]" not in (here / "expected.toml").read_text()


@pytest.mark.parametrize("signal_", [signal.SIGINT, signal.SIGTERM])
def test_check_keeps_what_was_done_when_it_is_interrupted(here, signal_):
    report = here / "report.jsonl"
    running = program("check", "subjects.py:slow", "--as", "scaled", "--jsonl", str(report))
    deadline = time.monotonic() + 60
    while not (report.exists() and report.read_text().count("\n") >= 2):
        assert time.monotonic() < deadline
        assert running.poll() is None
        time.sleep(0.005)
    running.send_signal(signal_)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 130
    assert out.startswith("UNFINISHED: subjects.py:slow: interrupted")
    assert "Traceback" not in err
    records = [json.loads(line) for line in report.read_text().splitlines()]
    assert records[-1]["verdict"] == "unfinished"
    assert sum(records[-1]["counts"].values()) == len(records) - 2 >= 1


def test_check_stops_quietly_when_nobody_reads_on():
    running = program("check", "subjects.py:right", "--as", "scaled", "--effort", "quick",
                      "--only", "agrees_with_oracle")  # fmt: skip
    running.stdout.close()
    assert "Traceback" not in running.stderr.read()
    running.wait(timeout=60)


def test_check_says_apart_what_torchs_base_class_earns(capsys):
    checks = ("agrees_with_oracle", "refuses_foreign_state", "momentum_may_pass_zero")
    only = [f"--only={name}" for name in checks]
    arguments = ["torch.optim:SGD", "--as", "torch", "--effort", "quick", "--dtype", "float32"]
    assert entry(["check", *arguments, *only]) == 0
    out = capsys.readouterr().out
    assert "torch.optim.Optimizer alone earns: refuses_foreign_state (-v tells why)" in out
    assert "  momentum_may_pass_zero (-v tells why)" in out
