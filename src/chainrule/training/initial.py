"""Initial parameters: the initializers' formulas on random numbers keyed by seed, member and layer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from chainrule._blas import one_blas_thread
from chainrule._doors import setting
from chainrule._random import Purpose, generator
from chainrule._types import FloatArray
from chainrule.equations.dense import Dense
from chainrule.equations.features import Features
from chainrule.equations.initializers import initializer
from chainrule.equations.layout import Layout, TabMLayout
from chainrule.equations.network import Network
from chainrule.errors import SettingsError

DATA = "data"
"""In an initializer's place: weights and biases that are fitted to the inputs of the training rows."""

MOST_ROWS = 1000
"""The most rows that `DATA` looks at."""

ROWS_OF_A_BIAS = 5
"""The rows between which `DATA` places a hidden neuron's bias."""


def initial_parameters(
    network: Network,
    members: int,
    seed: int,
    unseen: Sequence[int] = (),
    x: FloatArray | None = None,
    sharing: str = "none",
) -> FloatArray:
    """Return the initial parameters of each member, flat, shape (members, p), float64.

    The same seed gives the same numbers; member i's don't depend on how many members there are. ``unseen``
    are inputs (from 0) that are 0 in every training row: nothing can be learned about their weights, so these
    start, and stay, at 0, unless a layer's
    ``initial`` sets them. ``x`` (n, d) are the inputs of the training rows, for layers with the initializer `DATA`.
    With ``sharing`` "tabm" it is what members that share are made of, (1, q): the first member's W in every layer but
    the last, r of ±1 at random in the first layer, every other r and s 1, and the members' own arrays as without
    sharing. Raises SettingsError where there is a layer with `DATA` and no row, or sharing.
    """
    if sharing != "none":
        check_shared_start(network)
        return _shared(network, _parameters(network, members, seed, unseen, None), seed)
    if not any(layer.init == DATA for layer in network.layers):
        return _parameters(network, members, seed, unseen, None)
    if x is None or not len(x):
        raise SettingsError("init data needs training rows, and there are none: choose another init")
    # Several threads may round a product of matrices otherwise, and a replay needs the same bits.
    with one_blas_thread():
        return _parameters(network, members, seed, unseen, np.asarray(x, np.float64))


def _parameters(
    network: Network, members: int, seed: int, unseen: Sequence[int], x: FloatArray | None
) -> FloatArray:
    layout = Layout(network)
    flat = np.empty((members, layout.size))
    for member in range(members):
        draws = generator(seed, Purpose.INITIAL, member)
        made = layout.unflatten(flat[member])
        h = None if x is None else x[draws.permutation(len(x))[:MOST_ROWS]]
        unlearned = list(unseen)
        if network.features is not None:
            unlearned, levels = _unlearned(network.features, unseen)
            for name, array in made[0].items():
                array[:] = network.features.initial(name, draws)
            made[0].get("E", np.zeros((len(unseen), 0)))[levels] = 0.0
            h = None if h is None else network.features.forward(made[0], h, np).a
        for number, layer in enumerate(network.layers, 1):
            own, fan_in = made[number], network.sizes[number - 1]
            for name, array in own.items():
                array[:] = layer.term(name).start or 0.0
            dead = unlearned if number == 1 else []
            if h is not None and layer.init == DATA:
                _fit(layer, own, h, draws, dead, is_hidden=number < len(network.layers))
            elif "W" in own:
                own["W"][:] = _array(layer, "W", number, own["W"].shape, fan_in, draws)
                own["W"][dead] = 0.0
            if "b" in own and not (layer.init == DATA and layer.bias_init == "zeros"):
                own["b"][:] = _array(layer, "b", number, own["b"].shape, fan_in, draws)
            for address, value in layer.initial:
                flat[member, layout.place(number, address, "initial")] = value
            if h is not None and number < len(network.layers):
                h = layer.forward(own, h, None, np).h
    return flat


def set_values(network: Network, flat: FloatArray) -> None:
    """Write the values that layers were given by hand into the parameters (k, p) of each member."""
    layout = Layout(network)
    for number, layer in enumerate(network.layers, 1):
        for address, value in layer.initial:
            flat[:, layout.place(number, address, "initial")] = value


def _unlearned(features: Features, unseen: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return the rows of W[1] that unseen inputs alone enter by, and the unseen levels' rows of a feature stage's E."""
    places = features.column_map
    numbers = set(places.numbers.tolist())
    entering = places.copies
    levels = [i for part in places.levels for i in range(part.start, part.stop)]
    rows = [entering[i] for i in unseen if i in entering and i not in numbers]
    return rows, [row for row, i in enumerate(levels) if i in set(unseen)]


def check_shared_start(network: Network) -> None:
    """Raise SettingsError for members that share, but can't begin so."""
    if any(layer.init == DATA for layer in network.layers):
        raise SettingsError(
            "init data fits each member's weights to the training rows, but members that share have the same ones: "
            f"choose another {setting('init')}, or leave {setting('sharing')} out"
        )


def _shared(network: Network, flat: FloatArray, seed: int) -> FloatArray:
    """Return what members that share are made of at the start, (1, q), from ordinary members' parameters (k, p)."""
    layout = TabMLayout(network, len(flat))
    members = layout.ordinary.unflatten(flat)
    theta = np.ones((1, layout.size))
    for slot in layout.slots:
        part = theta[0, slot.start : slot.stop].reshape(slot.shape)
        if slot.layer == 0 or slot.name not in ("r", "s"):
            own = members[slot.layer][slot.name]
            part[:] = own[0] if slot.shape == own.shape[1:] else own
        elif slot.layer == 1 and slot.name == "r":
            # A stream of its own: the draws of the weights are the same as without sharing.
            for member in range(len(flat)):
                draws = generator(seed, Purpose.INITIAL, member, 1)
                part[member] = 2 * draws.integers(0, 2, slot.shape[1]) - 1
    return theta


def _fit(
    layer: Dense,
    own: dict[str, FloatArray],
    h: FloatArray,
    draws: np.random.Generator,
    dead: list[int],
    *,
    is_hidden: bool,
) -> None:
    """Set a layer's weights, and its biases where no others are wanted, by the rows ``h`` (n, n_in) that enter it.

    Weights of the standard normal distribution, then each neuron's divided so that the mean square of its h W is 1;
    the bias of a hidden neuron is minus a random point between its h W on some rows, that of an output 0.

    Source: Holzmüller, Grinsztajn & Steinwart, "Better by default", NeurIPS 2024, whose weights give h W the variance 1,
    and whose output has such biases, too; these are the he+5 that they take from Steinwart, "A sober look at neural
    network initializations", arXiv:1903.11482, 2019.
    """
    own["W"][:] = draws.standard_normal(own["W"].shape)
    own["W"][dead] = 0.0
    # A linear path has a start of its own, beside which W h is what the hidden layers add.
    plain = replace(layer, linear_path=False)
    z = plain.forward({name: array for name, array in own.items() if name not in ("b", "S")}, h, None, np).z
    size = np.sqrt(np.mean(z**2, axis=0))
    size[size == 0] = 1.0
    own["W"] /= size
    if "b" not in own or layer.bias_init != "zeros":
        return
    own["b"][:] = 0.0
    if is_hidden:
        rows = draws.integers(len(z), size=(ROWS_OF_A_BIAS, layer.n_out))
        picked = np.take_along_axis(z / size, rows, axis=0)
        between = draws.dirichlet(np.ones(ROWS_OF_A_BIAS), layer.n_out).T
        points = np.sum(between * picked, axis=0)
        own["b"][:] = -(points if layer.bias == "neuron" else points.mean())


def _array(
    layer: Dense, name: str, number: int, shape: tuple[int, ...], fan_in: int, draws: np.random.Generator
) -> FloatArray:
    """Return W or b as the layer wants it: by an initializer, or as given, where NaN is left to the default one."""
    wanted: Any = layer.init if name == "W" else layer.bias_init

    def drawn_by(word: str) -> FloatArray:
        made = initializer(layer.activation.init if word == "auto" else word)
        random = np.zeros(shape)
        if made.draws:
            random = draws.random(shape) if made.draws == "u" else draws.standard_normal(shape)
        return np.array(made(random, fan_in, layer.n_out, np))

    if isinstance(wanted, str):
        drawn = drawn_by(wanted)
        # The layer's z are then what they are in the standard parametrization.
        return drawn / layer.scale(fan_in) if name == "W" and wanted == "auto" else drawn
    try:
        given = np.array(wanted, np.float64)
    except ValueError as error:
        what = f"must be given as numbers, or None, in the shape {shape}: its rows differ in length, or hold text"
        raise SettingsError(f"{name}[{number}] {what}") from error
    if given.shape != shape:
        raise SettingsError(f"{name}[{number}] was given as {given.shape}, but has the shape {shape}")
    return np.where(np.isnan(given), drawn_by("auto" if name == "W" else "zeros"), given)
