"""The reference engine: the equations as they are written, in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines.base import (
    Data,
    RunState,
    StepSettings,
)
from chainrule.engines.reference.run import ReferenceRun
from chainrule.engines.reference.step import predicted
from chainrule.equations.network import Network


class ReferenceEngine:
    """NumPy in float64."""

    name = "reference"
    dtype: Any = np.float64

    def start(
        self,
        network: Network,
        parameters: FloatArray,
        data: Data,
        settings: StepSettings,
        resume: RunState | None = None,
    ) -> ReferenceRun:
        """Begin a training of ``parameters`` (k, p), or go on from ``resume``, whose parameters are then taken.

        Of members that share ``parameters`` are what they are made of, (1, q).
        """
        if settings.sharing == "none":
            return ReferenceRun(network, parameters, data, settings, resume)
        from chainrule.engines.reference.shared import SharedReferenceRun

        return SharedReferenceRun(network, parameters, data, settings, resume)

    def predict(self, network: Network, parameters: FloatArray, x: FloatArray) -> FloatArray:
        """Return each member's outputs (k, n, n_out), in blocks of rows that bound the memory."""
        return predicted(network, parameters, x)
