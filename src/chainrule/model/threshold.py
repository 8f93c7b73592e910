"""The probability from which on a class of two is answered, where that isn't one half."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from chainrule._plain import Form, Plain, between, read_count, read_number, read_text
from chainrule._types import FloatArray, IntArray
from chainrule.errors import SettingsError


@dataclass(frozen=True)
class DecisionThreshold(Plain):
    """The class at a ``place`` (0 or 1) is answered where its probability is at least ``least``, the other elsewhere.

    ``rule`` is what was largest there for rows that the network hadn't seen, or ``given`` where the number was given.
    """

    place: Annotated[int, between(read_count, 0, 2)]
    least: Annotated[float, between(read_number, 0, 1)]
    rule: Annotated[str, Form(str, read_text)]

    def __post_init__(self) -> None:
        if self.place not in (0, 1) or not 0 < self.least < 1:
            raise SettingsError(
                "least: a probability between 0 and 1 of the first or the second class is expected"
            )

    @property
    def second(self) -> float:
        """The probability of the second class beyond which it is answered."""
        return float(np.nextafter(self.least, 0.0)) if self.place else 1 - self.least

    def codes(self, probabilities: FloatArray) -> IntArray:
        """Return the classes (n,) that probabilities (n, 2) stand for."""
        found: IntArray = (np.asarray(probabilities[:, 1], np.float64) > self.second).astype(np.int64)
        return found
