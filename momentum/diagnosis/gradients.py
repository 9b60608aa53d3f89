"""Gradients, or steps, that are not taken as they come: the first wrong step shows how.

A step is linear in its gradient, so the gradient that would have led where the subject went can be
told from it: x' = a + b g, and g_taken = (x'_seen - a) / b.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import numpy as np

from momentum.arithmetic import FORMATS
from momentum.conventions import Convention
from momentum.diagnosis.departure import Departure, taken_as
from momentum.diagnosis.hypothesis import Array, Hypothesis, Strand, Suspect, Telling
from momentum.subjects.drive import Observation
from momentum.subjects.protocol import Gradient

CHANGED = 2.0**-6
"""Part of a gradient by which another one is taken for changed, before it is replayed: a guess."""

SEEN = 2.0**-5
"""Part of a parameter by which it must move for its gradient to be told from it, in any format."""


def changed(
    convention: Convention, observation: Observation, step: int, scalars: Observation | None
) -> Iterator[Suspect[Hypothesis]]:
    """What the gradients of the first wrong step (from 1) and those taken there suggest.

    scalars: a step of parameters of one element, with gradients of every magnitude.
    """
    own = Hypothesis.of(convention)
    pairs = _pairs(own, observation, step)
    below = list(_below([] if scalars is None else _pairs(own, scalars, 1)))
    for name, words, telling, slack in (*_cut(own, observation, step, pairs), *below, *WHOLE):
        yield Departure(name, "", words, taken_as(telling, slack)).suspected(own)


def scaled(
    convention: Convention, observation: Observation, step: int
) -> Iterator[Suspect[Hypothesis]]:
    """The gradients multiplied by one number, as those of the first wrong step suggest."""
    own = Hypothesis.of(convention)
    with np.errstate(all="ignore"):
        shares = np.concatenate([x / g for g, x in _pairs(own, observation, step)] or [np.ones(1)])
    share = float(np.median(shares[np.isfinite(shares)])) if np.isfinite(shares).any() else 1.0
    if share and abs(share - 1) > 2.0**-20:
        factor = short(share, 2.0**-18 * abs(share))
        words = f"gradients are multiplied by {factor!r}"
        telling = fed(lambda g: [factor * x for x in g])
        yield Departure("gradient_scaled", "", words, taken_as(telling, 2)).suspected(own)


def _pairs(own: Hypothesis, observation: Observation, step: int) -> "Pairs":
    """The gradients of a step, and those taken."""
    return [
        (np.ravel(g), x) for g, x in zip(observation.fed[step - 1], _taken(own, observation, step))
        if g is not None and g.size
    ]  # fmt: skip


def _taken(own: Hypothesis, observation: Observation, step: int) -> list[Array]:
    """The gradients that the subject took, by its own movement; nan where they cannot be told."""
    fed = observation.fed[step - 1]

    def led(factor: float) -> list[Array]:
        other = tuple(None if g is None else factor * g for g in fed)
        rows = (*observation.fed[: step - 1], other)
        cut = Observation(observation.problem.cut(step), rows, observation.iterates[:step])
        return own.replayed(cut)[-1]

    found = []
    with np.errstate(all="ignore"):
        for g, a, b, got in zip(fed, led(0.0), led(1.0), observation.iterates[step - 1]):
            slope = np.ravel((b - a) / g) if g is not None else np.full(a.size, np.nan)
            seen = np.abs(np.ravel(b - a)) > SEEN * np.abs(np.ravel(a))
            found.append(np.where(seen, np.ravel(got - a) / slope, np.nan))
    return found


Told = tuple[str, str, Telling, int]
Pairs = Sequence[tuple[Array, Array]]


def _cut(own: Hypothesis, observation: Observation, step: int, pairs: Pairs) -> Iterator[Told]:
    """Cut, or shortened, to a limit."""
    limits: list[float] = []
    with np.errstate(all="ignore"):
        whole = float(np.sqrt(sum(np.sum(g * g) for g, _ in pairs)))
        moves = _steps(observation, own)[step - 1]
        moves = [m for m, g in zip(moves, observation.fed[step - 1]) if g is not None and g.size]
        for (g, x), move in zip(pairs, moves):
            share = np.abs(x / g)
            less = share < 1 - CHANGED
            if less.any():
                part, size = float(np.median(share[less])), float(np.linalg.norm(g))
                limits += [float(np.median(np.abs(x[less]))), part * size, part * whole]
                limits.append(part * float(np.linalg.norm(move)))
    for limit in dict.fromkeys(short(x, x * 2.0**-9) for x in limits if np.isfinite(x) and x > 0):
        shown = f"{limit:g}"
        yield ("clip_value", f"gradients are clipped to {shown}",
               fed(partial(_clipped, limit)), 1)  # fmt: skip
        yield ("clip_norm", f"each parameter's gradient is shortened to norm {shown}",
               _shortened(limit, _own), 4)  # fmt: skip
        yield ("clip_global_norm", f"all gradients are shortened to a norm of {shown} together",
               _shortened(limit, _all), 4)  # fmt: skip
        yield ("clip_update", f"each parameter's step is shortened to norm {shown}",
               _shortened(limit, _own, own), 4)  # fmt: skip


def _below(pairs: Pairs) -> Iterator[Told]:
    """Of no effect below a limit, which lies between those that had none and those that had."""
    seen = [(abs(float(g[0])), float(x[0] / g[0])) for g, x in pairs if g[0] and np.isfinite(x[0])]
    gone = [size for size, share in seen if abs(share) < CHANGED]
    kept = [size for size, share in seen if abs(share - 1) < CHANGED]
    if not gone or not kept or max(gone) >= min(kept):
        return
    limit = rounded_between(max(gone), min(kept))
    words = f"below about {limit:g}"
    yield ("elements_below", f"elements of a gradient {words} count as 0",
           fed(lambda g: [np.where(abs(x) < limit, 0 * x, x) for x in g]), 1)  # fmt: skip
    for left_out in (True, False):
        what = "are left out" if left_out else "count as 0"
        yield (f"tensors_below_{left_out}", f"gradients all of whose elements are {words} {what}",
               _faint(limit, left_out), 1)  # fmt: skip


def rounded_between(low: float, high: float) -> float:
    """The number with the fewest digits above `low` and not above `high`; a power of ten if any."""
    ten = 10.0 ** np.ceil(np.log10(low)) if low > 0 else high
    if low < ten <= high:
        return float(ten)
    middle = (low + high) / 2
    return short(middle, (high - low) / 2)


def short(number: float, doubt: float) -> float:
    """The number with the fewest decimal digits that is within the doubt."""
    for digits in range(1, 17):
        rounded = float(f"{number:.{digits}g}")
        if abs(rounded - number) <= doubt:
            return rounded
    return number


def _clipped(limit: float, grads: list[Array]) -> list[Array]:
    return [np.clip(x, -limit, limit) for x in grads]


def fed(change: Callable[[list[Array]], list[Array]]) -> Telling:
    """Other gradients, from those of all steps that have one."""

    def telling(observation: Observation, strand: Strand) -> Iterable[Strand]:
        present = [g for g in strand.grads if g is not None]
        new = iter(change(present) if present else [])
        yield strand._replace(grads=tuple(None if g is None else next(new) for g in strand.grads))

    return telling


Share = Callable[[Observation, Strand, int], list[Gradient]]
"""Whose norm counts at a step."""


def _own(observation: Observation, strand: Strand, t: int) -> list[Gradient]:
    return [observation.fed[t][strand.parameter]]


def _all(observation: Observation, strand: Strand, t: int) -> list[Gradient]:
    return list(observation.fed[t])


def _shortened(limit: float, share: Share, steps_of: Hypothesis | None = None) -> Telling:
    """The gradient, or where a rule is given its step, scaled down to a norm."""

    def telling(observation: Observation, strand: Strand) -> Iterable[Strand]:
        grads, hypers = [], []
        moves = _steps(observation, steps_of) if steps_of else None
        for t, g in enumerate(strand.grads):
            measured = [moves[t][strand.parameter]] if moves else share(observation, strand, t)
            with np.errstate(all="ignore"):
                norm = np.sqrt(sum(float(np.sum(np.square(x))) for x in measured if x is not None))
                factor = min(1.0, limit / norm) if norm else 1.0
                h = strand.hypers[t]
                grads.append(g if g is None or moves else g * factor)
            hypers.append(h._replace(lr=h.lr * factor) if moves else h)
        yield strand._replace(grads=tuple(grads), hypers=tuple(hypers))

    return telling


def _steps(observation: Observation, hypothesis: Hypothesis) -> list[list[Array]]:
    """What the rule would take off the subject's own iterates, by step and parameter."""
    problem, rule = observation.problem, hypothesis.convention
    rows: list[list[Array]] = []
    here, states = list(problem.start), [rule.initial] * len(problem.start)
    for t, row in enumerate(observation.fed):
        moves = []
        for i, g in enumerate(row):
            new = here[i]
            if g is not None:
                h = problem.hypers[t][problem.groups[i]]
                new, states[i] = rule.step(here[i], g, states[i], h)
            moves.append(here[i] - new)
        rows.append(moves)
        here = list(observation.iterates[t])
    return rows


def _tensors(change: Callable[[Array], Array | None]) -> Telling:
    """Other gradients, from the whole tensors that they are part of; None leaves one out."""

    def telling(observation: Observation, strand: Strand) -> Iterable[Strand]:
        grads: list[Array | None] = []
        for row, g in zip(observation.fed, strand.grads):
            whole = row[strand.parameter]
            with np.errstate(all="ignore"):
                new = None if g is None or whole is None else change(whole)
            grads.append(None if new is None else np.ravel(new)[strand.elements])
        yield strand._replace(grads=tuple(grads))

    return telling


def _faint(limit: float, left_out: bool) -> Telling:
    def change(g: Array) -> Array | None:
        faint = not g.size or float(np.max(np.abs(g))) < limit
        return g if not faint else None if left_out else 0 * g

    return _tensors(change)


def _over_norm(g: Array) -> Array:
    norm = float(np.sqrt(np.sum(g * g)))
    return g / norm if norm else g


def _rows_centred(g: Array) -> Array:
    return g - g.mean(tuple(range(1, g.ndim)), keepdims=True) if g.ndim > 1 else g


def _rounded(dtype: str) -> Telling:
    return _tensors(lambda g: FORMATS[dtype].round(g))


def _by_memory(observation: Observation, strand: Strand) -> Iterable[Strand]:
    """The elements as they lie in memory, in the layout of the run's tensors."""
    layout = str(dict(observation.problem.options).get("layout"))
    if layout == "transposed":
        return _tensors(lambda g: np.ravel(g.T))(observation, strand)
    if layout.startswith("channels_last"):
        return _tensors(lambda g: np.ravel(np.moveaxis(g, 1, -1) if g.ndim > 3 else g))(
            observation, strand
        )
    return [strand]


WHOLE: tuple[Told, ...] = (
    ("gradient_by_memory", "gradients are read in the order of their memory", _by_memory, 1),
    ("gradient_sign", "only the signs of the gradients count", _tensors(np.sign), 1),
    ("gradient_normalised", "each parameter's gradient is divided by its norm",
     _tensors(_over_norm), 4),
    ("gradient_centred", "the mean of a gradient is taken off it",
     _tensors(lambda g: g - np.mean(g)), 4),
    ("gradient_rows_centred", "the mean over all axes but the first is taken off gradients of"
     " two or more axes",
     _tensors(_rows_centred), 4),
    ("gradient_over_size", "each gradient is divided by its number of elements",
     _tensors(lambda g: g / g.size if g.size else g), 2),
    ("gradient_finite", "gradients that are not finite count as 0, or as the largest number",
     _tensors(lambda g: np.nan_to_num(g, posinf=np.inf, neginf=-np.inf)), 1),
    *((f"gradient_in_{name}", f"gradients are rounded to {name}", _rounded(name), 1)
      for name in ("float16", "bfloat16")),
)  # fmt: skip
"""Changes without a number in them."""
