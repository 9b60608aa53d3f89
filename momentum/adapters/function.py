"""Step functions on arrays, in whatever form somebody has written one.

    step(theta, v, grad, lr, momentum) -> (theta, v)     dampening, weight_decay, nesterov, maximize
                                                         and nu where it has such arguments
    f(params, states, hyperparams)                       gradients are at torch's parameters

A step function gets v = zeros at first, or nothing where v has the default None. Its arrays are
known by their names (x, w, params; velocity, buf, state; g, dw, gradient) in whatever order, else
they are the first three arguments; n is the number of elements, t of the steps taken before. The
iterate before (x_prev, w_old) is at first the start. It may ask for its gradient itself (grad_fn,
loss). Any argument may be a dict, tuple or record that holds several of these, `step(state, grad)`:
what it asks of it, and the class that it names, tell what is in it. Trials show the rest: NumPy's
arrays, torch's or JAX's; one array, lists of them or dicts; what it returns, having changed in
place what it does not return; from where its steps are counted; and which dtypes it keeps.
"""

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from momentum.adapters import _device, _shared, classes
from momentum.adapters._functions import counts, pairs, pointers, words
from momentum.adapters._functions.arguments import arranged
from momentum.adapters._functions.loops import stepped
from momentum.adapters._functions.lying import lying
from momentum.adapters._functions.meanings import GRADIENTS, holds, said
from momentum.adapters._functions.steps import Way
from momentum.adapters._functions.trials import START, Misunderstood, copied, takes, understood
from momentum.adapters._functions.ways import alternatives_of, narrowed, ways_of
from momentum.adapters._libraries import Claims, libraries
from momentum.adapters._record import Adapter
from momentum.adapters._run import COPIES, IN_PLACE, OF_GRADIENTS
from momentum.adapters._shared import FLAGS, argument_names, fitted
from momentum.adapters.plain import PlainSubject
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.subjects.protocol import Facts, Subject
from momentum.subjects.trial import trial


def accepts(obj: Any) -> bool:
    """A function with the article's arguments or a step function's, or that returns such."""
    if pointers.is_pointer(obj) or stepped(obj) is not None:
        return True
    names = _names(obj)
    return _is_step(obj, names) or pairs.made_by(obj) is not None


def _names(obj: object) -> tuple[str, ...]:
    return () if isinstance(obj, type) else tuple(argument_names(obj))


def _is_step(obj: Any, names: tuple[str, ...]) -> bool:
    """Gradients by name and what can hold the rest, or three arrays before lr and momentum."""
    found = words.roles(names)
    gradients = "grad" in found or any(n in words.FUNCTIONS for n in names)
    if gradients or {"theta", "v"} <= {*found}:
        seen = arranged(obj)
        if gradients and ({"v", "before"} & {*seen.known.values()} or seen.strange or said(obj)):
            return True
        if seen.attached and "torch" in sys.modules:
            return True
    known_numbers = words.hypers(names[3:])
    return {"lr", "momentum"} <= set(known_numbers) and not _shared.known_names(names[:3])


def adapt(function: Callable[..., object], fixed: Mapping[str, object], name: str) -> Subject:
    """A subject from a function. fixed: arguments that are the caller's choice, and what is in it.

    Raises: UsageError where the function takes or wants something else, or a trial fails.
    """
    if (made := stepped(function)) is not None:
        return classes.adapt(made, fixed, name)
    if pointers.is_pointer(function):
        steps, dtypes = pointers.readings(function, name)
        return _adapted(steps, fixed, name, " ".join(dtypes))
    step = function if _is_step(function, _names(function)) else pairs.made_by(function)
    assert step is not None, "as accepts() has seen"
    return _adapted([step], fixed, name, str(getattr(function, "__annotations__", {})))


def _adapted(
    steps: Sequence[Callable[..., object]],
    fixed: Mapping[str, object],
    name: str,
    annotations: str,
) -> Subject:
    """The subject of the first of these that can be stepped. annotations: those of its arguments.

    Raises: UsageError.
    """
    function = steps[0]
    device, fixed = _device.parted(function, fixed, name)
    fixed = _bound(function) | fixed
    begins = {n: x for n, x in fixed.items() if n in words.COUNTS and isinstance(x, int)}
    fixed = {n: x for n, x in fixed.items() if n not in begins}
    inside, own = _told(function, fixed)
    found = arranged(function, own)
    names, hyper, others = fitted(
        function, (*found.known, *found.strange, *said(function)), own, name, words.SPOKEN
    )
    names = {n: theirs for n, theirs in names.items() if theirs not in found.known}
    free = {n: theirs for n, theirs in names.items() if n not in hyper}
    more = {names[n]: x for n, x in hyper.items()} | others
    kinds = libraries(annotations, device)
    if found.attached:
        kinds = [one for one in kinds if one.name == "torch"]
    halves = dict.fromkeys(free.values(), 0.5)
    alternatives = alternatives_of(function, found, {**more, **halves}, kinds[0], own)
    if not alternatives and found.strange:
        raise UsageError(f"{name} needs {found.strange[0]}: give --set {found.strange[0]}=VALUE")
    if not alternatives:
        raise UsageError(f"{name} takes no parameters that are known as such: name them theta")
    inner = {r for t in alternatives for m in t.values() for r in holds(m)} & {*Hyper._fields}
    for n in inside.keys() - {"lr", "momentum", *inner}:
        raise UsageError(f"{name} takes no {n!r}: it takes {', '.join(sorted({*names, *inner}))}")
    for needed in ("lr", "momentum"):
        if needed not in {*names, *inner, *inside}:
            raise UsageError(
                f"{name} takes no {needed} that is known as one: name an argument so, or say which"
                f" is in it: --set {needed}=VALUE"
            )
    if not found.attached and not GRADIENTS & {*found.known.values()}:
        raise UsageError(f"{name} takes no gradients that are known as such: name an argument grad")
    if "loss" in found.known.values() and all(one.name == "numpy" for one in kinds):
        raise UsageError(f"{name} wants a loss, which NumPy cannot differentiate: take grad_fn")
    every = frozenset(free) | frozenset(inner - {*inside})
    fixed = hyper | inside
    values: dict[str, Any] = {"lr": 0.5, "momentum": 0.25, **fixed}
    h = Hyper(**{n: x for n, x in values.items() if n in Hyper._fields})
    takings = [{**t, **{theirs: ours for ours, theirs in free.items()}} for t in alternatives]
    common = {"free": every, "fixed": fixed, "others": more}
    kinds = [narrowed(library, annotations) for library in kinds]
    ways = ways_of(steps, kinds, takings, begins, common)
    try:
        tried = understood(ways, h)
    except Misunderstood as error:
        raise UsageError(f"{name} {error}") from None
    way, seen = tried or (ways[0], ())
    kept = seen or way.library.dtypes
    claims: Claims = {"largest": 2**18, **way.library.claims, **_claims(function)}
    facts = Facts(
        name=name,
        dtypes=kept,
        hyper=every,
        settable=every,
        fixed=fixed,
        offers=COPIES | OF_GRADIENTS | ({"overwrite"} if way.library.fill else set()),
        assumed=True,
        **claims,
    )
    if not seen:
        return PlainSubject(facts, way.begin)
    return _settled(way, facts, h, (one.count for one in ways if one.takes == way.takes))


def _settled(way: Way, facts: Facts, h: Hyper, starts: Iterable[int]) -> PlainSubject:
    """The subject with all that further trials show of it. starts: from where it may count."""
    begun = counts.begun(lambda n: PlainSubject(facts, replace(way, count=n).begin), {*starts})
    way = replace(way, count=begun)
    way, facts = _with_axes(way, facts)
    offers = copied(way.begin([np.array(START)], h, facts.dtypes[0])) | facts.offers - COPIES
    offers |= IN_PLACE if way.attached else {"settings", "another_thread"}
    offers |= {"keyed"} if way.holder == "dict" else set()
    left = dict(facts.left)
    options: set[str] = set()
    if "gradient_of" in way.takes.values():
        offers |= {"point"}
    # What is compiled for each kind of array is told by its type how it lies.
    if way.library.name == "numpy" and not facts.compiles:
        way, why = lying(way, h, facts.dtypes[0])
        if why:
            left["other memory layouts"] = why
        if way.layouts:
            offers, options = offers | {"layouts"}, {"layout"}
    facts = replace(
        facts,
        offers=offers,
        left=left,
        called=way.words,
        none_gradients=way.attached and takes(way, h, facts.dtypes, (2,), none=True),
        scalars=takes(way, h, facts.dtypes, ()),
        empty=takes(way, h, facts.dtypes, (0,)),
    )
    return PlainSubject(facts, way.begin, frozenset(options))


def _claims(function: Callable[..., object]) -> Claims:
    """numba compiles a function anew for each number of axes and each type of number."""
    return {"compiles": True} if type(function).__module__.startswith("numba") else {}


def _with_axes(way: Way, facts: Facts) -> tuple[Way, Facts]:
    """The same with arrays of one axis, as loops over elements want them, where it takes no other.

    Only for NumPy's: arrays of frameworks go through operations that know axes.
    """
    what = "several axes"
    if way.library.name != "numpy" or not (
        why := trial(PlainSubject(facts, way.begin), [what])[what]
    ):
        return way, facts
    flat = replace(way, flat=True)
    if trial(PlainSubject(facts, flat.begin), [what])[what]:
        return way, facts
    told = f"{why}; every array is handed over with one axis"
    return flat, replace(facts, left={what: told})


def _bound(function: Callable[..., object]) -> dict[str, object]:
    """The flags that a partial has bound: they choose the rule, where numbers that it has bound
    are defaults like others."""
    bound = function.keywords if isinstance(function, partial) else {}
    return {theirs: bound[theirs] for n, theirs in words.hypers(bound).items() if n in FLAGS}


def _told(
    function: Callable[..., object], fixed: Mapping[str, object]
) -> tuple[dict[str, object], dict[str, object]]:
    """Hyper-parameters that are in the function, or in a record, for no argument takes them; and
    the rest."""
    names = argument_names(function)
    records = arranged(function).strange or said(function)
    within = Hyper._fields if records else ("lr", "momentum")
    inside = {n: x for n, x in fixed.items() if n in within and n not in words.hypers(names)}
    return inside, {n: x for n, x in fixed.items() if n not in inside}


ADAPTER = Adapter(
    name="functions",
    takes="step(theta, v, grad, lr, momentum) that returns (theta, v), or step(state, grad)",
    module="",
    accepts=accepts,
    adapt=adapt,
    rank=1,  # before torch, which takes any function of `params`
    speakers=("article", "d2l"),
)
