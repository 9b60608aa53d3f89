"""Templates of a program that speaks the protocol, with the convention's own step filled in."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from momentum.arithmetic.notation import Notation, updates
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
    build: str = ""
    run: str = "./harness"
    indent: str = "    "
    number: str = "const double {0} = h[{1}];"
    flag: str = "const int {0} = h[{1}] != 0;"
    load: str = "double {0} = state[{1}];"
    store: str = "state[{1}] = {0};"
    assignment: str = "{} = {};"
    declared: str = "const double {} = {};"
    branch: str = "if ({}) {{"
    otherwise: str = "}} else {{"
    end: str = "}}"
    nothing: str = ""
    first_index: int = 0
    rule_prefix: str = "// "


LANGUAGES: Mapping[str, Language] = {
    "c": Language("harness.c", "cc -O2 harness.c -o harness", rule_prefix="   "),
    "cpp": Language(
        "harness.cpp", "c++ -O2 harness.cpp -o harness", flag="const bool {0} = h[{1}] != 0;",
    ),
    "rust": Language(
        "harness.rs", "rustc -O harness.rs",
        number="let {0} = h[{1}];", flag="let {0} = h[{1}] != 0.0;",
        load="let mut {0} = state[{1}];", declared="let {} = {};", branch="if {} {{",
    ),
    "javascript": Language(
        "harness.js", run="node harness.js", indent="  ",
        number="const {0} = h[{1}];", flag="const {0} = h[{1}] !== 0;",
        load="let {0} = state[{1}];", declared="const {} = {};",
    ),
    "java": Language(
        "Harness.java", "javac Harness.java", "java -cp . Harness", "        ",
        number="final double {0} = h[{1}];", flag="final boolean {0} = h[{1}] != 0;",
        declared="final double {} = {};",
    ),
    "fortran": Language(
        "harness.f90", "gfortran -O2 harness.f90 -o harness",
        number="{0} = h({1})", flag="{0} = h({1}) /= 0",
        load="{0} = state({1})", store="state({1}) = {0}", assignment="{} = {}", declared="{} = {}",
        branch="if ({}) then", otherwise="else", end="end if", first_index=1, rule_prefix="! ",
    ),
    "python": Language(
        "harness.py", run="python harness.py",
        number="{0} = h[{1}]", flag="{0} = h[{1}] != 0",
        load="{0} = state[{1}]", store="state[{1}] = {0}", assignment="{} = {}", declared="{} = {}",
        branch="if {}:", otherwise="else:", end="", nothing="pass", rule_prefix="",
    ),
}  # fmt: skip
"""What each has otherwise than C++."""

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
        step = list(_step(chosen, spoken))
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


def _step(convention: Convention, spoken: Language) -> Iterator[str]:
    """The rule, with a branch for the first step and for Nesterov's form where they differ."""
    notation = Notation(number=lambda x: repr(float(x)))

    def assigned(step: Step) -> list[str]:
        """Assignments, each with its declaration where its name is new."""
        lines = [
            (spoken.declared if name.endswith("_new") else spoken.assignment).format(
                name, notation.text(value)
            )
            for name, value in updates(step.outputs)
        ]
        return lines or [spoken.nothing]

    def branch(condition: str, yes: list[str], no: list[str]) -> list[str]:
        """A condition with both of its sides."""
        deeper = "  " if spoken.indent == "  " else "    "
        sides = [[deeper + line for line in side if line] for side in (yes, no)]
        head, middle, end = spoken.branch, spoken.otherwise, spoken.end
        return [head.format(condition), *sides[0], middle.format(), *sides[1], end.format()]

    def told(nesterov: bool) -> list[str]:
        first = assigned(expressed(convention, first=True, nesterov=nesterov))
        later = assigned(expressed(convention, nesterov=nesterov))
        return later if first == later else branch("first", first, later)

    ways = "nesterov" in convention.takes
    lines = branch("nesterov", told(True), told(False)) if ways else told(False)
    return (spoken.indent + line for line in lines if line)
