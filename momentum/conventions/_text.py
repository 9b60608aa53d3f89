"""A convention's own text as data, and the formula that people read, made of it."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from flint import fmpq

from momentum.arithmetic.expression import (
    BranchError,
    Expression,
    evaluate,
    fused,
    lifted,
    nodes,
    replaced,
    symbol,
)
from momentum.arithmetic.notation import Notation, updates
from momentum.conventions._rule import N, Rule
from momentum.conventions.hyper import NEUTRAL, NUMBERS, Hyper

if TYPE_CHECKING:
    from momentum.conventions._convention import Convention

THETA, GRAD = symbol("theta"), symbol("grad")


class Step(NamedTuple):
    """What one step makes of the parameter and of each part of the state, as expressions.

    Their symbols are theta, grad, the names of the state's parts, and of the hyper-parameters.
    """

    theta: Expression
    state: Mapping[str, Expression]

    @property
    def outputs(self) -> dict[str, Expression]:
        """All of them by name."""
        return {"theta": self.theta, **self.state}

    @classmethod
    def of(cls, outputs: Mapping[str, Expression]) -> "Step":
        """From all of them by name."""
        return cls(outputs["theta"], {n: e for n, e in outputs.items() if n != "theta"})

    def replaced(self, table: Mapping[Expression, Expression]) -> "Step":
        """Other parts in the place of some, wherever they are used."""
        return Step.of({n: replaced(e, table) for n, e in self.outputs.items()})

    def taken(
        self, theta: N, grad: N, state: Any, h: Hyper, fma: Callable[[N, N, N], N] = fused
    ) -> tuple[N, Any]:
        """The parameter and the state after the step, over numbers of the type of h.lr."""
        exactly = isinstance(h.lr, fmpq)
        moved, *parts = evaluate(
            list(self.outputs.values()),
            {**h._asdict(), **state._asdict(), "theta": theta, "grad": grad},
            (lambda x: fmpq(x.numerator, x.denominator)) if exactly else float,
            fma,
        )
        return moved, type(state)(step=state.step + 1, **dict(zip(self.state, parts)))


def symbols_of(convention: "Convention", **values: object) -> Hyper:
    """The hyper-parameters that a convention knows as symbols, the others at their neutral value.

    values: those that are to be something else, flags above all.
    """
    known = {n: symbol(n) for n in NUMBERS if n in convention.knows}
    return Hyper(**{**NEUTRAL, **known, **values})


def expressed(
    convention: "Convention",
    *,
    first: bool = False,
    h: Hyper | None = None,
    rule: Rule | None = None,
    **values: object,
) -> Step:
    """One whole step of a convention, sign and decay included.

    first: the first step, whose state is still given as symbols. h: hyper-parameters, by default
    `symbols_of` with the values. rule: another whole step than the convention's own.
    Raises: TypeError where the rule does more than + - * and /, ValueError where it counts steps.
    """
    h = symbols_of(convention, **values) if h is None else h
    whole = convention.step if rule is None else rule
    if first:
        return _stepped(convention, whole, h, 0)
    found, later = (_stepped(convention, whole, h, step) for step in (1, 2))
    if found != later:
        raise ValueError(f"the rule of {convention.name} counts its steps")
    return found


def point_of(convention: "Convention", **values: object) -> Expression:
    """Where a convention takes its gradient."""
    h = symbols_of(convention, **values)
    return lifted(convention.gradient_point(THETA, _state(convention, 1), h))


def _state(convention: "Convention", step: int) -> Any:
    parts = {n: symbol(n) for n in convention.initial._fields if n != "step"}
    return type(convention.initial)(step=step, **parts)


def _stepped(convention: "Convention", rule: Rule, h: Hyper, step: int) -> Step:
    theta, state = rule(THETA, GRAD, _state(convention, step), h)
    parts = {n: lifted(x) for n, x in state._asdict().items() if n != "step"}
    return Step(lifted(theta), parts)


_SPELLED: Mapping[str, str] = {"theta": "x", "grad": "g", "theta_new": "x_new"}

READ = Notation(symbol=lambda name: _SPELLED.get(name, name))
"""For people: x is the parameter, g its gradient."""


def formula(convention: "Convention") -> tuple[str, ...]:
    """The rule as people read it, one line an assignment, from the rule itself.

    d is the gradient with its decay, y the point where it is taken. Lines that Nesterov's form has
    otherwise are given after the others.
    """
    try:
        lines = list(_lines(convention))
        if "nesterov" in convention.takes:
            turned = _lines(convention, nesterov=True)
            lines += [f"nesterov: {line}" for line in turned if line not in lines]
    except (TypeError, ValueError) as error:
        why = "it branches on values" if isinstance(error, BranchError) else str(error)
        return (f"no formula: {why}",)
    return (*lines, "maximize: -g in place of g")


def _lines(convention: "Convention", **flags: Any) -> Iterator[str]:
    first, later = expressed(convention, first=True, **flags), expressed(convention, **flags)
    starts = [f"{n} = {getattr(convention.initial, n)}" for n in later.state if n in _read(later)]
    if first == later and starts:
        yield f"{', '.join(starts)} before the first step"
    if convention.looks_ahead:
        point = point_of(convention)
        yield f"{READ.statement(('y', point))}; g is taken there"
        first, later = (s.replaced({point: symbol("y")}) for s in (first, later))
    for name, find in (("theta", _shrunk), ("d", _decayed)):
        part = find(later)
        if part is not None:
            yield READ.statement((name, part))
            first, later = (s.replaced({part: symbol(name)}) for s in (first, later))
    for name in later.state:
        if later.replaced({symbol(name): THETA}) == first != later:
            yield f"{name} = x at the first step"
            first = later
    told: dict[Expression, Expression] = {}
    for name, value in updates(later.outputs):
        at_first = first.outputs.get(name.removesuffix("_new"))
        line = READ.statement((name, value))
        if at_first is not None and replaced(value, told) is not at_first and first != later:
            line = f"{READ.statement((name, at_first))} at the first step, else {READ.text(value)}"
        if at_first is not None:
            told[symbol(name)] = at_first
        yield line


def _read(step: Step) -> set[str]:
    return {e.name for e in nodes(step.outputs.values()) if e.operation == "symbol"}


def _decayed(step: Step) -> Expression | None:
    """The largest part that is made of the gradient and its decay alone."""
    about = {"grad", "weight_decay", "theta", "y"}
    parts = [e for e in nodes(step.outputs.values()) if e.args and "grad" in e.symbols]
    found = [e for e in parts if e.symbols <= about]
    return found[-1] if found else None


def _shrunk(step: Step) -> Expression | None:
    """The parameter after its decay, where nothing else of the step sees it before."""
    parts = [e for e in nodes(step.outputs.values()) if e.args and "theta" in e.symbols]
    found = [e for e in parts if e.symbols == {"theta", "lr", "weight_decay"}]
    for e in found[:1]:
        rest = step.replaced({e: symbol("theta'")})
        if "theta" not in _read(rest):
            return e
    return None
