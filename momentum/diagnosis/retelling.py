"""A stored report, told by causes: what is wrong, and which checks showed it."""

from collections.abc import Iterator

from momentum.checks.result import Result, Results


def retell(results: Results) -> str:
    """Each cause once, with the results that it explains; then those without a known cause."""
    return "\n".join(_lines(results))


def _lines(results: Results) -> Iterator[str]:
    header = results.header
    yield f"{header.target}, held to {header.convention}"
    bad = [r for r in results.results if r.bad or (r.verdict == "expected_failure")]
    if not bad:
        yield "nothing failed"
    groups: dict[str, list[Result]] = {}
    for r in bad:
        groups.setdefault(_cause(r.explanation), []).append(r)
    for cause in sorted(groups, key=lambda c: (not c, -len(groups[c]))):
        yield ""
        yield cause or "no cause is known for"
        for r in groups[cause]:
            yield f"  {r.id}: {_evidence(r)}"
            if not cause:
                yield f"    {r.statement}"
    if results.unfinished:
        yield ""
        yield f"the report is incomplete: {results.unfinished}"


def _cause(explanation: str) -> str:
    """The explanation without the step from which on it shows."""
    scope, colon, cause = explanation.partition(": ")
    return cause if colon else scope


def _evidence(r: Result) -> str:
    if r.verdict == "errored" or not r.where:
        return r.reason or r.verdict
    scope = r.explanation.partition(": ")[0] if r.explanation else ""
    error = f"error {r.error:.3g}, bound {r.bound:.3g}"
    return f"{r.where}, {error}{f' ({scope})' if scope else ''}"
