"""A stored report, told by causes: what is wrong, and which checks showed it."""

from collections.abc import Iterator

from momentum.checks.result import Results
from momentum.report import digest, words
from momentum.report.foreign import one_line


def retell(results: Results) -> str:
    """Each cause once, with the results that it explains; then those without a known cause."""
    return "\n".join(_lines(results))


def _lines(results: Results) -> Iterator[str]:
    header = results.header
    yield one_line(f"{header.target}, held to {words.held_to(header)}")
    bad = [r for r in results.results if r.bad or r.verdict == "expected_failure"]
    if not bad:
        yield "nothing failed"
    for finding in digest.findings(bad):
        yield ""
        yield _UNTOLD.get(finding.kind, one_line(finding.text))
        if finding.scope:
            yield f"  {finding.scope}"
        for row in finding.checks:
            if not finding.text:
                yield f"  {one_line(f'{row.check}: {row.worst.statement}')}"
            for r in row.results:
                found = [words.place(r), words.evidence(r) if finding.kind != "error" else ""]
                told = "; ".join(x for x in (r.reason, *found) if x and x != finding.text)
                yield f"  {one_line(f'{r.id}: {told}' if told else r.id)}"
    if results.broken:
        yield ""
        yield one_line(f"the run cannot be trusted: {results.broken}")
    if results.unfinished:
        yield ""
        yield one_line(f"the report is incomplete: {results.unfinished}")


_UNTOLD = {
    "unexplained": "no cause is known for",
    "law": "laws broken",
    "surprise": "expected to fail, and passed",
}
