"""Wrong first steps and wrong dampening."""

from momentum.conventions import Hyper, Moved, State
from momentum.gallery.wrong import _terms as terms
from momentum.gallery.wrong._defect import defect, reported, wrong_rule
from momentum.gallery.wrong._families import absent, counted, second
from momentum.gallery.wrong._terms import ACCUMULATED, RULE, X

# fmt: off
counted("first_step_by_common_counter",
        "A parameter whose first gradient comes late is dampened at once.",
        "one counter for all parameters", lambda run, i, own: run.taken)
counted("first_step_for_first_parameter_only", "Only the first parameter has a first step.",
        "the counter grows with every parameter", lambda run, i, own: run.taken + i)
wrong_rule("first_step_dampened", "The first step is dampened.", "the velocity starts at zero",
           RULE["zero_started"], "ml-explore/mlx#473 ml-explore/mlx#440")
wrong_rule("first_step_undampened", "The first step is not dampened.",
           "the velocity starts with the gradient", ACCUMULATED, convention="zero_started")
wrong_rule("dampening_never_applied", "Dampening has no effect.",
           "the flag of the first step is never cleared; or the argument is not read",
           terms.hyper(lambda h: h._replace(dampening=0)),
           "open-lm-engine/accelerated-model-architectures#436 "
           "bitsandbytes-foundation/bitsandbytes#2085")
wrong_rule("first_velocity_without_lr", "The first step is not scaled by lr.",
           "v starts as d, then adds lr d",
           terms.velocity(lambda d, s, h: h.momentum * s.v + h.lr * d, by=terms.moved_scaled),
           "zc911/MatrixSlow#17", convention="scaled")
wrong_rule("velocity_seeded_one_step_late",
           "The first gradient is forgotten after the first step.",
           "the step is taken before the velocity is allocated",
           terms.left(lambda old, new, h: new if old.step else new._replace(v=0 * new.v)),
           "pytorch/pytorch#152833 pytorch/pytorch#92111 pytorch/pytorch#91108")
wrong_rule("first_gradient_counted_twice", "The first gradient counts twice.",
           "v starts as d, then is updated too",
           terms.velocity(
               lambda d, s, h: h.momentum * (s.v if s.step else d) + (1 - h.dampening) * d,
               first=True))
wrong_rule("dampening_twice", "Dampening acts squared.", "gradient and velocity are both dampened",
           terms.velocity(
               lambda d, s, h: h.momentum * s.v + (1 - h.dampening) * ((1 - h.dampening) * d)))
wrong_rule("dampening_on_velocity", "The old velocity is dampened.", "factor on the whole sum",
           terms.velocity(lambda d, s, h: (1 - h.dampening) * (h.momentum * s.v + d)))
wrong_rule("dampening_on_update", "The update is dampened again.", "factor on the step too",
           terms.update(lambda d, new, old, h: h.lr * (1 - h.dampening) * (
               d + h.momentum * new.v if h.nesterov else new.v), "zero_started"),
           convention="zero_started")
wrong_rule("dampening_reversed", "Dampening weighs the gradient.",
           "dampening in place of 1 - dampening",
           terms.velocity(lambda d, s, h: h.momentum * s.v + h.dampening * d))
wrong_rule("first_step_skipped", "The first step does not move.",
           "it only allocates the velocity",
           lambda x, g, s, h: ACCUMULATED(x, g, s, h if s.step else h._replace(lr=0)))
wrong_rule("first_step_by_zero_velocity", "A velocity of zeros counts as none.",
           "`if not v.any()` for the first step",
           terms.found(lambda s, h: s if s.step and s.v else s._replace(step=0)))
absent("missing_first_gradient_counts", "A missing gradient counts as a first step.",
       "state is allocated before the gradient is looked at",
       lambda run, i: run.states.setdefault(i, second(run, i)))
# fmt: on


@reported("NVIDIA/Megatron-LM#5976")
@defect("zero_started", "The velocity starts with the decay of the start.")
def prepared_with_decay(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    """State is allocated by a step with zero gradient and lr 0, which is not inert."""
    if state.step == 0:
        _, state = RULE["zero_started"](theta, 0 * grad, state, h)
    return RULE["zero_started"](theta, grad, state, h)


@defect("accumulated", "The second step restarts the velocity.", "off by one in the first step")
def second_step_restarts(theta: X, grad: X, state: State, h: Hyper) -> Moved:
    moved, new = ACCUMULATED(theta, grad, state._replace(step=max(state.step - 1, 0)), h)
    return moved, new._replace(step=state.step + 1)
