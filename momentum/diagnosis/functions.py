"""Functions that an array may go through, and the numbers in them that a wrong step suggests."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np

from momentum.arithmetic import FORMATS, Format
from momentum.conventions import Convention
from momentum.diagnosis.arrays import DECAYED, GRADIENT, PLACES, Change, Here, Place
from momentum.diagnosis.hypothesis import Array, Hypothesis, Suspect
from momentum.diagnosis.short import rounded_between, short
from momentum.diagnosis.walked import CHANGED, Walked, blur, pairs
from momentum.subjects.drive import Observation

Pairs = Sequence[tuple[Array, Array, Here]]
Told = tuple[str, Change]
"""Words, with {plural} or {each} for the array, and what is made of it."""


def between(
    convention: Convention, observation: Observation, step: int, scalars: Observation | None
) -> Iterator[Suspect[Hypothesis]]:
    """What the first wrong step (from 1) suggests, in every place of the rule.

    scalars: a step of parameters of one element, with gradients of every magnitude.
    """
    rule = Hypothesis.of(convention).convention
    if not {"step", "v"} <= set(getattr(rule.initial, "_fields", ())):
        return
    format = FORMATS[observation.problem.dtype]
    for place in PLACES:
        seen = pairs(place, rule, observation, step)
        few = [] if scalars is None else pairs(place, rule, scalars, 1 + place.later)
        narrower = (f for f in FORMATS.values() if f.precision < format.precision)
        for text, change in (
            *_limits(seen, blur(format)),
            *(told for ratio in RATIOS for told in _shares(ratio, seen, blur(format))),
            *_faint(place, few),
            *WITHOUT_NUMBERS.items(),
            *_against(place),
            *(told for narrow in narrower for told in (_rounded(narrow), _cut_off(narrow))),
        ):
            words = text.format(plural=place.plural, each=place.each)
            yield Walked.suspected(convention, words, place, change)


def scaled(
    convention: Convention, observation: Observation, step: int
) -> Iterator[Suspect[Hypothesis]]:
    """The gradients multiplied by one number, as those of the first wrong step suggest."""
    rule = Hypothesis.of(convention).convention
    least = blur(FORMATS[observation.problem.dtype])
    for text, change in _shares(NUMBER, pairs(GRADIENT, rule, observation, step), least):
        words = text.format(plural=GRADIENT.plural)
        yield Walked.suspected(convention, words, GRADIENT, change)


def _limits(seen: Pairs, least: float) -> Iterator[Told]:
    """Cut to a limit, which is more than what rounding leaves of nothing."""
    with np.errstate(all="ignore"):
        less = [(np.abs(b) < (1 - least) * np.abs(a)) & (np.abs(b) > least * np.abs(a))
                for a, b, _ in seen]  # fmt: skip
        cut = [np.abs(b)[part] for part, (_, b, _) in zip(less, seen)]
        shares = [np.abs(b / h.x)[part] for part, (_, b, h) in zip(less, seen)]
    yield from map(_clipped, _numbers([float(np.median(x)) for x in cut if x.size]))
    yield from map(_within, _numbers([float(np.median(x)) for x in shares if x.size]))


def _clipped(limit: float) -> Told:
    words = f"{{plural}} are clipped to {limit:.12g}"
    return words, lambda a, here: np.clip(a, -limit, limit)


def _within(share: float) -> Told:
    words = f"each element of the {{plural}} is clipped to {share:.12g} of its parameter's"
    return words, lambda a, here: np.clip(a, -share * np.abs(here.x), share * np.abs(here.x))


Size = Callable[[Array, Here], float]
"""A number of a whole array."""


class Ratio(NamedTuple):
    """What an array may be multiplied by, times a number {c}; shortened: where that is below 1."""

    words: str
    shortened: str
    size: Size


def _factor(text: str, size: Size) -> Ratio:
    words = f"{{each}} is multiplied by {{c}} {text}"
    return Ratio(words, f"{words}, where that makes it less", size)


def _trusting(text: str, size: Size) -> Iterator[Ratio]:
    """The norm of the parameter over another one, to which little may be added."""
    for least in (0.0, 1e-8, 1e-6):
        below = f"({text}{f' + {least:g}' if least else ''})"
        below = text if not least and text in ("its norm", "|g|") else below
        yield _factor(
            f"|x| / {below}, norms of parameter and gradient", partial(_over, size, least)
        )


def _over(size: Size, least: float, a: Array, here: Here) -> np.float64:
    return here.norm(here.x) / np.float64(size(a, here) + least)


RATIOS = (
    Ratio("{each} is multiplied by {c} / its norm", "{each} is shortened to norm {c}",
          lambda a, here: 1 / here.norm(a)),
    Ratio("all {plural} are multiplied by {c} / their norm together",
          "all {plural} are shortened to a norm of {c} together",
          lambda a, here: 1 / here.norm(np.array([here.norm(x) for x in here.every]))),
    Ratio("{each} is multiplied by {c} / its root mean square",
          "{each} is shortened to a root mean square of {c}",
          lambda a, here: np.sqrt(a.size) / here.norm(a)),
    _factor("/ its largest element", lambda a, here: 1 / np.max(np.abs(a), initial=0.0)),
    *_trusting("its norm", lambda a, here: here.norm(a)),
    *_trusting("lr times its norm", lambda a, here: here.h.lr * here.norm(a)),
    *_trusting("lr |g|", lambda a, here: here.h.lr * here.norm(here.g)),
    *_trusting("|g|", lambda a, here: here.norm(here.g)),
    *_trusting("|g| + weight_decay |x|", lambda a, here: (
        here.norm(here.g) + here.h.weight_decay * here.norm(here.x) if here.norm(here.g) else 0.0)),
    *_trusting("|g| + weight_decay |x|", lambda a, here: (
        here.norm(here.g) + here.h.weight_decay * here.norm(here.x))),
    _factor("|x|, the norm of the parameter", lambda a, here: here.norm(here.x)),
    _factor("/ |x|, the norm of the parameter", lambda a, here: 1 / here.norm(here.x)),
    _factor("/ its number of elements", lambda a, here: 1 / np.float64(a.size)),
    _factor("/ the root of its number of elements", lambda a, here: 1 / np.sqrt(a.size)),
)  # fmt: skip
NUMBER = Ratio("{plural} are multiplied by {c}", "", lambda a, here: 1.0)


def _shares(ratio: Ratio, seen: Pairs, least: float) -> Iterator[Told]:
    """Multiplied by it, or by that where it is less than 1; less than least is nothing."""
    found: list[float] = []
    with np.errstate(all="ignore"):
        for a, b, here in seen:
            share, of = np.ravel(b / a)[a.ravel() != 0], ratio.size(a, here)
            share = share[np.isfinite(share)]
            middle = float(np.median(share)) if share.size else 0.0
            if abs(middle) > least and np.isfinite(of) and of and abs(middle - 1) > 2.0**-20:
                found.append(middle / of)
    for factor in _numbers(found):
        for capped, text in enumerate((ratio.words, ratio.shortened)):
            if text:
                words = text.replace("{c}", f"{factor:.12g}")
                yield words, partial(_times, ratio.size, factor, bool(capped))


def _times(size: Size, factor: float, capped: bool, a: Array, here: Here) -> Array:
    share = factor * size(a, here)
    if np.isinf(share) or not share or (capped and share >= 1):
        return a
    return np.asarray(share * a)


def _numbers(found: Sequence[float]) -> Iterator[float]:
    """Numbers of few digits near to the ones found."""
    near = [short(x, abs(x) * doubt) for x in found if np.isfinite(x) and x
            for doubt in (2.0**-9, 2.0**-19)]  # fmt: skip
    yield from dict.fromkeys(near)


def _faint(place: Place, seen: Pairs) -> Iterator[Told]:
    """Of no effect below a limit, which lies between those that had none and those that had."""
    known = [(abs(a.item()), abs(b.item() / a.item())) for a, b, _ in seen if a.item()]
    gone = [size for size, share in known if share < CHANGED]
    kept = [size for size, share in known if abs(share - 1) < CHANGED]
    if not gone or not kept or max(gone) >= min(kept):
        return
    limit = rounded_between(max(gone), min(kept))
    words = f"below about {limit:g}"
    yield (f"elements of {'a gradient' if place is GRADIENT else place.plural} {words} count as 0",
           lambda a, here: np.where(abs(a) < limit, 0 * a, a))  # fmt: skip
    for out in (True, False) if place is GRADIENT else (False,):
        what = "are left out" if out else "count as 0"
        yield (f"{{plural}} all of whose elements are {words} {what}",
               partial(_without_faint, limit, out))  # fmt: skip


def _without_faint(limit: float, out: bool, a: Array, here: Here) -> Array | None:
    if np.max(np.abs(a), initial=0.0) >= limit:
        return a
    return None if out else 0 * a


def _without_subnormal(a: Array, here: Here) -> Array:
    """Of all that is small these alone are tried: they may be flushed, or lost in a square."""
    return a if np.any(np.abs(a) >= FORMATS[here.dtype].smallest_normal) else 0 * a


def _rounded(format: Format) -> Told:
    return f"{{plural}} are rounded to {format.name}", lambda a, here: format.round(a)


def _cut_off(format: Format) -> Told:
    """Towards zero: the nearest number, or the next one below it where that is too large."""

    def cut(a: Array, here: Here) -> Array:
        near = format.round(a)
        part, exponent = np.frexp(np.abs(near))
        unit = np.ldexp(1.0, exponent - format.precision - (part == 0.5))
        unit = np.maximum(unit, format.smallest_subnormal)
        return np.where(np.abs(near) > np.abs(a), near - np.sign(near) * unit, near)

    return f"{{plural}} are cut off to {format.name}", cut


def _rows_over_norms(a: Array, here: Here) -> Array:
    if a.ndim < 2:
        return a
    norms = np.sqrt(np.sum(np.square(a), tuple(range(1, a.ndim)), keepdims=True))
    return a / np.where(norms == 0, 1.0, norms)


def _against(place: Place) -> Iterator[Told]:
    """Not of the gradients themselves: these go nowhere but their own way."""
    for decayed in (False, True):
        direction = "gradient and decay" if decayed else "gradient"
        if place is not (DECAYED if decayed else GRADIENT):
            words = f"elements of {{plural}} that go against their {direction} count as 0"
            yield words, partial(_down_the_gradient, decayed, False)
            yield (f"{words}, and the others are scaled up",
                   partial(_down_the_gradient, decayed, True))  # fmt: skip


def _down_the_gradient(decayed: bool, scaled: bool, a: Array, here: Here) -> Array:
    """scaled: by the number of elements over one more than are left."""
    left = np.sign(a) * np.sign(here.decayed if decayed else here.signed) > 0
    share = left.size / (np.sum(left) + 1) if scaled else 1.0
    return np.where(left, share * a, 0.0)


def _in_levels(a: Array, here: Here) -> Array:
    unit = np.max(np.abs(a), initial=0.0) / 127
    return np.round(a / unit) * unit if unit else a


def _by_memory(a: Array, here: Here) -> Array:
    """The elements as they lie in memory, in the layout of the run's tensors."""
    if here.layout == "transposed":
        return a.T.reshape(a.shape)
    if here.layout.startswith("channels_last") and a.ndim > 3:
        return np.moveaxis(a, 1, -1).reshape(a.shape)
    return a


WITHOUT_NUMBERS: Mapping[str, Change] = {
    "{plural} count as 0": lambda a, here: 0 * a,
    "{plural} all of whose elements are subnormal numbers count as 0": _without_subnormal,
    "{plural} are read in the order of their memory": _by_memory,
    "only the signs of the {plural} count": lambda a, here: np.sign(a),
    "{plural} lose their sign": lambda a, here: np.abs(a),
    "the mean of {each} is taken off it": lambda a, here: a - np.mean(a) if a.size else a,
    "the mean over all axes but the first is taken off {plural} of two or more axes":
        lambda a, here: a - a.mean(tuple(range(1, a.ndim)), keepdims=True) if a.ndim > 1 else a,
    "the rows of {plural} of two or more axes are divided by their norms": _rows_over_norms,
    "{plural} that are not finite count as 0, or as the largest number":
        lambda a, here: np.nan_to_num(a, posinf=np.inf, neginf=-np.inf),
    "negative elements of {plural} count as 0": lambda a, here: np.maximum(a, 0.0),
    "{plural} of two or more axes are read transposed":
        lambda a, here: a.T.reshape(a.shape) if a.ndim > 1 else a,
    "square matrices among the {plural} are transposed":
        lambda a, here: a.T if a.ndim == 2 and len(set(a.shape)) == 1 else a,
    "{each} is rounded to 127ths of its largest element": _in_levels,
    "{plural} are read in reverse": lambda a, here: a.ravel()[::-1].reshape(a.shape),
}  # fmt: skip
