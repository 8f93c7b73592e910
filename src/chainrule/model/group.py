"""A group of a model: one network, the parameters of its members, and what they count in the answer."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from chainrule._types import FloatArray
from chainrule.equations.network import Network
from chainrule.errors import SettingsError


@dataclass(frozen=True)
class Group:
    """Member networks of one shape, trained together.

    ``parameters`` (k, p) has a row for each member, flat, as `Layout` lays it out. ``weight`` is what the mean of its
    members counts in the answer beside the other groups'. Raises SettingsError for a weight that isn't above 0.
    """

    network: Network
    parameters: FloatArray
    weight: float = 1.0

    def __post_init__(self) -> None:
        if not 0 < self.weight < math.inf:
            raise SettingsError(f"the weight of a group is a number above 0, not {self.weight!r}")

    @property
    def members(self) -> int:
        """The number of its members k."""
        return len(self.parameters)


def check_groups(groups: Sequence[Group]) -> None:
    """Raise SettingsError unless groups answer alike, so that the mean of their outputs says something."""
    if not groups or not math.isfinite(sum(group.weight for group in groups)):
        raise SettingsError("a model has one group or more, and the sum of their weights is finite")
    for number, group in enumerate(groups, 1):
        if _answers(group.network) != _answers(groups[0].network):
            raise SettingsError(
                f"group {number} doesn't answer as group 1 does: the networks of a model have the same inputs, outputs, "
                "output activation and loss"
            )


def _answers(network: Network) -> tuple[int, int, str, str]:
    output = network.output
    return network.n_inputs, output.n_out, output.activation.spec, network.loss.spec
