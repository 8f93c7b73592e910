"""A network laid out as the tables that `kernels` reads, its buffers, and arrays as compiled code takes them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Protocol

import numpy as np

from chainrule._types import FloatArray, IntArray
from chainrule.engines.cpu.kernels import columns as at
from chainrule.engines.cpu.kernels.native import gemm_addresses
from chainrule.engines.cpu.pieces.codegen import MOST_SHARED, TILE
from chainrule.engines.cpu.pieces.machine_code import activation_source, compiled, output_source
from chainrule.engines.member_rows import MemberRows
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.errors import SettingsError

SMALL_STEP = 4_000_000
"""A step of fewer floating-point operations stays on one thread: meeting twice would cost more than it saves (docs/engine.md)."""

BLOCK = 256
"""Rows that are evaluated at once, and the most rows that a step works on at once."""

SECONDS_AWAY = 0.2
"""The longest the compiled loops run before Python is asked for Ctrl-C and callbacks."""

FLOPS_PER_SECOND = 5e9
"""About what a thread computes at least; only for guessing whether a call takes long."""


class Tables:
    """A network as the tables that `kernels` reads, for batches of up to ``rows`` rows; ``codes``: of `Packed` rows."""

    def __init__(
        self, network: Network, dtype: Any, rows: int, *, training: bool, codes: Sequence[int] = ()
    ) -> None:
        check_kinds(network)
        self.codes = tuple(codes)
        self.layout = Layout(network)
        self.dtype = np.dtype(dtype)
        self.gemm = gemm_addresses()[self.dtype == np.float64]
        n_layers = len(network.layers)
        self.layers = np.zeros((n_layers + 1, at.S_OF_PATH + 1), np.int64)
        self.scales = np.ones((n_layers, 2))
        a_at = z_at = 0
        for index, layer in enumerate(network.layers):
            n_in, n_out = network.sizes[index], layer.n_out
            bias = self.layout.slot(index + 1, "b") if layer.bias != "none" else None
            weights = self.layout.slot(index + 1, "W")
            source = activation_source if training and index < n_layers - 1 else output_source
            self.layers[index] = (
                n_in,
                n_out,
                weights.start,
                weights.stop if bias is None else bias.start,
                0 if bias is None else bias.shape[0],
                compiled(source(layer.activation, self.dtype), self.dtype),
                0,
                a_at,
                z_at,
                self.layout.slot(index + 1, "alpha").start if layer.mix else 0,
                (at.KEPT if training else at.MIXED) if layer.mix else 0,
                network.n_inputs if layer.linear_path else 0,
                self.layout.slot(index + 1, "S").start if layer.linear_path else 0,
            )
            self.scales[index, at.OF_PRODUCTS] = layer.scale(n_in)
            a_at += rows * n_in
            z_at += rows * n_out
        self.layers[n_layers, at.A_AT] = a_at
        self.a_size, self.z_size = a_at + rows * network.output.n_out, z_at

        self.groups, self.stage, self.stage_size = _stage(self.layout, rows, self.codes)
        if training:
            self.drop(1.0)
        self.rows = rows
        self.mixes = training and any(layer.mix for layer in network.layers)
        self.widest = max(layer.n_out for layer in network.layers)

    def drop(self, strength: float) -> None:
        """Set the thresholds and scales of dropout, whose probabilities ``strength`` multiplies."""
        for index, layer in enumerate(self.layout.network.layers):
            share = layer.dropout * strength
            self.layers[index, at.THRESHOLD] = int(np.ceil(share * 2.0**32))
            self.scales[index, at.OF_DROPOUT] = 1 / (1 - share)

    def shape(self, slices: IntArray, rates: FloatArray, constants: IntArray) -> at.Shape:
        """Return the tables as the kernels take them."""
        return at.Shape(self.layers, slices, rates, self.scales, constants, self.groups, self.stage)

    def space(self) -> at.Space:
        """Return a thread's buffers for ``rows`` rows."""
        return at.Space(
            a=np.zeros(self.a_size, self.dtype),
            z=np.zeros(self.z_size, self.dtype),
            delta=np.zeros(self.z_size, self.dtype),
            mixed=np.zeros(self.z_size if self.mixes else 1, self.dtype),
            targets=np.zeros(self.rows * int(self.layers[-2, at.N_OUT]), self.dtype),
            values=np.zeros(self.rows, self.dtype),
            words=np.zeros(self.widest + 4, np.uint64),
            scratch=np.zeros(MOST_SHARED * TILE, self.dtype),
            stage=np.zeros(self.stage_size, self.dtype),
            sums=np.zeros((at.LEAVES, 1)),
        )


def _stage(layout: Layout, rows: int, codes: Sequence[int]) -> tuple[IntArray, IntArray, int]:
    """Return the tables of a feature stage's groups and constants, and its buffer's size; empty and 1 without a stage."""
    features = layout.network.features
    if features is None:
        return np.zeros((0, at.G_CODED + 1), np.int64), np.zeros(at.CODES + 1, np.int64), 1
    starts = {slot.name: slot.start for slot in layout.slots if slot.layer == 0}
    shapes = features.shapes()
    taken = dict.fromkeys(starts, 0)
    groups = np.zeros((len(features.groups), at.G_CODED + 1), np.int64)
    groups[list(codes), at.G_CODED] = 1
    column = output = 0
    for line, group in zip(groups, features.groups, strict=True):
        size = features.outputs_of(group)
        learned = {"number": features.width, "category": features.level_width, "plain": 0}[group.kind]
        line[: at.G_F] = (at.GROUP_KINDS.index(group.kind), column, group.size, output, learned)
        names = {"number": ("f", "phi", "V", "c"), "category": ("E",), "plain": ()}[group.kind]
        for place, name in enumerate(names, at.G_F):
            line[place] = starts[name] + taken[name]
            taken[name] += group.size * math.prod(shapes[name][1:])
        column, output = column + (1 if line[at.G_CODED] else group.size), output + size
    inputs, outputs = rows * column, rows * features.n_outputs
    stage = np.array(
        [
            rows,
            column,
            features.n_outputs,
            features.waves,
            starts.get("s", -1),
            sum(math.prod(shape) for shape in shapes.values()),
            inputs,
            inputs + outputs,
            len(codes),
        ]
    )
    return groups, stage, inputs + outputs + (4 + features.width) * rows


def check_kinds(network: Network) -> None:
    """Raise SettingsError for a kind of layer that there are no loops for."""
    for number, layer in enumerate(network.layers, 1):
        if layer.kind != "dense":
            raise SettingsError(
                f"layer {number} is of kind {layer.kind}, which the cpu engine has no code for: choose the reference engine"
            )


def bare_shape(tables: Tables) -> at.Shape:
    """Return the tables of a network that is only run forward."""
    constants = np.zeros(at.SIZE_BITS + 1, np.int64)
    constants[at.GEMM] = tables.gemm
    return tables.shape(np.zeros((0, 3), np.int64), np.zeros(0), constants)


def n_weights(network: Network) -> int:
    """Return the number of weights, without biases."""
    path = network.n_inputs * network.output.n_out if network.output.linear_path else 0
    return path + sum(n_in * n_out for n_in, n_out in pairwise(network.sizes))


def contiguous(array: Any, dtype: Any, shape: tuple[int, ...], what: str) -> FloatArray:
    """Return an array as the kernels take it, copied only where needed.

    Another kind would make Numba compile them anew.

    Raises SettingsError for another shape: compiled code doesn't look where it reads.
    """
    if np.shape(array) != shape:
        raise SettingsError(f"{what} of shape {np.shape(array)} don't fit: the network needs {shape}")
    return np.require(array, dtype, ["C", "ALIGNED", "WRITEABLE"])


def members_of(parameters: FloatArray, dtype: Any, layout: Layout) -> FloatArray:
    """Return a copy of the parameters, (k, p)."""
    made = np.array(parameters, dtype, ndmin=2, order="C")
    return contiguous(made, dtype, (len(made), layout.size), "parameters")


def indices(rows: Any, n: int) -> IntArray:
    """Return indices of rows as the kernels take them; raises SettingsError for one that the table doesn't have."""
    made: IntArray = np.require(rows, np.int64, ["C", "ALIGNED", "WRITEABLE"])
    if made.size and not (made.min() >= 0 and made.max() < n):
        raise SettingsError(f"rows {made.min()} to {made.max()} are not all rows of a table of {n}")
    return made


class LaidOut(Protocol):
    """What a run's crews and evaluators read of it: its arrays as the kernels take them.

    ``x`` (n, d), ``y`` and ``smooth_y`` (n, n_out), ``weights`` (n,), ``train`` (1 or k, m); ``parameters``
    (k, p) of the members, ``updated`` and ``states`` of the rows that they are made of, ``free`` (p,), ``numbers`` of a step;
    ``bits`` is the integer of the dtype's size.
    """

    dtype: Any
    bits: Any
    made_of: MemberRows
    layout: Layout
    tables: Tables
    x: FloatArray
    y: FloatArray
    smooth_y: FloatArray
    weights: FloatArray
    weighted: bool
    train: IntArray
    n_train: int
    parameters: FloatArray
    updated: FloatArray
    states: FloatArray
    free: FloatArray
    numbers: FloatArray
    slices: IntArray
    rates: np.ndarray[Any, np.dtype[np.float64]]
    constants: IntArray
