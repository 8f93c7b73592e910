"""A group of a model: one network, the parameters of its members, and what they count in the answer."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from chainrule._plain import read_list, read_number, read_record, read_text
from chainrule._types import FloatArray
from chainrule.equations.activations import Activation, activation
from chainrule.equations.dense import OPTIONAL, Dense
from chainrule.equations.layers import KINDS
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network, check_extent, check_formulas
from chainrule.errors import ModelFileError, SettingsError
from chainrule.model.card import read_card
from chainrule.model.file import AnyArray

Unfilled: TypeAlias = tuple[Network, float, Mapping[str, Any]]
"""A group of a description before it has its array: network, weight and card."""

MAX_GROUPS = 100
"""The most groups of a model."""


@dataclass(frozen=True)
class Group:
    """Member networks of one shape, trained together.

    ``parameters`` (k, p) has a row for each member, flat, as `Layout` lays it out. ``weight`` is what the mean of its
    members counts in the answer beside the other groups'. ``card`` says how it was trained, where the model's card is not
    about it alone. Raises SettingsError for a weight that isn't above 0.
    """

    network: Network
    parameters: FloatArray
    weight: float = 1.0
    card: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not 0 < self.weight <= sys.float_info.max:
            raise SettingsError(f"the weight of a group is a number above 0, not {self.weight!r}")

    @property
    def members(self) -> int:
        """The number of its members k."""
        return len(self.parameters)


def check_groups(groups: Sequence[Group]) -> None:
    """Raise SettingsError unless groups answer alike, so that the mean of their outputs says something, or for too many."""
    if len(groups) > MAX_GROUPS:
        raise SettingsError(f"{len(groups)} groups, but a model has 1 to {MAX_GROUPS}")
    layers = [layer for group in groups for layer in group.network.layers]
    check_extent(len(layers), [layer.activation.spec for layer in layers])
    check_formulas(group.network for group in groups)
    if not groups or not math.isfinite(sum(group.weight for group in groups)):
        raise SettingsError("a model has one group or more, and the sum of their weights is finite")
    for number, group in enumerate(groups, 1):
        if _answers(group.network) != _answers(groups[0].network):
            raise SettingsError(
                f"group {number} doesn't answer as group 1 does: the networks of a model have the same inputs, outputs, "
                "output activation and loss"
            )
        _check_parameters(group)


def _check_parameters(group: Group) -> None:
    """Raise SettingsError for parameters that aren't the network's, whose sizes may be a file's lies: none of them is made."""
    found, size = group.parameters, group.network.n_parameters
    if found.ndim != 2 or found.shape[1] != size or not len(found):
        raise SettingsError(f"parameters of shape (members, {size}) are expected, but found {found.shape}")
    if found.dtype.kind != "f":
        raise SettingsError(f"parameters are floating-point numbers, not {found.dtype}")


def _answers(network: Network) -> tuple[int, int, str, str]:
    output = network.output
    return network.n_inputs, output.n_out, output.activation.spec, network.loss.spec


def array_name(index: int) -> str:
    """Return the name of a group's array (from 0) in a model file."""
    return f"groups.{index}.parameters"


def group_data(group: Group) -> dict[str, Any]:
    """Return what a description says of a group."""
    card = {"card": dict(group.card)} if group.card else {}
    return {"network": group.network.to_dict(), "weight": group.weight, **card}


def read_version_1(value: object) -> dict[str, Unfilled]:
    """Return the group of a description of version 1 by the name of its array."""
    return {"parameters": (_read_network(value, "network", [], {}), 1.0, {})}


def read_groups(value: object) -> dict[str, Unfilled]:
    """Return each group of a description by the name of its array."""
    parts = (("network", "weight"), ("card",))
    found = read_list(value, "groups", lambda data, where: read_record(data, where, *parts))
    if not 1 <= len(found) <= MAX_GROUPS:
        raise ModelFileError(f"groups: {len(found)} groups, but a model has 1 to {MAX_GROUPS}")
    networks: list[Network] = []
    made: dict[str, Activation] = {}
    for i, data in enumerate(found):
        networks.append(_read_network(data["network"], f"groups[{i}].network", networks, made))
    weights = [read_number(data["weight"], f"groups[{i}].weight") for i, data in enumerate(found)]
    cards = [read_card(data.get("card", {}), f"groups[{i}].card") for i, data in enumerate(found)]
    return {array_name(i): parts for i, parts in enumerate(zip(networks, weights, cards, strict=True))}


def with_arrays(unfilled: Mapping[str, Unfilled], arrays: Mapping[str, AnyArray]) -> tuple[Group, ...]:
    """Return the groups with their arrays; raises ModelFileError where these aren't theirs."""
    if set(arrays) != set(unfilled):
        first, *rest = unfilled
        expected = f"{len(unfilled)} arrays {first!r}, … are" if rest else f"the one array {first!r} is"
        raise ModelFileError(f"{expected} expected, but found {sorted(arrays)}")
    groups = tuple(Group(net, arrays[name], weight, card) for name, (net, weight, card) in unfilled.items())
    for group in groups:
        _check_parameters(group)
        Layout(group.network)  # raises SettingsError where an address of a frozen parameter leads nowhere
    return groups


def _read_network(
    value: object, where: str, before: Sequence[Network], made: dict[str, Activation]
) -> Network:
    """Return the network of a group; each different formula is parsed and differentiated once, for all of them.

    ``before`` are the networks of the groups before it, and ``made`` their activations, to which its own are added.
    """
    parts = ["n_inputs", "layers", "loss", "reduction"]
    if isinstance(value, dict) and "features" in value:
        # Networks without a feature stage, and files from before there was one, have none.
        parts.append("features")
    data = read_record(value, where, parts)
    layers = read_list(data["layers"], f"{where}.layers", _read_layer)
    specs = sorted({layer["activation"] for layer in layers} - set(made))
    try:
        check_extent(len(layers) + sum(len(network.layers) for network in before), [*made, *specs])
    except SettingsError as error:
        raise ModelFileError(f"{where}.layers: {error}") from error
    if before and data["loss"] != before[0].loss.spec:
        raise ModelFileError(f"{where}.loss: the groups of a model have the same loss")
    made.update({spec: activation(spec) for spec in specs})
    return Network.from_dict(
        {
            **data,
            "layers": [{**layer, "activation": made[layer["activation"]]} for layer in layers],
            "loss": before[0].loss if before else data["loss"],
        }
    )


def _read_layer(value: object, where: str) -> dict[str, Any]:
    kind = value.get("kind") if isinstance(value, dict) else None
    layer = read_record(value, where, KINDS.get(str(kind), Dense)(1).to_dict(), OPTIONAL)
    read_text(layer["activation"], f"{where}.activation")
    return layer
