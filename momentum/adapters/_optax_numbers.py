"""Numbers where optax keeps them: in functions of the count, and in states that lay them open."""

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import optax

Numbers = dict[str, float]
"""Hyper-parameters of a group by optax's names, flags left out."""


def decays() -> "Mapping[str, Callable[[float], optax.Schedule]]":
    """Optax's own schedules, made of the rate that they start from or come to."""
    import optax

    return {
        "constant": optax.constant_schedule,
        "linear": lambda lr: optax.linear_schedule(lr, 0.1 * lr, 4),
        "polynomial": lambda lr: optax.polynomial_schedule(lr, 0.1 * lr, 2.0, 4),
        "exponential": lambda lr: optax.exponential_decay(lr, 2, 0.5),
        "staircase": lambda lr: optax.exponential_decay(lr, 2, 0.5, staircase=True),
        "cosine": lambda lr: optax.cosine_decay_schedule(lr, 4),
        "piecewise": lambda lr: optax.piecewise_constant_schedule(lr, {1: 0.5, 3: 0.1}),
        "warmup": lambda lr: optax.warmup_cosine_decay_schedule(0.1 * lr, lr, 2, 5),
    }


def written(state: Any, numbers: Sequence[Numbers]) -> Any:
    """The state with these numbers wherever it lays hyper-parameters open. numbers: of each group.

    optax: what `inject_hyperparams` keeps in its state wins over what its factory was given.
    """
    if hasattr(state, "inner_states"):
        # optax: multi_transform; the labels are our groups where there are several, else its own
        inner = {
            label: written(s, numbers[label : label + 1] if len(numbers) > 1 else numbers)
            for label, s in state.inner_states.items()
        }
        return state._replace(inner_states=inner)
    if hasattr(state, "hyperparams"):
        open_ = {n: x for n, x in numbers[0].items() if n in state.hyperparams}
        return state._replace(hyperparams={**state.hyperparams, **open_})
    if isinstance(state, tuple):
        parts = [written(part, numbers) for part in state]
        return state._make(parts) if hasattr(state, "_make") else tuple(parts)
    return state
