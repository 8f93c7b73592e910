"""What the members of a training are made of: each of its own row of numbers, or all of one row that they share.

An engine updates the rows of what is trained; `MemberRows` says which members are made of which row, makes them of it
(``expand``), and makes the row's gradient of theirs (``fold``, by the chain rule).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines.base import check_all_active
from chainrule.equations.layout import Layout, TabMLayout
from chainrule.equations.network import Network


class OwnRows:
    """Each member is its own row: the parameters themselves are trained.

    ``layout`` is that of a row, ``ordinary`` that of a member; ``groups`` are the members of each row.
    """

    def __init__(self, network: Network, members: int) -> None:
        self.layout = self.ordinary = Layout(network)
        self.groups: Sequence[Sequence[int]] = [[member] for member in range(members)]

    def expand(self, trained: FloatArray) -> FloatArray:
        """Return the rows themselves, not a copy."""
        return trained

    def fold(self, gradients: FloatArray, row: FloatArray) -> FloatArray:
        """Return the only member's gradient."""
        only: FloatArray = gradients[0]
        return only

    def check(self, active: Sequence[int]) -> None:
        """Let any members be trained."""


class OneRow:
    """All members are made of one row: the hidden layers' weights, which they share, and what is their own (`sharing`)."""

    def __init__(self, network: Network, trained: FloatArray) -> None:
        self.layout = TabMLayout.of_theta(network, trained)
        self.ordinary = self.layout.ordinary
        self.groups: Sequence[Sequence[int]] = [range(self.layout.members)]

    def expand(self, trained: FloatArray) -> FloatArray:
        """Return W_k = diag(r_k) W diag(s_k) and what is each member's own."""
        return self.layout.expand(trained[0])

    def fold(self, gradients: FloatArray, row: FloatArray) -> FloatArray:
        """Return the gradient of the members' mean cost."""
        return self.layout.fold(gradients, row)

    def check(self, active: Sequence[int]) -> None:
        """Raise SettingsError unless all members are trained."""
        check_all_active(active, self.layout.members)


MemberRows = OwnRows | OneRow


def member_rows(network: Network, sharing: str, trained: FloatArray) -> MemberRows:
    """Return how members are made of the rows of what is ``trained``, (k, p), or (1, q) of those that share."""
    return OwnRows(network, len(np.atleast_2d(trained))) if sharing == "none" else OneRow(network, trained)
