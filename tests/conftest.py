"""One Hypothesis profile for all tests: the same examples in every run, or ever fresh ones."""

import os
import signal

from hypothesis import HealthCheck, settings

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
