"""The first step, where conventions differ in what the velocity is before it."""

from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, agrees, check, closed_form
from momentum.checks._paths import responds
from momentum.theory import impulse as responses


def one_step(setting: Setting) -> Problems:
    """One step from 0 and from elsewhere: damped, maximizing, with Nesterov's form."""
    damped = {"lr": 0.3, "momentum": 0.8, "dampening": 0.35, "nu": 0.6}
    rows = [
        given.hyper(setting, **damped),
        given.hyper(setting, **damped, maximize=True),
        given.hyper(setting, lr=0.3, momentum=0.8, nesterov=True),
    ]
    return [given.run(setting, [h], kind=k) for h in rows for k in ("from_zero", "normal")]


@check(
    statement="The first gradient moves the parameter by its closed-form share of the rate.",
    source="torch.optim.SGD, algorithm box (v1 = g1); pytorch/pytorch#152833; ml-explore/mlx#473",
    catches="""first_step_dampened first_step_undampened first_step_skipped
        first_gradient_counted_twice""",
    needs=("closed form:share",),
    always=one_step,
    applies=closed_form(responses.known),
)
def first_step_is_the_conventions(trial: Trial) -> Found:
    yield from responds(trial, 1)


@agrees(
    statement="A first gradient of zero makes the first step all the same: the next is the second.",
    source="torch.optim.SGD, algorithm box: t > 1 decides, not the value of the velocity",
    catches="first_step_by_zero_velocity",
)
def zero_gradient_makes_a_first_step(setting: Setting) -> Problems:
    """Every pattern of zeros in the first gradients, and a parameter that gets only zeros."""
    wanted = [{**w, "weight_decay": 0.0} for w in given.BOTH]
    late = given.steady(setting, wanted, 4, [(1,), (2,)], kind="late")
    return [*late, *given.steady(setting, wanted, 4, [(27,)], kind="ternary")]


@agrees(
    statement="Every parameter makes a first step of its own, with all hyper-parameters on.",
    source="open-lm-engine/accelerated-model-architectures#436: a stale first-step flag",
    catches="""first_step_for_first_parameter_only prepared_with_decay second_step_restarts
        two_point_starts_at_zero""",
)
def every_parameter_has_a_first_step(setting: Setting) -> Problems:
    """Parameters of one shape, and others, with all hyper-parameters on."""
    return given.steady(setting, given.BOTH, 3, ((5,), (5,), (2, 3), (1,)))
