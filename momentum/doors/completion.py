"""Names that a shell may offer; they are loaded when they are asked for."""


def conventions() -> list[str]:
    """Conventions, and whose they are."""
    from momentum.conventions import CONVENTIONS, SPEAKERS

    return [*CONVENTIONS, *sorted(SPEAKERS)]


def dtypes() -> list[str]:
    """Formats."""
    from momentum.arithmetic import FORMATS

    return list(FORMATS)


def checks() -> list[str]:
    """Checks and their families."""
    from momentum.checks import CHECKS

    return [*CHECKS, *sorted({c.family for c in CHECKS.values()})]


def implementations() -> list[str]:
    """Rows of the matrix."""
    from momentum.report.matrix import IMPLEMENTATIONS

    return list(IMPLEMENTATIONS)


def languages() -> list[str]:
    """Those of templates, and what else may stand there."""
    from momentum.languages.harness import LANGUAGES

    return [*LANGUAGES, "selftest"]
