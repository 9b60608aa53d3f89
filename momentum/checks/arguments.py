"""What the constructor may be given: names, generators, whole numbers, complex parameters."""

from momentum.arithmetic import format_of
from momentum.checks import _given as given
from momentum.checks._check import Found, Problems, Setting, Trial, agrees, check

FOUR = ((5,),) * 4


@check(
    statement="Parameters that share a name have each a path of their own.",
    source="torch.optim.Optimizer: named parameters; two layers may both have a 'weight'",
    catches="velocity_by_name",
    needs=("names",),
    always=lambda s: given.steady(s, [given.FULL], 3, FOUR),
)
def names_may_be_shared(trial: Trial) -> Found:
    for names in (("weight",) * 4, ("weight", "bias") * 2):
        yield from trial.on(options=(("names", names),)).judged()


def one_by_one(setting: Setting) -> Problems:
    """One group, and two."""
    h = given.hyper(setting, **given.FULL)
    yield given.run(setting, [h] * 3, FOUR)
    if setting.facts.groups:
        pair = h, given.revised(setting, h, lr=0.2)
        yield given.run(setting, [pair] * 3, FOUR, groups=(0, 1, 0, 1))


@check(
    statement="Parameters may be handed over by something that is walked through only once.",
    source="torch.nn.Module.parameters is a generator, and what optimizers are usually made from",
    catches="generator_walked_twice",
    needs=("generators",),
    always=one_by_one,
)
def parameters_may_come_one_by_one(trial: Trial) -> Found:
    yield from trial.on(options=(("generator", True),)).judged()


def whole_numbers(setting: Setting) -> Problems:
    """A rate of 1 and of 2, no momentum and some, a decay of 1."""
    wanted = ({"lr": 1.0}, {"lr": 2.0, "weight_decay": 1.0}, {"lr": 1.0, "momentum": 0.5})
    rows = dict.fromkeys(given.hyper(setting, **w) for w in wanted)
    return [given.run(setting, [h] * 3) for h in rows if given.free(setting, "lr")]


@check(
    statement="Whole numbers for hyper-parameters mean what floating-point numbers mean.",
    source="law; lr=1, momentum=0",
    catches="integers_divided_as_such",
    needs=("integers", "hyper:lr"),
    always=whole_numbers,
)
def hyperparameters_may_be_integers(trial: Trial) -> Found:
    yield from trial.on(options=(("integers", True),)).judged()


@agrees(
    statement="Complex parameters move as their real and imaginary parts.",
    source="torch.optim: view_as_real; the formula has real coefficients",
    catches="imaginary_part_skipped complex_gradient_conjugated",
    needs=("complex",),
)
def complex_parameters_move_as_two_real_ones(setting: Setting) -> Problems:
    """Four steps in each form; the last axis holds real and imaginary parts."""
    shapes = ((7, 2), (2, 3, 2), (33, 2))
    wide = format_of(setting.dtype).precision >= 24
    return given.steady(setting, given.BOTH, 4, shapes, options={"complex": True}) if wide else []
