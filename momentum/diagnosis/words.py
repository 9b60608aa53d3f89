"""An identity, in words for people."""

from collections.abc import Iterator

from momentum.diagnosis.estimate import REACH, Estimate
from momentum.diagnosis.identify import Identity


def describe(identity: Identity) -> str:
    """The convention, its formula, who else speaks it, what is undecided, and what was measured."""
    return "\n".join(_lines(identity))


def summary(identity: Identity) -> str:
    """The same in one line."""
    if not identity.matches:
        nearest = f"the nearest is {identity.nearest.full_name}"
        return f"no known convention: {'; '.join((*decisive(identity), nearest))}"
    names = " = ".join(c.full_name for c in identity.matches)
    departures = f", but {'; '.join(identity.departures)}" if identity.departures else ""
    return f"{names}{departures}"


def decisive(identity: Identity) -> list[str]:
    """What no convention does, whatever its numbers."""
    r = identity.response
    if r is None:
        return []
    notes = [] if r.linear else ["not linear: a double gradient gives another response"]
    if not r.shifted:
        notes.append("changes in time: a step later the response is another")
    if r.delay:
        steps = "one step" if r.delay == 1 else f"{r.delay} steps"
        notes.append(f"late: a gradient moves the parameter only {steps} after its own")
    return notes


def _lines(identity: Identity) -> Iterator[str]:
    yield f"{identity.subject}: {summary(identity)}"
    yield ""
    nearest = identity.nearest
    yield from (f"    {line}" for line in nearest.formula)
    if nearest.decay != "coupled":
        yield f"    weight decay {nearest.decay} the step, not in the gradient"
    if nearest.speakers and identity.matches:
        yield f"  also spoken by {', '.join(nearest.spoken_by)}"
    if nearest.source.text and identity.matches:
        yield f"  source: {nearest.source.text}"
    if identity.difference is not None:
        d = identity.difference
        yield ""
        yield (
            f"  first difference: probe {d.probe!r}, step {d.step}, parameter {d.parameter}, "
            f"coordinate {d.coordinate}: "
            f"{d.got:.9g}, {nearest.full_name} gives {d.wanted:.9g}"
        )
    if identity.unexplained:
        yield f"  not explained by any convention: probe {', '.join(identity.unexplained)}"
    for title, rows in (
        ("answers", [f"{k}: {v}" for k, v in identity.answers.items()]),
        ("cannot be told apart", list(identity.undecided)),
        ("remarks", list(identity.remarks)),
        ("refused", [f"{k}: {v}" for k, v in identity.refused.items()]),
    ):
        if rows:
            yield ""
            yield f"  {title}"
            yield from (f"    {row}" for row in rows)
    yield from _response(identity)
    if identity.estimates:
        yield ""
        known = f", given that {'; '.join(identity.departures)}" if identity.departures else ""
        yield (
            f"  hyper-parameters as computed in {identity.dtype}{known}: estimates, +- {REACH}"
            " standard errors, no verdict"
        )
        yield from (f"    {_estimate(e)}" for e in identity.estimates)


def _response(identity: Identity) -> Iterator[str]:
    r = identity.response
    if r is None:
        return
    yield ""
    yield f"  impulse response with lr {float(r.hyper.lr):g}, momentum {float(r.hyper.momentum):g}"
    yield "    " + "  ".join(f"{c:.9g}" for c in r.coefficients)
    worst = max(r.uncertainty)
    notes = [f"each to {worst:.1e} or better"]
    notes += decisive(identity)
    yield f"    {'; '.join(notes)}"


def _estimate(e: Estimate) -> str:
    if e.tied:
        return f"{e.name}: not measurable apart from {', '.join(e.tied)}"
    read = f": {', or '.join(e.readings)}" if e.readings else ""
    reach = REACH * e.standard_error
    return f"{e.name} = {e.set:g} {e.deviation:+.3e} +- {reach:.1e}{read}"
