"""Where a conversion ends: who can take the training, and the velocity multiplied by hand."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from momentum.conventions import SPEAKERS, Hyper
from momentum.conversion.convert import Conversion, convert
from momentum.conversion.given import allowed
from momentum.conversion.proof import prove
from momentum.conversion.speakers import speaker

# Steps of a recipe up to which others than the target are tried: a guard, chosen freely.
_STEPS = 1000


class Rescaling(NamedTuple):
    """The numbers that each row has where it is alone, and what the velocity is multiplied by.

    rows: as the target takes them. factors: step, from 0, before which to multiply -> by what.
    inverse: by the old rate over the new one, and not by the new one over the old.
    """

    rows: tuple[Hyper, ...]
    factors: Mapping[int, Any]
    inverse: bool


def rescaling(c: Conversion) -> Rescaling | None:
    """The velocity multiplied where the learning rate changes, if that is proven to do."""
    rows = c.source_hypers
    changes = [t for t in range(1, len(rows)) if rows[t].lr != rows[t - 1].lr]
    if not changes or len(rows) > _STEPS or any(h.lr == 0 for h in rows):
        return None
    alone = {h: convert(c.source, c.target, h) for h in dict.fromkeys(rows)}
    if any(x.then is None or x.initial is not None for x in alone.values()):
        return None
    path = [alone[h].rows[0 if t == 0 else -1] for t, h in enumerate(rows)]
    for power in (1, -1):
        factors = {t: (rows[t].lr / rows[t - 1].lr) ** power for t in changes}
        shown = prove(
            c.source.convention, rows, c.target.convention, path, steps=len(rows),
            rescaled=factors,
        )  # fmt: skip
        if shown is not None and shown.forever:
            return Rescaling(tuple(path), factors, power < 0)
    return None


def others(c: Conversion) -> list[str]:
    """Speakers of the target's convention, with whatever decay, that it can be converted to."""
    if max(c.steps, len(c.source_hypers)) > _STEPS:
        return []
    found: list[str] = []
    known: dict[Any, bool] = {}
    for name, convention in SPEAKERS.items():
        who = speaker(name)
        own = name in (c.source.name, c.target.name)
        if own or convention.name != c.target.convention.name:
            continue
        key = convention.decay, frozenset(who.names) - {"maximize"}, who.dampened_nesterov
        if key not in known:
            able = all(allowed(who, h) for h in c.source_hypers)
            known[key] = able and convert(c.source, who, c.source_hypers, steps=c.steps).exists
        if known[key]:
            found.append(name)
    return found
