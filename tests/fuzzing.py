"""How hypothesis is used where requests are made up by the thousand."""

from hypothesis import HealthCheck, Phase, settings


def fuzz_settings(examples: int, *, is_random: bool) -> settings:
    """The same examples each time unless `is_random`; they take as long as they take, and nothing is kept of them."""
    return settings(
        max_examples=examples,
        derandomize=not is_random,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
