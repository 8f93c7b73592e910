"""Smaller exports: weights as whole numbers of 8 bits, each column of a matrix with a scale of its own.

A weight is w ≈ q s with q in −127 … 127 and s the largest |w| of what enters one neuron, divided by 127. Biases and all else
stay as they are, and computing stays in floating point, so that nothing depends on the processor.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule.exports.program import Program, WholeWeights, parameter_slots
from chainrule.model.group import Group
from chainrule.model.model import Model

MOST = 127


def int8_program(model: Model) -> Program:
    """Return the program of a model whose weights are whole numbers of 8 bits; its model has the weights that come of it."""
    parts = [whole_weights(group) for group in model.groups]
    groups = tuple(_with(group, weights) for group, weights in zip(model.groups, parts, strict=True))
    return Program(replace(model, groups=groups), model, tuple(parts))


def whole_weights(group: Group) -> WholeWeights:
    """Return the weights of a group as whole numbers and scales; a neuron that nothing enters has the scale 1."""
    whole, scales = {}, {}
    for name, slot in parameter_slots(group).items():
        if slot.decays and len(slot.shape) > 1:
            weights = np.asarray(group.parameters[:, slot.start : slot.stop], np.float64)
            weights = weights.reshape(len(weights), *slot.shape)
            scale = (np.abs(weights).max(axis=-2) / MOST).astype(np.float32)
            scale = np.where(scale > 0, scale, np.float32(1))
            scales[name] = scale
            whole[name] = np.rint(weights / scale[..., None, :]).clip(-MOST, MOST).astype(np.int8)
    return WholeWeights(whole, scales)


def _with(group: Group, weights: WholeWeights) -> Group:
    """Return the group with the weights that whole numbers and scales make, exactly: in double precision."""
    flat = np.array(group.parameters, np.float64)
    for name, slot in parameter_slots(group).items():
        if name in weights.whole:
            made = weights.whole[name].astype(np.float64) * weights.scales[name][..., None, :].astype(
                np.float64
            )
            flat[:, slot.start : slot.stop] = made.reshape(len(flat), -1)
    return replace(group, parameters=flat)
