"""How text is laid out for a terminal."""

import io
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from momentum.report.foreign import one_line


def printed(parts: Iterable[RenderableType], width: int, colour: bool) -> str:
    """These as lines of text, wrapped to the width; no markup in them means anything."""
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    with console.capture() as captured:
        for part in parts:
            console.print(part, soft_wrap=isinstance(part, Text) and part.no_wrap is True)
    return "".join(f"{line.rstrip()}\n" for line in captured.get().splitlines())


def section(
    title: str, parts: Iterable[RenderableType | str], tone: str = ""
) -> Iterator[RenderableType]:
    """A blank line, a title, and what stands under it, indented; texts are made one line each."""
    yield Text()
    yield Text(title, f"bold {tone}".strip())
    for part in parts:
        yield under(Text(one_line(part)) if isinstance(part, str) else part)


def under(part: RenderableType) -> Padding:
    """Indented."""
    return Padding(part, (0, 0, 0, 2))


def labelled(rows: Iterable[tuple[str, RenderableType]]) -> Table:
    """A name before each text, in a column of its own."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, text in rows:
        table.add_row(Text(name, "dim"), text)
    return table


def some(names: Sequence[str], most: int) -> str:
    """`9 more checks: a, b, c, …`, which -v lists."""
    if len(names) <= most:
        return ", ".join(names)
    return f"{len(names)} checks: {', '.join(names[:most])}, … (-v lists all)"
