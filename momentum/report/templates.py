"""Templates of pages and pictures; what others wrote is escaped in all of them."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from momentum.report.foreign import visible


def environment(*folders: Path) -> Environment:
    """Templates of these folders and of this one."""
    return Environment(
        loader=FileSystemLoader([*folders, Path(__file__).parent]),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def shown(value: object) -> object:
    """Of every expression of a page: what others wrote is escaped, our own pictures are not."""
    plain = isinstance(value, str) and not isinstance(value, Markup)
    return visible(value, keep="\n\t") if plain else value  # type: ignore[arg-type]


def rendered(name: str, *folders: Path, **values: object) -> Markup:
    """A template with these values in it."""
    return Markup(environment(*folders).get_template(name).render(**values))
