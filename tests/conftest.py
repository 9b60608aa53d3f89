"""One Hypothesis profile for all tests: the same examples in every run, or ever fresh ones.

No test finds what another has set.
"""

import os
import signal
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from momentum.subjects.settings import surroundings_kept

FRESH = bool(os.environ.get("MOMENTUM_FRESH"))
EXAMPLES = int(os.environ.get("MOMENTUM_EXAMPLES", "100"))

settings.register_profile(
    "momentum",
    derandomize=not FRESH,
    print_blob=FRESH,
    database=None,
    max_examples=EXAMPLES,
    deadline=None,  # no test depends on timing
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("momentum")

# What a shell runs in the background ignores interrupts, and so would all that the tests start.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, None, None]:
    """What a wrong optimizer sets for the process, no other test finds."""
    with surroundings_kept():
        return (yield)
