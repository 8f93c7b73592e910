"""The numbers a lesson can expect, by name: those of a move, of the whole network, or at an address."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

import numpy as np

from chainrule._kept import cached_property
from chainrule._types import IntArray
from chainrule.errors import SettingsError
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.trace import Trace
from chainrule.lessons.fields import suggest
from chainrule.lessons.setup import Setup, some


def mistakes(setup: Setup, index: IntArray) -> int:
    """Return in how many of the rows the output's class (above 1/2, or the largest) is not the target's."""
    y = setup.targets("mistakes can't be counted without")[some(index)]
    a = setup.outputs(setup.x[index])
    if a.shape[1] > 1:
        return int(np.sum(np.argmax(a, axis=1) != np.argmax(y, axis=1)))
    return int(np.sum((a[:, 0] > 0.5) != (y[:, 0] > 0.5)))


GENERAL: Mapping[str, Callable[[Setup], float]] = MappingProxyType(
    {
        "cost": lambda setup: setup.cost(setup.training),
        "test_cost": lambda setup: setup.cost(setup.test),
        "mistakes": lambda setup: mistakes(setup, setup.training),
        "test_mistakes": lambda setup: mistakes(setup, setup.test),
        "epochs": lambda setup: setup.epochs,
        "updates": lambda setup: setup.state.t,
        "parameters": lambda setup: setup.layout.size,
    }
)
"""The names of numbers that are about all of a network, beside its addresses."""


class Numbers:
    """Numbers by name: first a move's own, then the network's, then by address in the trace of the given rows."""

    def __init__(
        self, setup: Setup, rows: Sequence[int] | None = None, own: Mapping[str, float] | None = None
    ) -> None:
        self.setup = setup
        self.rows = rows
        self.own = own or {}

    @cached_property
    def trace(self) -> Trace:
        """The trace of the rows."""
        return self.setup.trace(self.rows)

    def __getitem__(self, name: str) -> float:
        """Return a number; raises SettingsError for a name that stands for none."""
        if name in self.own:
            return self.own[name]
        if name in GENERAL:
            return float(GENERAL[name](self.setup))
        return self.trace[name]


def check_name(name: str) -> None:
    """Raise SettingsError for a name that can't be one of a number."""
    if name in GENERAL:
        return
    try:
        Address.parse(name)
    except SettingsError as error:
        if name.isidentifier():
            hint = f"{suggest(name, GENERAL)}, or {error}"
            raise SettingsError(f"there is no number {name!r}; {hint}") from error
        raise
