"""What a run found, put together: one cause once, one reason once, with all that it explains."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

from momentum.checks.result import ITSELF, Result

Kind = Literal["cause", "law", "error", "surprise", "unexplained"]

_SCOPE = re.compile(
    r"(?P<only>only in [^:]*?, )?from step (?P<step>\d+) on(?P<when>, when [^:]*)?: (?P<cause>.*)",
    re.DOTALL,
)


class Finding(NamedTuple):
    """Results that have one thing behind them: a cause, an exception, an outdated expectation.

    A law that is broken where a plain run is right, or without a known cause, speaks for itself, by
    its statement and by what was observed. text: the cause or reason, empty where none is known.
    """

    kind: Kind
    text: str
    results: tuple[Result, ...]

    @property
    def dtypes(self) -> list[str]:
        """Those in which it shows."""
        return list(dict.fromkeys(r.shown_in for r in self.results))

    @property
    def checks(self) -> list["Row"]:
        """The checks in which it shows, the farthest from its bound first."""
        return rows(self.results)

    @property
    def scope(self) -> str:
        """The steps from which on it shows, and the condition under which it always does."""
        if self.kind != "cause":
            return ""
        found = [_SCOPE.fullmatch(r.explanation) for r in self.results]
        steps = sorted({int(m["step"]) for m in found if m})
        words = f"from step {_listed([str(s) for s in steps])} on" if steps else ""
        for part in ("only", "when"):
            said = dict.fromkeys((m[part] or "").strip(", ") for m in found if m)
            if said and "" not in said and len(said) == 1:
                one = next(iter(said))
                words = f"{one}, {words}" if part == "only" else f"{words}, {one}"
        return words


class Row(NamedTuple):
    """One check of a finding: its results, and the one of them that is farthest from its bound."""

    check: str
    results: tuple[Result, ...]
    worst: Result


def findings(results: Iterable[Result]) -> list[Finding]:
    """The failures by what is behind them: wrong numbers, errors, surprises; the widest first."""
    groups: dict[tuple[Kind, str], list[Result]] = {}
    for r in results:
        groups.setdefault(_behind(r), []).append(r)
    rank: dict[Kind, int] = {"cause": 0, "unexplained": 0, "error": 1, "law": 2, "surprise": 3}
    return [
        Finding(kind, text, tuple(found))
        for (kind, text), found in sorted(groups.items(), key=lambda g: (rank[g[0][0]], -len(g[1])))
    ]


def cause_of(result: Result) -> str:
    """Its cause without the steps and conditions under which it shows."""
    found = _SCOPE.fullmatch(result.explanation)
    return found["cause"] if found else result.explanation


def rows(results: Iterable[Result]) -> list[Row]:
    """One row a check; those that compare with the oracle first, then by how far they are off."""
    by_check: dict[str, list[Result]] = {}
    for r in results:
        by_check.setdefault(r.check, []).append(r)
    made = [Row(c, tuple(found), max(found, key=_distance)) for c, found in by_check.items()]
    return sorted(made, key=lambda row: _distance(row.worst), reverse=True)


def left_out(results: Iterable[Result], told: Iterable[str] = ()) -> list[str]:
    """What those that passed left out as refused, each once; but what was told, or is skipped."""
    results = list(results)
    known = {*told, *(r.reason for r in results if r.verdict == "skipped")}
    found = dict.fromkeys(r.reason for r in results if r.verdict == "passed")
    return [x for x in found if x.startswith("refuses ") and x not in known]


def skipped(results: Iterable[Result], most: int = 1000) -> list[tuple[int, str]]:
    """How many results were skipped, and why; reasons that differ in their last word are one.

    most: of these words that are told.
    """
    amounts: Counter[str] = Counter()
    words: dict[str, list[str]] = {}
    for r in results:
        if r.verdict == "skipped":
            stem, _, last = r.reason.partition(" (")[0].rpartition(" ")
            amounts[stem] += 1
            found = words.setdefault(stem, [])
            if last not in found:
                found.append(last)
    return [
        (n, f"{stem} {_listed(words[stem], most, 'and')}".strip())
        for stem, n in amounts.most_common()
    ]


def _behind(result: Result) -> tuple[Kind, str]:
    if result.surprise:
        return "surprise", ""
    if result.verdict == "errored":
        return "error", result.reason
    cause = cause_of(result)
    if cause in ("", ITSELF):
        return ("unexplained" if result.how and not cause else "law"), ""
    return "cause", cause


def _distance(result: Result) -> tuple[bool, float]:
    """Comparisons with the oracle before laws that hold or do not."""
    return bool(result.how), result.ratio


def _listed(words: Sequence[str], most: int = 8, last: str = "or") -> str:
    """`1, 2 or 7`; not all of them where they are many."""
    if len(words) > most:
        return f"{', '.join(words[:most])} {last} {len(words) - most} others"
    return f" {last} ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
