"""A folder with a subject and two reports of it, where every command is tried."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch  # noqa: F401 - what takes long is not to be laid on the first input
from fuzzing import CHECK, WHOLE, run

from momentum.languages import vectors

SUBJECT = """
def right(theta, v, grad, lr, momentum):
    v = momentum * v + lr * grad
    return theta - v, v

def wrong(theta, v, grad, lr, momentum):
    v = momentum * v + 1.25 * lr * grad
    return theta - v, v

number = 3
"""
# One after the other, so that no damage to it trains for ever.
TRAIN = """
import sys, torch
p = torch.nn.Parameter(torch.ones(3))
o = torch.optim.SGD([p], lr=0.1, momentum=0.9)
(p * p).sum().backward(); o.step()
(p * p).sum().backward(); o.step()
"""


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("fuzz")
    before = Path.cwd()
    os.chdir(folder)
    try:
        (folder / "some.py").write_text(SUBJECT)
        (folder / "train.py").write_text(TRAIN)
        assert run(*CHECK, "--jsonl", "right.jsonl")[0] == 0
        wrong = [w.replace(":right", ":wrong") for w in CHECK]
        assert run(*wrong, "--jsonl", "wrong.jsonl")[0] == 1
        answers(folder)
        WHOLE.update({p.name: p.read_bytes() for p in folder.iterdir() if p.is_file()})
        yield folder
    finally:
        os.chdir(before)


def answers(folder: Path) -> None:
    """What an implementation would answer to the vectors of one convention, had it no rounding."""
    vectors.write(folder / "vectors", ["scaled"])
    with (folder / "answers.jsonl").open("w") as out:
        for path in sorted((folder / "vectors" / "scaled").iterdir()):
            for case in json.loads(path.read_text())["cases"]:
                line = {"id": case["id"], "parameters": case["expected"]}
                out.write(json.dumps(line) + "\n")
