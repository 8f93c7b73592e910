"""The cpu engine: begins trainings and predicts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
from numba.core import event

from chainrule._types import FloatArray
from chainrule.engines.base import Data, RunState, StepSettings, WarmUp
from chainrule.engines.bits import machine
from chainrule.engines.cpu.evaluate import CpuRowPredictor, Evaluator
from chainrule.engines.cpu.kernels import rows, steps, tabm_steps
from chainrule.engines.cpu.kernels.native import gemm_addresses
from chainrule.engines.cpu.pieces import machine_code
from chainrule.engines.cpu.run import CpuRun
from chainrule.engines.cpu.tables import contiguous, members_of
from chainrule.engines.threads import thread_count
from chainrule.equations.network import Network
from chainrule.errors import SettingsError

ANNOUNCED = (steps.__name__, rows.__name__, tabm_steps.__name__)
"""The loops whose compilation is told of."""


class CpuEngine:
    """Compiled loops on this machine's processors."""

    name = "cpu"

    def __init__(self, dtype: Any = None, threads: int | None = None) -> None:
        self.dtype: Any = np.dtype(np.float32 if dtype is None else dtype)
        if self.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise SettingsError(f"dtype {dtype!r} must be float32 or float64")
        self.threads = thread_count(threads)

    def start(
        self,
        network: Network,
        parameters: FloatArray,
        data: Data,
        settings: StepSettings,
        resume: RunState | None = None,
    ) -> CpuRun:
        """Begin a training of ``parameters`` (k, p), or go on from ``resume``, whose parameters are then taken.

        L-BFGS runs in float64, since its line search compares costs. Of members that share ``parameters`` are what
        they are made of, (1, q).
        """
        dtype = np.float64 if settings.optimizer.searches else self.dtype
        return CpuRun(network, parameters, data, settings, dtype, self.threads, resume)

    def predict(self, network: Network, parameters: FloatArray, x: FloatArray) -> FloatArray:
        """Return each member's outputs (k, n, n_out) for rows ``x`` (n, d)."""
        evaluator = Evaluator(network, self.dtype, self.threads)
        w = members_of(parameters, self.dtype, evaluator.tables.layout)
        return evaluator.outputs(w, contiguous(x, self.dtype, (len(x), network.n_inputs), "inputs"))

    def row_predictor(self, network: Network, parameters: FloatArray) -> CpuRowPredictor:
        """Return a function of one row (d,) that gives the members' mean output (n_out,), in microseconds."""
        return CpuRowPredictor(network, parameters, self.dtype)

    def warm_up(self) -> WarmUp:
        """Return the loops and every formula there is, in both dtypes."""
        from chainrule.engines.cpu import warm_up

        return WarmUp(
            warm_up.jobs, warm_up.compilations, (machine_code.cache_folder(), warm_up.kernel_folder())
        )

    def machine(self) -> Mapping[str, str]:
        """Return the processor and the versions of what compiles the loops and multiplies in them."""
        gemm_addresses()  # loads SciPy's BLAS
        return machine("numpy", "numba", "llvmlite", "scipy")


class _Announcer(event.Listener):
    """Says on standard error that the kernels are being compiled, once."""

    def __init__(self) -> None:
        self.said = False

    def on_start(self, event: Any) -> None:
        """Say it before the first compilation."""
        function = getattr(event.data.get("dispatcher"), "py_func", None)
        if not self.said and getattr(function, "__module__", "") in ANNOUNCED:
            self.said = True
            print("compiling the engine for this processor; this happens once …", file=sys.stderr, flush=True)

    def on_end(self, event: Any) -> None:
        """Say nothing."""


_register: Any = event.register
_register("numba:compile", _Announcer())
