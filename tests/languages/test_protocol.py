"""Protocol 2: what is negotiated, both sides against the schema, and each way to break it."""

import json
import re
import selectors
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest

from momentum.adapters import load
from momentum.checks import CHECKS
from momentum.conventions import Hyper, get
from momentum.doors.command_line import entry
from momentum.errors import UsageError
from momentum.languages import protocol
from momentum.languages.last_words import quoted
from momentum.languages.numbers import number
from momentum.languages.program import Program
from momentum.subjects.drive import observe
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import SubjectError

ROOT = Path(__file__).parents[2]
SPEAK = ROOT / "examples" / "speak.py"

RUN = """
import sys
sys.path.insert(0, {folder!r})
from speak import Refused, serve

class Run:
    def __init__(self, parameters, hyper, dtype, shapes, groups):
        self.x, self.h, self.groups = parameters, hyper, groups or [0] * len(parameters)
        self.v = [[0.0] * len(p) for p in parameters]

    def step(self, gradients):
        for i, g in enumerate(gradients):
            h = self.h[self.groups[i]] if isinstance(self.h, list) else self.h
            if h["momentum"] > 0.95:
                raise Refused("no momentum above 0.95")
            for k, d in enumerate(g or ()):
                self.v[i][k] = h["momentum"] * self.v[i][k] + h["lr"] * d
                self.x[i][k] -= self.v[i][k]

    def set(self, hyper):
        self.h = hyper

    def parameters(self):
        return self.x

    def save(self):
        return [self.x, self.v]

    def load(self, saved):
        self.x, self.v = saved

    def place(self, values):
        self.x = values

serve({run}, dtypes=["float64"], hyper=["lr", "momentum"], settable=["lr", "momentum"],
      none_gradients=True, offers=["resume", "place"{offers}], groups={groups})
"""
AHEAD = """
class Ahead(Run):
    def point(self):
        return [[x - self.h["momentum"] * v for x, v in zip(*row)] for row in zip(self.x, self.v)]

"""


def written(folder: Path, point: bool = False) -> str:
    """The command of a program: the rate inside, groups or Nesterov's own point."""
    text = RUN.format(
        folder=str(SPEAK.parent),
        run="Ahead" if point else "Run",
        offers=', "point"' if point else "",
        groups=not point,
    )
    path = folder / "program.py"
    path.write_text(text.replace("\nserve(", f"{AHEAD}\nserve(") if point else text)
    return shlex.join([sys.executable, str(path)])


Lines = list[tuple[bytes, bytes]]


@pytest.fixture
def spoken(monkeypatch: pytest.MonkeyPatch) -> Lines:
    """All pairs of lines that are exchanged."""
    found: Lines = []
    exchange = Program._exchange

    def heard(self: Program, what: str, lines: Sequence[bytes]) -> list[bytes]:
        got = exchange(self, what, lines)
        found.extend(zip(lines, got))
        return got

    monkeypatch.setattr(Program, "_exchange", heard)
    return found


def test_schema_is_the_one_in_the_documentation() -> None:
    kept = json.loads((ROOT / "docs" / "protocol.schema.json").read_text())
    assert kept == json.loads(json.dumps(protocol.schema()))


def test_the_conversation_of_the_page_keeps_to_the_schema() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text()
    lines = page.split("## A conversation\n\n```\n")[1].split("\n```")[0].replace("\n   ", "")
    said = [(line[0], json.loads(line[2:])) for line in lines.split("\n")]
    assert [kind for kind, _ in said] == [">", "<"] * 3
    jsonschema.validate(said[1][1], {**protocol.schema(), "anyOf": [{"$ref": "#/$defs/Hello"}]})
    for _, message in said:
        jsonschema.validate(message, protocol.schema())
    results = said[-1][1]["results"]
    # v = 1, x = 1 - 1/2; then v = 1/2, x = 1/2 - 1/4 * 1/2
    assert [row["parameters"][0][0] for row in results] == [1 - 1 / 2, 1 / 2 - 1 / 4 * 1 / 2]


def test_both_sides_keep_to_the_schema_and_the_oracle(tmp_path: Path, spoken: Lines) -> None:
    subject = load(f"process:{written(tmp_path)}")
    rows = tuple((Hyper(0.1 / t, 0.9), Hyper(0.2, 0.5)) for t in (1, 1, 2, 3))
    problem = Problem("float64", ((3,), (2, 2)), rows, (0, 1), missing=frozenset({(1, 0)}))
    assert all(m.ratio <= 1 for m in judge(subject, observe(subject, problem), get("scaled")))
    run = subject.start(problem.start, rows[0], "float64", (0, 1))
    run.load(run.save())
    run.place([np.ones(3), np.zeros((2, 2))])
    assert run.parameters()[0].tolist() == [1, 1, 1]
    schema = protocol.schema()
    for asked, answered in spoken:
        said = json.loads(answered)
        kind = "Hello" if b'"facts"' in asked else "Answer"
        for name, message in (("Request", json.loads(asked)), (kind, said)):
            jsonschema.validate(message, {**schema, "anyOf": [{"$ref": f"#/$defs/{name}"}]})
        assert said["seq"] == json.loads(asked)["seq"]
    assert {json.loads(asked)["do"] for asked, _ in spoken} == {
        "facts", "start", "steps", "save", "load", "place",
    }  # fmt: skip


def test_a_long_run_is_one_round_trip(tmp_path: Path, spoken: Lines) -> None:
    subject = load(f"process:{written(tmp_path)}")
    rows = tuple((Hyper(0.1 / t, 0.9),) for t in range(1, 301))
    observe(subject, Problem("float64", ((3,),), rows, (0,)))
    assert [json.loads(asked)["do"] for asked, _ in spoken] == ["facts", "start", "steps"]


def test_the_point_of_the_next_gradient_is_taken(tmp_path: Path) -> None:
    subject = load(f"process:{written(tmp_path, point=True)}")
    rows = ((Hyper(0.1, 0.9),),) * 6
    observation = observe(subject, Problem("float64", ((3,),), rows, (0,), "quadratic"))
    assert all(m.ratio <= 1 for m in judge(subject, observation, get("look_ahead")))


def test_what_is_skipped_is_a_refusal(tmp_path: Path) -> None:
    run = load(f"process:{written(tmp_path)}").start([np.ones(1)], [Hyper(0.1, 0.99)], "float64")
    with pytest.raises(ValueError, match=r"no momentum above 0\.95"):
        run.step([np.ones(1)])
    run.set(Hyper(0.1, 0.5))
    run.step([np.ones(1)])


def test_a_rate_that_is_held_in_float32_is_said_by_its_bits() -> None:
    facts = {**FACTS, "hyper": ["momentum"], "settable": [], "fixed": {"lr": "0x3dcccccd"}}
    assert load(program("", facts)).facts.fixed == {"lr": float(np.float32(0.1))}


def test_what_always_takes_nesterovs_form_is_held_to_a_convention_that_does() -> None:
    facts = load(
        program("", {**FACTS, "hyper": ["lr", "momentum"], "fixed": {"nesterov": True}})
    ).facts
    check = CHECKS["agrees_with_oracle"]
    assert check.why_not(facts, get("keras:nesterov")) is check.why_not(facts, get("keras")) is None
    assert check.why_not(facts, get("quasi_hyperbolic")) == (
        "convention quasi_hyperbolic has no nesterov, which is fixed to True"
    )


def test_identify_takes_a_program(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert entry(["identify", "--process", written(tmp_path)]) == 0
    assert ": scaled" in capsys.readouterr().out.split("\n")[0]


def test_a_target_or_a_program_and_not_both(capsys: pytest.CaptureFixture[str]) -> None:
    assert entry(["identify"]) == entry(["identify", "a:b", "--process", "c"]) == 2
    assert capsys.readouterr().err.count("or --process COMMAND") == 2


@pytest.mark.parametrize(
    ("said", "value"),
    [
        (0.25, 0.25), (1, 1.0), ("0.25", 0.25), ("-1e-3", -1e-3), ("0x1.8p-3", 0.1875),
        ("0x3e400000", 0.1875), ("0x3fc8000000000000", 0.1875), ("0x80000001", -(2.0**-149)),
        ("-0x0p+0", -0.0), ("inf", np.inf), ("-inf", -np.inf), ("0x7f800000", np.inf),
    ],
)  # fmt: skip
def test_numbers_are_read_in_each_spelling(said: object, value: float) -> None:
    assert np.float64(number(said)).tobytes() == np.float64(value).tobytes()


@pytest.mark.parametrize("said", [True, None, [], "half", "", "0x", "0x1.8q", 10**400])
def test_what_is_no_number_is_told(said: object) -> None:
    with pytest.raises(ValueError, match=r"is no number|beyond every float"):
        number(said)


FACTS = {"seq": 1, "protocol": 2, "dtypes": ["float64"], "hyper": ["lr"], "settable": ["lr"]}
ANSWERING = """
import os, sys, time
def said(*lines):
    for line in lines:
        sys.stdin.readline()
        print(line, flush=True)
def write(text):
    sys.stdout.write(text)
    sys.stdout.flush()
"""


def program(body: str, facts: dict[str, Any] | None = None) -> str:
    lines = f"said({json.dumps(FACTS if facts is None else facts)!r})\n"
    return "process:" + shlex.join([sys.executable, "-c", ANSWERING + lines + body])


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({**FACTS, "setable": ["lr"]}, "unknown 'setable'; did you mean 'settable'?"),
        ({**FACTS, "xyzzy": 1}, "unknown 'xyzzy': known are protocol, dtypes"),
        ({**FACTS, "hyper": ["momentun"]}, "did you mean 'momentum'?"),
        ({**FACTS, "protocol": 7}, "speaks protocol 7, wanted 2 or 1"),
        ({**FACTS, "seq": 9}, "wanted seq 1, got 9"),
        ({**FACTS, "dtypes": "float64"}, "its facts are wrong: Expected `array`"),
        ({**FACTS, "offers": ["pickle"]}, "offers are ['pickle'], wanted some of"),
        ({**FACTS, "protocol": 1, "groups": True}, "groups and options need protocol 2"),
    ],
)
def test_wrong_facts_are_told(facts: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError) as caught:
        load(program("", facts))
    assert said in str(caught.value)


STARTED = """said('{"seq": 2, "parameters": [["0x1p+0"]]}')\n"""
HALF = '{"seq": 3, "results": [{"param'
RIGHT = '{"seq": 3, "results": [{"parameters": [["0x1p-1"]]}]}'


@pytest.mark.parametrize(
    ("then", "said"),
    [
        (f"said('{RIGHT}\\nmore'); time.sleep(60)", "more than one line: then 'more'"),
        (f"said('debug\\n{RIGHT}'); time.sleep(60)", "with 'debug': wanted one JSON object"),
        (f"said({HALF!r}); time.sleep(60)", "wanted one JSON object a line"),
        (f"write({HALF!r}); time.sleep(60)", "with half a line, '{.* no end of it within"),
        (f"write({HALF!r})", "ended with exit code 0 at 'steps', after half a line"),
        ("time.sleep(60)", "gave no answer to 'steps' within 0.5 s"),
        ("while True: write('x' * 99999)", "with a line that has no end: 'xxx"),
        ("while True: write('x' * 70 + chr(10))", "'x+'… .70 bytes.: wanted|more than one line"),
        ("os.kill(os.getpid(), 11)", "was ended by SIGSEGV at 'steps'"),
        ("1 / 0", "exit code 1 at 'steps': ZeroDivisionError: division by zero$"),
        ("os.close(1); time.sleep(60)", "closed its output at 'steps'"),
        (f"said({RIGHT.replace('3', '4', 1)!r})", "wanted seq 3, got 4"),
        ("""said('{"seq": 3, "results": []}')""", "answered 'steps' without 1 results"),
        ("""said('{"seq": 3, "error": "out of luck"}')""", "^out of luck$"),
        ("""said('{"seq": 3, "parameter": [[1]]}')""", "unknown field `parameter`"),
        ("sys.stdout.buffer.write(b'\\xff\\n')", "'utf-8' codec can't decode"),
    ],
)  # fmt: skip
def test_each_way_to_break_the_protocol_is_named(then: str, said: str) -> None:
    first = "" if then.startswith("said") else "sys.stdin.readline()\n"
    run = load(program(STARTED + first + then)).start([np.ones(1)], [Hyper(0.5)], "float64")
    if "within" in said:  # of what answers, a busy machine may take long to start it
        run.program.patience = 0.5
    with pytest.raises(SubjectError) as caught:
        run.step([np.ones(1)])
    assert re.search(said, str(caught.value)), caught.value
    assert "\n" not in str(caught.value)
    assert not run.program.alive or "error" in then or "[]" in then


def test_a_line_that_comes_late_is_nobodys_answer() -> None:
    body = STARTED + "time.sleep(0.05); print('late', flush=True); time.sleep(60)"
    run = load(program(body)).start([np.ones(1)], [Hyper(0.5)], "float64")
    with selectors.DefaultSelector() as ready:
        ready.register(run.program.stdout, selectors.EVENT_READ)
        assert ready.select(20)
    with pytest.raises(SubjectError, match="wrote a line that nobody had asked for: 'late'"):
        run.step([np.ones(1)])


def test_what_a_program_has_started_ends_with_it(tmp_path: Path) -> None:
    mark = tmp_path / "pid"
    inner = f"import os, time; open({str(mark)!r}, 'w').write(str(os.getpid())); time.sleep(600)"
    body = f"import subprocess; subprocess.Popen([sys.executable, '-c', {inner!r}])\n"
    body += f"while not (os.path.exists({str(mark)!r}) and open({str(mark)!r}).read()): pass\n"
    run = load(program(STARTED + body + "time.sleep(60)"), {"timeout": "10"}).start(
        [np.ones(1)], [Hyper(0.5)], "float64"
    )
    while not (mark.exists() and mark.read_text()):
        pass
    run.program.end()
    status = Path(f"/proc/{mark.read_text()}/stat")

    def lives() -> bool:
        try:
            return status.read_text().split()[2] != "Z"
        except OSError:
            return False

    while lives():  # until the test's own limit: SIGKILL is on its way
        pass
    assert not lives()


@pytest.mark.parametrize(
    ("errors", "said"),
    [
        ("thread 'main' panicked at a.rs:5:9:\nno rate\nnote: run with `RUST_BACKTRACE=1`",
         "thread 'main' panicked at a.rs:5:9: no rate"),
        ("terminate called after throwing an instance of 'E'\n  what():  no rate\n",
         "terminate called after throwing an instance of 'E' what(): no rate"),
        ('Exception in thread "main" java.lang.RuntimeException: no rate\n\tat Harness.main(H:3)',
         'Exception in thread "main" java.lang.RuntimeException: no rate'),
        ("At line 3 of file a.f90\nFortran runtime error: End of file\n#0  0x7f",
         "Fortran runtime error: End of file"),
        ("Traceback (most recent call last):\n  File \"a.py\", line 1\nKeyError: 'lr'\n",
         "KeyError: 'lr'"),
        ("loading\ncannot open rates.txt\n", "cannot open rates.txt"),
        ("", ""),
    ],
)  # fmt: skip
def test_the_exception_is_quoted_and_not_the_last_line(errors: str, said: str) -> None:
    assert quoted(errors) == said


@pytest.mark.skipif(shutil.which("node") is None, reason="there is no node here")
def test_the_version_of_node_is_not_what_went_wrong() -> None:
    with pytest.raises(UsageError, match=r"at 'facts': TypeError: x is not a function$"):
        load("process:" + shlex.join(["node", "-e", "const x = 1; x();"]))
