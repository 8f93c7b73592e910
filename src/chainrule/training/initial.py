"""Initial parameters: the initializers' formulas on random numbers keyed by seed, member and layer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from chainrule._random import Purpose, generator
from chainrule._types import FloatArray
from chainrule.engines.base import Layout, SharedLayout
from chainrule.equations.initializers import Initializer, initializer
from chainrule.equations.network import Dense, Network
from chainrule.errors import SettingsError


def initial_parameters(
    network: Network, members: int, seed: int, unseen: Sequence[int] = (), sharing: str = "none"
) -> FloatArray:
    """Return the initial parameters of each member, flat, shape (members, p), float64.

    The same seed gives the same numbers; member i's don't depend on how many members there are. ``unseen``
    are inputs (from 0) that are 0 in every training row: nothing can be learned about their weights, so these
    start, and stay, at 0. With ``sharing`` "tabm" it is what members that share are made of, (1, q): the first
    member's W in every layer but the last, r of ±1 at random in the first layer, every other r and s 1, and the
    members' own arrays as without sharing.
    """
    layout = Layout(network)
    flat = np.empty((members, layout.size))
    for member in range(members):
        draws = generator(seed, Purpose.INITIAL, member)
        for slot in layout.slots:
            layer = network.layers[slot.layer - 1]
            fan_in, fan_out = network.sizes[slot.layer - 1], layer.n_out
            wanted = layer.init if slot.name == "W" else layer.bias_init
            made = _array(layer, slot.name, wanted, slot.layer, slot.shape, fan_in, fan_out, draws)
            if slot.layer == 1 and slot.name == "W" and len(unseen):
                made[list(unseen)] = 0.0
            flat[member, slot.start : slot.stop] = made.reshape(-1)
    return flat if sharing == "none" else _shared(network, flat, seed)


def _shared(network: Network, flat: FloatArray, seed: int) -> FloatArray:
    """Return what members that share are made of at the start, (1, q), from ordinary members' parameters (k, p)."""
    layout = SharedLayout(network, len(flat))
    members = layout.ordinary.unflatten(flat)
    theta = np.ones((1, layout.size))
    for slot in layout.slots:
        part = theta[0, slot.start : slot.stop].reshape(slot.shape)
        if slot.name not in ("r", "s"):
            own = members[slot.layer - 1][slot.name]
            part[:] = own[0] if slot.shape == own.shape[1:] else own
        elif slot.layer == 1 and slot.name == "r":
            # A stream of its own: the draws of the weights are the same as without sharing.
            for member in range(len(flat)):
                draws = generator(seed, Purpose.INITIAL, member, 1)
                part[member] = 2 * draws.integers(0, 2, slot.shape[1]) - 1
    return theta


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
