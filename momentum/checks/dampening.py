"""Dampening: the share of a gradient that the velocity does not take."""

from momentum.checks import _given as given
from momentum.checks._check import Problems, Setting, agrees, problems


@agrees(
    statement="Dampening holds back its share of the decayed gradient, and of nothing else.",
    source="torch.optim.SGD, algorithm box; bitsandbytes-foundation/bitsandbytes#2085",
    catches="""dampening_never_applied dampening_twice dampening_on_velocity
        dampening_on_update dampening_reversed decay_outside_dampening""",
    needs=("hyper:dampening", "hyper:momentum"),
    random=lambda s: problems(
        s, steps=(2, 5), with_=("dampening", "momentum"), shapes=((5,), (2, 3))
    ),
)
def dampening_agrees(setting: Setting) -> Problems:
    """Dampening alone, nearly none and nearly all of it, and with everything else on."""
    base = {"lr": 0.3, "momentum": 0.8}
    wanted = (
        {**base, "dampening": 0.35},
        {**base, "dampening": 0.99},
        {**base, "dampening": 1e-3},
        {**base, "momentum": 0.35, "dampening": 0.8, "weight_decay": 0.15},
        {**base, "momentum": 0.6, "dampening": 1.0},
        given.FULL,
        given.NESTEROV,
    )
    return given.steady(setting, wanted, 4)
