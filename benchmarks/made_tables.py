"""``python -m benchmarks.made_tables``: tables made by a known rule, each with the peers that such a rule suits.

A real table says how good a method is; a made one says what it can't do. Each case has a score, and the aim is that ours is at
most 1.1 times the best of the peers that run there.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table

from benchmarks.accuracy import RESULTS, WIDTH, chosen, write
from benchmarks.machine import describe, slug, versions
from benchmarks.made_text import band, misspelled, salary
from benchmarks.tabular.methods import Method, measure, warm_up
from benchmarks.tabular.tables import TARGET, Split, TablesError, TaskName

AIM = 1.1
"""The most that our score may be, by the best peer's."""

Generator = np.random.Generator
Drawn = tuple[dict[str, Any], np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Case:
    """A rule that makes rows, how many of them are to learn from and to score on, and how often it is drawn.

    ``draw(rng, n)`` gives n rows: columns by name, and the target. Few rows are drawn several times, since one draw says little.
    """

    name: str
    about: str
    task: TaskName
    draw: Callable[[Generator, int], Drawn]
    train: int
    test: int = 4_000
    draws: int = 1
    score: str = "nrmse"
    peers: tuple[str, ...] = ("linear", "knn", "histgb", "lgbm")

    def split(self, number: int) -> Split:
        """Return one draw: the rows to fit on and those to score on, by the same rule."""
        columns, target = self.draw(np.random.default_rng([number, 2]), self.train + self.test)
        frame = pl.DataFrame(columns).with_columns(pl.Series(TARGET, target.tolist()))
        return Split(self.name, self.task, frame[: self.train], frame[self.train :])


def _numbers(x: np.ndarray[Any, Any]) -> dict[str, Any]:
    return {f"x{j + 1}": x[:, j] for j in range(x.shape[1])}


def _labels(codes: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    labels: np.ndarray[Any, Any] = np.array(list("abc"), object)[codes.astype(int)]
    return labels


def _linear(rng: Generator, n: int) -> Drawn:
    x = rng.normal(size=(n, 10))
    return _numbers(x), x @ np.arange(-5.0, 5.0) / 10 + 0.3 * rng.normal(size=n)


def _levels(rng: Generator, n: int) -> Drawn:
    effect, level, x = rng.normal(size=5_000), rng.integers(5_000, size=n), rng.normal(size=n)
    names = np.array([f"level {code}" for code in range(5_000)], object)
    return {"level": names[level].tolist(), "x": x}, effect[level] + 0.5 * x + 0.25 * rng.normal(size=n)


def _level_classes(rng: Generator, n: int) -> Drawn:
    sizes = (2_000, 700)
    codes = [rng.integers(size, size=n) for size in sizes]
    score = sum(rng.normal(size=size)[code] for size, code in zip(sizes, codes, strict=True))
    columns = {f"level{j + 1}": [f"level {c}" for c in code.tolist()] for j, code in enumerate(codes)}
    return columns, _labels(rng.random(n) < 1 / (1 + np.exp(-1.5 * score)))


def _noise(rng: Generator, n: int) -> Drawn:
    codes, x = rng.integers(3, size=n), rng.normal(size=(n, 3_002))
    x[:, 7] += 4.0 * codes
    x[:, 11] += 4.0 * (codes == 1)
    return _numbers(x), _labels(codes)


def _rare(rng: Generator, n: int) -> Drawn:
    x, rare = rng.normal(size=(n, 6)), rng.random(n) < 0.001
    x[rare, :2] += 2.0
    return _numbers(x), _labels(rare)


def _xor(rng: Generator, n: int) -> Drawn:
    x = rng.integers(2, size=(n, 6))
    return _numbers(x), _labels((x.sum(axis=1) + (rng.random(n) < 0.05)) % 2)


def _sine(rng: Generator, n: int) -> Drawn:
    x = rng.random((n, 2))
    return _numbers(x), np.sin(20 * np.pi * x[:, 0]) + x[:, 1] + 0.1 * rng.normal(size=n)


def _steps(rng: Generator, n: int) -> Drawn:
    x, heights = rng.random((n, 3)), np.random.default_rng(0).normal(size=(2, 12))
    y = heights[0][(12 * x[:, 0]).astype(int)] + heights[1][(12 * x[:, 1]).astype(int)]
    return _numbers(x), y + 0.2 * rng.normal(size=n)


def _few(rng: Generator, n: int) -> Drawn:
    x = rng.normal(size=(n, 8))
    return _numbers(x), x[:, 0] + 0.5 * x[:, 1] + 0.5 * np.abs(x[:, 2]) + 0.5 * rng.normal(size=n)


def _chance(rng: Generator, n: int) -> Drawn:
    x = rng.normal(size=(n, 20))
    return _numbers(x), rng.normal(size=n)


WORDS = ("words-linear", "tfidf-linear", "words-histgb")
TARGETS = ("target-linear", "linear", "knn", "histgb", "lgbm")

CASES = (
    Case("linear", "ten numbers, straight", "reg", _linear, 1_000),
    Case("levels", "a category of 5,000 levels and a number", "reg", _levels, 16_000, peers=TARGETS[:1] + TARGETS[3:]),
    Case("level classes", "categories of 2,000 and 700 levels", "class", _level_classes, 8_000, score="logloss",
        peers=TARGETS[:1] + TARGETS[3:]),
    Case("noise columns", "3,002 numbers, two of which say which of three classes", "class", _noise, 120, 1_000, 3, "error"),
    Case("rare class", "1 row in 1,000 is of the other class", "class", _rare, 20_000, 20_000, score="logloss"),
    Case("xor of six", "six truth values, odd or even, and 5 % the other way", "class", _xor, 1_500, score="error"),
    Case("sine", "ten periods of a sine, and a line", "reg", _sine, 1_500),
    Case("steps", "twelve steps along each of two numbers", "reg", _steps, 2_000),
    Case("few rows", "60 rows of eight numbers, nearly straight", "reg", _few, 60, 2_000, 5),
    Case("chance", "nothing to be learned: 200 rows of 20 numbers", "reg", _chance, 200, 2_000, 3,
        peers=("linear", "knn", "histgb", "lgbm", "constant")),
    Case("job titles", "short texts of 2 to 4 words, whose sum is the salary", "reg", salary, 2_000, peers=WORDS),
    Case("misspelled titles", "the same, with a letter left out of three in ten", "reg", misspelled, 2_000, peers=WORDS),
    Case("title bands", "two classes by the same words", "class", band, 3_000, score="logloss", peers=WORDS),
)  # fmt: skip


def compare(case: Case, ours: Sequence[Method], console: Console) -> dict[str, Any]:
    """Return the mean scores over the draws by method, and ours by the best peer; a peer that isn't installed is left out."""
    peers = [method for method in chosen(",".join(case.peers)) if method.absent() is None]
    found: dict[str, dict[str, float]] = {}
    for method in [*ours, *peers]:
        results = [measure(method, case.split(number), number) for number in range(case.draws)]
        failed = next((one["failed"] for one in results if "failed" in one), None)
        if failed:
            console.print(f"{case.name}, {method.name}: {failed}", highlight=False, markup=False)
            continue
        found[method.name] = {
            "score": fmean(one[case.score] for one in results),
            "fit_s": round(fmean(one["fit_s"] for one in results), 2),
        }
    best = min((name for name in case.peers if name in found), key=lambda name: found[name]["score"])
    ratios = {
        method.name: found[method.name]["score"] / found[best]["score"]
        for method in ours
        if method.name in found
    }
    return {"case": case.name, "score": case.score, "best": best, "ratios": ratios, "methods": found}


def show(results: Sequence[dict[str, Any]], names: Sequence[str], console: Console) -> None:
    """Print a line for each case: the best peer, and each method of ours by its score, ratio and seconds."""
    table = Table("table", "score", "best peer", *names, box=None)
    for one in results:
        cells = []
        for name in names:
            if name not in one["methods"]:
                cells.append("failed")
                continue
            own, ratio = one["methods"][name], one["ratios"][name]
            mark = "" if ratio <= AIM else " !"
            cells.append(f"{own['score']:.4f} × {ratio:.2f}{mark} ({own['fit_s']:.1f} s)")
        table.add_row(
            one["case"], one["score"], f"{one['best']} {one['methods'][one['best']]['score']:.4f}", *cells
        )
    console.print(table, highlight=False)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the cases, print the scores, and write them as JSON."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.made_tables", description=__doc__)
    parser.add_argument(
        "--methods", default="chainrule", metavar="NAMES", help="of ours: chainrule, chainrule-fast"
    )
    parser.add_argument(
        "--variant", action="append", default=[], metavar="TEXT", help="'name: setting=value; …'"
    )
    parser.add_argument("--only", default="", metavar="NAMES", help="these cases, with commas between")
    parser.add_argument("--out", type=Path, metavar="FILE.json", help=f"default: in {RESULTS}")
    given = parser.parse_args(arguments)
    console = Console(width=WIDTH)
    wanted = [name.strip() for name in given.only.split(",") if name.strip()]
    unknown = set(wanted) - {case.name for case in CASES}
    if unknown:
        parser.error(
            f"there is no case {', '.join(sorted(unknown))}; they are {', '.join(one.name for one in CASES)}"
        )
    try:
        ours = chosen(given.methods, given.variant)
    except TablesError as error:
        parser.error(str(error))
    warm_up()
    results = []
    for case in CASES:
        if not wanted or case.name in wanted:
            results.append(compare(case, ours, console))
            show(results[-1:], [method.name for method in ours], console)
    console.rule()
    show(results, [method.name for method in ours], console)
    machine = describe()
    machine["versions"] |= versions(("lightgbm",))
    write(
        {"aim": AIM, "machine": machine, "results": results},
        given.out or RESULTS / f"{slug()}-made-tables.json",
    )


if __name__ == "__main__":
    main()
