"""The article's functions, on the rule of the convention `scaled`.

Source: Zhang, Lipton, Li and Smola, Dive into Deep Learning, section "Momentum" (`sgd_momentum`).
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from momentum.conventions import Hyper, State, get
from momentum.sgd._reading import gradient, number


def init_momentum_states(features: int | Tensor = 5) -> tuple[Tensor, Tensor]:
    """Velocities at rest for the article's linear regression: one for w, one for b.

    features: number of features, or the matrix that holds them, one row a sample. The article's
    edition reads a global matrix, the later book is given the number; the default 5 is the
    airfoil data's, so that a call without arguments does what the article's does.

    Shapes: (features, 1) and (1,). Raises: ValueError for anything else, or fewer than 1 feature.
    """
    count = features.shape[-1] if isinstance(features, Tensor) and features.ndim == 2 else features
    if isinstance(count, bool) or not isinstance(count, int) or count < 1:
        raise ValueError(f"features = {features!r}, wanted a number from 1 on, or a matrix")
    return torch.zeros((count, 1)), torch.zeros(1)


def sgd_momentum(
    params: Iterable[Tensor], states: Iterable[Tensor], hyperparams: Mapping[str, object]
) -> None:
    """One step of the article's optimizer, in place: the rule of the convention `scaled`.

    hyperparams: `lr` and `momentum`. Parameters and velocities keep their storage, gradients are
    neither changed nor cleared; a parameter without gradient is passed by, with its velocity.

    Shapes: every velocity like its parameter.
    Raises: ValueError for numbers of parameters and velocities or shapes that differ, a
    hyper-parameter that is missing, unknown, negative or not finite; nothing has moved then.
    """
    unknown = sorted(set(hyperparams) - {"lr", "momentum"})
    if unknown:
        raise ValueError(f"hyperparams has {', '.join(unknown)}: wanted lr and momentum only")
    scaled = get("scaled")
    lr, momentum = (number(hyperparams, n, "hyperparams", 0.0) for n in ("lr", "momentum"))
    h = Hyper(lr, momentum)
    params, states = list(params), list(states)
    if len(params) != len(states):
        raise ValueError(f"got {len(states)} states for {len(params)} parameters")
    for i, (p, v) in enumerate(zip(params, states)):
        if p.shape != v.shape:
            raise ValueError(f"states[{i}]: shape {tuple(v.shape)}, wanted {tuple(p.shape)}")
    with torch.no_grad():
        for p, v in zip(params, states):
            if p.grad is not None:
                # Any step but 0: `states` says what the velocity is from the start.
                moved, state = scaled.step(p, gradient(p), State(1, v), h)
                v.copy_(state.v)
                p.copy_(moved)
