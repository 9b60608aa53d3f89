"""One implementation against every convention: the same, the same at a constant rate, or how far.

Problems are short and dyadic with dyadic hyper-parameters, so that the exact trajectory of nearly
every convention has a float32 for each number and nothing rounds: the same means equal.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from momentum.arithmetic import exact, exact_array, nearest_array
from momentum.conventions import CONVENTIONS, Convention, Hyper
from momentum.subjects.drive import Observation, begin, steps
from momentum.subjects.judge import judge
from momentum.subjects.problems import Problem
from momentum.subjects.protocol import Array, Facts, Gradient, Subject

Kind = Literal["same", "constant", "partly", "different"]

DTYPE = "float32"
"""Where it is claimed; else what is."""

VALUES: dict[str, Any] = {
    "lr": 1 / 2,
    "momentum": 1 / 2,
    "dampening": 1 / 4,
    "nu": 1 / 2,
    "nesterov": True,
}
RATES = (1 / 2, 1 / 2, 1 / 4, 1 / 4, 1, 1)


@dataclass(frozen=True)
class Cell:
    """What became of one comparison.

    same: every probe agrees. constant: all agree but those whose rate changes. partly: the plain
    rule agrees, with the rate changing too, but an option differs. difference: the first one, in
    words. apart: largest distance of the first probe that differs, in units of how far the
    convention moves.
    """

    kind: Kind
    difference: str = ""
    apart: float = 0.0


@dataclass(frozen=True)
class _Probe:
    """One run. option: what is on beyond lr and momentum. changing: the rate changes."""

    option: str
    changing: bool
    observation: Observation
    points: tuple[Array, ...]


def compare(subject: Subject, also: Sequence[Convention] = ()) -> dict[str, Cell]:
    """The subject against every convention, and against others, by its name."""
    probes = [_run(subject, option, problem) for option, problem in _problems(subject.facts)]
    every = {c.name: c for c in (*CONVENTIONS.values(), *also)}
    return {name: _cell(subject, c, probes) for name, c in every.items()}


def _problems(facts: Facts) -> Iterator[tuple[str, Problem]]:
    """Plain first, then each option that the subject has; at a constant rate, then changing."""
    fixed = {n: x for n, x in facts.fixed.items() if n in Hyper._fields}
    base = {n: VALUES[n] for n in ("lr", "momentum") if n in facts.hyper or n == "lr"} | fixed
    dtype = DTYPE if DTYPE in facts.dtypes else facts.dtypes[0]
    options = [n for n in ("nesterov", "dampening", "nu") if n in facts.hyper and n not in fixed]
    for option in ("", *options):
        h = Hyper(**(base | ({option: VALUES[option]} if option else {})))
        for rates in [(h.lr,) * len(RATES)] + ([RATES] if "lr" in facts.settable else []):
            rows = tuple((h._replace(lr=lr),) for lr in rates)
            yield option, Problem(dtype, ((8,),), rows, (0,), "dyadic", seed=20)


def _run(subject: Subject, option: str, problem: Problem) -> _Probe | str:
    """The probe, or the subject's words where it refuses."""
    points: list[Array] = []
    changing = len(set(problem.hypers)) > 1

    def gradients(t: int, here: Sequence[Array]) -> Sequence[Gradient]:
        points.append(run.point()[0] if "point" in subject.facts.offers else here[0])
        return problem.gradients(t, here)

    try:
        run = begin(subject, problem)
        gone = list(steps(run, problem.hypers, gradients, problem.start, problem=problem))
    except ValueError as error:
        return f"{option}: {' '.join(str(error).split())}"
    fed, iterates = zip(*gone)
    observation = Observation(problem, fed, iterates)
    return _Probe(option, changing, observation, tuple(points))


def _cell(subject: Subject, convention: Convention, probes: Sequence[_Probe | str]) -> Cell:
    found: list[tuple[_Probe, str, float]] = []
    for probe in probes:
        if isinstance(probe, str):
            continue
        if probe.option and probe.option not in convention.takes:
            continue  # the subject can do more than this convention says
        try:
            convention.validate(probe.observation.problem.hypers[0][0])
        except ValueError as error:
            return Cell("different", f"always: {error}", float("inf"))
        words, apart = _difference(subject, convention, probe)
        if words:
            found.append((probe, words, apart))
    if not found:
        return Cell("same")
    plain = [probe.changing for probe, _, _ in found if not probe.option]
    kind: Kind = "different" if not all(plain) else "constant" if plain else "partly"
    return Cell(kind, found[0][1], found[0][2])


def _difference(subject: Subject, convention: Convention, probe: _Probe) -> tuple[str, float]:
    """The first step at which they part, in words, and the largest distance; empty for none."""
    observation, problem = probe.observation, probe.observation.problem
    theta: Any = exact_array(problem.start[0])
    state = convention.initial
    first, moved, far, parted = "", 0.0, 0.0, False
    own = problem.start[0]
    for t, (h, *_) in enumerate(problem.hypers):
        lifted, point, got = h.lifted(exact), probe.points[t], observation.iterates[t][0]
        wanted = nearest_array(np.asarray(convention.gradient_point(theta, state, lifted)))
        if not np.array_equal(wanted, point):
            ahead = not np.array_equal(point, own)
            parted = parted or ahead or not np.array_equal(wanted, nearest_array(theta))
        theta, state = convention.step(theta, exact_array(observation.fed[t][0]), state, lifted)
        truth, own = nearest_array(theta), got
        for what, seen, right in (("gradient taken at", point, wanted), ("x =", got, truth)):
            if not np.array_equal(seen, right):
                first = first or _words(problem, t, probe, what, seen, right)
                far = max(far, float(np.max(np.abs(seen - right))))
        moved = max(moved, float(np.max(np.abs(truth - problem.start[0]))))
    rounded = not parted and all(m.ratio <= 1 for m in judge(subject, observation, convention))
    return ("", 0.0) if not first or rounded else (first, far / moved)  # a division may round


def _words(problem: Problem, t: int, probe: _Probe, what: str, got: Array, wanted: Array) -> str:
    k = int(np.argmax(np.abs(got - wanted)))
    h = problem.hypers[t][0]
    flags = [f"{n} {VALUES[n]:g}" if n != "nesterov" else n for n in [probe.option] if n]
    lr = f"lr {h.lr:g}" + (f", after {problem.hypers[0][0].lr:g}" if h.lr != VALUES["lr"] else "")
    return f"step {t + 1}: {what} {got[k]:.9g}, not {wanted[k]:.9g} ({', '.join([*flags, lr])})"
