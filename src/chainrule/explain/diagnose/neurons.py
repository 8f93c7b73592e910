"""Neurons that learn nothing or the same: dead, inactive, saturated, identical; and weights that have exploded."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from chainrule._doors import setting
from chainrule._types import BoolArray, FloatArray, IntArray
from chainrule.equations.activations import Activation
from chainrule.explain.check.batch import Batch
from chainrule.explain.diagnose.finding import Finding, addresses, whole
from chainrule.explain.diagnose.thresholds import limit

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
    slope = batch.gradients.layers[index].slope
    if slope is None:
        return np.zeros(batch.record.layers[index].z.shape, dtype=np.bool_)
    steepest = sides_and_slope(batch.network.layers[index].activation)[2]
    return np.asarray(np.abs(slope) < limit("flat") * steepest)


def neuron_findings(batch: Batch, some: BoolArray, member: int | None) -> list[Finding]:
    """Return what is wrong with the hidden neurons of a member; ``some`` (n,) marks the rows of one batch."""
    found: list[Finding] = []
    for index in range(len(batch.network.layers) - 1):
        made = batch.network.layers[index].activation
        low, high, _ = sides_and_slope(made)
        flat = flat_neurons(batch, index)
        if low and high:
            found += _saturated(batch, index, flat, member)
        elif low or high:
            found += _dead(batch, index, flat, some, member)
    for index in range(len(batch.network.layers)):
        found += _identical(batch, index, member)
        found += _large(batch, index, member)
    return found


def _members(member: int | None) -> tuple[int, ...]:
    return (1,) if member is None else (member + 1,)


def _dead(batch: Batch, index: int, flat: BoolArray, some: BoolArray, member: int | None) -> list[Finding]:
    layer, n = index + 1, flat.shape[1]
    name = batch.network.layers[index].activation.name
    z = batch.record.layers[index].z
    dead = np.flatnonzero(flat.all(axis=0))
    found = []
    if len(dead) >= limit("dead") * n:
        found.append(
            Finding(
                "dead_neurons",
                f"{len(dead)} of the {n} neurons of layer {layer} ({name}) are dead: inactive on every row",
                addresses("a", layer, dead.tolist(), member),
                {
                    "dead": len(dead),
                    "neurons": n,
                    "rows": len(z),
                    "largest z of a dead neuron": float(z[:, dead].max()),
                },
                "where z stays on the flat side, f'(z) is 0 and no gradient reaches the weights, so the neuron can't "
                "come back",
                f"train again with a lower {setting('learning_rate')}, or with {setting('activation', 'leaky_relu')}, "
                "which is flat nowhere; check that the inputs are scaled",
                layer,
                _members(member),
            )
        )
    only = np.setdiff1d(np.flatnonzero(flat[some].all(axis=0)), dead)
    if len(only) >= limit("inactive") * n:
        found.append(
            Finding(
                "inactive_on_batch",
                f"{len(only)} of the {n} neurons of layer {layer} ({name}) are inactive on all {int(some.sum())} rows of "
                "a batch, though not on every row of the table",
                addresses("a", layer, only.tolist(), member),
                {"inactive": len(only), "neurons": n, "rows of the batch": int(some.sum())},
                "a batch without a row that reaches them teaches these neurons nothing, and they may die",
                f"a larger {setting('batch_size')}, or {setting('activation', 'leaky_relu')}",
                layer,
                _members(member),
            )
        )
    return found


def _saturated(batch: Batch, index: int, flat: BoolArray, member: int | None) -> list[Finding]:
    share, layer = float(flat.mean()), index + 1
    if share < limit("saturated"):
        return []
    z = batch.record.layers[index].z
    name = batch.network.layers[index].activation.name
    by_neuron = flat.mean(axis=0)
    worst = np.argsort(-by_neuron, kind="stable")[: int(np.sum(by_neuron >= limit("saturated")))]
    return [
        Finding(
            "saturated_neurons",
            f"layer {layer} ({name}) is saturated: {share:.0%} of its outputs are on the flat ends of the curve",
            addresses("a", layer, np.sort(worst).tolist(), member),
            {
                "share": share,
                "median |z|": float(np.median(np.abs(z))),
                "largest |z|": float(np.abs(z).max()),
                "largest |W|": float(np.abs(batch.weight_matrix(index)).max()),
            },
            "on the flat ends f'(z) is nearly 0, so hardly any gradient passes through these neurons",
            f"scale the inputs, use smaller initial weights ({setting('init', 'auto')}) or a lower "
            f"{setting('learning_rate')}, or {setting('activation', 'relu')}",
            layer,
            _members(member),
        )
    ]


def _identical(batch: Batch, index: int, member: int | None) -> list[Finding]:
    """Return a finding where neurons have the same incoming weights and bias, in layers of several."""
    arrays, layer = batch.p[index + 1], index + 1
    w = batch.weight_matrix(index)
    if w.shape[1] < 2:
        return []
    incoming = np.vstack([w, np.broadcast_to(arrays["b"], (1, w.shape[1]))]) if "b" in arrays else w
    if "alpha" in arrays:
        incoming = np.vstack([incoming, arrays["alpha"]])
    groups = _groups(incoming, limit("identical"))
    if not groups:
        return []
    alike = np.sort(np.concatenate(groups))
    return [
        Finding(
            "identical_neurons",
            f"{len(alike)} of the {w.shape[1]} neurons of layer {layer} are alike, in {_counted(len(groups))}",
            addresses("z", layer, alike.tolist(), member),
            {"alike": len(alike), "groups": len(groups), "neurons": int(w.shape[1])},
            "neurons with the same weights give the same outputs and get the same gradients, so they stay copies of "
            "one neuron",
            f"random initial weights: {setting('init', 'auto')} instead of a constant",
            layer,
            _members(member),
        )
    ]


def _counted(groups: int) -> str:
    return "one group" if groups == 1 else f"{groups} groups"


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


def _large(batch: Batch, index: int, member: int | None) -> list[Finding]:
    """Return a finding where a layer's weights are out of all bounds; the outputs of a regression may be any size."""
    network, layer = batch.network, index + 1
    free_scale = network.loss.targets in ("number", "nonnegative") and index == len(network.layers) - 1
    w = batch.weight_matrix(index)
    stretch = float(np.sqrt(np.mean(w**2) * w.shape[0])) * network.layers[index].scale(w.shape[0])
    if free_scale or stretch < limit("weights"):
        return []
    return [
        Finding(
            "exploding_weights",
            f"the weights of layer {layer} have exploded: it stretches its inputs {stretch:.3g} times",
            (whole(network.layers[index].product.name, layer, member),),
            {"stretch": stretch, "largest |W|": float(np.abs(w).max())},
            "such weights drive neurons to their flat ends and make every later step larger",
            f"a lower {setting('learning_rate')}, {setting('clip_norm', 1)}, or {setting('weight_decay')}",
            layer,
            _members(member),
        )
    ]
