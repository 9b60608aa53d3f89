"""Results for a terminal: one screen that says what is wrong, and on request every check."""

from collections.abc import Iterator
from textwrap import shorten

from rich.console import RenderableType
from rich.text import Text

from momentum.checks.result import Results
from momentum.report import digest, failures, words
from momentum.report.foreign import one_line
from momentum.report.layout import labelled, printed, section, some
from momentum.report.table import checks

SCREEN = 40
"""Lines that a report may take where not everything is asked for."""

CLOSE = 4
"""Checks to show for each cause, below which lines close up before there are fewer still."""

FINDINGS = 5
"""Causes and reasons that it may tell of."""

LEFT_OUT = 88
"""Characters for what those that passed left out: one line of the screen."""

REPLAY = 400
"""Characters of a replay command beyond which the check is named without its problem."""

_TONES = {"PASSED": "bold green", "FAILED": "bold red", "BROKEN": "bold red"}


def render(
    results: Results,
    *,
    width: int = 100,
    colour: bool = False,
    strict: bool = False,
    seconds: float | None = None,
    verbose: bool = False,
) -> str:
    """The report: verdict, causes, failing checks, what was skipped, advice, power, a replay.

    At most SCREEN lines of `width` (60 at least) characters, but for the command that replays a
    failure; verbose: all failures with all that is known of them, and the table of all checks.
    """
    width = max(width, 60)

    def shown(amount: int | None) -> str:
        parts = _parts(results, strict, seconds, amount, width)
        return printed(parts, width, colour)

    if verbose:
        end = _verdict(results, strict)
        return shown(None) + printed([Text(), checks(results), Text(), *end], width, colour)
    for amount in (6, 5, 4, 3, 2, 1):
        text = shown(amount)
        if _lines(text, width) <= SCREEN:
            return text
        text = "".join(line for line in text.splitlines(keepends=True) if line.strip())
        if amount < CLOSE and _lines(text, width) <= SCREEN:
            return text
    return text


def _lines(text: str, width: int) -> int:
    return sum(max(1, -(-len(line) // width)) for line in text.splitlines())


def _parts(
    results: Results, strict: bool, seconds: float | None, amount: int | None, width: int
) -> Iterator[RenderableType]:
    """Everything in its order. amount: of checks to show for each cause; all where None."""
    yield from _verdict(results, strict)
    yield from _setting(results, seconds, amount is None)
    wrong = results.wrong(strict)
    found = digest.findings(wrong)
    most = len(found) if amount is None else FINDINGS if amount > 1 else CLOSE
    for finding in found[:most]:
        yield from failures.shown(finding, len(wrong), amount, "red", results.unexplained)
    if left := sum(len(finding.results) for finding in found[most:]):
        others = words.several(len(found) - most, "other cause")
        yield Text(f"and {words.several(left, 'failure')} more, of {others} (-v lists all)")
    yield from _skipped(results, amount)
    yield from _unclaimed(results)
    yield from _expected(results, amount)
    yield from _advice(results, strict, amount)
    yield from _power(results)
    yield from _replay(results, strict)


def _verdict(results: Results, strict: bool) -> Iterator[RenderableType]:
    word, text = words.headline(results, strict)
    yield Text(f"{word}: {one_line(text)}", _TONES.get(word, "bold yellow"))
    yield Text(words.counts(results, strict))


def _setting(results: Results, seconds: float | None, full: bool) -> Iterator[RenderableType]:
    header = results.header
    run = f"{header.effort} effort, seed {header.seed}, {', '.join(header.dtypes)}"
    run += "" if seconds is None else f", {seconds:.1f} s"
    rows = [("held to", words.held_to(header)), ("rule", "; ".join(header.formula)), ("run", run)]
    rows += [("left out", f"{dtype}: {why}") for dtype, why in header.left.items()]
    out = digest.left_out(results.results, header.left.values())
    if out and not full:
        more = f"; {len(out) - 1} more (-v lists all)" if out[1:] else ""
        out = [shorten(out[0], LEFT_OUT - len(more), placeholder=" …") + more]
    rows += [("left out", why) for why in out]
    rows += [("called", header.called)] if header.called else []
    if full:
        rows.insert(0, ("subject", header.target))
    did_its_duty = results.control.startswith("a known-wrong twin failed")
    if full or not did_its_duty:
        rows.append(("control", results.control or "not run"))
    if results.unexplained:
        rows.append(("causes", results.unexplained))
    rows.append(("versions", words.versions(header)))
    yield labelled((name, Text(one_line(text))) for name, text in rows)


def _skipped(results: Results, amount: int | None) -> Iterator[RenderableType]:
    reasons = digest.skipped(results.results, 1000 if amount is None else 4)
    if not reasons:
        return
    most = len(reasons) if amount is None else 4
    text = "; ".join(f"{n} x {reason}" for n, reason in reasons[:most])
    left = sum(n for n, _ in reasons[most:])
    if left:
        text += f"; {left} for {words.several(len(reasons) - most, 'other reason')}"
    yield from section(f"SKIPPED {words.several(results.counts['skipped'], 'result')}", [text])


def _unclaimed(results: Results) -> Iterator[RenderableType]:
    """Checks whose bound was wider than the movement that they judge."""
    found = [r for r in results.results if r.verdict == "no_claim"]
    if found:
        amount = words.several(len(found), "result")
        title = f"NO CLAIM {amount}: the bound is wider than the movement"
        yield from section(title, [some([*dict.fromkeys(r.check for r in found)], 6)], "yellow")


def _expected(results: Results, amount: int | None) -> Iterator[RenderableType]:
    known = [r for r in results.results if r.verdict == "expected_failure"]
    reasons: dict[str, list[str]] = {}
    for r in known:
        text = r.reason + (f" ({r.reference})" if r.reference else "")
        reasons.setdefault(text, []).append(r.id)
    most = len(reasons) if amount is None else 3
    lines = [
        f"{reason}: {', '.join(ids[: most + 1])}{', …' if len(ids) > most + 1 else ''}"
        for reason, ids in list(reasons.items())[:most]
    ]
    if len(reasons) > most:
        lines.append(f"and {len(reasons) - most} other reasons")
    if known:
        yield from section(f"FAILED AS EXPECTED {words.several(len(known), 'result')}", lines)
    if results.stale:
        most = len(results.stale) if amount is None else 6
        names = ", ".join(results.stale[:most]) + (", …" if len(results.stale) > most else "")
        title = f"EXPECTATIONS THAT MATCH NO RESULT: {len(results.stale)}"
        yield from section(title, [names], "yellow")


def _advice(results: Results, strict: bool, amount: int | None) -> Iterator[RenderableType]:
    advice = words.advice(results, strict)
    if not advice:
        return
    most, lines = 6 if amount is None or amount > 3 else 3, []
    for base in sorted({r.shared for r in advice}) if amount is not None else ():
        names = list(dict.fromkeys(r.check for r in advice if r.shared == base))
        text = ", ".join(names[:most]) + (f" and {len(names) - most} more" if names[most:] else "")
        lines.append(f"{f'{base} alone earns: ' if base else ''}{text} (-v tells why)")
    title = f"ADVICE {words.several(len(advice), 'result')}"
    yield from section(f"{title}, no part of the verdict unless --strict", lines, "yellow")
    for finding in digest.findings(advice) if amount is None else ():
        yield from failures.shown(finding, len(advice), None, "yellow")


def _power(results: Results) -> Iterator[RenderableType]:
    lines = [(name, Text(text)) for name, text in words.power(results)]
    if lines:
        title = "POWER: the smallest relative error that would have failed"
        yield from section(title, [labelled(lines)])


def _replay(results: Results, strict: bool) -> Iterator[RenderableType]:
    """The shortest command that shows a failure again."""
    found = [words.replay(results.header, r) for r in results.wrong(strict) if not r.surprise]
    commands = sorted(filter(None, found), key=len)
    if not commands:
        return
    command = commands[0]
    if len(command) > REPLAY:
        command = command.partition(" --replay ")[0]
    yield Text()
    yield Text("TO SEE ONE AGAIN, step by step", "bold")
    yield Text(one_line(command), no_wrap=True)
