"""One Hypothesis profile for all tests: the same examples in every run, or ever fresh ones."""

import os

from hypothesis import HealthCheck, settings

FRESH = bool(os.environ.get("MOMENTUM_FRESH"))

settings.register_profile(
    "momentum",
    derandomize=not FRESH,
    print_blob=FRESH,
    database=None,
    deadline=None,  # no test depends on timing
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("momentum")
