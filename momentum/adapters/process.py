"""Any program, in any language, as a subject: target `process:COMMAND`, JSON lines on its pipes.

Each line that we write to its standard input it answers with one line on its standard output.

    {"do": "facts"}                                        -> FACTS
    {"do": "start", "dtype": NAME, "hyper": HYPER,
     "parameters": [{"shape": [INT, ...], "values": [NUMBER, ...]}, ...]}    -> STATE, or ERROR
    {"do": "step", "gradients": [[NUMBER, ...] or null, ...]}                -> STATE
    {"do": "set", "hyper": HYPER}                                            -> {}
    {"do": "save"}                                         -> {"state": any JSON}
    {"do": "load", "state": what "save" gave}              -> STATE

    FACTS  = {"protocol": 1, "dtypes": [NAME, ...], "hyper": [NAME, ...]}, and where it is so:
             "fixed": {NAME: NUMBER or true}, what it has for good and "hyper" need not name;
             "settable": [NAME, ...], "none_gradients": true, "flushes_subnormals": true,
             "scalars": false, "empty": false, "largest": INT,
             "offers": of ["resume", "validates", "nesterov_with_dampening"]
    STATE  = {"parameters": [[NUMBER, ...], ...]}: all values, in the order they came, row by row
    HYPER  = {"lr": NUMBER, "nesterov": true, ...}: those that FACTS names
    NUMBER = "0x1.8p-3", "inf", "-inf" or "nan"; in answers a JSON number will do as well
    ERROR  = {"error": "why"}: at "start", hyper-parameters are refused; elsewhere a failure

"start" begins anew: nothing of an earlier run is left. A program that sees the end of its input
ends. A `--set NAME=VALUE` fixes what it names in "hyper", or says what else it has for good.
What it writes to standard error is quoted when it fails. Where "resume" is offered, "save"
gives all state, parameters too. A program gets 20 s for an answer, or `--set timeout=SECONDS`.
"""

import weakref
from collections.abc import Mapping, Sequence
from typing import Any

from momentum.adapters import _shared
from momentum.adapters._process_run import ProcessRun
from momentum.adapters._program import Program
from momentum.adapters.plain import PlainSubject
from momentum.arithmetic import FORMATS
from momentum.conventions import Hyper
from momentum.conventions.hyper import FLAGS
from momentum.errors import UsageError
from momentum.subjects.protocol import Array, Facts, Subject, SubjectError

_OFFERS = frozenset({"resume", "validates", "nesterov_with_dampening"})
_MORE = {
    "none_gradients": bool, "flushes_subnormals": bool,
    "scalars": bool, "empty": bool, "largest": int,
}  # fmt: skip


def adapt(command: str, fixed: Mapping[str, Any], name: str) -> Subject:
    """A subject around a command line; programs that are done with one run serve the next.

    Raises: UsageError where it does not start or says no proper facts.
    """
    values, others = _shared.divided(fixed)
    patience = float(others.pop("timeout", 20.0))
    if others:
        raise UsageError(f"{name} takes no {next(iter(others))!r}: it takes timeout")
    first = Program(command, patience)
    try:
        facts = _facts(first.ask({"do": "facts"}), values, name)
    except (SubjectError, TypeError, KeyError, ValueError) as error:
        raise UsageError(f"{name}: {error}") from None
    idle = [first]

    def greeted() -> Program:
        program = Program(command, patience)
        program.ask({"do": "facts"})
        return program

    def begin(parameters: Sequence[Array], hyper: Hyper, dtype: str) -> ProcessRun:
        while idle and not idle[-1].alive:
            idle.pop()
        program = idle.pop() if idle else greeted()
        run = ProcessRun(program, facts.hyper, facts.fixed)
        weakref.finalize(run, lambda: idle.append(program) if program.alive else None)
        run.begin(parameters, hyper, dtype)
        return run

    return PlainSubject(facts, begin)


def _facts(said: Mapping[str, Any], fixed: Mapping[str, Any], name: str) -> Facts:
    if said.get("protocol") != 1:
        raise SubjectError(f"speaks protocol {said.get('protocol')!r}, wanted 1")
    for key, known in (
        ("dtypes", set(FORMATS)),
        ("hyper", set(Hyper._fields)),
        ("settable", set(Hyper._fields)),
        ("fixed", set(Hyper._fields)),
        ("offers", _OFFERS),
    ):
        if not set(said.get(key, ())) <= known:
            raise SubjectError(f"{key} are {said[key]}, wanted some of {', '.join(sorted(known))}")
    own = {n: _value(n, x) for n, x in dict(said.get("fixed", {})).items()}
    for n in own.keys() & fixed.keys():
        if own[n] != fixed[n]:
            raise SubjectError(f"has {n} fixed to {own[n]}, not to {fixed[n]}")
    more = {key: kind(said[key]) for key, kind in _MORE.items() if key in said}
    return Facts(
        name=name,
        dtypes=tuple(said["dtypes"]),
        hyper=frozenset(said["hyper"]),
        settable=frozenset(said.get("settable", ())),
        fixed=own | dict(fixed),
        offers=frozenset(said.get("offers", ())),
        **more,
    )


def _value(name: str, said: Any) -> Any:
    """A fixed hyper-parameter.

    Raises: TypeError where it is none.
    """
    if name in FLAGS:
        return bool(said)
    return float.fromhex(said) if isinstance(said, str) else float(said)
