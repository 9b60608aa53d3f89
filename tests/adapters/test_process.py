"""Programs as subjects: the protocol, the examples, and programs that break it."""

import shlex
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from momentum.adapters import load
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.subjects.protocol import SubjectError

EXAMPLES = Path(__file__).parents[2] / "examples"
PYTHON = f"process:{shlex.quote(sys.executable)}"
FACTS = '{"protocol": 1, "dtypes": ["float64"], "hyper": ["lr"], "settable": ["lr"]}'
STARTED = '{"parameters": [["0x1p+0"]]}'

# Answers the first requests with the lines given, then does what it is told.
ANSWERING = """
import sys, time
*lines, last = sys.argv[1:]
for line in lines:
    sys.stdin.readline()
    print(line, flush=True)
sys.stdin.readline()
exec(last)
"""


def program(*lines, then=""):
    words = [sys.executable, "-c", ANSWERING, *lines, then]
    return "process:" + shlex.join(words)


def started(*lines, then="", patience="20.0"):
    subject = load(program(FACTS, *lines, then=then), {"timeout": patience})
    return subject.start([np.ones(1)], [Hyper(0.5)], "float64")


def example(name, *runner):
    path = EXAMPLES / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    if shutil.which(runner[0]) is None:
        pytest.skip(f"{runner[0]} is not installed")
    return load("process:" + shlex.join([*runner, str(path)]))


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_python_example_is_torchs(worst_ratio, dtype):
    assert worst_ratio(example("sgd_process.py", sys.executable), "torch", dtype) <= 1


def test_python_example_is_not_optaxs(worst_ratio):
    assert worst_ratio(example("sgd_process.py", sys.executable), "optax", "float32") > 1e3


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_javascript_example_has_the_rate_inside(worst_ratio, dtype):
    assert worst_ratio(example("sgd.js", "node"), "scaled", dtype) <= 1


def test_javascript_example_reads_and_writes_every_number():
    run = example("sgd.js", "node").start([np.ones(5)], [Hyper(0.0)], "float64")
    odd = np.array([5e-324, -1.7976931348623157e308, 2.2250738585072014e-308, -0.0, 0.1])
    other = example("sgd.js", "node").start([odd], [Hyper(0.0)], "float64")
    assert other.parameters()[0].tobytes() == odd.tobytes()
    run.step([np.array([np.inf, -np.inf, np.nan, 1.0, 0.0])])
    assert np.isnan(run.parameters()[0]).tolist() == [True, True, True, False, False]


def test_run_goes_on(goes_on):
    assert goes_on(example("sgd_process.py", sys.executable), "resume", "float64")


def nesterov_for_good(tmp_path, fixed):
    """The example, always in Nesterov's form; `fixed` is what its facts say of that."""
    text = (EXAMPLES / "sgd_process.py").read_text()
    assert all(x in text for x in ('"nesterov", ', 'h["nesterov"]'))
    text = text.replace('"nesterov", ', "").replace('h["nesterov"]', "True")
    file = tmp_path / "always.py"
    file.write_text(text.replace('"protocol": 1,', f'"protocol": 1, {fixed}'))
    return "process:" + shlex.join([sys.executable, str(file)])


@pytest.mark.parametrize(
    ("fixed", "settings"),
    [("", {"nesterov": "True"}), ('"fixed": {"nesterov": True},', {})],
)
def test_what_a_program_has_for_good_is_said_by_facts_or_caller(
    tmp_path, worst_ratio, fixed, settings
):
    subject = load(nesterov_for_good(tmp_path, fixed), settings)
    assert subject.facts.fixed == {"nesterov": True}
    assert subject.facts.domain.never("dampening") is not None
    assert worst_ratio(subject, "torch", "float64") <= 1
    assert worst_ratio(subject, "zero_started", "float64") > 1e3


def test_facts_and_caller_must_not_contradict_each_other(tmp_path):
    target = nesterov_for_good(tmp_path, '"fixed": {"nesterov": True},')
    with pytest.raises(UsageError, match="has nesterov fixed to True, not to False"):
        load(target, {"nesterov": "False"})


def test_programs_serve_run_after_run():
    subject = example("sgd_process.py", sys.executable)
    first = subject.start([np.zeros(1)], [Hyper(0.5, 0.5)], "float64")
    second = subject.start([np.zeros(1)], [Hyper(0.5, 0.5)], "float64")
    assert first.program is not second.program
    for _ in range(2):
        first.step([np.ones(1)])
    assert [float(r.parameters()[0][0]) for r in (first, second)] == [-1.25, 0.0]
    pid = first.program.process.pid
    del first
    third = subject.start([np.zeros(1)], [Hyper(0.5, 0.5)], "float64")
    assert third.program.process.pid == pid
    third.step([np.ones(1)])
    assert float(third.parameters()[0][0]) == -0.5


def test_facts_are_what_the_program_says():
    facts = example("sgd_process.py", sys.executable).facts
    assert facts.dtypes == ("float32", "float64")
    assert facts.none_gradients
    assert facts.offers == {"resume"}
    assert "dampening" in facts.settable


@pytest.mark.parametrize(
    ("target", "said"),
    [
        ("process:no-such-program-here", "cannot start 'no-such-program-here'"),
        ("process:", "cannot start ''"),
        (program(then="print('hello', flush=True)"), "wanted one JSON object a line"),
        (program(then="print('[1]', flush=True)"), "wanted one JSON object a line"),
        (program(then="sys.exit(3)"), "ended with exit code 3 at 'facts'"),
        (program(then="1 / 0"), "ZeroDivisionError: division by zero"),
        (program('{"protocol": 3}'), "speaks protocol 3, wanted 2 or 1"),
        (program('{"protocol": 1, "dtypes": ["half"], "hyper": []}'), "dtypes are"),
        (program('{"protocol": 1}'), "dtypes"),
        (program('{"error": "not today"}'), "not today"),
    ],
)
def test_program_without_facts_is_refused(target, said):
    with pytest.raises(UsageError, match=r"^process:|^cannot") as caught:
        load(target)
    assert said in str(caught.value)


def test_program_that_hangs_is_ended():
    with pytest.raises(UsageError, match=r"no answer to 'facts' within 0.3 s"):
        load(program(then="time.sleep(60)"), {"timeout": "0.3"})
    run = started(STARTED, then="time.sleep(60)", patience="0.3")
    with pytest.raises(SubjectError, match=r"no answer to 'step' within 0.3 s"):
        run.step([np.ones(1)])
    assert not run.program.alive


@pytest.mark.parametrize(
    ("then", "said"),
    [
        ("sys.exit(0)", "ended with exit code 0 at 'step'"),
        ("print('garbage', flush=True)", "wanted one JSON object"),
        ("print('{}', flush=True)", "answered 'step' without 1 parameters"),
        ("""print('{"parameters": []}', flush=True)""", "without 1 parameters"),
        ("""print('{"parameters": [["0x1p0", "0x1p0"]]}', flush=True)""", "wrong parameters"),
        ("""print('{"parameters": [["half"]]}', flush=True)""", "'half' is no number"),
        ("""print('{"parameters": [[null]]}', flush=True)""", "got `null`"),
        ("""print('{"error": "out of luck"}', flush=True)""", "out of luck"),
    ],
)
def test_program_that_breaks_the_protocol_is_told_why(then, said):
    run = started(STARTED, then=then)
    with pytest.raises(SubjectError, match=said):
        run.step([np.ones(1)])


def test_a_start_that_loses_parameters_is_told_as_that():
    with pytest.raises(SubjectError, match="answered 'start' without 1 parameters"):
        started('{"parameters": []}')


def test_error_at_the_start_is_a_refusal():
    with pytest.raises(ValueError, match="no such rate"):
        started('{"error": "no such rate"}')


def test_unknown_setting_is_refused():
    with pytest.raises(UsageError, match="takes no 'fused'"):
        load(program(FACTS), {"fused": "True"})
