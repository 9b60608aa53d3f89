"""What `momentum explain` does: tell a stored report again, or what the ranks of a watch left."""

from collections.abc import Sequence
from pathlib import Path

from momentum.errors import UsageError
from momentum.report import jsonl
from momentum.report.retelling import retell
from momentum.runner import files
from momentum.watching import merging, page, records


def explain(reports: Sequence[Path], html: Path | None) -> str:
    """The text.

    Raises: UsageError where a file is no report, or several are not of one training.
    """
    watched = [records.is_watch(path) for path in reports]
    if all(watched):
        ranks = [records.read(path) for path in reports]
        if html is not None:
            files.replace(html, page.render(ranks))
        return merging.retell(ranks)
    if len(reports) > 1:
        other = reports[watched.index(False)]
        raise UsageError(
            f"{other} was not written by watch: wanted one report, or one for each rank"
        )
    if html is not None:
        raise UsageError("--html is for what watch has written: check writes its own page")
    return retell(jsonl.read(reports[0]))
