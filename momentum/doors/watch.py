"""What `momentum watch` does: run a script, print what was found, and return the exit code."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from momentum.errors import UsageError
from momentum.report.foreign import say
from momentum.runner import files
from momentum.runner.options import convention_of

if TYPE_CHECKING:
    from momentum.watching.sample import Sample


def watch(
    script: Path,
    arguments: Sequence[str],
    convention: str | None,
    every: int,
    sample: str,
    stop: bool,
    jsonl: Path | None,
    html: Path | None,
) -> int:
    """0: every watched step stayed within its bound; 1: one did not, or the script failed;
    3: nothing was verified.

    With torchrun each rank writes its own file, `NAME.rank0.jsonl` and so on.
    Raises: UsageError where an option is wrong.
    """
    if convention is not None:
        convention_of(convention)
    if not script.is_file():
        raise UsageError(f"cannot run {script}: it is no file")
    if sample != "all" and not (sample.isdecimal() and int(sample)):
        raise UsageError(f"--sample {sample}: wanted a count, or all")
    for path in filter(None, (jsonl, html)):
        files.writable(path)
    files.different(jsonl, html)
    try:
        from momentum.watching import page, records
        from momentum.watching.options import Options
        from momentum.watching.report import WatchError
        from momentum.watching.script import EveryOptimizer, run
    except ModuleNotFoundError as error:
        raise UsageError(
            f"watch needs torch ({error}): pip install 'momentum-oracle[torch]'"
        ) from None
    size: Sample = "all" if sample == "all" else int(sample)
    watching = EveryOptimizer(Options(convention, every, size, raises=stop, jsonl=jsonl))
    try:
        failure = run(watching, script, arguments)
    except WatchError as error:
        failure = f"momentum watch: stopped at {error}"
    for report in watching.reports:
        say(f"momentum watch: {report}", sys.stderr)
    for reason, count in watching.unwatched.items():
        say(f"momentum watch: {count} steps were not watched: {reason} (say --as)", sys.stderr)
    if html is not None and watching.reports:
        files.replace(records.own_file(html), page.render(watching.reports))
    if failure:
        say(failure, sys.stderr)
        return 1
    if not any(report.verified for report in watching.reports):
        return 3
    return 0 if all(report.passed or not report.steps for report in watching.reports) else 1
