"""The kinds of layers: each stands in a file of its own, and a new one is registered here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule.equations.dense import Dense, Parameter
from chainrule.errors import SettingsError

KINDS: Mapping[str, type[Dense]] = {kind.kind: kind for kind in (Dense,)}
"""Every kind of layer by its name in files."""


def parameters_of_kinds() -> dict[str, Parameter]:
    """Return every parameter that a layer of some kind has, by name."""
    return {parameter.name: parameter for kind in KINDS.values() for parameter in kind.parameters}


def layer_from_dict(data: Mapping[str, Any]) -> Dense:
    """Return the layer of `Dense.to_dict`'s plain data; raises SettingsError for a kind that there isn't."""
    options = {key: value for key, value in data.items() if key not in ("kind", "n_out", "activation")}
    if data["kind"] not in KINDS:
        raise SettingsError(f"unknown kind of layer {data['kind']!r}")
    return KINDS[data["kind"]](data["n_out"], data["activation"], **options)
