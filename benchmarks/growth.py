"""How chainrule's time and memory grow with rows, width, depth and members; each size in a process of its own.

Memory is the peak of the process's resident memory while it trains, above what it had with the table already in memory.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

STATUS, RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")

FULL: dict[str, list[int]] = {
    "rows": [10**3, 10**4, 10**5, 10**6, 10**7],
    "width": [16, 32, 64, 128, 256, 512, 1024, 2048],
    "depth": [1, 2, 4, 8, 16, 32, 64],
    "members": [1, 2, 4, 8, 16, 32, 64],
}
QUICK: dict[str, list[int]] = {
    "rows": [10**3, 10**4, 10**5],
    "width": [16, 64, 256],
    "depth": [1, 4],
    "members": [1, 4],
}
BATCH = 256
SECONDS = 0.3


def point(axis: str, size: int) -> dict[str, Any]:
    """Return sizes, rows and members of one point: a 20-64-64-4 network with one thing changed."""
    sizes, rows, members = [20, 64, 64, 4], 10_240, 1
    if axis == "rows":
        rows = size
    elif axis == "width":
        sizes = [20, size, size, 4]
    elif axis == "depth":
        sizes = [20, *[64] * size, 4]
    elif axis == "members":
        members = size
    else:
        raise ValueError(f"axis {axis!r} must be rows, width, depth or members")
    return {"sizes": sizes, "rows": rows, "members": members}


def measure_growth(*, quick: bool) -> list[dict[str, Any]]:
    """Measure all points; each has its axis, size, seconds per epoch, and bytes above the table."""
    found = []
    for axis, values in (QUICK if quick else FULL).items():
        for size in values:
            given = point(axis, size)
            done = subprocess.run(
                [sys.executable, "-m", "benchmarks.growth", json.dumps(given)],
                capture_output=True,
                text=True,
                check=True,
            )
            found.append({"axis": axis, "size": size, **given, **json.loads(done.stdout)})
    return found


def exponents(points: list[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Return for each axis the slope of log(seconds) and log(bytes) over its last three sizes: 1 is linear growth."""
    slopes: dict[str, dict[str, float]] = {}
    for axis in FULL:
        last = [p for p in points if p["axis"] == axis][-3:]
        for quantity in ("seconds", "bytes"):
            pairs = [(p["size"], p[quantity]) for p in last if p.get(quantity)]
            if len(pairs) > 1:
                x, y = np.log(pairs).T
                slopes.setdefault(axis, {})[quantity] = round(float(np.polyfit(x, y, 1)[0]), 3)
    return slopes


def _in_this_process(sizes: list[int], rows: int, members: int) -> dict[str, Any]:
    from benchmarks.cases import make_parameters
    from benchmarks.peers.ours import flat, network_of
    from chainrule.engines.base import Data, StepSettings
    from chainrule.engines.cpu.engine import CpuEngine

    rng = np.random.default_rng(0)
    network = network_of(sizes)
    initial = flat(network, [make_parameters(sizes, "relu", rng) for _ in range(members)])
    settings = StepSettings(batch_size=BATCH)

    def run_on(rows: int) -> Any:
        x = rng.standard_normal((rows, sizes[0]), dtype=np.float32)
        y = np.zeros((rows, sizes[-1]), np.float32)
        y[np.arange(rows), rng.integers(0, sizes[-1], rows)] = 1
        data = Data(x, y, np.arange(rows), np.arange(0))
        return lambda: CpuEngine(np.float32).start(network, initial, data, settings)

    def epoch(run: Any, number: int) -> float:
        begun = time.perf_counter()
        run.train_epoch(number, np.full(run.steps_per_epoch, 1e-3), tuple(range(members)))
        return time.perf_counter() - begun

    epoch(run_on(10)(), 0)  # loads the compiled code, which is none of the table's memory
    start = run_on(rows)
    before = _resident("VmRSS", reset=True)
    run = start()
    epoch(run, 0)
    samples: list[float] = []
    while len(samples) < 3 or (sum(samples) < SECONDS and len(samples) < 100):
        samples.append(epoch(run, 1 + len(samples)))
    peak = _resident("VmHWM")
    return {
        "seconds": float(np.median(samples)),
        "steps": run.steps_per_epoch,
        "bytes": None if before is None or peak is None else peak - before,
        "table_bytes": rows * (sizes[0] + sizes[-1]) * 4,
        "parameter_bytes": int(initial.size) * 4,
    }


def _resident(field: str, *, reset: bool = False) -> int | None:
    """Return resident memory now (VmRSS) or its peak (VmHWM) since the last reset; None where Linux doesn't say.

    getrusage's maximum won't do: a process inherits it from the one that started it.
    """
    if not STATUS.exists():
        return None
    if reset:
        RESET.write_text("5")
    found = re.search(rf"{field}:\s*(\d+) kB", STATUS.read_text())
    return int(found[1]) * 1024 if found else None


if __name__ == "__main__":
    print(json.dumps(_in_this_process(**json.loads(sys.argv[1]))))
