"""A conversion told to people: calls to copy, what was proven, what to know."""

import math

from flint import fmpq

from momentum.arithmetic import exact, nearest
from momentum.arithmetic.exact import Given
from momentum.arithmetic.near import DIGITS, Near
from momentum.arithmetic.surd import Exact, Surd
from momentum.conventions import READ, Hyper, point_of
from momentum.conventions.hyper import NEUTRAL
from momentum.conversion.convert import Conversion
from momentum.conversion.speakers import Speaker, in_own_units
from momentum.conversion.ways_out import others, rescaling

# Stretches of a schedule that are printed at its start; the file has every row.
_SHOWN = 8

# Other targets that are named.
_NAMED = 6

# Signs of an irrational number that are printed in full.
_LONGEST = 60


def snippet(who: Speaker, h: Hyper) -> str:
    """The call that sets these hyper-parameters, with the nearest float64 of each."""
    spelling, parts, decay = who.spelling, [], ""
    said = {"lr", "momentum", "nu", *spelling.defaults}  # even where they are neutral
    for name, own in who.names.items():
        value = in_own_units(who, h, name)
        if name == "nesterov" and spelling.nesterov_call:
            continue
        if name == "weight_decay" and spelling.decay_call:
            decay = _number(value) if value else ""
            continue
        if name == "dampening" and spelling.kept:
            parts.append(f"{spelling.kept}={_number(1 - value)}")
        elif name in said or value != NEUTRAL[name]:
            parts.append(f"{own}={value if isinstance(value, bool) else _number(value)}")
    call = spelling.nesterov_call if h.nesterov and spelling.nesterov_call else spelling.call
    inner = call.format(", ".join(parts), lr=_number(h.lr), momentum=_number(h.momentum))
    return spelling.decay_call.format(weight_decay=decay, inner=inner) if decay else inner


def _number(x: Given) -> str:
    number = nearest(exact(x))
    if math.isinf(number):
        raise ValueError("a number of the conversion is beyond the largest float64")
    return str(int(number)) if number == int(number) and abs(number) < 1e6 else repr(number)


def tell(c: Conversion) -> list[str]:
    """Everything about a conversion, line by line."""
    lines = [f"{c.source.name}: {snippet(c.source, c.source_hypers[0])}", *_rules(c)]
    if c.assumed:
        lines.append(f"  not given, so {c.source.name}'s own: {c.assumed}")
    if not c.exists:
        return [*lines, str(c.remainder), *_ways_out(c)]
    runs = _runs(c)
    if len(runs) > 1:
        lines.append(f"{c.target.name}, step by step:")
    for i, (first, last, h) in enumerate(runs):
        if i >= _SHOWN and i < len(runs) - 1:
            lines += [f"  ... until step {runs[-1][0] - 1}"] if i == _SHOWN else []
            continue
        when = f"step {first}" if first == last else f"steps {first} to {last}"
        who = f"  {when if last else f'step {first} on'}" if len(runs) > 1 else c.target.name
        lines += [f"{who}: {snippet(c.target, h)}", f"    {_exact(h)}"]
    if c.initial is not None:
        lines.append(f"before the first step: a velocity of zeros in {c.target.spelling.velocity}")
    lines.append(f"proof: {c.proof}")
    return [*lines, *_remarks(c)]


def _ways_out(c: Conversion) -> list[str]:
    """What does the same training all the same."""
    name = c.source.convention.reference
    ways = [f'torch can take the source\'s own rule: momentum.MomentumSGD(params, "{name}", ...)']
    scaled = rescaling(c)
    if scaled is not None:
        by = "old lr / new lr" if scaled.inverse else "new lr / old lr"
        first, last = (snippet(c.target, scaled.rows[i]) for i in (0, -1))
        ways.append(
            f"each row by itself, from {first} to {last}, with {c.target.spelling.velocity} "
            f"multiplied by hand by {by} before the first step of each new lr (proven likewise)"
        )
    able = others(c)
    if able:
        more = f" and {len(able) - _NAMED} more" if len(able) > _NAMED else ""
        ways.append(f"it can be converted to {', '.join(able[:_NAMED])}{more}")
    return [f"way out: {way}" for way in ways]


def _runs(c: Conversion) -> list[tuple[int, int, Hyper]]:
    """First step, last step (0: and so on) and row of every stretch of equal rows."""
    runs: list[tuple[int, int, Hyper]] = []
    for step, h in enumerate(c.rows, 1):
        first = runs.pop()[0] if runs and runs[-1][2] == h else step
        runs.append((first, step, h))
    return [*runs[:-1], (runs[-1][0], 0, runs[-1][2])] if c.then is not None else runs


def _rules(c: Conversion) -> list[str]:
    rules = (f"  {x.convention.full_name}: {'; '.join(x.convention.formula)}"
             for x in (c.source, c.target))  # fmt: skip
    return list(dict.fromkeys(rules))


def _exact(h: Hyper) -> str:
    parts = []
    for name, value in h._asdict().items():
        if name in ("lr", "momentum") or value != NEUTRAL[name]:
            parts.append(f"{name}={_in_full(value)}")
    irrational = any(isinstance(x, (Surd, Near)) for x in h)
    return f"exactly{', before rounding' if irrational else ''}: {', '.join(parts)}"


def _in_full(value: Exact) -> str:
    text = str(value)
    if isinstance(value, Surd):
        return text if len(text) <= _LONGEST else f"a number made of roots, {len(text)} signs long"
    digits = max(len(str(x)) for x in (value.p, value.q)) if isinstance(value, fmpq) else 0
    return text if digits < 24 else f"a fraction of {digits} digits"


def _remarks(c: Conversion) -> list[str]:
    """What the numbers alone do not say."""
    lines = []
    if any(isinstance(x, Near) for h in c.rows for x in h):
        lines.append(
            "irrational: each step would need another square root on top of the last; the numbers "
            f"were found to {DIGITS} digits, and those to copy are the nearest float64"
        )
    elif any(isinstance(x, Surd) for h in c.rows for x in h):
        lines.append(
            "irrational: no rational numbers that do it were found; the proof is of the roots, and "
            "the numbers to copy are rounded to the nearest float64"
        )
    if not c.is_exact_in_float64:
        lines.append(
            "rounding: float64 does not hold all these numbers, so the two are equal up to "
            f"rounding only; after {max(c.steps, len(c.hypers))} steps, start and gradients up to "
            f"1, it may cost {c.bound():.2g} in float64 and {c.bound('float32'):.2g} in float32"
        )
    both = c.source.convention, c.target.convention
    for x in both if both[0].looks_ahead != both[1].looks_ahead else ():
        if x.looks_ahead:
            lines.append(
                f"parameters: equal are the points where gradients are taken; {x.name} keeps x, "
                f"and that point is {READ.text(point_of(x))}"
            )
    if any(h.maximize for h in c.rows) and not c.target.takes("maximize"):
        lines.append(f"sign: {c.target.name} has no maximize; feed it the negated gradients")
    out = [h for h in c.rows if min(h.lr, h.momentum, h.weight_decay) < 0 or h.momentum > 1]
    if out:
        lines.append(
            "range: some numbers are negative or a momentum is above 1, which a constructor may "
            "refuse; they are right for their step, so set them on the running optimizer"
        )
    for who, rows in ((c.source, c.source_hypers), (c.target, c.rows)):
        still = [t for t, h in enumerate(rows) if h.momentum == 0]
        if who.spelling.idle and still and any(h.momentum for h in rows[still[0] :]):
            lines.append(
                f"momentum 0: {who.name} leaves its velocity alone at such a step, which its "
                "convention does not; there set the velocity to the gradient by hand"
            )
    return lines
