"""Maximizing: the gradient's sign turned, and nothing else."""

from momentum.checks import _given as given
from momentum.checks._check import Problems, Setting, agrees, problems


@agrees(
    statement="Maximizing turns the gradient's sign before decay and velocity, at every step.",
    source="torch.optim.SGD, algorithm box; pytorch/pytorch#68164; PaddlePaddle/Paddle#79341",
    catches="""maximize_ignored maximize_ignored_with_nesterov maximize_ignored_with_decay
        maximize_negates_decay maximize_at_first_step_only maximize_reverses_velocity""",
    needs=("hyper:maximize",),
    random=lambda s: problems(s, steps=(1, 5), with_=("maximize",), shapes=((5,), (2, 3))),
)
def maximize_agrees(setting: Setting) -> Problems:
    """Maximizing with each other hyper-parameter, and with all of them."""
    base = {"lr": 0.3, "maximize": True}
    wanted = (
        base,
        {**base, "momentum": 0.8, "nu": 0.6},
        {**base, "weight_decay": 0.15},
        {**base, "momentum": 0.8, "nesterov": True},
        given.FULL,
        given.NESTEROV,
    )
    return given.steady(setting, wanted, 4)
