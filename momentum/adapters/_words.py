"""The protocol in plain words, for languages without JSON: tokens, and numbers as their bits.

A program answers our first line, whatever it says, with

    momentum-words 1 dtypes=float64,float32 hyper=lr,momentum,nesterov [settable=...] [offers=...]

and from then on is asked

    start DTYPE h1 ... h7 P n x ... n x ...   -> state P n x ... n x ..., or refused WHY
    step P n g ... n g ...                    -> state ...; n = -1 where there is no gradient
    set h1 ... h7                             -> ok

Every number is a float64 as 16 hexadecimal digits of its bits; h1 to h7 are lr, momentum,
dampening, weight_decay, nesterov, maximize and nu, flags as 0 or 1; P parameters of n elements.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from momentum.conventions.hyper import FLAGS, NAMES, NEUTRAL

GREETING = b"momentum-words "


def facts_of(line: str) -> dict[str, Any]:
    """The facts that a greeting says, as `process` knows them.

    Raises: ValueError where it is none.
    """
    _, version, *pairs = line.split()
    if version != "1":
        raise ValueError(f"speaks momentum-words {version}, wanted 1")
    said: dict[str, Any] = {"protocol": 1, "none_gradients": True}
    for pair in pairs:
        name, _, values = pair.partition("=")
        if name not in ("dtypes", "hyper", "settable", "offers"):
            raise ValueError(f"says {pair!r}, wanted dtypes=, hyper=, settable= or offers=")
        said[name] = [value for value in values.split(",") if value]
    if not {"dtypes", "hyper"} <= said.keys():
        raise ValueError("says no dtypes= or no hyper=")
    said.setdefault("settable", said["hyper"])
    return said


def request_of(asked: Mapping[str, Any]) -> str:
    """A request in words.

    Raises: ValueError for one that has none.
    """
    if asked["do"] == "start":
        arrays = [p["values"] for p in asked["parameters"]]
        return f"start {asked['dtype']} {_hyper(asked['hyper'])} {_arrays(arrays)}"
    if asked["do"] == "step":
        return f"step {_arrays(asked['gradients'])}"
    if asked["do"] == "set":
        return f"set {_hyper(asked['hyper'])}"
    raise ValueError(f"{asked['do']!r} cannot be said in plain words")


def answer_of(line: str) -> dict[str, Any]:
    """What an answer says.

    Raises: ValueError where it is none.
    """
    verb, _, rest = line.strip().partition(" ")
    if verb == "ok" and not rest:
        return {}
    if verb == "refused":
        return {"error": rest or "refused without a reason"}
    if verb != "state":
        raise ValueError("wanted state, ok or refused")
    words = iter(rest.split())
    found = [list(_numbers(words)) for _ in range(int(next(words, "")))]
    if next(words, None) is not None:
        raise ValueError("wanted no more numbers than its counts say")
    return {"parameters": found}


def _numbers(words: Iterator[str]) -> Iterator[float]:
    for _ in range(int(next(words, ""))):
        token = next(words, "")
        if len(token) != 16:
            raise ValueError("wanted numbers as 16 hexadecimal digits, as many as its counts say")
        yield struct.unpack(">d", bytes.fromhex(token))[0]


def _hyper(said: Mapping[str, Any]) -> str:
    numbers = []
    for name in NAMES:
        value = said.get(name, NEUTRAL.get(name, 0))
        flag = name in FLAGS or not isinstance(value, str)
        numbers.append(_bits(float(value) if flag else float.fromhex(value)))
    return " ".join(numbers)


def _arrays(arrays: Sequence[Any]) -> str:
    words = [str(len(arrays))]
    for values in arrays:
        words += ["-1"] if values is None else [str(len(values)), *map(_text_bits, values)]
    return " ".join(words)


def _text_bits(text: str) -> str:
    return _bits(float.fromhex(text))


def _bits(x: float) -> str:
    return struct.pack(">d", x).hex()
