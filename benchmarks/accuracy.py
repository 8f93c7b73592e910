"""``python -m benchmarks.accuracy``: how well chainrule predicts tables, beside its peers.

Each method is fitted on a table's training rows with its defaults and scored on rows it never saw. Peers that are not
run stand with the results that came with the tables.
"""

from __future__ import annotations

import argparse
import ast
import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

if not __package__:
    # Run as a file: the packages are those of the folder above.
    sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console

from benchmarks.machine import describe, slug, versions
from benchmarks.tabular import ranking
from benchmarks.tabular.methods import METHODS, Method, measure, ours, warm_up
from benchmarks.tabular.paired import against
from benchmarks.tabular.plot import draw
from benchmarks.tabular.report import print_report
from benchmarks.tabular.tables import (
    INNER_ROWS,
    PEERS,
    TEST_ROWS,
    Split,
    TablesError,
    inner_split,
    read_folder,
    read_results,
    sampled,
)

HERE = Path(__file__).parent
TABLES, RESULTS = HERE / "tables", HERE / "results"
PACKAGES = ("pandas", "lightgbm", "catboost", "xgboost", "pytabkit")
"""Packages of peers beside those that `describe` names."""
FEWEST_ROWS = 100
"""The fewest rows of a sample."""
WIDTH = 160
"""Columns of the tables where the output is no terminal."""


def variant(text: str) -> Method:
    """Return chainrule with settings as a method: ``"wide: hidden=[256, 256]; epochs=64"``.

    A value that is no Python literal is text. Raises TablesError where the text is none of this.
    """
    name, colon, rest = text.partition(":")
    settings = variant_settings(rest, f"variant {text!r}")
    if not colon or not name.strip() or name.strip() in METHODS:
        raise TablesError(
            f"variant {text!r} must be 'new name: setting=value; …', such as 'wide: hidden=[256, 256]'"
        )
    return ours(name.strip(), rest.strip() or "train with its defaults", **settings)


def variant_settings(text: str, where: str = "settings") -> dict[str, Any]:
    """Return the settings of ``"epochs=64; members=4"``; raises TablesError, naming ``where``, for what is none."""
    settings: dict[str, Any] = {}
    for part in filter(str.strip, text.split(";")):
        key, equals, value = part.partition("=")
        if not equals:
            raise TablesError(f"{where}: {part.strip()!r} must be setting=value")
        try:
            settings[key.strip()] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError):
            settings[key.strip()] = value.strip()
    return settings


def chosen(names: str, variants: Sequence[str] = ()) -> list[Method]:
    """Return the methods named, with commas between, and the variants of chainrule; raises TablesError."""
    wanted = [name.strip() for name in names.split(",") if name.strip()]
    unknown = [name for name in wanted if name not in METHODS]
    if unknown:
        raise TablesError(f"there is no method {', '.join(unknown)}; choose from {', '.join(METHODS)}")
    made = [variant(text) for text in variants]
    twice = {method.name for method in made if sum(other.name == method.name for other in made) > 1}
    if twice:
        raise TablesError(f"two variants are called {', '.join(sorted(twice))}: give each a name of its own")
    return [METHODS[name] for name in dict.fromkeys(wanted)] + made


def work(
    splits: Iterable[Split], methods: Sequence[Method], seeds: int, *, inner: bool, most: int | None = None
) -> Iterable[tuple[Split, Method, int]]:
    """Yield what is to be fitted: the split to use, the method, and the seed.

    ``inner``: each seed divides the training rows anew, of at most ``most`` that it draws anew, too, so that one sample
    that suits a method isn't counted several times. Otherwise a method without chance runs once, and the sample is one.
    """
    for split in splits:
        for seed in range(seeds):
            drawn = split if most is None else sampled(split, most, *([seed] if inner else []))
            part = inner_split(drawn, seed) if inner else drawn
            for method in methods:
                if inner or seed == 0 or method.seeded:
                    yield part, method, seed


def given_results(
    results: Iterable[dict[str, Any]], splits: Sequence[Split], methods: Sequence[Method]
) -> list[dict[str, Any]]:
    """Return the given results for these tables, but for methods that are run, marked as given."""
    tables, run = {split.name for split in splits}, {method.name for method in methods}
    return [
        {**entry, "given": True}
        for entry in results
        if entry["table"] in tables and entry["method"] not in run
    ]


def assemble(
    results: list[dict[str, Any]],
    splits: Sequence[Split],
    *,
    inner: bool,
    seeds: int,
    baseline: str | None = None,
) -> dict[str, Any]:
    """Return the report as plain data, which names no day; with a ``baseline`` also what differs from it."""
    own = {entry["method"] for entry in results if entry.get("ours")}
    machine = describe()
    machine["versions"] |= versions(PACKAGES)
    compared = {} if baseline is None else {"baseline": baseline, "against": against(results, own, baseline)}
    return {
        "scored_on": INNER_ROWS if inner else TEST_ROWS,
        "seeds": seeds,
        "ours": sorted(own),
        "tables": {split.name: {"shape": split.shape, "task": split.task} for split in splits},
        "machine": machine,
        "summary": {
            metric: ranking.summarize(ranking.collect(results, metric), own) for metric in ranking.METRICS
        },
        "seconds": ranking.seconds(results, own),
        **compared,
        "results": results,
    }


def write(report: dict[str, Any], path: Path) -> None:
    """Write the report as JSON, a line for each result, so that two runs can be compared line by line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = []
    for key, value in report.items():
        text = json.dumps(value, ensure_ascii=False, allow_nan=False)
        if key in ("results", "seconds", "against") and value:
            text = (
                "[\n"
                + ",\n".join(json.dumps(item, ensure_ascii=False, allow_nan=False) for item in value)
                + "\n]"
            )
        lines.append(f"{json.dumps(key)}: {text}")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def run(given: argparse.Namespace, console: Console) -> None:
    """Fit and score what was asked for, print it, and write JSON and picture; raises TablesError."""
    if given.seeds < 1:
        raise TablesError(f"--seeds {given.seeds} must be at least 1")
    if given.against is not None and given.seeds < 2:
        raise TablesError(f"--against {given.against} needs --seeds 2 or more: one difference has no error")
    methods = chosen(",".join(filter(None, [given.methods, given.against])), given.variant)
    splits = read_folder(given.tables, [name.strip() for name in given.only.split(",") if name.strip()])
    most = given.most_rows
    if most is not None and most < FEWEST_ROWS:
        raise TablesError(f"--most-rows {most} must be at least {FEWEST_ROWS}")
    whole, splits = splits, splits if most is None else [sampled(split, most) for split in splits]
    absent = {method.name: reason for method in methods if (reason := method.absent()) is not None}
    present = [method for method in methods if method.name not in absent]
    results = given_results(_peers(given, console), splits, present)
    for name, reason in absent.items():
        stands = any(entry["method"] == name for entry in results)
        console.print(f"{name}: {reason}; {'the given results stand in' if stands else 'left out'}")
    path = given.out or RESULTS / f"{slug()}-accuracy{'-inner' if given.inner else ''}.json"
    if any(method.ours for method in present):
        warm_up()
    about = {"inner": given.inner, "seeds": given.seeds, "baseline": given.against}
    # Written after each fit, for a run may take hours.
    for split, method, seed in work(whole, present, given.seeds, inner=given.inner, most=most):
        results.append(found := measure(method, split, seed))
        console.print(_line(found), highlight=False, markup=False)
        write(assemble(results, splits, **about), path)
    report = assemble(results, splits, **about)
    if not results:
        raise TablesError("nothing was run and no results were given: name --methods, or give --peers FILE")
    print_report(console, report)
    write(report, path)
    console.print(f"wrote {path}", highlight=False)
    picture = path.with_suffix(".svg")
    try:
        draw(report, picture)
    except ImportError:
        console.print("no picture: matplotlib is not installed (pip install -e '.[bench]')")
    else:
        console.print(f"wrote {picture}", highlight=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("--tables", type=Path, default=TABLES, metavar="FOLDER", help="default: %(default)s")
    parser.add_argument(
        "--methods", default="chainrule", metavar="NAMES", help=f"methods to run: {', '.join(METHODS)}"
    )
    parser.add_argument(
        "--variant",
        action="append",
        default=[],
        metavar="TEXT",
        help="chainrule with settings, as a method of its own: 'wide: hidden=[256, 256]; epochs=64'",
    )
    parser.add_argument("--only", default="", metavar="NAMES", help="these tables, with commas between")
    parser.add_argument("--seeds", type=int, default=1, help="seeds 0, 1, … (default %(default)s)")
    parser.add_argument(
        "--inner", action="store_true", help="score on a quarter of the training rows, for choosing recipes"
    )
    parser.add_argument(
        "--against",
        metavar="NAME",
        help="run this method, too, and say on which tables ours is worse than it by two standard errors of the "
        "paired difference over the seeds",
    )
    parser.add_argument(
        "--most-rows", type=int, metavar="N", help="fit on, or divide, a sample of so many training rows"
    )
    parser.add_argument(
        "--peers",
        type=Path,
        metavar="FILE",
        help=f"results of methods that are not run (default: FOLDER/{PEERS})",
    )
    parser.add_argument("--out", type=Path, metavar="FILE.json", help=f"default: in {RESULTS}")
    given = parser.parse_args(arguments)
    console = Console() if sys.stdout.isatty() else Console(width=WIDTH)
    try:
        run(given, console)
    except TablesError as error:
        parser.error(str(error))


def _peers(given: argparse.Namespace, console: Console) -> list[dict[str, Any]]:
    path = given.peers or given.tables / PEERS
    if given.peers is None and (given.inner or not path.exists()):
        reason = f"{PEERS} is about the test rows" if given.inner else f"{given.tables} has no {PEERS}"
        console.print(f"{reason}: only what is run here is ranked", highlight=False)
        return []
    return read_results(path, INNER_ROWS if given.inner else TEST_ROWS)


def _line(found: dict[str, Any]) -> str:
    name = ranking.PRIMARY[found["task"]]
    shown = f"failed: {found['failed']}" if "failed" in found else f"{name} {found[name]:.4f}"
    if found.get("logloss") is not None:
        shown += f", log-loss {found['logloss']:.4f}"
    took = f", {found['fit_s']:.1f} s" if "fit_s" in found else ""
    return f"{found['table']}, {found['method']}, seed {found['seed']}: {shown}{took}"


if __name__ == "__main__":
    main()
