"""Any program, in any language, as a subject: target `process:COMMAND`.

It answers one line on its standard output for each that it reads from its standard input, in the
protocol of `momentum.languages.protocol`, which docs/protocol.md tells in full. What it writes to
standard error is quoted when it fails. It gets 60 s for an answer, or `--set
timeout=SECONDS`. Any other `--set NAME=VALUE` fixes what it names in "hyper", or says what else it
has for good.
"""

import weakref
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from momentum.adapters import _shared
from momentum.arithmetic import Format, format_of
from momentum.conventions import Hyper
from momentum.conventions.hyper import FLAGS
from momentum.errors import UsageError
from momentum.languages import protocol
from momentum.languages.last_words import worded
from momentum.languages.numbers import meant, number, numbers, texts
from momentum.languages.program import PATIENCE, Program
from momentum.languages.protocol import Answer, Asked, Hello, Numbers, Parameter, Result
from momentum.subjects.protocol import Array, Facts, Gradient, SubjectError


def adapt(command: str, fixed: Mapping[str, object], name: str) -> "ProcessSubject":
    """A subject around a command line; programs that are done with one run serve the next.

    Raises: UsageError where it does not start or says no proper facts.
    """
    values, others = _shared.divided(fixed)
    said = others.pop("timeout", PATIENCE)
    if others:
        raise UsageError(f"{name} takes no {next(iter(others))!r}: it takes timeout")
    if not isinstance(said, int | float) or not 0 < said < 1e6:
        raise UsageError(f"{name}: timeout is {said!r:.40}, wanted seconds")
    try:
        first = Program(command, said)
        facts = _facts(first.hello, values, name)
    except (SubjectError, ValueError) as error:
        raise UsageError(f"{name}: {error}") from None
    return ProcessSubject(facts, command, said, [first])


@dataclass(frozen=True)
class ProcessSubject:
    """A command line, and the programs of it that wait for their next run."""

    facts: Facts
    command: str
    patience: float
    idle: list[Program] = field(default_factory=list)

    def start(
        self,
        parameters: Sequence[Array],
        hypers: Sequence[Hyper],
        dtype: str,
        groups: Sequence[int] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> "ProcessRun":
        """A new run.

        Raises: ValueError where the program refuses it, SubjectError where it fails.
        """
        if len(hypers) > 1 and not self.facts.groups:
            raise SubjectError(f"has one group, got {len(hypers)}")
        strange = [n for n in options or {} if protocol.OPTIONS.get(n) not in self.facts.offers]
        _shared.no_options(dict.fromkeys(strange))
        while self.idle and not self.idle[-1].alive:
            self.idle.pop()
        program = self.idle.pop() if self.idle else Program(self.command, self.patience)
        dtypes = list((options or {}).get("dtypes", [dtype] * len(parameters)))
        formats = [format_of(d) for d in dtypes]
        run = ProcessRun(program, self.facts, [x.shape for x in parameters], formats, list(hypers))
        idle = self.idle
        back = weakref.finalize(run, lambda: idle.append(program) if program.alive else None)
        try:
            run.ask(
                protocol.Start(
                    dtype=dtype,
                    hyper=run.said(),
                    parameters=[Parameter(x.shape, texts(x)) for x in parameters],
                    groups=list(groups or [0] * len(parameters)),
                    options=dict(options or {}),
                )
            )
        except (ValueError, SubjectError):
            back()  # whoever keeps the error keeps the run as well
            raise
        return run


class ProcessRun:
    """A live run in a program; what changes is told with the next step."""

    def __init__(
        self,
        program: Program,
        facts: Facts,
        shapes: Sequence[tuple[int, ...]],
        formats: Sequence[Format],
        hyper: list[Hyper],
    ) -> None:
        self.program, self.facts, self.hyper = program, facts, hyper
        self.shapes, self.formats = shapes, formats
        self.untold = False
        self.last = Result([])

    def step(self, gradients: Sequence[Gradient]) -> None:
        """One step; None where there is no gradient."""
        self.steps([gradients], [self.hyper])

    def steps(
        self, gradients: Sequence[Sequence[Gradient]], hypers: Sequence[Sequence[Hyper]]
    ) -> list[list[Array]]:
        """Many steps in one message; the parameters after each."""
        asked = []
        for fed, row in zip(gradients, hypers):
            if list(row) != self.hyper:
                self.hyper, self.untold = list(row), True
            asked.append(
                protocol.Step([None if g is None else texts(g) for g in fed], self._changed())
            )
        request = protocol.Steps(steps=asked)
        answer, what = self._answer(request), self.program.verb(request)
        if answer.results is None or len(answer.results) != len(asked):
            raise SubjectError(f"answered {what!r} without {len(asked)} results")
        found = [self._arrays(what, one.parameters) for one in answer.results]
        self.last = answer.results[-1]
        return found

    def parameters(self) -> list[Array]:
        """What it last said."""
        return self._arrays("parameters", self.last.parameters)

    def point(self) -> list[Array]:
        """Where it wants the next gradient."""
        if self.last.point is None:
            raise SubjectError("offers point, and does not say it")
        return self._arrays("point", self.last.point)

    def set(self, hyper: Hyper, group: int = 0) -> None:
        """New hyper-parameters from the next step on."""
        self.hyper = [hyper if g == group else h for g, h in enumerate(self.hyper)]
        self.untold = True
        self.said()

    def save(self) -> object:
        """All of its state."""
        self._tell()
        answer = self._answer(protocol.Save())
        if answer.state is protocol.NOTHING:
            raise SubjectError("answered 'save' without a state")
        return answer.state

    def load(self, saved: object) -> None:
        """Go on from what `save` returned."""
        self.ask(protocol.Load(state=saved))

    def place(self, values: Sequence[Array]) -> None:
        """Write other values into the parameters."""
        self.ask(protocol.Place(parameters=[texts(x) for x in values]))

    def restart(self) -> None:
        """A new optimizer on the same parameters."""
        self.ask(protocol.Restart())

    def ask(self, request: Asked) -> None:
        """A request that is answered with all parameters."""
        self._tell()
        answer = self._answer(request)
        if answer.parameters is None:
            raise SubjectError(f"answered {request.what!r} without {len(self.shapes)} parameters")
        self.last = Result(answer.parameters, answer.point)
        self._arrays(request.what, answer.parameters)

    def said(self) -> list[protocol.Hypers]:
        """The hyper-parameters of all groups. Raises: ValueError where it has none such."""
        names = {name: name for name in self.facts.hyper}
        rows = [_shared.arguments(h, names, self.facts.fixed) for h in self.hyper]
        return [
            {n: x if isinstance(x, bool) else x.hex() for n, x in held.items()} for held in rows
        ]

    def _changed(self) -> list[protocol.Hypers] | None:
        """Those that it has not been told yet."""
        changed, self.untold = self.untold, False
        return self.said() if changed else None

    def _tell(self) -> None:
        if (changed := self._changed()) is not None:
            self._answer(protocol.Steps(steps=[protocol.Step(None, changed)]))

    def _answer(self, request: Asked) -> Answer:
        try:
            answer = self.program.ask(request)
        except ValueError as error:
            raise SubjectError(str(error)) from None
        if answer.skipped is not None:
            raise ValueError(worded(answer.skipped) or "refused without a reason")
        if answer.error is not None:
            older = self.program.hello.protocol == 1
            if older and isinstance(request, protocol.Start):  # it has no other word for a refusal
                raise ValueError(worded(answer.error) or "refused without a reason")
            raise SubjectError(worded(answer.error) or "failed without a reason")
        return answer

    def _arrays(self, what: str, said: Sequence[Numbers]) -> list[Array]:
        if len(said) != len(self.shapes):
            raise SubjectError(f"answered {what!r} without {len(self.shapes)} parameters")
        try:
            arrays = [
                meant(np.array(numbers(row), dtype=np.float64), format)
                for row, format in zip(said, self.formats)
            ]
            return [x.reshape(shape) for x, shape in zip(arrays, self.shapes)]
        except ValueError as error:
            raise SubjectError(f"answered {what!r} with wrong parameters: {error}") from None


def _facts(said: Hello, fixed: Mapping[str, object], name: str) -> Facts:
    own = {n: bool(x) if n in FLAGS else number(x) for n, x in said.fixed.items()}
    for n in own.keys() & fixed.keys():
        if own[n] != fixed[n]:
            raise SubjectError(f"has {n} fixed to {own[n]}, not to {fixed[n]}")
    return Facts(
        name=name,
        dtypes=tuple(said.dtypes),
        hyper=frozenset(said.hyper),
        settable=frozenset(said.settable),
        fixed=own | dict(fixed),
        groups=said.groups,
        none_gradients=said.none_gradients,
        offers=frozenset(said.offers) | {protocol.OPTIONS[n] for n in said.options},
        at_once=True,
        flushes_subnormals=said.flushes_subnormals,
        scalars=said.scalars,
        empty=said.empty,
        largest=said.largest,
    )
