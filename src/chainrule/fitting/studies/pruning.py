"""Pruning: the weights of smallest size become 0, and what is left is trained again around them.

Of each network the given share of the layers' weights, over all layers together, those with the smallest |w|, is set to 0 and
frozen there; then the network is trained for as long as before, with the same settings and rows, from the weights that are left.
A layer keeps at least one weight.

Sources: Han, Pool, Tran & Dally, "Learning both weights and connections for efficient neural networks", NeurIPS 2015; for the
whole schedule once more, Renda, Frankle & Carbin, "Comparing rewinding and fine-tuning in neural network pruning", ICLR 2020.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from chainrule._doors import setting
from chainrule._types import BoolArray, FloatArray, IntArray
from chainrule.engines import engine_named
from chainrule.engines.base import Data, of_member
from chainrule.engines.threads import limited_threads
from chainrule.equations.answers import Answers
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.fitting.replay import Begun, tested_rows, trained_again
from chainrule.model.model import Evaluation, Model
from chainrule.model.source import Source
from chainrule.training.loop import fit
from chainrule.training.scores.temperature import at_temperature, temperature_of


@dataclass(frozen=True)
class Pruned:
    """A pruned ``model``, and its scores beside those of the model as it was, on ``rows`` rows.

    ``cut`` is the score with the weights set to 0 and nothing trained again; ``weights`` of one network, of which ``zeros``
    are 0. ``held_out`` tells whether the rows of the scores were held out of all training.
    """

    model: Model
    before: Evaluation
    cut: Evaluation
    after: Evaluation
    share: float
    weights: int
    zeros: int
    held_out: bool


def prune(
    model: Model, source: Source, share: float = 0.5, *, threads: int | None = None, **reading: Any
) -> Pruned:
    """Return a model without a ``share`` of its weights, trained again on the table that it was trained on.

    Every member loses its own smallest weights and sees its own rows. Probabilities are calibrated anew where the training
    calibrated them and there are rows that members haven't seen. Raises SettingsError for a share that isn't between 0 and 1
    or a training that can't be made again so, TableError for another table.

    >>> import chainrule
    >>> table = {"x": [0, 1] * 20, "y": ["no", "yes"] * 20}
    >>> model = chainrule.train(table, "y", hidden=[8], epochs=20, members=2).model
    >>> pruned = prune(model, table, 0.5)
    >>> pruned.weights, pruned.zeros, pruned.model.card["pruned"]
    (16, 8, 0.5)
    """
    if not 0 < share < 1:
        raise SettingsError(f"{setting('share', share)} must be between 0 and 1, such as 0.5")
    table = model.table(source, **reading)
    network = model.network
    begun = trained_again(model, table)
    if begun.settings.sharing != "none":
        raise SettingsError(
            "members that share their weights can't lose some of their own: train without sharing"
        )
    temperature = model.card["temperature"]
    start = np.asarray(at_temperature(network, model.parameters, 1 / (temperature or 1.0)), np.float64)
    masks = smallest_weights(network, start, share)
    cut = np.where(masks, 0.0, start)
    with limited_threads(threads):
        trained = np.stack([
            _trained_again(model, begun, member, cut[member], masks[member], threads) for member in range(len(cut))
        ])  # fmt: skip
    found = _calibrated(model, begun, trained)
    made = replace(model, groups=(replace(model.group, parameters=found[0].astype(model.parameters.dtype)),))
    card = {**model.card, "pruned": share, "temperature": found[1]}
    rows, held_out = tested_rows(model, table), True
    if not len(rows):
        rows, held_out = begun.numbers - 1, False
    part = table.take(rows)
    as_cut = replace(model, groups=(replace(model.group, parameters=np.where(masks, 0, model.parameters)),))
    after = made.evaluate(part)
    if held_out:
        card["scores"] = {name: score for name, score in after.scores.items() if np.isfinite(score)}
    made = replace(made, card=card)
    scores = model.evaluate(part), as_cut.evaluate(part), after
    return Pruned(made, *scores, share, len(_weights(network)), int(masks[0].sum()), held_out)


def smallest_weights(network: Network, parameters: FloatArray, share: float) -> BoolArray:
    """Return which of the parameters (k, p) are to be 0: the ``share`` of each member's weights with the smallest |w|."""
    layout, places = Layout(network), _weights(network)
    masks = np.zeros(parameters.shape, np.bool_)
    for mask, flat in zip(masks, parameters, strict=True):
        sizes = np.abs(flat)
        for slot in layout.slots:
            if slot.layer and slot.name == "W":
                # The largest of a layer stays, or nothing would come through it.
                own = sizes[slot.start : slot.stop]
                own[np.argmax(own)] = np.inf
        order = places[np.argsort(sizes[places], kind="stable")]
        least = round(share * len(places))
        mask[order[:least]] = True
        mask &= np.isfinite(sizes)
    return masks


def _weights(network: Network) -> IntArray:
    """Return the places of the layers' weights among the parameters."""
    return np.concatenate(
        [
            np.arange(slot.start, slot.stop)
            for slot in Layout(network).slots
            if slot.layer and slot.name == "W"
        ]
    )


def frozen_at(network: Network, mask: BoolArray) -> Network:
    """Return the network in which training leaves some parameters (p,) alone, beside those that it left alone before."""
    layout, layers = Layout(network), []
    for number, layer in enumerate(network.layers, 1):
        slot = layout.slot(number, "W")
        cut = np.argwhere(mask[slot.start : slot.stop].reshape(slot.shape)) + 1
        names = [f"W[{i},{j}]" for i, j in cut.tolist()]
        layers.append(replace(layer, frozen=(*layer.frozen, *names)))
    return Network([network.n_inputs, *layers], network.loss, network.reduction, network.features)


def _trained_again(
    model: Model, begun: Begun, member: int, start: FloatArray, mask: BoolArray, threads: int | None
) -> FloatArray:
    """Return a member's parameters (p,) after training from a start, with the weights of a mask frozen."""
    card, data = model.card, begun.data
    place = card["members"]["kept"][member] - 1
    epochs = max(1, *card["best_epochs"]) if begun.plan.early_stopping else begun.plan.longest
    plan = replace(begun.plan.exactly(epochs), early_stopping=False)
    engine = engine_named(model.engine, threads=threads, dtype=card["bits"]["machine"].get("dtype"))
    own = replace(data, train=of_member(data.train, place))
    result = fit(engine, frozen_at(model.network, mask), start[None], own, begun.settings, plan)
    if result.diverged:
        raise SettingsError(f"the training of the pruned member {member + 1} diverged: prune a smaller share")
    return np.asarray(result.parameters[0], np.float64)


def _calibrated(model: Model, begun: Begun, parameters: FloatArray) -> tuple[FloatArray, float | None]:
    """Return parameters (k, p) at the temperature that is best for the rows that members haven't seen, and that."""
    temperature, network = model.card["temperature"], model.network
    if temperature is None:
        return parameters, None
    rows, places = _unseen(begun.data, [one - 1 for one in model.card["members"]["kept"]])
    if len(rows):
        engine, data = engine_named(model.engine), begun.data
        z = engine.predict(network.without_output_activation(), parameters, data.x[rows])
        own = np.stack([z[member, at] for at, member in enumerate(places)])[None]
        weights = None if data.weights is None else data.weights[rows]
        answers = Answers("class", network.loss.signed)
        temperature = temperature_of(network, own, data.y[rows], answers, weights)
    return at_temperature(network, parameters, temperature), float(temperature)


def _unseen(data: Data, kept: Sequence[int]) -> tuple[IntArray, IntArray]:
    """Return the rows that one of the kept members hasn't seen, and which of them (from 0); none without folds."""
    if data.train.ndim == 1:
        return np.arange(0), np.arange(0)
    missed = np.array([~np.isin(np.arange(len(data.x)), data.train[place]) for place in kept])
    rows = np.flatnonzero(missed.any(axis=0))
    return rows, np.argmax(missed[:, rows], axis=0)
