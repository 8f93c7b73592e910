"""The trace: every number of a prediction or of training steps of one member, found by its address.

It holds what the reference engine's `take_step` returned, in float64, and the same engine's numbers for the cost
after the update; it computes no network mathematics of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule._notebook import Shown
from chainrule._types import FloatArray
from chainrule.errors import SettingsError
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.lookup import find_array, resolve_address, span
from chainrule.explain.trace.records import Steps


@dataclass(frozen=True, eq=False, repr=False)
class Trace(Shown, Steps):
    """Every number of one or more steps of one member network, by address.

    ``trace["dC/dW[2][1,3]"]`` is a float; with several rows or steps, say which: ``z[1][2]@row=4@step=7``. A
    derivative by a parameter is the sum over the rows, with ``@row`` that row's part. ``member`` counts from 1, and
    ``source`` says in plain data where the numbers come from.

    >>> from chainrule import Dense, Network
    >>> trace = trace_network(Network([2, Dense(1, "sigmoid")]), {1: {"W": [[0.5], [-1.0]], "b": [0.25]}}, [[2.0, 1.0]], [[1.0]])
    >>> trace["z[1][1]"], round(trace["delta[1][1]"], 6)
    (0.25, -0.107678)
    """

    _shown_by = "chainrule.explain.show.notebook:trace"

    def __repr__(self) -> str:
        sizes = "-".join(str(size) for size in self.network.sizes)
        rows = sum(len(step.rows) for step in self.steps)
        what = f"steps {span([step.number for step in self.steps])}" if self.steps[0].number else "prediction"
        return f"Trace({sizes}, member {self.member}, {what}, {rows} row{'s' * (rows != 1)})"

    def __getitem__(self, address: str | Address) -> float:
        """Return the number at an address; raises SettingsError that says what exists."""
        place = self.resolve(address)
        if place.is_whole:
            raise SettingsError(f"{place} is a whole array: use trace.array, or name one of its numbers")
        return self.number(place)

    def array(self, address: str | Address) -> FloatArray:
        """Return a whole array: (n_in, n_out) of ``dC/dW[2]``, (n_out,) of ``z[2]``, (d,) of ``x``.

        Of several rows (n, n_out) and (n, d), unless ``@row`` names one.
        """
        return np.asarray(find_array(self, self.resolve(address)))

    def number(self, place: Address) -> float:
        """Return the number of an address that `resolve` gave."""
        found = find_array(self, place)
        return float(found[tuple(i - 1 for i in place.index)]) if place.index else float(found)

    def has(self, address: str | Address) -> bool:
        """Tell whether there is a number or array at an address."""
        try:
            find_array(self, self.resolve(address))
        except SettingsError:
            return False
        return True

    def resolve(self, address: str | Address) -> Address:
        """Return the address as this trace writes it: with step and row where there are several.

        Raises SettingsError for a place that isn't there, and says what is.
        """
        return resolve_address(self, Address.parse(address))
