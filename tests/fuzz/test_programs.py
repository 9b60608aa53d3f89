"""Answers and scripts of other programs under damage: one line of refusal, or a result."""

import json
import shlex
import sys
from pathlib import Path
from typing import Any

from fuzzing import CHECK, WHOLE, damaged, holds, inputs, laid, mutated
from hypothesis import given
from hypothesis import strategies as st

FACTS = [
    {"protocol": 1, "dtypes": ["float32", "float64"], "hyper": ["lr", "momentum"],
     "fixed": {"dampening": "0x0p0"}, "settable": ["lr"], "none_gradients": True, "largest": 64,
     "offers": ["resume"]},
    {"seq": 0, "protocol": 2, "dtypes": ["float64"], "hyper": ["lr", "momentum"], "groups": True,
     "offers": ["point"], "options": ["dtypes"]},
]  # fmt: skip
STATE = {"parameters": [["0x1.8p-3"] * 3]}
ANSWERS = [STATE, {"seq": 1, **STATE}, {"seq": 2, "results": [STATE, {**STATE, "point": None}]},
           {"skipped": "no"}, {"seq": 1, "error": "no"}, {"state": [1]}]  # fmt: skip

PROGRAM = """
import json, sys
damage = json.load(open("damage.json"))
x = []; v = []; h = {}; number = 0
read = float.fromhex

def step(gradients):
    for i, g in enumerate(gradients):
        if g is not None:
            v[i] = [h["momentum"] * a + h["lr"] * read(b) for a, b in zip(v[i], g)]
            x[i] = [a - b for a, b in zip(x[i], v[i])]

def state():
    return {"parameters": [[n.hex() for n in p] for p in x]}

for line in sys.stdin:
    q = json.loads(line)
    two = damage["protocol"] == 2
    if q["do"] == "facts":
        a = {"protocol": damage["protocol"], "dtypes": ["float64"], "hyper": ["lr", "momentum"]}
    elif q["do"] == "start":
        x = [[read(n) for n in p["values"]] for p in q["parameters"]]
        v = [[0.0] * len(p) for p in x]
        h = {n: read(t) for n, t in (q["hyper"][0] if two else q["hyper"]).items()}
        a = state()
    elif q["do"] == "steps":
        a = {"results": []}
        for one in q["steps"]:
            for row in one.get("hyper") or ():
                h |= {n: read(t) for n, t in row.items()}
            if one.get("gradients") is not None:
                step(one["gradients"])
                a["results"].append(state())
    else:
        h |= {n: read(t) for n, t in q.get("hyper", {}).items()}
        step(q.get("gradients", ()))
        a = state()
    number += 1
    a |= {"seq": q["seq"]} if "seq" in q else {}
    print(damage["line"] if number == damage["at"] else json.dumps(a), flush=True)
"""


def damage_to(draw: Any, value: Any) -> str:
    """JSON with one place changed, or of broken bytes."""
    if draw(st.booleans()):
        return json.dumps(mutated(draw, value))
    return damaged(draw, json.dumps(value).encode()).decode("utf-8", "replace")


@given(st.data())
@inputs(0.05)
def test_damaged_facts_are_refused_in_one_line(here: Path, data: st.DataObject) -> None:
    draw: Any = data.draw
    laid(here)
    facts = data.draw(st.sampled_from(FACTS))
    lines = [damage_to(draw, facts), *[json.dumps(STATE)] * data.draw(st.integers(0, 3))]
    (here / "said").write_text("\n".join(lines) + "\n", "utf-8", "replace")
    for command in (["harness", "selftest"], [*CHECK[:1], *CHECK[2:], "--process"]):
        holds(*command, "cat said")


@given(st.data())
@inputs(0.03)
def test_damaged_answers_are_results(here: Path, data: st.DataObject) -> None:
    draw: Any = data.draw
    laid(here)
    damage = {
        "protocol": data.draw(st.integers(1, 2)),
        "at": data.draw(st.integers(1, 20)),
        "line": damage_to(draw, data.draw(st.sampled_from(ANSWERS))),
    }
    (here / "damage.json").write_text(json.dumps(damage))
    (here / "program.py").write_text(PROGRAM)
    command = f"{shlex.quote(sys.executable)} -S -E program.py"
    if data.draw(st.booleans()):
        assert holds("harness", "selftest", command) in (0, 1, 2)
    else:
        options = ["--as", "scaled", "--effort", "quick", "--only", "agrees_with_oracle"]
        assert holds("check", "--process", command, *options) in (0, 1, 2)


@given(st.data())
@inputs(0.05)
def test_damaged_answers_to_vectors_are_judged_or_refused(here: Path, data: st.DataObject) -> None:
    draw: Any = data.draw
    lines = WHOLE["answers.jsonl"].decode().splitlines()
    i = data.draw(st.integers(0, len(lines) - 1))
    lines[i] = damage_to(draw, json.loads(lines[i]))
    (here / "said").write_text("\n".join(lines) + "\n", "utf-8", "replace")
    assert holds("vectors", "verify", "said") in (0, 1, 2)


@given(st.data())
@inputs(0.05)
def test_damaged_scripts_end_the_watch_and_not_the_command(here: Path, data: st.DataObject) -> None:
    draw: Any = data.draw
    laid(here)
    (here / "train.py").write_bytes(damaged(draw, WHOLE["train.py"]))
    holds("watch", "--jsonl", "watched.jsonl", "train.py")
