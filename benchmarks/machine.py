"""The machine: what it is, what else runs on it, and how fast it multiplies matrices."""

from __future__ import annotations

import os
import platform
import re
import time
from collections.abc import Iterable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from scipy.linalg.blas import sgemm
from threadpoolctl import threadpool_info, threadpool_limits

from chainrule.engines.threads import thread_count

PACKAGES = (
    "chainrule numpy scipy numba scikit-learn torch jax jaxlib keras onnxruntime onnx polars threadpoolctl"
)
SIDE = 2048
"""Rows and columns of the matrices whose product is the measured peak."""


class SgemmPeak:
    """The most sgemm reached in this run, in operations a second: on all cores and on one."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        self._a, self._b = (
            np.asfortranarray(rng.standard_normal((SIDE, SIDE), dtype=np.float32)) for _ in range(2)
        )
        self._c = np.zeros((SIDE, SIDE), np.float32, order="F")
        self.all_cores = self.one_core = 0.0

    def measure(self, times: int = 3) -> None:
        """Multiply ``times`` times on all cores and on one; the best of the run is kept."""
        for _ in range(times):
            self.one_core = max(self.one_core, self._rate(1))
            self.all_cores = max(self.all_cores, self._rate(thread_count()))

    def _rate(self, threads: int) -> float:
        with threadpool_limits(threads, user_api="blas"):
            begun = time.perf_counter()
            # Into an array that is there already: a new one would cost page faults that are none of sgemm's business.
            sgemm(1.0, self._a, self._b, beta=0.0, c=self._c, overwrite_c=1)
            return float(2 * SIDE**3 / (time.perf_counter() - begun))


def processor() -> str:
    """Return the processor's name."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        found = re.search(r"model name\s*:\s*(.+)", info.read_text())
        if found:
            return found[1].strip()
    return platform.processor() or platform.machine()


def load() -> list[float]:
    """Return how many processes wanted a processor over the last 1, 5 and 15 minutes."""
    return [round(number, 2) for number in os.getloadavg()] if hasattr(os, "getloadavg") else []


def versions(names: Iterable[str]) -> dict[str, str]:
    """Return the packages' versions, or that they are not installed."""
    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def describe() -> dict[str, Any]:
    """Return what a reader needs to know of the machine, as plain data."""
    return {
        "processor": processor(),
        "cores": thread_count(),
        "memory_gib": _memory(),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
        "versions": versions(PACKAGES.split()),
        "thread_settings": {
            name: value
            for name, value in os.environ.items()
            if name.endswith("_NUM_THREADS") or name in ("XLA_FLAGS", "OMP_WAIT_POLICY")
        },
    }


def thread_pools() -> list[str]:
    """Return the thread pools of the libraries loaded so far, as threadpoolctl sees them."""
    return [
        f"{pool['user_api']} {pool['internal_api']} {pool['version']}: {pool['num_threads']} threads"
        for pool in threadpool_info()
    ]


def slug() -> str:
    """Return processor and cores as a part of a file's name."""
    words = re.sub(r"\(.*?\)|\b(CPU|Processor|with)\b|@.*", " ", processor())
    return f"{re.sub(r'[^a-z0-9]+', '-', words.lower()).strip('-')}-{thread_count()}-cores"


def _memory() -> float | None:
    if not hasattr(os, "sysconf") or "SC_PHYS_PAGES" not in os.sysconf_names:
        return None
    return round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1)
