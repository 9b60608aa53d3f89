"""torch's SGD with momentum in plain Python, behind the process protocol, version 1.

momentum check "process:python examples/sgd_process.py" --as torch
"""

import ctypes
import json
import sys

FACTS = {
    "protocol": 1,
    "dtypes": ["float32", "float64"],
    "hyper": ["lr", "momentum", "dampening", "weight_decay", "nesterov", "maximize"],
    "settable": ["lr", "momentum", "dampening", "weight_decay"],
    "none_gradients": True,
    "offers": ["resume"],
}
# An operation on doubles that is then rounded to float32 is float32's own operation.
ROUND = {"float32": lambda x: ctypes.c_float(x).value, "float64": float}


def hypers(said):
    """Hyper-parameters as numbers."""
    return {name: x if isinstance(x, bool) else float.fromhex(x) for name, x in said.items()}


def moved(r, h, theta, grad, v):
    """One coordinate of a step: parameter and velocity."""
    d = -grad if h["maximize"] else grad
    if h["weight_decay"]:
        d = r(d + r(h["weight_decay"] * theta))
    if h["momentum"]:
        v = d if v is None else r(r(h["momentum"] * v) + r(r(1 - h["dampening"]) * d))
        d = r(d + r(h["momentum"] * v)) if h["nesterov"] else v
    return r(theta - r(h["lr"] * d)), v


run = {}
for line in sys.stdin:
    asked = json.loads(line)
    if asked["do"] == "start":
        theta = [[float.fromhex(x) for x in p["values"]] for p in asked["parameters"]]
        run = {"dtype": asked["dtype"], "h": hypers(asked["hyper"]), "theta": theta}
        run["v"] = [[None] * len(row) for row in theta]
    elif asked["do"] == "set":
        run["h"] = hypers(asked["hyper"])
    elif asked["do"] == "load":
        run = asked["state"]
    elif asked["do"] == "step":
        for x, v, row in zip(run["theta"], run["v"], asked["gradients"]):
            for i, g in enumerate(row or ()):
                x[i], v[i] = moved(ROUND[run["dtype"]], run["h"], x[i], float.fromhex(g), v[i])
    answers = {"facts": FACTS, "save": {"state": run}, "set": {}}
    state = {"parameters": [[x.hex() for x in row] for row in run.get("theta", ())]}
    print(json.dumps(answers.get(asked["do"], state)), flush=True)
