"""Hyper-parameters that change in a run."""

from momentum.checks import _given as given
from momentum.checks._check import Problems, Setting, agrees, problems

SCHEDULED = ("lr", "momentum", "dampening", "weight_decay", "nu")


@agrees(
    statement="A learning rate that changes in a run counts where the convention places it.",
    source="Goyal et al. 2017, Accurate, Large Minibatch SGD, section 2.1, remark 2",
    catches="""lr_inside lr_outside lr_captured_at_start lr_one_step_late
        velocity_cleared_on_lr_change velocity_rescaled_on_lr_change set_once_only
        set_accumulates_lr""",
    needs=("settable:lr",),
    every_dtype=True,
)
def follows_the_learning_rate(setting: Setting) -> Problems:
    """A rate that falls and rises again at every step; one that changes at the last step only.

    The rates have all digits of float64: none of them gets through a shorter text.
    """
    h = given.hyper(setting, lr=1 / 3, momentum=0.8, nu=0.6)
    rates = (1 / 3, 1 / 330, 3 / 14, 2 / 5.1, 1 / 9.7)
    every = [given.changed(setting, h, lr=rate) for rate in rates]
    last = [h, h, h, given.changed(setting, h, lr=1 / 14)]
    return [given.run(setting, rows, kind="from_zero") for rows in (every, last)]


@agrees(
    statement="A momentum that changes in a run weighs the velocity from the step of its change.",
    source="Sutskever, Martens, Dahl, Hinton 2013, section 3 (momentum schedule), equation 5",
    catches="""momentum_captured_at_start momentum_one_step_late
        nesterov_with_previous_momentum bias_correction_by_power""",
    needs=("settable:momentum", "hyper:momentum"),
)
def follows_the_momentum(setting: Setting) -> Problems:
    """Momentum up and down, in the plain and in Nesterov's form."""
    for form in ({"nu": 0.6}, {"nesterov": True}):
        h = given.hyper(setting, lr=0.3, momentum=1 / 2.1, **form)
        rows = [
            given.changed(setting, h, momentum=m)
            for m in (1 / 2.1, 10 / 11, 3 / 14, 20 / 21, 5 / 7)
        ]
        yield given.run(setting, rows, kind="from_zero")


@agrees(
    statement="A step at momentum 0 leaves its own gradient as the velocity of the next.",
    source="the convention's formula at momentum 0; torch.optim.SGD keeps the old velocity instead",
    catches="velocity_not_fed_at_zero_momentum",
    level="should",
    needs=("settable:momentum", "hyper:momentum"),
)
def momentum_may_pass_zero(setting: Setting) -> Problems:
    """Momentum that is 0 in the middle of a run, and one that is 0 at its start."""
    h = given.hyper(setting, lr=0.3, momentum=0.8)
    for row in ((0.8, 0.0, 0.8, 0.8), (0.0, 0.8, 0.5, 0.8)):
        rows = [given.revised(setting, h, momentum=m) for m in row]
        yield given.run(setting, rows, kind="from_zero")


def everything_moves(setting: Setting) -> Problems:
    """One hyper-parameter after the other changes, then all at once."""
    other = {"lr": 0.11, "momentum": 0.55, "dampening": 0.7, "weight_decay": 0.27, "nu": 0.35}
    return given.moving(setting, [{}, *({n: other[n]} for n in SCHEDULED), other])


@agrees(
    statement="A flag that is turned in a run counts from that step on.",
    source="torch.optim, per-parameter options: a group's settings are read at every step",
    catches="flags_captured_at_start",
    needs=("settable:maximize",),
)
def follows_the_flags(setting: Setting) -> Problems:
    """Each flag."""
    return turned_flags(setting)


def turned_flags(setting: Setting) -> Problems:
    """Each flag on and off again in a run, without dampening, which forbids Nesterov's form."""
    bare = {**given.FULL, "dampening": 0.0, "maximize": False}
    off = given.hyper(setting, **bare)
    for name in ("maximize", "nesterov"):
        on = given.revised(setting, off, **{name: True})
        if on != off and name in setting.facts.settable:
            yield given.run(setting, [off, off, on, on, off])
            yield given.run(setting, [on, on, off, on])


def switched_on_and_off(setting: Setting) -> Problems:
    """Decay and dampening of 0 at the start, on in the middle, 0 again at the end."""
    for w in given.BOTH:
        on = given.hyper(setting, **w)
        for name in ("weight_decay", "dampening"):
            off = given.revised(setting, on, **{name: 0.0})
            if off != on and name in setting.facts.settable:
                yield given.run(setting, [off, off, on, on, off])


@agrees(
    statement="Every hyper-parameter that changes in a run takes effect at once, and only it.",
    source="deeplearning4j/deeplearning4j#1707: hyper-parameters captured at construction",
    catches="""decay_captured_at_start decay_off_at_start_stays_off dampening_captured_at_start
        set_clears_velocity decay_with_initial_lr""",
    needs=("settable:lr",),
    random=lambda s: problems(s, steps=(2, 6), schedule=SCHEDULED, shapes=((5,), (2, 3))),
)
def follows_all_changes(setting: Setting) -> Problems:
    """Each number alone, then all; decay and dampening on and off."""
    return [*everything_moves(setting), *switched_on_and_off(setting)]
