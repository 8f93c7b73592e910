"""``python -m benchmarks.ablation``: what each ingredient of the default recipe adds, over a folder of tables.

On each table the recipe is trained with it and without it (`chainrule.ablate`), several seeds each.
"""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

if not __package__:
    # Run as a file: the packages are those of the folder above.
    sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

import chainrule
from benchmarks.accuracy import RESULTS, TABLES, WIDTH, variant_settings, write
from benchmarks.machine import describe, slug
from benchmarks.tabular.methods import TASKS
from benchmarks.tabular.tables import TARGET, TEST_ROWS, Split, TablesError, inner_split, read_folder
from chainrule.errors import ChainruleError
from chainrule.fitting.studies.ablation import SEEDS

INNER_ROWS = "a quarter of the training rows, the same for all seeds"
NAMES = {"error": "error", "log_loss": "log-loss", "rmse": "RMSE"}


def measure(split: Split, seeds: int, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return one table's ablation as plain data, or why it failed."""
    entry = {"table": split.name, "task": split.task}
    try:
        found = chainrule.ablate(
            split.train,
            TARGET,
            test_file=split.test,
            task=TASKS[split.task],  # type: ignore[arg-type]
            seeds=seeds,
            **settings,
        )
    except ChainruleError as error:
        return {**entry, "failed": str(error)}
    return {**found.to_dict(), **entry}


def summarize(results: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return for each ingredient what its removal changes, over the tables on which it was taken out.

    ``scores``: by score, of (score without - score of the full recipe) / score of the full recipe the ``mean`` over
    the ``tables`` and its standard ``error`` (None for one table), and on how many it ``helps`` or ``hurts``; a table
    whose full recipe makes no mistake has no such ratio. ``seconds_ratio``: without / with, the geometric mean.
    """
    rows: dict[str, dict[str, Any]] = {}
    for result in results:
        for one in result.get("ingredients", ()):
            row = rows.setdefault(one["ingredient"], {"ratios": [], "changes": {}, "absent": []})
            if "reason" in one:
                row["absent"].append(result["table"])
                continue
            row["ratios"].append(one["seconds"] / one["seconds_full"])
            for name, found in one["differences"].items():
                row["changes"].setdefault(name, []).append(found)
    return [
        {
            "ingredient": name,
            "scores": {score: _change(found) for score, found in row["changes"].items()},
            "seconds_ratio": math.exp(fmean(map(math.log, row["ratios"]))) if row["ratios"] else None,
            "tables": len(row["ratios"]),
            "not_taken_out_of": row["absent"],
        }
        for name, row in rows.items()
    ]


def _change(found: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    relative = [each["value"] / each["full"] for each in found if each["full"] > 0]
    verdicts = [each["verdict"] for each in found]
    return {
        "mean": fmean(relative) if relative else None,
        "error": stdev(relative) / math.sqrt(len(relative)) if len(relative) > 1 else None,
        "tables": len(relative),
        "helps": verdicts.count("helps"),
        "hurts": verdicts.count("hurts"),
    }


def assemble(
    results: list[dict[str, Any]],
    splits: Sequence[Split],
    settings: Mapping[str, Any],
    *,
    inner: bool,
    seeds: int,
) -> dict[str, Any]:
    """Return the report as plain data, which names no day."""
    return {
        "scored_on": INNER_ROWS if inner else TEST_ROWS,
        "seeds": seeds,
        "settings": dict(settings),
        "tables": {split.name: {"shape": split.shape, "task": split.task} for split in splits},
        "machine": describe(),
        "summary": summarize(results),
        "results": results,
    }


def print_report(console: Console, report: Mapping[str, Any]) -> None:
    """Print the changes of each table, and their means."""
    for score, title in NAMES.items():
        results = [
            result for result in report["results"] if score in result.get("full", {}).get("scores", {})
        ]
        rows = [row for row in report["summary"] if score in row["scores"]]
        if not rows:
            continue
        names = [result["table"] for result in results]
        table = Table(title=f"{title}: change in % without the ingredient; above 0 it helps")
        for header in ("ingredient", *names, "mean ± standard error", "helps : hurts"):
            table.add_column(header, justify="left" if header == "ingredient" else "right")
        full = [f"{result['full']['scores'][score]:.4g}" for result in results]
        table.add_row("the full recipe", *full, "", "", end_section=True)
        for row in rows:
            cells = [_cell(result, row["ingredient"], score) for result in results]
            found = row["scores"][score]
            mean = "–" if found["mean"] is None else f"{100 * found['mean']:+.1f}"
            mean += "" if found["error"] is None else f" ± {100 * found['error']:.1f}"
            table.add_row(row["ingredient"], *cells, mean, f"{found['helps']} : {found['hurts']}")
        console.print(table)
    table = Table(title="seconds without the ingredient ÷ seconds of the full recipe, geometric mean")
    for header in ("ingredient", "seconds", "tables"):
        table.add_column(header, justify="left" if header == "ingredient" else "right")
    for row in report["summary"]:
        ratio = "–" if row["seconds_ratio"] is None else f"{row['seconds_ratio']:.2f}"
        table.add_row(row["ingredient"], ratio, str(row["tables"]))
    console.print(table)
    console.print(
        "[dim]a star marks a change of more than two standard errors, over the seeds and over the rows[/]"
    )
    for result in report["results"]:
        if "failed" in result:
            console.print(f"failed: {result['table']}: {result['failed']}", markup=False, highlight=False)


def _cell(result: Mapping[str, Any], ingredient: str, score: str) -> str:
    (one,) = (one for one in result["ingredients"] if one["ingredient"] == ingredient)
    if "reason" in one:
        return "–"
    found = one["differences"][score]
    star = "" if found["verdict"] == "no difference" else "*"
    return f"{100 * found['value'] / found['full']:+.1f}{star}" if found["full"] > 0 else f"(from 0){star}"


def run(given: argparse.Namespace, console: Console) -> None:
    """Take the recipe apart on the tables asked for, print what came out, and write JSON; raises TablesError."""
    if given.seeds < 1:
        raise TablesError(f"--seeds {given.seeds} must be at least 1")
    splits = read_folder(given.tables, [name.strip() for name in given.only.split(",") if name.strip()])
    settings, inner = variant_settings(given.settings), not given.on_test
    path = given.out or RESULTS / f"{slug()}-ablation{'-inner' if inner else ''}.json"
    results: list[dict[str, Any]] = []
    # Written after each table, for a run may take hours.
    for split in splits:
        results.append(found := measure(inner_split(split, 0) if inner else split, given.seeds, settings))
        said = found.get("failed") or f"{found['full']['seconds']:.1f} s a training of the full recipe"
        console.print(f"{split.name}: {said}", highlight=False, markup=False)
        write(assemble(results, splits, settings, inner=inner, seeds=given.seeds), path)
        if found.get("interrupted"):
            break
    print_report(console, assemble(results, splits, settings, inner=inner, seeds=given.seeds))
    console.print(f"wrote {path}", highlight=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ablation", description=__doc__)
    parser.add_argument("--tables", type=Path, default=TABLES, metavar="FOLDER", help="default: %(default)s")
    parser.add_argument("--only", default="", metavar="NAMES", help="these tables, with commas between")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="trainings each (default %(default)s)")
    parser.add_argument(
        "--settings", default="", metavar="TEXT", help="of all trainings: 'fast=True; members=3'"
    )
    parser.add_argument(
        "--on-test", action="store_true", help="score on the test rows; a recipe must not be chosen by them"
    )
    parser.add_argument("--out", type=Path, metavar="FILE.json", help=f"default: in {RESULTS}")
    given = parser.parse_args(arguments)
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    try:
        run(given, console)
    except TablesError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
