"""Weight decay: of which kind, of which parameter value, in which order, how much."""

from momentum.checks import _given as given
from momentum.checks._check import Problems, Setting, agrees, problems

LOSHCHILOV = "Loshchilov and Hutter 2019, Decoupled Weight Decay Regularization, algorithm 1"


@agrees(
    statement="Weight decay is of the convention's kind: in the gradient, or beside the rule.",
    source=f"{LOSHCHILOV}; nntrainer/nntrainer#1844; bitsandbytes-foundation/bitsandbytes#2010",
    catches="""decay_ignored decay_bypasses_velocity decay_after_step decay_before_step
        decay_coupled_by_mistake decay_decoupled_by_mistake decay_used_as_momentum
        decay_skips_one_dimensional""",
    needs=("hyper:weight_decay",),
    every_dtype=True,
)
def decay_is_of_its_kind(setting: Setting) -> Problems:
    """Decay without momentum, with it, with all else on, at a rate that changes."""
    base = {"lr": 0.3, "weight_decay": 0.15}
    still = given.hyper(setting, **base, momentum=0.8, nu=0.6)
    rates = (0.3, 0.07, 0.21, 0.4)
    small = ((),) if setting.allows(()) else ((1,),)
    yield given.run(setting, [given.hyper(setting, **base)] * 2, (*small, *given.VECTORS))
    yield given.run(setting, [given.changed(setting, still, lr=rate) for rate in rates])
    yield given.run(setting, [given.hyper(setting, **given.FULL)] * 3, ((7,), (3, 5), (2, 2, 2)))


@agrees(
    statement="With gradients of zero each parameter decays in proportion to its own value.",
    source=f"{LOSHCHILOV}; jettify/pytorch-optimizer#454: a constant in place of the parameter",
    catches="""decay_is_constant decay_is_absolute decay_of_velocity decay_multiplies_gradient
        decay_sign_wrong maximize_negates_decay decay_doubled decay_without_lr""",
    needs=("hyper:weight_decay",),
)
def decay_alone_agrees(setting: Setting) -> Problems:
    """Zero gradients, so that decay alone moves; starts of many magnitudes."""
    base = {"lr": 0.3, "weight_decay": 0.15}
    wanted = (base, {**base, "momentum": 0.8}, *given.BOTH)
    return given.steady(setting, wanted, 3, [(23,)], kind="still", seed=3)


@agrees(
    statement="Small and large coefficients of decay count as they are.",
    source=f"{LOSHCHILOV}; nntrainer/nntrainer#1844",
    catches="decay_times_lr_twice decay_ignored",
    needs=("hyper:weight_decay",),
)
def decay_of_any_size_agrees(setting: Setting) -> Problems:
    """Decay so small that it hardly shows, and so large that it overshoots."""
    wanted = (
        {"lr": 0.3, "momentum": 0.8, "weight_decay": 1e-4},
        {"lr": 0.3, "momentum": 0.0, "weight_decay": 2.0**-20},
        {"lr": 0.7, "momentum": 0.9, "weight_decay": 5e-3},
        {"lr": 1.7, "momentum": 0.3, "weight_decay": 0.95},
    )
    return given.steady(setting, wanted, 4, [(17,)])


@agrees(
    statement="Weight decay agrees in all combinations with momentum, dampening and maximize.",
    source=f"{LOSHCHILOV}; apache/mxnet#13683",
    catches="decay_uses_previous_parameter nesterov_without_decay look_ahead_decays_iterate",
    needs=("hyper:weight_decay",),
    random=lambda s: problems(
        s,
        steps=(1, 5),
        schedule=("lr", "weight_decay"),
        with_=("weight_decay",),
        shapes=((5,), (2, 3)),
    ),
)
def decay_agrees_in_combinations(setting: Setting) -> Problems:
    """None but what is drawn."""
    return ()
