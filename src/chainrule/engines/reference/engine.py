"""The reference engine: the equations as they are written, in NumPy."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines.base import Data, RowPredictor, RunState, StepSettings, WarmUp
from chainrule.engines.bits import machine
from chainrule.engines.reference.run import ReferenceRun
from chainrule.engines.step import predicted
from chainrule.equations.network import Network
from chainrule.errors import SettingsError


class ReferenceEngine:
    """NumPy in float64."""

    name = "reference"
    threads = 1

    def __init__(self, dtype: Any = None, threads: int | None = None) -> None:
        self.dtype: Any = np.dtype(np.float64 if dtype is None else dtype)
        if self.dtype != np.float64 or threads not in (None, 1):
            raise SettingsError("the reference engine works in float64, on one thread")

    def start(
        self,
        network: Network,
        parameters: FloatArray,
        data: Data,
        settings: StepSettings,
        resume: RunState | None = None,
    ) -> ReferenceRun:
        """Begin a training of ``parameters`` (k, p) or (1, q), or go on from ``resume``."""
        return ReferenceRun(network, parameters, data, settings, resume)

    def predict(self, network: Network, parameters: FloatArray, x: FloatArray) -> FloatArray:
        """Return each member's outputs (k, n, n_out), in blocks of rows that bound the memory."""
        return predicted(network, parameters, x)

    def row_predictor(self, network: Network, parameters: FloatArray) -> RowPredictor:
        """Return a function of one row (d,) that gives the members' mean output (n_out,)."""
        return partial(_mean_output, network, parameters)

    def warm_up(self) -> WarmUp:
        """Return that there is nothing to compile."""
        return WarmUp(tuple, lambda: 0, ())

    def machine(self) -> Mapping[str, str]:
        """Return the processor and the version of what multiplies."""
        return machine("numpy")


def _mean_output(network: Network, parameters: FloatArray, x: FloatArray) -> FloatArray:
    if x.shape != (network.n_inputs,):
        raise SettingsError(f"a row of {network.n_inputs} numbers is needed, not an array of shape {x.shape}")
    mean: FloatArray = predicted(network, parameters, x[None])[:, 0].mean(axis=0)
    return mean
