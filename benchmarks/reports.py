"""How long a report takes and how large its page is: of the penguins, and of a million rows with thirty columns.

``python -m benchmarks.reports`` trains a network for each (not timed), makes its report twice in a process of its own, and takes
the second time: the first one loads what is compiled. Wall and processor seconds are kept, as a busy machine makes the first
of them large.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import describe, load, slug

RESULTS = Path(__file__).parent / "results"
EXAMPLES = Path(__file__).parents[1] / "examples"

TARGETS = {"penguins": {"seconds": 5.0, "bytes": 400_000}, "million": {"seconds": 60.0, "bytes": 2_000_000}}
"""What a report is to stay below."""


def million(rows: int, path: Path) -> None:
    """Write a table of 24 numbers and 6 categories, whose two classes depend on six of them."""
    import polars as pl

    rng = np.random.default_rng(2)
    x = rng.normal(size=(rows, 24)).astype(np.float32)
    words = [rng.integers(0, levels, rows) for levels in (2, 3, 5, 8, 12, 40)]
    score = 1.5 * x[:, 0] + x[:, 1] * x[:, 2] - x[:, 3] ** 2 / 2 + 1.2 * (words[2] == 1)
    columns: dict[str, Any] = {f"x{i}": x[:, i] for i in range(24)}
    columns |= {f"c{i}": [f"w{word}" for word in found] for i, found in enumerate(words)}
    columns["y"] = np.where(score + rng.logistic(size=rows) > 0, "yes", "no")
    pl.DataFrame(columns).write_parquet(path)


def measure(model: str, table: str) -> dict[str, float]:
    """Make a report of a model file and a table twice; return the second's seconds and the size of its page."""
    import chainrule

    read = chainrule.load(model)
    rows, found = read.table(table), {}
    for _ in range(2):
        wall, processor = time.perf_counter(), time.process_time()
        page = chainrule.report(read, rows).render("html")
        found = {"seconds": time.perf_counter() - wall, "processor_seconds": time.process_time() - processor}
    return {**found, "bytes": len(page.encode())}


def _measured(model: Path, table: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.reports", "--measure", str(model), str(table)]
    made = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(made.stdout)
    return found


def run(rows: int) -> dict[str, Any]:
    """Measure both tables; ``rows`` is the size of the large one."""
    import chainrule

    found = {}
    with tempfile.TemporaryDirectory() as folder:
        tables = {"penguins": EXAMPLES / "penguins.csv", "million": Path(folder) / "million.parquet"}
        million(rows, tables["million"])
        how: dict[str, dict[str, Any]] = {"penguins": {"target": "species"}}
        how["million"] = {"target": "y", "hidden": [32], "members": 1, "epochs": 1}
        for name, table in tables.items():
            model = Path(folder) / f"{name}.safetensors"
            chainrule.train(str(table), **how[name]).model.save(model)
            found[name] = _measured(model, table)
    return {"machine": describe(), "load": load(), "rows": rows, "targets": TARGETS, "reports": found}


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--out", type=Path, default=RESULTS / f"{slug()}-reports.json")
    parser.add_argument("--measure", nargs=2, metavar=("MODEL", "TABLE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(*options.measure)))
        return
    found = run(options.rows)
    for name, one in found["reports"].items():
        target = TARGETS[name]
        print(
            f"{name}: {one['seconds']:.1f} s ({one['processor_seconds']:.1f} s of processor; at most {target['seconds']:.0f}), "
            f"{one['bytes'] / 1000:,.0f} kB (at most {target['bytes'] / 1000:,.0f})"
        )
    options.out.write_text(json.dumps(found, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
