"""Neurons that learn nothing or the same: dead, inactive, saturated, identical; and weights that have exploded."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from chainrule._doors import setting
from chainrule._numbers import percent
from chainrule._types import BoolArray, FloatArray, IntArray
from chainrule.equations.activations import Activation
from chainrule.equations.dense import Dense
from chainrule.equations.network import Network, Parameters, Record
from chainrule.explain.check.batch import Batch
from chainrule.explain.diagnose.advice import UNKNOWN, Advice, any_of
from chainrule.explain.diagnose.finding import Finding, addresses
from chainrule.explain.diagnose.thresholds import limit
from chainrule.explain.trace.address import Address
from chainrule.plots.network.layers import Flag

NONE: Flag = ""
DEAD: Flag = "dead"
SATURATED: Flag = "saturated"
FAR = 1e3
"""A z beyond which every activation shows its side: flat or not."""


@lru_cache(maxsize=64)
def sides_and_slope(made: Activation) -> tuple[bool, bool, float]:
    """Return whether an activation is flat far below and far above 0, and its largest slope on [-30, 30]."""
    slopes = np.abs(made.prime(np.linspace(-30, 30, 6001), np))
    steepest = float(np.nanmax(slopes))
    low, high = np.abs(made.prime(np.array([-FAR, FAR]), np)) < limit("flat") * steepest
    return bool(low), bool(high), steepest


def flat_neurons(batch: Batch, index: int) -> BoolArray:
    """Return where the neurons of a layer (from 0) are flat, (n, n_out); nowhere for softmax, which has no own slope."""
    layer, z = batch.network.layers[index], batch.record.layers[index].z
    return _flat(layer, z, batch.gradients.layers[index].slope)


def _flat(layer: Dense, z: FloatArray, slope: FloatArray | None) -> BoolArray:
    if slope is None:
        return np.zeros(z.shape, dtype=np.bool_)
    return np.asarray(np.abs(slope) < limit("flat") * sides_and_slope(layer.activation)[2])


@np.errstate(all="ignore")
def neuron_flags(network: Network, p: Parameters, record: Record) -> dict[int, tuple[Flag, ...]]:
    """Return for each hidden layer (from 1) which of its neurons are dead on the rows of a forward pass, and which saturated.

    Dead: flat on every row, where one side of the activation is flat; saturated: flat on at least the share of rows that is a
    finding for a layer, where both sides are. A few such neurons are no finding.
    """
    flags: dict[int, tuple[Flag, ...]] = {}
    for number, layer in enumerate(network.layers[:-1], 1):
        z = record.layers[number - 1].z
        flat = _flat(layer, z, layer.slope(p[number], z, np))
        low, high, _ = sides_and_slope(layer.activation)
        if low and high:
            marked, word = flat.mean(axis=0) >= limit("saturated"), SATURATED
        else:
            marked, word = flat.all(axis=0) & (low or high), DEAD
        flags[number] = tuple(word if one else NONE for one in marked.tolist())
    return flags


def stretch(batch: Batch, index: int) -> float:
    """Return by how much the weights of a layer (from 0) stretch what enters: rms(W) sqrt(n_in), times its scale."""
    w = batch.weight_matrix(index)
    return float(np.sqrt(np.mean(w**2) * w.shape[0])) * batch.network.layers[index].scale(w.shape[0])


def neuron_findings(batch: Batch, some: BoolArray, advice: Advice = UNKNOWN) -> Iterator[Finding]:
    """Return what is wrong with the hidden neurons of a member; ``some`` (n,) marks the rows of one batch."""
    layers = batch.network.layers
    for index, layer in enumerate(layers[:-1]):
        low, high, _ = sides_and_slope(layer.activation)
        flat = flat_neurons(batch, index)
        if low and high:
            yield from _saturated(batch, index, flat, advice)
        elif low or high:
            yield from _dead(batch, index, flat, some, advice)
    for index in range(len(layers)):
        yield from _identical(batch, index, advice)
        yield from _large(batch, index, advice)


def _dead(batch: Batch, index: int, flat: BoolArray, some: BoolArray, advice: Advice) -> Iterator[Finding]:
    layer, n = index + 1, flat.shape[1]
    name, z = batch.network.layers[index].activation.name, batch.record.layers[index].z
    dead = np.flatnonzero(flat.all(axis=0))
    if len(dead) >= limit("dead") * n:
        of_dead = z[:, dead]
        steepest = float(np.abs(np.asarray(batch.gradients.layers[index].slope)[:, dead]).max())
        lost = ("0", "no gradient reaches the weights, so the neuron can't")
        if steepest > 0:
            lost = ("nearly 0", "hardly any gradient reaches the weights, so the neuron can hardly")
        leaky = f"{setting('activation', 'leaky_relu')}, which is flat nowhere"
        yield Finding(
            "dead_neurons",
            f"{len(dead)} of the {n} neurons of layer {layer} ({name}) are dead: flat on every row",
            addresses("a", layer, dead),
            {
                "dead": len(dead),
                "neurons": n,
                "rows": len(z),
                "largest z of a dead neuron": float(of_dead.max()),
                "smallest": float(of_dead.min()),
                "largest |f'(z)|": steepest,
            },
            f"where z stays on the flat side, f'(z) is {lost[0]} and {lost[1]} come back",
            f"train again with {any_of(advice.lower_rate(), leaky)}; check that the inputs are scaled",
            layer,
        )
    only = np.setdiff1d(np.flatnonzero(flat[some].all(axis=0)), dead)
    if len(only) >= limit("inactive") * n:
        rows = int(some.sum())
        yield Finding(
            "inactive_on_batch",
            f"{len(only)} of the {n} neurons of layer {layer} ({name}) are inactive on all {rows} rows of "
            "a batch, though not on every row of the table",
            addresses("a", layer, only),
            {"inactive": len(only), "neurons": n, "rows of the batch": rows},
            "a batch without a row that reaches them teaches these neurons nothing, and they may die",
            f"a larger {setting('batch_size')}, or {setting('activation', 'leaky_relu')}",
            layer,
        )


def _saturated(batch: Batch, index: int, flat: BoolArray, advice: Advice) -> Iterator[Finding]:
    share, layer = float(flat.mean()), index + 1
    if share < limit("saturated"):
        return
    name, z = batch.network.layers[index].activation.name, np.abs(batch.record.layers[index].z)
    yield Finding(
        "saturated_neurons",
        f"layer {layer} ({name}) is saturated: {percent(share)} of its outputs are on the flat ends of the curve",
        addresses("a", layer, np.flatnonzero(flat.mean(axis=0) >= limit("saturated"))),
        {
            "share": share,
            "median |z|": float(np.median(z)),
            "largest |z|": float(z.max()),
            "largest |W|": float(np.abs(batch.weight_matrix(index)).max()),
        },
        "on the flat ends f'(z) is nearly 0, so hardly any gradient passes through these neurons",
        any_of("scaled inputs", _drawn(batch, index), advice.lower_rate(), setting("activation", "relu")),
        layer,
    )


def _identical(batch: Batch, index: int, advice: Advice) -> Iterator[Finding]:
    """Return a finding where neurons have the same incoming weights and bias, in layers of several."""
    arrays, layer, w = batch.p[index + 1], index + 1, batch.weight_matrix(index)
    n = int(w.shape[1])
    others = [np.broadcast_to(arrays[name], (1, n)) for name in ("b", "alpha") if name in arrays]
    groups = _groups(np.vstack([w, *others]), limit("identical"))
    if not groups:
        return
    alike = np.sort(np.concatenate(groups))
    counted = "one group" if len(groups) == 1 else f"{len(groups)} groups"
    yield Finding(
        "identical_neurons",
        f"{len(alike)} of the {n} neurons of layer {layer} are alike, in {counted}",
        addresses("z", layer, alike),
        {"alike": len(alike), "groups": len(groups), "neurons": n},
        "neurons with the same weights give the same outputs and get the same gradients, so they stay copies of "
        "one neuron",
        any_of(_drawn(batch, index) or f"fewer {setting('hidden')} neurons", _less(advice)),
        layer,
    )


def _drawn(batch: Batch, index: int) -> str:
    """Return that initial weights may be drawn as suits the activation; empty where they were."""
    init = batch.network.layers[index].init
    if init == "auto":
        return ""
    return f"{setting('init', 'auto')} instead of {init if isinstance(init, str) else 'given weights'}"


def _less(advice: Advice) -> str:
    """Return the penalties that draw all weights to the same 0, to be lowered; empty where there were none."""
    return any_of(*(f"less {setting(one)}" for one in ("l1", "l2", "weight_decay") if advice.card.get(one)))


def _large(batch: Batch, index: int, advice: Advice) -> Iterator[Finding]:
    """Return a finding where a layer's weights are out of all bounds; the outputs of a regression may be any size."""
    network, layer, times = batch.network, index + 1, stretch(batch, index)
    free_scale = network.loss.targets in ("number", "nonnegative") and layer == len(network.layers)
    if free_scale or times < limit("weights"):
        return
    yield Finding(
        "exploding_weights",
        f"the weights of layer {layer} are huge: it stretches its inputs {times:.3g} times",
        (str(Address(network.layers[index].product.name, layer)),),
        {"stretch": times, "largest |W|": float(np.abs(batch.weight_matrix(index)).max())},
        "such weights can drive neurons to their flat ends, and make the gradients before them larger",
        any_of(advice.lower_rate(), advice.clipped(), advice.decayed()),
        layer,
    )


def _groups(columns: FloatArray, near: float) -> list[IntArray]:
    """Return the groups of two or more columns that differ by at most ``near`` of their largest number, by place."""
    # Sorted by their sums, columns that are alike lie within reach of each other.
    sums, size = columns.sum(axis=0), np.abs(columns).max(axis=0)
    order = np.argsort(sums, kind="stable")
    taken = np.zeros(len(sums), dtype=np.bool_)
    groups = []
    for place, first in enumerate(order):
        if taken[first]:
            continue
        reach = near * float(size[first])
        stop = int(np.searchsorted(sums[order], sums[first] + reach * len(columns), side="right"))
        others = order[place + 1 : stop]
        others = others[~taken[others]]
        alike = others[np.abs(columns[:, others] - columns[:, [first]]).max(axis=0) <= reach]
        if len(alike):
            groups.append(np.array([first, *alike]))
            taken[alike] = True
    return groups
