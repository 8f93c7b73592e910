"""Initial parameters: the initializers' formulas on random numbers keyed by seed, member and layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._random import Purpose, generator
from chainrule._types import FloatArray
from chainrule.engines.base import Layout
from chainrule.equations.features import Features
from chainrule.equations.initializers import Initializer, initializer
from chainrule.equations.network import Dense, Network
from chainrule.errors import SettingsError


def initial_parameters(network: Network, members: int, seed: int, unseen: Sequence[int] = ()) -> FloatArray:
    """Return the initial parameters of each member, flat, shape (members, p), float64.

    The same seed gives the same numbers; member i's don't depend on how many members there are. ``unseen``
    are inputs (from 0) that are 0 in every training row: nothing can be learned about their weights, so these
    start, and stay, at 0.
    """
    layout = Layout(network)
    flat = np.empty((members, layout.size))
    for member in range(members):
        draws = generator(seed, Purpose.INITIAL, member)
        for slot in layout.slots:
            if slot.layer == 0 and network.features is not None:
                made = network.features.initial(slot.name, draws)
                if slot.name == "E":
                    made[_places_of(network.features, unseen)[1]] = 0.0
                flat[member, slot.start : slot.stop] = made.reshape(-1)
                continue
            layer = network.layers[slot.layer - 1]
            fan_in, fan_out = network.sizes[slot.layer - 1], layer.n_out
            wanted = layer.init if slot.name == "W" else layer.bias_init
            made = _array(layer, slot.name, wanted, slot.layer, slot.shape, fan_in, fan_out, draws)
            if slot.layer == 1 and slot.name == "W" and len(unseen):
                made[_places_of(network.features, unseen)[0]] = 0.0
            flat[member, slot.start : slot.stop] = made.reshape(-1)
    return flat


def _places_of(features: Features | None, unseen: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the rows of W[1] that the unseen inputs alone enter by, and their rows of a feature stage's E."""
    if features is None:
        return list(unseen), []
    places = features.places
    entering = dict(zip(places.copied.tolist(), places.copied_to.tolist(), strict=True))
    levels = [i for part in places.levels for i in range(part.start, part.stop)]
    numbers = set(places.numbers.tolist())
    rows = [entering[i] for i in unseen if i in entering and i not in numbers]
    return rows, [row for row, i in enumerate(levels) if i in set(unseen)]


def _array(
    layer: Dense,
    name: str,
    wanted: Any,
    number: int,
    shape: tuple[int, ...],
    fan_in: int,
    fan_out: int,
    draws: np.random.Generator,
) -> FloatArray:
    if isinstance(wanted, str):
        return _draw(_named(layer, wanted), shape, fan_in, fan_out, draws)
    try:
        given = np.array(wanted, np.float64)
    except ValueError as error:
        raise SettingsError(
            f"{name}[{number}] must be given as numbers, or None, in the shape {shape}: its rows differ in length, or hold text"
        ) from error
    if given.shape != shape:
        raise SettingsError(f"{name}[{number}] was given as {given.shape}, but has the shape {shape}")
    drawn = _draw(_named(layer, "auto" if name == "W" else "zeros"), shape, fan_in, fan_out, draws)
    return np.where(np.isnan(given), drawn, given)


def _named(layer: Dense, name: str) -> Initializer:
    return initializer(layer.activation.init if name == "auto" else name)


def _draw(
    made: Initializer, shape: tuple[int, ...], fan_in: int, fan_out: int, draws: np.random.Generator
) -> FloatArray:
    random = np.zeros(shape)
    if made.draws == "u":
        random = draws.random(shape)
    elif made.draws == "n":
        random = draws.standard_normal(shape)
    return np.array(made(random, fan_in, fan_out, np))
