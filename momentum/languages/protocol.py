"""The process protocol: what is asked of a program, and what it answers; docs/protocol.md tells it.

These records are the protocol. `momentum.languages.spellings` writes and reads them as lines:
protocol 2 and 1 in JSON, and plain words for languages that have none.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from momentum.arithmetic import FORMATS
from momentum.conventions import Hyper
from momentum.errors import did_you_mean

PROTOCOLS = (2, 1)
"""Those spoken here, the best first."""

NOTHING = msgspec.UNSET
"""What an answer says that does not say it."""

_EITHER = " or ".join(map(str, PROTOCOLS))

Hypers = dict[str, bool | str]
"""Those hyper-parameters that the facts name: numbers as hexadecimal floats, flags as booleans."""

Numbers = list[float | str]
"""Numbers as `momentum.languages.numbers` reads them."""


class Asked(msgspec.Struct, tag_field="do", omit_defaults=True, kw_only=True):
    """A request. seq: counts up; protocol 2 echoes it."""

    seq: int = 0

    @property
    def what(self) -> str:
        """The verb."""
        return str(self.__struct_config__.tag)


class FactsAsked(Asked, tag="facts"):
    """The first request. protocols: those that we speak, of which the program chooses."""

    protocols: tuple[int, ...] = ()


class Parameter(msgspec.Struct):
    """Where a parameter starts: its values row by row."""

    shape: tuple[int, ...]
    values: list[str]


class Start(Asked, tag="start"):
    """Begin anew: nothing of an earlier run is left. hyper: one a group. groups: of each parameter.

    options: of those that the facts name.
    """

    dtype: str
    hyper: list[Hypers]
    parameters: list[Parameter]
    groups: list[int] = []
    options: dict[str, Any] = {}


class Step(msgspec.Struct, omit_defaults=True):
    """One step. hyper: new ones, one a group, which hold from now on. gradients: null where there
    is none; without any list, only hyper-parameters change.
    """

    gradients: list[list[str] | None] | None = None
    hyper: list[Hypers] | None = None


class Steps(Asked, tag="steps"):
    """Take these steps; answered with a result for each."""

    steps: list[Step]


class Save(Asked, tag="save"):
    """Give all state, parameters too, as any JSON."""


class Load(Asked, tag="load"):
    """Go on from a state that was saved."""

    state: Any


class Place(Asked, tag="place"):
    """Write other values into the parameters, and leave the optimizer as it is."""

    parameters: list[list[str]]


class Restart(Asked, tag="restart"):
    """Put a new optimizer, with the settings of the start, on the parameters as they are."""


Request = FactsAsked | Start | Steps | Save | Load | Place | Restart


class Result(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """All parameters after a step, in the order they came. point: where the next gradient is to be
    taken, where that is offered.
    """

    parameters: list[Numbers]
    point: list[Numbers] | None = None


class Answer(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """An answer: one of parameters (to start, load, place, restart), results (to steps), state (to
    save), skipped (what is asked is not supported: why) or error (it failed: why).
    """

    seq: int = 0
    parameters: list[Numbers] | None = None
    point: list[Numbers] | None = None
    results: list[Result] | None = None
    state: Any = NOTHING
    skipped: str | None = None
    error: str | None = None

    @classmethod
    def of_steps(cls, request: Steps, answers: Iterable["Answer"]) -> "Answer":
        """One answer for several: to each change of hyper-parameters, and to each step."""
        rest, found = iter(answers), []
        for step in request.steps:
            if step.hyper is not None:
                next(rest)
            if step.gradients is not None:
                found.append(Result(next(rest).parameters or []))
        return cls(results=found)


class Hello(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True):
    """The answer to `facts`: what the program is.

    hyper: names that it honours; settable: those that may change between steps, all numbers of
    hyper by default in plain words. fixed: what it has for good. groups: several in one optimizer.
    options: of OPTIONS. offers: of OFFERED. The others are as in `momentum.Facts`.
    """

    protocol: int
    dtypes: list[str]
    hyper: list[str]
    seq: int = 0
    settable: list[str] = []
    fixed: dict[str, bool | float | str] = {}
    groups: bool = False
    options: list[str] = []
    offers: list[str] = []
    none_gradients: bool = False
    flushes_subnormals: bool = False
    scalars: bool = True
    empty: bool = True
    largest: int = 4097

    def verify(self) -> None:
        """Raises: ValueError for a name that is unknown."""
        names = frozenset(Hyper._fields)
        offered = OFFERED if self.protocol == 2 else OFFERED - {"point", "place", "restart"}
        for key, known in (
            ("dtypes", frozenset(FORMATS)), ("hyper", names), ("settable", names),
            ("fixed", names), ("offers", offered), ("options", frozenset(OPTIONS)),
        ):  # fmt: skip
            said = list(getattr(self, key))
            for strange in sorted(set(said) - known):
                wanted = ", ".join(sorted(known)) + did_you_mean(str(strange), known)
                raise ValueError(f"{key} are {said!s:.80}, wanted some of {wanted}")
        if self.protocol == 1 and (self.groups or self.options):
            raise ValueError("groups and options need protocol 2")


OFFERED = frozenset({"resume", "validates", "nesterov_with_dampening", "point", "place", "restart"})
"""Of `momentum.subjects.protocol.OFFERS`, those that the protocol can carry."""

OPTIONS: Mapping[str, str] = {"dtypes": "mixed_dtypes", "complex": "complex"}
"""Options of `start`, and the offer that each makes."""


def hello_of(said: Mapping[str, object]) -> Hello:
    """The facts that a program says, in whatever spelling.

    Raises: ValueError where they are none.
    """
    if "error" in said:
        raise ValueError(str(said["error"]))
    spoken = said.get("protocol")
    if spoken not in PROTOCOLS:
        raise ValueError(f"speaks protocol {spoken!r:.40}, wanted {_EITHER}")
    known = Hello.__struct_fields__
    for key in said:
        if key not in known:
            hint = did_you_mean(str(key), known) or f": known are {', '.join(known)}"
            raise ValueError(f"its facts have an unknown {str(key)!r:.40}{hint}")
    try:
        hello = msgspec.convert(said, Hello)
    except msgspec.ValidationError as error:
        raise ValueError(f"its facts are wrong: {error}") from None
    hello.verify()
    return hello


def schema() -> dict[str, Any]:
    """The JSON schema of every message of protocol 2: `#/$defs/Request`, `Hello`, `Answer`."""
    (request, hello, answer), found = msgspec.json.schema_components(
        [Request, Hello, Answer], ref_template="#/$defs/{name}"
    )
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "momentum process protocol 2",
        "anyOf": [request, hello, answer],
        "$defs": {**found, "Request": request},
    }
