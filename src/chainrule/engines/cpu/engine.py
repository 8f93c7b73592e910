"""The cpu engine: begins trainings and predicts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines.base import Data, RunState, StepSettings, WarmUp
from chainrule.engines.bits import machine
from chainrule.engines.cpu.evaluate import CpuRowPredictor, Evaluator
from chainrule.engines.cpu.first import get_ready
from chainrule.engines.cpu.kernels.native import gemm_addresses
from chainrule.engines.cpu.packed import packed
from chainrule.engines.cpu.pieces import machine_code
from chainrule.engines.cpu.run import CpuRun
from chainrule.engines.cpu.tables import members_of
from chainrule.engines.threads import thread_count
from chainrule.equations.network import Network
from chainrule.errors import SettingsError


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
        get_ready(
            network,
            parameters if resume is None else resume.parameters,
            settings,
            np.dtype(dtype),
            self.threads,
        )
        return CpuRun(network, parameters, data, settings, dtype, self.threads, resume)

    def predict(self, network: Network, parameters: FloatArray, x: FloatArray) -> FloatArray:
        """Return each member's outputs (k, n, n_out) for rows ``x`` (n, d)."""
        rows = packed(network, x, self.dtype)
        evaluator = Evaluator(network, self.dtype, self.threads, codes=rows.codes)
        w = members_of(parameters, self.dtype, evaluator.tables.layout)
        return evaluator.outputs(w, rows.x)

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
