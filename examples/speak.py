"""A program behind the process protocol, version 2, in Python 3.6 or newer without any package.

    from speak import serve

    class Run:
        def __init__(self, parameters, hyper, dtype): ...   # flat lists of floats; hyper["lr"]
        def step(self, gradients): ...                      # a list or None for each parameter
        def parameters(self): return [[...], ...]
        def set(self, hyper): ...                           # where rates may change

    serve(Run, dtypes=["float32"], hyper=["lr", "momentum"], settable=["lr"])

A Run that wants shapes takes `shapes` as a fourth argument; one that takes groups, `groups` as a
fifth, and is then given a list of hyper, one a group; `options` is a sixth. It raises Refused for
what it does not support. What `point`, `save`, `load`, `place` and `restart` do, docs/protocol.md
tells.
"""

import inspect
import json
import sys


class Refused(Exception):
    """What is asked is not supported: a reason, and no failure."""


def numbers(texts):
    """Numbers as the protocol writes them."""
    return list(map(float.fromhex, texts))


def hypers(said, facts):
    """Hyper-parameters of one group, or of all where there are several."""
    rows = [
        {n: x if isinstance(x, bool) else float.fromhex(x) for n, x in row.items()} for row in said
    ]
    return rows if facts.get("groups") else rows[0]


def rows(values):
    """Values as they are sent."""
    return [[float.hex(float(x)) for x in row] for row in values]


def begun(begin, facts, asked):
    """A run."""
    parameters = [numbers(p["values"]) for p in asked["parameters"]]
    shapes = [tuple(p["shape"]) for p in asked["parameters"]]
    given = [parameters, hypers(asked["hyper"], facts), asked["dtype"], shapes]
    given += [asked.get("groups"), asked.get("options", {})]
    wanted = begin.__init__ if inspect.isclass(begin) else begin
    count = len([n for n in inspect.signature(wanted).parameters if n != "self"])
    return begin(*given[:count])


def state(run):
    """All parameters, and the point of the next gradient where a run has one."""
    said = {"parameters": rows(run.parameters())}
    if hasattr(run, "point"):
        said["point"] = rows(run.point())
    return said


def stepped(run, step, facts):
    """One step."""
    if step.get("hyper"):
        run.set(hypers(step["hyper"], facts))
    if step.get("gradients") is not None:
        run.step([None if g is None else numbers(g) for g in step["gradients"]])
    return state(run)


def serve(begin, **facts):
    """Answer every line of standard input with one of standard output, until it ends."""
    run, out = None, sys.stdout
    sys.stdout = sys.stderr  # what a library prints is no answer
    for line in sys.stdin:
        asked = json.loads(line)
        verb, answer = asked["do"], {}
        try:
            if verb == "facts":
                answer = dict(facts, protocol=2)
            elif verb == "start":
                run = begun(begin, facts, asked)
                answer = state(run)
            elif verb == "steps":
                answer = {"results": [stepped(run, step, facts) for step in asked["steps"]]}
            elif verb == "save":
                answer = {"state": run.save()}
            else:
                if verb == "load":
                    run.load(asked["state"])
                elif verb == "place":
                    run.place([numbers(row) for row in asked["parameters"]])
                elif verb == "restart":
                    run.restart()
                answer = state(run)
        except Refused as error:
            answer = {"skipped": str(error)}
        except Exception as error:
            answer = {"error": "{}: {}".format(type(error).__name__, error)}
        answer["seq"] = asked["seq"]
        out.write(json.dumps(answer) + "\n")
        out.flush()
