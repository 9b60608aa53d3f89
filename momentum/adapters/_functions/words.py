"""What people call the arguments of a step, its fields and its keys."""

import re
from collections.abc import Collection, Iterable, Mapping

from momentum.adapters import _shared

_WORDS = {
    "theta": "theta thetas x xs w ws weight weights p param params parameter parameters theta0 x0",
    "v": "v vs vel velocity velocities buf bufs buffer buffers momentum_buffer momentum_buffers"
    " state states opt_state trace config cache accum accumulator moment",
    "grad": "g gs grad grads gradient gradients dw dx dtheta param_grad param_grads d_w grad_wrt_w",
}
ROLES: Mapping[str, frozenset[str]] = {r: frozenset(text.split()) for r, text in _WORDS.items()}
"""What people call parameters, velocities and gradients."""

_PLAINEST = (
    frozenset({"theta", "thetas", "theta0", "param", "params", "parameter", "parameters"}),
    frozenset({"x", "xs", "x0", "p"}),
)
"""Names of parameters that go before the others: a weight may be a number beside them."""

_FUNCTIONS = {
    "gradient_of": "grad_fn grad_f grad_func grad_function gradient_fn gradient_f gradient_func"
    " gradient_function gradient_of grad_of gradf df dfdx f_grad grad_loss loss_grad",
    "loss": "loss loss_fn loss_f loss_func loss_function objective objective_fn cost cost_fn",
}
FUNCTIONS: Mapping[str, str] = {n: r for r, text in _FUNCTIONS.items() for n in text.split()}
"""What is called by the step itself: name -> "gradient_of" or "loss"."""

SIZES = frozenset({"n", "size", "length", "numel", "n_elements", "num_elements"})
"""What kernels call the number of elements."""

COUNTS = frozenset({"t", "k", "i", "it", "iter", "iteration", "count", "timestep"}) | frozenset(
    {"step", "steps", "n_step", "n_steps", "num_steps", "step_count", "step_num"}
)
"""What people call the number of steps that have been taken."""

SPOKEN: Mapping[str, tuple[str, ...]] = {
    "lr": ("rate", "alpha"),
    "momentum": ("gamma",),
    "weight_decay": ("decay", "l2", "lam", "lambda_"),
}
"""What people call hyper-parameters where no framework's names are to be kept apart."""

_THETA, _EARLIER = "|".join(ROLES["theta"]), "prev|previous|old|last"
_PREVIOUS = re.compile(f"({_THETA})_?({_EARLIER})|({_EARLIER})_?({_THETA})", re.IGNORECASE)


def is_before(name: str) -> bool:
    """Whether it is the iterate before, which a rule of two points keeps in place of a velocity."""
    return _PREVIOUS.fullmatch(name) is not None


def roles(names: Iterable[str]) -> dict[str, str]:
    """Role -> name, for each of the three roles that one name alone has, or has more plainly."""
    every = list(names)
    having = {r: [n for n in every if n.lower() in called] for r, called in ROLES.items()}
    plain = ([n for n in having["theta"] if n.lower() in called] for called in _PLAINEST)
    having["theta"] = next(filter(None, plain), having["theta"])
    return {r: found[0] for r, found in having.items() if len(found) == 1}


def hypers(names: Iterable[str]) -> dict[str, str]:
    """Hyper-parameters among the names of somebody's own code: ours -> theirs."""
    return _shared.known_names(names, SPOKEN)


def meant(
    names: Iterable[str], known: Collection[str] = (), numbers: Collection[str] = ()
) -> dict[str, str]:
    """Name -> role, "before", count or hyper-parameter: what the fields and keys of a state are.

    known: what is found elsewhere, and is nothing of these. numbers: names of what is no array.
    """
    every = list(names)
    found = {n: "count" for n in every if n in COUNTS}
    found |= {n: "before" for n in every if is_before(n)}
    found |= {theirs: ours for ours, theirs in hypers(n for n in every if n not in found).items()}
    found |= {n: r for r, n in roles(n for n in every if n not in {*found, *numbers}).items()}
    return {n: r for n, r in found.items() if r not in known}
