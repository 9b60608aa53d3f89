"""How requests and answers of the protocol are written as lines: in JSON, and in plain words."""

import json
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from momentum.conventions.hyper import FLAGS, NAMES, NEUTRAL
from momentum.languages import protocol
from momentum.languages.protocol import Answer, Asked, Hello, Load, Save, Start, Step, Steps

GREETING = "momentum-words "
T = TypeVar("T")
_ENCODER = msgspec.json.Encoder()


class Spelling(Protocol):
    """lines: of a request, each of which is answered by a line. answer: what such a line says.

    Both raise ValueError.
    """

    def lines(self, request: Asked) -> list[bytes]:
        """The request, a line or several."""

    def answer(self, line: str) -> Answer:
        """One line of the answer."""


def hello(line: str) -> tuple[Hello, Spelling]:
    """What the first line of a program says, and how it will speak. Raises: ValueError."""
    if line.startswith(GREETING):
        return _greeting(line), Words()
    said = protocol.hello_of(_object(line))
    return said, Json() if said.protocol == 2 else Older()


class Json:
    """Protocol 2: one JSON object a message."""

    def lines(self, request: Asked) -> list[bytes]:
        """One line."""
        return [_ENCODER.encode(request)]

    def answer(self, line: str) -> Answer:
        """What an object says."""
        return decoded(line, Answer)


def _apart(request: Asked, said: Callable[[Asked | Step], Iterator[str]]) -> list[bytes]:
    """A request of several steps as lines for each of them, any other as it is said."""
    parts = request.steps if isinstance(request, Steps) else [request]
    return [line.encode() for part in parts for line in said(part)]


class Older(Json):
    """Protocol 1: one group, one step a message, nothing echoed."""

    def lines(self, request: Asked) -> list[bytes]:
        """A request with what protocol 1 has of it."""
        return _apart(request, self._said)

    def _said(self, part: Asked | Step) -> Iterator[str]:
        if isinstance(part, Step):
            if part.hyper is not None:
                yield json.dumps({"do": "set", "hyper": part.hyper[0]})
            if part.gradients is not None:
                yield json.dumps({"do": "step", "gradients": part.gradients})
            return
        more = {}
        if isinstance(part, Start):
            parameters = [{"shape": p.shape, "values": p.values} for p in part.parameters]
            more = {"dtype": part.dtype, "hyper": part.hyper[0], "parameters": parameters}
        elif isinstance(part, Load):
            more = {"state": part.state}
        elif not isinstance(part, Save):
            raise ValueError(f"{part.what!r} is not in protocol 1")
        yield json.dumps({"do": part.what, **more})

    def answer(self, line: str) -> Answer:
        """What an object says; other keys than ours were always allowed."""
        said = _object(line)
        if "error" in said:
            return Answer(error=str(said["error"]))
        return _converted({n: said[n] for n in ("parameters", "state") if n in said}, Answer)


class Words:
    """Plain words: tokens, and numbers as the 16 hexadecimal digits of a float64.

    start DTYPE h1 ... h7 P n x ... n x ...   -> state P n x ... n x ..., or refused WHY
    step P n g ... n g ...                    -> state ...; n = -1 where there is no gradient
    set h1 ... h7                             -> ok
    """

    def lines(self, request: Asked) -> list[bytes]:
        """A start, or steps."""
        return _apart(request, self._said)

    def _said(self, part: Asked | Step) -> Iterator[str]:
        if isinstance(part, Step):
            if part.hyper is not None:
                yield f"set {_hyper(part.hyper[0])}"
            if part.gradients is not None:
                yield f"step {_arrays(part.gradients)}"
            return
        if not isinstance(part, Start):
            raise ValueError(f"{part.what!r} cannot be said in plain words")
        arrays = _arrays([p.values for p in part.parameters])
        yield f"start {part.dtype} {_hyper(part.hyper[0])} {arrays}"

    def answer(self, line: str) -> Answer:
        """What the words say."""
        verb, _, rest = line.strip().partition(" ")
        if verb == "ok" and not rest:
            return Answer()
        if verb == "refused":
            return Answer(error=rest or "refused without a reason")
        if verb != "state":
            raise ValueError("wanted state, ok or refused")
        words = iter(rest.split())
        found = [list(_numbers(words)) for _ in range(_count(words))]
        if next(words, None) is not None:
            raise ValueError("wanted no more numbers than its counts say")
        return Answer(parameters=found)


def decoded(line: str, kind: type[T]) -> T:
    """What a line says, JSON or as Python writes it, with NaN and Infinity. Raises: ValueError."""
    try:
        return msgspec.json.decode(line, type=kind)
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _converted(_object(line), kind)


def _converted(said: Mapping[str, object], kind: type[T]) -> T:
    try:
        return msgspec.convert(said, kind)
    except msgspec.ValidationError as error:
        raise ValueError(str(error)) from None


def _object(line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise ValueError("wanted one JSON object a line")
    return said


def _greeting(line: str) -> Hello:
    """`momentum-words 1 dtypes=float64,float32 hyper=lr,momentum fixed=nesterov:true ...`."""
    _, version, *pairs = [*line.split(), ""]
    if version != "1":
        raise ValueError(f"speaks momentum-words {version:.20}, wanted 1")
    said: dict[str, Any] = {"protocol": 1, "none_gradients": True}
    lists = {"dtypes", "hyper", "settable", "offers", "options"}
    for pair in filter(None, pairs):
        name, _, text = pair.partition("=")
        values = [value for value in text.split(",") if value]
        if name == "fixed":
            said[name] = {n: _plain(x) for n, _, x in (v.partition(":") for v in values)}
        else:
            said[name] = values if name in lists else _plain(text)
    found = protocol.hello_of(said)
    if found.offers and not set(found.offers) <= {"validates", "nesterov_with_dampening"}:
        raise ValueError("plain words have no way to save and load")
    return found if "settable" in said else msgspec.structs.replace(found, settable=found.hyper)


def _plain(text: str) -> Any:
    """true, false, a whole number, or text."""
    known = {"true": True, "false": False}
    return known[text] if text in known else int(text) if text.isdecimal() else text


def _count(words: Iterator[str]) -> int:
    text = next(words, "")
    if not text.isascii() or not text.isdecimal() or len(text) > 9:
        raise ValueError(f"wanted a count, got {text!r:.30}")
    return int(text)


def _numbers(words: Iterator[str]) -> Iterator[float | str]:
    for _ in range(_count(words)):
        token = next(words, "")
        try:
            if len(token) != 16:
                raise ValueError
            yield struct.unpack(">d", bytes.fromhex(token))[0]
        except ValueError:
            wanted = "wanted numbers as 16 hexadecimal digits, as many as its counts say"
            raise ValueError(f"{wanted}, got {token!r:.30}") from None


def _hyper(said: Mapping[str, bool | str]) -> str:
    values = [said.get(name, NEUTRAL.get(name, 0)) for name in NAMES]
    flags = [name in FLAGS or not isinstance(x, str) for name, x in zip(NAMES, values)]
    return " ".join(_bits(float(x) if flag else float.fromhex(x)) for x, flag in zip(values, flags))


def _arrays(arrays: Sequence[list[str] | None]) -> str:
    words = [str(len(arrays))]
    for values in arrays:
        numbers = [_bits(float.fromhex(text)) for text in values or ()]
        words += ["-1"] if values is None else [str(len(numbers)), *numbers]
    return " ".join(words)


def _bits(x: float) -> str:
    return struct.pack(">d", x).hex()
