"""Every iterate against the oracle, in every dtype."""

from momentum.checks import _given as given
from momentum.checks._check import Problem, Problems, Setting, agrees, problems

HIGHAM = "Higham, Accuracy and Stability of Numerical Algorithms, 2nd ed., section 3.3"


@agrees(
    statement="Every iterate lies within its error bound of the exact trajectory.",
    source=HIGHAM,
    catches="""computes_in_single coordinates_16_to_31_wrong decay_outside_lr
        elements_beyond_4096_skipped iterate_not_velocity last_element_skipped lr_in_single
        momentum_on_gradient parameter_demoted parameter_promoted rounds_towards_zero
        skipped_vector_blocks skipped_vector_remainder update_in_lower_precision
        velocity_in_lower_precision velocity_seeded_one_step_late velocity_without_gradient
        nesterov_averaged_with_full_gradient nesterov_gradient_grows_first
        nesterov_without_gradient""",
    every_dtype=True,
    random=lambda s: problems(s, steps=(1, 16)),
)
def agrees_with_oracle(setting: Setting) -> Problems:
    """One run with a parameter of each size, on and off the width of vectors."""
    shapes = (*setting.pool, *(s for s in ((100,), (4097,)) if setting.allows(s)))
    row = (given.hyper(setting, lr=0.1, momentum=0.9),)
    return [Problem(setting.dtype, shapes, (row,) * 4, (0,) * len(shapes), seed=1)]
