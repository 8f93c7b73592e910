"""``python -m benchmarks.speed``: chainrule and its peers on the same work, in one run."""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from rich.console import Console

from benchmarks import fitting, training
from benchmarks.cases import MEMBER_CASES, TRAINING_CASES
from benchmarks.growth import exponents, measure_growth
from benchmarks.machine import SgemmPeak, describe, load, slug, thread_pools
from benchmarks.plot import draw
from benchmarks.report import plain, print_report
from benchmarks.targets import MANY_ROWS_NAME, ONE_ROW_NAME, judge

RESULTS = Path(__file__).parent / "results"
REPEATS, QUICK_REPEATS = 9, 2
QUICK_EPOCHS = 2
WIDTH = 150
"""Columns of the tables where the output is no terminal."""
QUIET = 0.5
"""The most other work a minute (load average) before the run says that the machine isn't quiet."""


def works(repeats: int, *, quick: bool) -> dict[str, Callable[[], dict[str, Any]]]:
    """Return all measurements by name; ``quick`` makes them short, and good for nothing but a check that all run."""
    found: dict[str, Callable[[], dict[str, Any]]] = {}
    for cases, kind in ((TRAINING_CASES, "train"), (MEMBER_CASES, "members")):
        for case in cases:
            case = replace(case, epochs=min(case.epochs, QUICK_EPOCHS)) if quick else case
            found[case.name] = partial(training.measure_training, case, repeats, training.peers_for(kind))
    rows = 10_000 if quick else None
    found[MANY_ROWS_NAME] = partial(training.measure_many_rows, repeats, training.peers_for("rows"), rows)
    found[ONE_ROW_NAME] = partial(training.measure_one_row, repeats, training.peers_for("row"))
    found["fit 150 rows, arrays"] = partial(fitting.measure_fit, repeats)
    found["fit 150 rows, table"] = partial(fitting.measure_table, repeats)
    found["import"] = partial(fitting.measure_imports, min(repeats, 5))
    found["first training"] = partial(fitting.measure_first_training, min(repeats, 5))
    return found


def run(only: str, repeats: int, *, quick: bool, console: Console) -> dict[str, Any]:
    """Measure what matches ``only`` and return the report as plain data."""
    pattern = re.compile(only, re.IGNORECASE)
    begun = load()
    if begun and begun[0] > QUIET:
        console.print(f"[yellow]this machine is not quiet (load {begun[0]}): the figures will be noisy[/]")
    peak = SgemmPeak()
    peak.measure(3 if quick else 10)
    measured = []
    for name, measure in works(repeats, quick=quick).items():
        if pattern.search(name):
            console.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/] {name} …", highlight=False)
            measured.append(measure())
            peak.measure(1)
    growth: list[dict[str, Any]] = []
    if pattern.search("growth"):
        console.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/] growth …", highlight=False)
        growth = measure_growth(quick=quick)
    results = [plain(result, peak.all_cores) for result in measured]
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "quick": quick,
        "repeats": repeats,
        "machine": describe() | {"load_before": begun, "load_after": load(), "thread_pools": thread_pools()},
        "sgemm_gflops": {
            "all_cores": round(peak.all_cores / 1e9, 1),
            "one_core": round(peak.one_core / 1e9, 1),
        },
        "results": results,
        "targets": judge(results),
        "growth": growth,
        "growth_exponents": exponents(growth),
    }


def write(report: dict[str, Any], folder: Path) -> list[Path]:
    """Write the report as JSON and, where Matplotlib is installed, as a picture; return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{report['date']}-{slug()}-speed{'-quick' if report['quick'] else ''}"
    paths = [folder / f"{stem}.json"]
    lines = [f"{json.dumps(key)}: {_lines(value)}" for key, value in report.items()]
    paths[0].write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    try:
        draw(report, folder / f"{stem}.png")
    except ImportError:
        return paths
    return [*paths, folder / f"{stem}.png"]


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write to a folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.speed", description=__doc__)
    parser.add_argument(
        "--only", default="", metavar="PATTERN", help="regular expression: works whose name matches"
    )
    parser.add_argument("--repeats", type=int, help=f"rounds that count (default {REPEATS})")
    parser.add_argument("--quick", action="store_true", help="a short run that checks that everything runs")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--list", action="store_true", help="print the works' names and end")
    given = parser.parse_args(arguments)
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    repeats = given.repeats or (QUICK_REPEATS if given.quick else REPEATS)
    if given.list:
        console.print("\n".join([*works(repeats, quick=given.quick), "growth"]), highlight=False)
        return
    report = run(given.only, repeats, quick=given.quick, console=console)
    print_report(console, report)
    for path in write(report, given.out):
        console.print(f"wrote {path}", highlight=False)


def _lines(value: Any) -> str:
    """Return JSON with a line for each item of a list of objects, so that two runs can be compared line by line."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(json.dumps(item, ensure_ascii=False) for item in value) + "\n]"
    return json.dumps(value, ensure_ascii=False)


if __name__ == "__main__":
    main()
