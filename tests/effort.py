"""How far the tests look: hypothesis's profiles, chosen by HYPOTHESIS_PROFILE.

A deadline would make a busy machine fail a test. ``quick``, the default, has the same examples in every run, so a failure is
one for everybody; ``nightly`` looks for new ones, ten times as many, and prints how to find a failure again.
"""

import os
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "quick")
TIMES = 10 if PROFILE == "nightly" else 1

COMMON = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("quick", derandomize=True, **COMMON)
settings.register_profile("nightly", max_examples=100 * TIMES, print_blob=True, **COMMON)


def many(examples: int) -> int:
    """Return how many examples a test takes that takes ``examples`` in a quick run."""
    return examples * TIMES


def one_in(n: int, values: Iterable[Any]) -> list[Any]:
    """Return the values of a parameter, of which every n-th is tried at each edit and the others are slow tests.

    A tuple has the values of several parameters.
    """
    given = [each if isinstance(each, tuple) else (each,) for each in values]
    return [pytest.param(*each, marks=[pytest.mark.slow] if i % n else []) for i, each in enumerate(given)]
