"""Plain functions: the article's, and step functions on arrays.

    f(params, states, hyperparams)                       torch tensors, changed in place
    step(theta, v, grad, lr, momentum) -> (theta, v)     arrays; dampening, weight_decay, nesterov,
                                                         maximize and nu where it has such arguments

A step function gets v = zeros at first, or nothing where v has the default None. Its arrays are
known by their names (x, w, params; velocity, buf, state; g, dw, gradient) in whatever order, else
they are the first three arguments; n is the number of elements. The iterate before (x_prev, w_old)
is at first the start. Trials show the rest: NumPy's arrays, torch's or JAX's; one array, lists of
them or dicts; whether it returns (theta, v), (v, theta), a record, theta alone or nothing, having
changed in place what it does not return; and which dtypes it keeps. Its state may be a dict that it
fills, as config in sgd_momentum(w, dw, config), which may hold rate and momentum, too.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from momentum.adapters import _device, _shared
from momentum.adapters._forms import ANSWERS, ROLES, SIZES, SPOKEN, Form, arranged, asked_of, roles
from momentum.adapters._libraries import Claims, libraries
from momentum.adapters._record import Adapter
from momentum.adapters._run import COPIES
from momentum.adapters._shared import fitted
from momentum.adapters._trials import START, Misunderstood, takes, understood
from momentum.adapters.plain import PlainSubject
from momentum.arithmetic import FORMATS
from momentum.conventions import Hyper
from momentum.errors import UsageError
from momentum.subjects.isolation import Lost, stream, trial_limit
from momentum.subjects.protocol import Facts, Subject
from momentum.subjects.trial import trial

_ARTICLE = ("params", "states", "hyperparams")


def accepts(obj: object) -> bool:
    """A function with the article's arguments or a step function's."""
    names = _names(obj)
    return names == _ARTICLE or _is_step(names)


def _names(obj: object) -> tuple[str, ...]:
    if isinstance(obj, type) or not callable(obj):
        return ()
    try:
        return tuple(inspect.signature(obj).parameters)
    except (TypeError, ValueError):
        return ()


def _is_step(names: tuple[str, ...]) -> bool:
    """Parameters, velocities and gradients by name, or three arrays before lr and momentum."""
    if set(roles(names)) == set(ROLES):
        return True
    known = _shared.known_names(names[3:], SPOKEN)
    return {"lr", "momentum"} <= set(known) and not _shared.known_names(names[:3])


def adapt(function: Callable[..., object], fixed: Mapping[str, object], name: str) -> Subject:
    """A subject from a function. fixed: arguments that are the caller's choice, and what is in it.

    Raises: UsageError where the function takes or wants something else, or a trial fails.
    """
    if _names(function) == _ARTICLE:
        from momentum.adapters import _article

        return _article.adapt(function, fixed, name)
    device, fixed = _device.parted(function, fixed, name)
    arrays, keywords = arranged(function)
    inside, said = _told(function, fixed)
    size = next((n for n in _names(function) if n in SIZES - {*fixed, *arrays.values()}), "")
    known = (*arrays.values(), size)
    names, hyper, others = fitted(function, known, said, name, SPOKEN)
    free = {n: theirs for n, theirs in names.items() if n not in hyper}
    more = {names[n]: x for n, x in hyper.items()} | others
    sized = {size: len(START)} if size else {}
    asked, entries = _entries(
        function, arrays, names, {**more, **dict.fromkeys(free.values(), 0.5), **sized}
    )
    names |= entries
    for needed in ("lr", "momentum"):
        if needed not in {**names, **inside}:
            raise UsageError(
                f"{name} takes no {needed} that is known as one: name an argument so, or say which"
                f" is in it: --set {needed}=VALUE"
            )
    lazy = inspect.signature(function).parameters[arrays["v"]].default is None
    written = str(getattr(function, "__annotations__", {}))
    fixed = hyper | inside
    dicts: list[dict[str, str] | None] = [entries] if entries else [{}, None] if asked else [None]
    ways = [
        Form(function, library._replace(dtypes=_said(library.dtypes, written)), arrays, keywords,
             free, fixed, more, lazy, holder, answer, kept, size=size)
        for library in libraries(written, device)
        for kept in dicts
        for holder in ("array", "list", "dict")
        for answer in ANSWERS
    ]  # fmt: skip
    values = {"lr": 0.5, "momentum": 0.5, **fixed}
    h = Hyper(**{n: x for n, x in values.items() if n in Hyper._fields})
    try:
        found = understood(ways, h)
    except Misunderstood as error:
        raise UsageError(f"{name} {error}") from None
    form, seen = found or (ways[0], ())
    kept = seen or form.library.dtypes
    facts = Facts(
        name=name,
        dtypes=kept,
        hyper=frozenset({**free, **entries}),
        settable=frozenset({**free, **entries}),
        fixed=fixed,
        offers=COPIES | ({"overwrite"} if form.library.fill else set()),
        **form.library.claims | _claims(function),
        largest=2**18,
        assumed=True,
        called=form.words if seen else "",
    )
    if seen:
        form, facts = _with_axes(form, facts)
        facts = replace(facts, scalars=takes(form, h, kept, ()), empty=takes(form, h, kept, (0,)))
    return PlainSubject(facts, form.begin)


def _entries(
    function: Callable[..., object],
    arrays: Mapping[str, str],
    names: Mapping[str, str],
    more: Mapping[str, object],
) -> tuple[bool, dict[str, str]]:
    """Whether v is a dict, and the hyper-parameters that are read from it: ours -> its key."""
    said = [x for x in stream(lambda: iter([asked_of(function, arrays, more)]), trial_limit(5.0))
            if not isinstance(x, Lost)]  # fmt: skip
    keys = said[0] if said else []
    known = _shared.known_names([k for k in keys if k not in ROLES["v"]], SPOKEN)
    return bool(keys), {n: key for n, key in known.items() if n not in names}


def _claims(function: Callable[..., object]) -> Claims:
    """numba compiles a function anew for each number of axes and each type of number."""
    return {"compiles": True} if type(function).__module__.startswith("numba") else {}


def _with_axes(form: Form, facts: Facts) -> tuple[Form, Facts]:
    """The same with arrays of one axis, as loops over elements want them, where it takes no other.

    Only for NumPy's: arrays of frameworks go through operations that know axes.
    """
    what = "several axes"
    if form.library.name != "numpy" or not (
        why := trial(PlainSubject(facts, form.begin), [what])[what]
    ):
        return form, facts
    flat = replace(form, flat=True)
    if trial(PlainSubject(facts, flat.begin), [what])[what]:
        return form, facts
    told = f"{why}; every array is handed over with one axis"
    return flat, replace(facts, left={what: told})


def _said(dtypes: Sequence[str], annotations: str) -> tuple[str, ...]:
    """Those of a library that the annotations name; all where they name none."""
    named = [d for d in FORMATS if d in annotations]
    return tuple(d for d in dtypes if not named or d in named)


def _told(
    function: Callable[..., object], fixed: Mapping[str, object]
) -> tuple[dict[str, object], dict[str, object]]:
    """Rate and momentum that are in the function, for no argument takes them; and the rest."""
    taken = _shared.known_names(_names(function), SPOKEN)
    inside = {n: x for n, x in fixed.items() if n in ("lr", "momentum") and n not in taken}
    return inside, {n: x for n, x in fixed.items() if n not in inside}


ADAPTER = Adapter(
    name="functions",
    takes="step(theta, v, grad, lr, momentum) or f(params, states, hyperparams)",
    module="",
    accepts=accepts,
    adapt=adapt,
    rank=1,  # before torch, which takes any function of `params`
    speakers=("article", "d2l"),
)
