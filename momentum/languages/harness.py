"""Templates of a program that speaks the protocol, with the convention's own step filled in."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from momentum.arithmetic.notation import Notation, Statement, updates
from momentum.conventions import Convention, get
from momentum.conventions._text import Step, expressed
from momentum.conventions.hyper import FLAGS, NAMES
from momentum.errors import did_you_mean

BOTH = " offers=nesterov_with_dampening"
TEMPLATES = Path(__file__).with_name("templates")


@dataclass(frozen=True)
class Language:
    """How a language is written, as far as one step needs it.

    file: name of the program; its template has `.txt` behind it. build, run: commands, `{}` for the
    file and its stem. hyper: declares a hyper-parameter, with places for name, position and, for a
    flag, the comparison. load, store: a part of the state. declared: an assignment to a new name.
    branch, otherwise, end: of a condition. flag: true where hyper-parameters are flags.
    """

    file: str
    build: str
    run: str
    indent: str
    number: str
    flag: str
    load: str
    store: str
    assignment: str
    declared: str
    branch: str
    otherwise: str
    end: str
    nothing: str = ""
    first_index: int = 0
    rule_prefix: str = ""


_C = Language(
    "harness.c", "cc -O2 harness.c -o harness", "./harness", "    ",
    "const double {0} = h[{1}];", "const int {0} = h[{1}] != 0;",
    "double {0} = state[{1}];", "state[{1}] = {0};", "{} = {};", "const double {} = {};",
    "if ({}) {{", "}} else {{", "}}", rule_prefix="   ",
)  # fmt: skip

LANGUAGES: Mapping[str, Language] = {
    "c": _C,
    "cpp": replace(
        _C, file="harness.cpp", build="c++ -O2 harness.cpp -o harness",
        flag="const bool {0} = h[{1}] != 0;", rule_prefix="// ",
    ),
    "rust": Language(
        "harness.rs", "rustc -O harness.rs", "./harness", "    ",
        "let {0} = h[{1}];", "let {0} = h[{1}] != 0.0;",
        "let mut {0} = state[{1}];", "state[{1}] = {0};", "{} = {};", "let {} = {};",
        "if {} {{", "}} else {{", "}}", rule_prefix="// ",
    ),
    "javascript": Language(
        "harness.js", "", "node harness.js", "  ",
        "const {0} = h[{1}];", "const {0} = h[{1}] !== 0;",
        "let {0} = state[{1}];", "state[{1}] = {0};", "{} = {};", "const {} = {};",
        "if ({}) {{", "}} else {{", "}}", rule_prefix="// ",
    ),
    "java": Language(
        "Harness.java", "javac Harness.java", "java -cp . Harness", "        ",
        "final double {0} = h[{1}];", "final boolean {0} = h[{1}] != 0;",
        "double {0} = state[{1}];", "state[{1}] = {0};", "{} = {};", "final double {} = {};",
        "if ({}) {{", "}} else {{", "}}", rule_prefix="// ",
    ),
    "fortran": Language(
        "harness.f90", "gfortran -O2 harness.f90 -o harness", "./harness", "    ",
        "{0} = h({1})", "{0} = h({1}) /= 0",
        "{0} = state({1})", "state({1}) = {0}", "{} = {}", "{} = {}",
        "if ({}) then", "else", "end if", first_index=1, rule_prefix="! ",
    ),
    "python": Language(
        "harness.py", "", "python harness.py", "    ",
        "{0} = h[{1}]", "{0} = h[{1}] != 0",
        "{0} = state[{1}]", "state[{1}] = {0}", "{} = {}", "{} = {}",
        "if {}:", "else:", "", nothing="pass",
    ),
}  # fmt: skip

ALIASES = {"c++": "cpp", "js": "javascript", "node": "javascript", "f90": "fortran",
           "rs": "rust", "py": "python"}  # fmt: skip


def template(language: str, convention: str | Convention) -> tuple[str, str]:
    """File name and text of a program that is ready to be compiled, run and checked.

    Raises: ValueError for a language that is not known, or a rule that is more than arithmetic.
    """
    name = ALIASES.get(language.lower(), language.lower())
    if name not in LANGUAGES:
        known = f"known are {', '.join(LANGUAGES)}{did_you_mean(language, LANGUAGES)}"
        raise ValueError(f"unknown language {language!r}: {known}")
    spoken, chosen = LANGUAGES[name], get(convention)
    parts = [n for n in chosen.initial._fields if n != "step"]
    try:
        step = list(_step(chosen, _Writer(spoken)))
    except TypeError as error:
        raise ValueError(f"{chosen.name} has no template: {error}") from None
    hyper = [n for n in NAMES if n in chosen.knows]
    places = {
        "TITLE": f"SGD with momentum as {chosen.full_name} says it, behind the protocol.",
        "RULE": f"\n{spoken.rule_prefix}".join(chosen.formula),
        "BUILD": spoken.build,
        "RUN": f"momentum check --process '{spoken.run}' --as {chosen.full_name}",
        "HYPER": ",".join(hyper),
        "OFFERS": BOTH if {"nesterov", "dampening"} <= chosen.takes else "",
        "PARTS": str(len(parts)),
        "INITIAL": ", ".join(f"{float(getattr(chosen.initial, n))}" for n in parts),
        "LOAD": "\n".join(_load(spoken, hyper, parts)),
        "STEP": "\n".join(step),
        "STORE": "\n".join(
            f"{spoken.indent}{spoken.store.format(n, i + spoken.first_index)}"
            for i, n in enumerate(parts)
        ),
    }
    text = (TEMPLATES / f"{spoken.file}.txt").read_text(encoding="utf-8")
    for place, value in places.items():
        text = text.replace(f"@@{place}@@", value)
    return spoken.file, text


def _load(spoken: Language, hyper: Sequence[str], parts: Sequence[str]) -> Iterator[str]:
    """Hyper-parameters and state under the names that the rule has for them."""
    if spoken.file.endswith("f90"):
        flags = ", ".join(n for n in hyper if n in FLAGS)
        numbers = ", ".join([*(n for n in hyper if n not in FLAGS), *parts])
        yield f"    real(real64) :: {numbers}, grad, theta_new"
        yield f"    logical :: {flags}"
    for n in hyper:
        written = spoken.flag if n in FLAGS else spoken.number
        yield f"{spoken.indent}{written.format(n, NAMES.index(n) + spoken.first_index)}"
    for i, n in enumerate(parts):
        yield f"{spoken.indent}{spoken.load.format(n, i + spoken.first_index)}"


class _Writer:
    """Statements and branches of a language, at their depth."""

    def __init__(self, spoken: Language) -> None:
        self.spoken = spoken
        self.unit = "  " if spoken.indent == "  " else "    "
        self.notation = Notation(number=lambda x: repr(float(x)))

    def line(self, depth: int, text: str) -> str:
        """One line."""
        return f"{self.spoken.indent}{self.unit * depth}{text}"

    def statements(self, depth: int, found: Sequence[Statement]) -> Iterator[str]:
        """Assignments, each with its declaration where its name is new."""
        for name, value in found:
            form = self.spoken.declared if name.endswith("_new") else self.spoken.assignment
            yield self.line(depth, form.format(name, self.notation.text(value)))
        if not found and self.spoken.nothing:
            yield self.line(depth, self.spoken.nothing)

    def branch(
        self, depth: int, condition: str, yes: Callable[[], Iterator[str]],
        no: Callable[[], Iterator[str]],
    ) -> Iterator[str]:  # fmt: skip
        """A condition with both of its sides."""
        yield self.line(depth, self.spoken.branch.format(condition))
        yield from yes()
        yield self.line(depth, self.spoken.otherwise.format())
        yield from no()
        if self.spoken.end:
            yield self.line(depth, self.spoken.end.format())


def _step(convention: Convention, writer: _Writer) -> Iterator[str]:
    """The rule, with a branch for the first step and for Nesterov's form where they differ."""

    def told(depth: int, nesterov: bool) -> Iterator[str]:
        first = expressed(convention, first=True, nesterov=nesterov)
        later = expressed(convention, nesterov=nesterov)
        if first == later:
            return writer.statements(depth, _assigned(later))
        return writer.branch(
            depth, "first",
            lambda: writer.statements(depth + 1, _assigned(first)),
            lambda: writer.statements(depth + 1, _assigned(later)),
        )  # fmt: skip

    if "nesterov" not in convention.takes:
        return told(0, False)
    return writer.branch(0, "nesterov", lambda: told(1, True), lambda: told(1, False))


def _assigned(step: Step) -> list[Statement]:
    return updates(step.outputs)
