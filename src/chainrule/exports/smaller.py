"""Smaller exports: weights as whole numbers of 8 bits, each column of a matrix with a scale of its own, all else of 16 bits.

A weight is w ≈ q s with q in −127 … 127 and s the largest |w| of what enters one neuron, divided by 127. Biases and other
parameters that are added are whole numbers of 16 bits with one scale t for each array; so are the scales s, rounded up.
Computing stays in floating point, so that nothing depends on the processor.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from chainrule._types import FloatArray
from chainrule.exports.program import Program, WholeArray, WholeNumbers, parameter_slots
from chainrule.model.group import Group
from chainrule.model.model import Model

MOST, MOST_OF_16 = 127, 32_767


def int8_program(model: Model) -> Program:
    """Return the program of a model whose weights are whole numbers of 8 bits; its model has the weights that come of it."""
    parts = [whole_numbers(group) for group in model.groups]
    groups = tuple(_with(group, numbers) for group, numbers in zip(model.groups, parts, strict=True))
    return Program(replace(model, groups=groups), model, tuple(parts))


def whole_numbers(group: Group) -> WholeNumbers:
    """Return the parameters of a group as whole numbers with their scales."""
    made = {}
    for name, slot in parameter_slots(group).items():
        own = np.asarray(group.parameters[:, slot.start : slot.stop], np.float64)
        own = own.reshape(len(own), *slot.shape)
        if slot.decays and len(slot.shape) > 1:
            scales, units = _of_16(np.abs(own).max(axis=-2) / MOST, up=True)
            scales = np.maximum(scales, 1)  # of a neuron that nothing enters
            each = scales * _spread(units, scales.ndim)
            whole = np.rint(own / each[..., None, :]).clip(-MOST, MOST).astype(np.int8)
            made[name] = WholeArray(whole, scales.astype(np.int16), units)
        else:
            numbers, units = _of_16(own)
            made[name] = WholeArray(numbers.astype(np.int16), None, units)
    return made


def _of_16(array: FloatArray, *, up: bool = False) -> tuple[FloatArray, NDArray[np.float32]]:
    """Return each member's array (k, …) as whole numbers of 16 bits, rounded or rounded ``up``, and what one of them is (k,)."""
    largest = np.abs(array).reshape(len(array), -1).max(axis=1, initial=0.0)
    units = np.nextafter((largest / MOST_OF_16).astype(np.float32), np.float32(np.inf))
    units = np.where(largest > 0, units, np.float32(1)).astype(np.float32)
    numbers = array / _spread(units, array.ndim)
    return (np.ceil(numbers) if up else np.rint(numbers)), units


def _spread(units: NDArray[np.float32], ndim: int) -> FloatArray:
    return np.asarray(units, np.float64).reshape(-1, *[1] * (ndim - 1))


def _with(group: Group, numbers: WholeNumbers) -> Group:
    """Return the group with the parameters that whole numbers and scales make, exactly: in double precision."""
    flat = np.array(group.parameters, np.float64)
    for name, slot in parameter_slots(group).items():
        own = numbers[name]
        made = own.whole.astype(np.float64) * _spread(own.units, own.whole.ndim)
        if own.scales is not None:
            made = made * own.scales.astype(np.float64)[..., None, :]
        flat[:, slot.start : slot.stop] = made.reshape(len(flat), -1)
    return replace(group, parameters=flat)
