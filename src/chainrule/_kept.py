"""Values that are worked out once, when they are first asked for."""

from __future__ import annotations

import functools
from contextlib import nullcontext
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from functools import cached_property as cached_property
else:

    class cached_property(functools.cached_property):
        """Python's, with no lock in 3.11 either, where all objects share one that a fork would find taken."""

        def __init__(self, function):
            super().__init__(function)
            self.lock = nullcontext()
