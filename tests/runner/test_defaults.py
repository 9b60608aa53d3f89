"""What is meant where options say nothing more."""

from momentum.runner.options import Options


def test_options_are_one_worker_and_a_minute_for_each_check() -> None:
    plain = Options()
    assert (plain.seed, plain.time_limit, plain.total_limit, plain.workers) == (0, 60.0, None, 1)
    assert (plain.dtypes, plain.effort, plain.only, plain.replay) == ((), "normal", (), None)
