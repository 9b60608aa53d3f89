"""One Hypothesis profile for all tests: the same examples in every run."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "momentum",
    derandomize=True,
    database=None,
    deadline=None,  # no test depends on timing
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("momentum")
