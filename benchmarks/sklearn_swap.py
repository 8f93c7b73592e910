"""``python -m benchmarks.sklearn_swap``: the same calls with either import, in one run.

Times are of whole calls, with all that validates, warns and copies. Scores are of rows held out, over several seeds.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import sklearn.neural_network
from rich.console import Console
from rich.table import Table
from sklearn.datasets import load_digits, load_iris, make_classification
from sklearn.exceptions import ConvergenceWarning
from sklearn.model_selection import GridSearchCV, train_test_split
from sklearn.preprocessing import StandardScaler

import chainrule
from benchmarks.machine import describe, load, slug, thread_pools
from benchmarks.report import duration
from benchmarks.timing import Contestant, interleave, quartiles, ratios, seconds_of

RESULTS = Path(__file__).parent / "results"
REPEATS, SEEDS = 7, 10
OURS, THEIRS = "chainrule", "scikit-learn"
PACKAGES: dict[str, Any] = {OURS: chainrule, THEIRS: sklearn.neural_network}
CHUNK = 500
GRID: dict[str, list[Any]] = {
    "hidden_layer_sizes": [(10,), (25,), (50,), (25, 25)],
    "alpha": [1e-4, 1e-2, 1.0],
    "activation": ["relu", "tanh"],
}

Data = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]


@dataclass(frozen=True)
class Swap:
    """One work: its data, what a user writes with an estimator's class, and how many times faster it should be.

    ``run(cls, X, y, seed)`` returns what can score rows.
    """

    name: str
    data: Callable[[], Data]
    run: Callable[[Any, Any, Any, int], Any]
    at_least: float | None = None
    seeds: bool = True


def iris() -> Data:
    """150 rows, 4 columns, 3 classes."""
    return load_iris(return_X_y=True)


def digits() -> Data:
    """1797 rows, 64 columns, 10 classes."""
    return load_digits(return_X_y=True)


def large(n: int = 20_000) -> Data:
    """Rows of 20 columns and 4 classes, some of them wrong."""
    return make_classification(n, 20, n_informative=10, n_classes=4, flip_y=0.05, random_state=0)


def fit(cls: Any, X: Any, y: Any, seed: int, **options: Any) -> Any:
    """Fit with the defaults, but for the options."""
    return cls(random_state=seed, **options).fit(X, y)


def search(cls: Any, X: Any, y: Any, seed: int) -> Any:
    """Search the grid's 24 candidates with 5 folds."""
    return GridSearchCV(cls(max_iter=50, random_state=seed), GRID, cv=5).fit(X, y)


def in_chunks(cls: Any, X: Any, y: Any, seed: int) -> Any:
    """Go through the rows twice, with a `partial_fit` for each chunk."""
    model = cls((64, 64), random_state=seed)
    classes = np.unique(y)
    for _ in range(2):
        for start in range(0, len(X), CHUNK):
            model.partial_fit(X[start : start + CHUNK], y[start : start + CHUNK], classes=classes)
    return model


SWAPS = (
    Swap("iris, defaults", iris, fit, 3.0),
    Swap("iris, early stopping", iris, partial(fit, early_stopping=True, learning_rate_init=0.01)),
    Swap("iris, lbfgs", iris, partial(fit, solver="lbfgs")),
    Swap("digits, defaults", digits, fit, 2.5),
    Swap(
        "20,000 × 20, two layers of 64, 20 epochs",
        large,
        partial(fit, hidden_layer_sizes=(64, 64), max_iter=20),
    ),
    Swap(
        "grid search, 24 candidates × 5 folds of 1,000 × 20", partial(large, 1000), search, 8.0, seeds=False
    ),
    Swap(f"20,000 × 20, partial_fit in chunks of {CHUNK}", large, in_chunks),
)


def measure(swap: Swap, repeats: int, seeds: int) -> dict[str, Any]:
    """Time one work with either import, and score it over some seeds."""
    X, y = swap.data()
    x_train, x_test, y_train, y_test = train_test_split(X, y, random_state=0)
    scaler = StandardScaler().fit(x_train)
    x_train, x_test = scaler.transform(x_train), scaler.transform(x_test)

    def work(cls: Any, seed: int) -> Any:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            return swap.run(cls, x_train, y_train, seed)

    contestants = [
        Contestant(name, "", partial(seconds_of, partial(work, package.MLPClassifier, 0)))
        for name, package in PACKAGES.items()
    ]
    interleave(contestants, repeats)
    medians = {c.peer: c.median for c in contestants}
    scores = {
        name: [
            float(work(package.MLPClassifier, seed).score(x_test, y_test))
            for seed in range(seeds if swap.seeds else 1)
        ]
        for name, package in PACKAGES.items()
    }
    ratio = ratios(medians, OURS)[THEIRS]
    return {
        "work": swap.name,
        "seconds": {
            c.peer: {key: round(value, 6) for key, value in quartiles(c.samples).items()} for c in contestants
        },
        "ratio": round(ratio, 3),
        "at_least": swap.at_least,
        "reached": None if swap.at_least is None else ratio >= swap.at_least,
        "scores": {name: [round(score, 6) for score in found] for name, found in scores.items()},
    }


def table(results: Sequence[dict[str, Any]]) -> Table:
    """Return the results as a table: times, the ratio with its target, and the scores of both."""
    shown = Table("work", OURS, THEIRS, "×", f"score {OURS}", f"score {THEIRS}")
    for result in results:
        goal = result["at_least"]
        mark = "" if goal is None else f" ({goal:g} {'✓' if result['reached'] else '✗'})"
        shown.add_row(
            result["work"],
            *(duration(result["seconds"][name]["median"]) for name in PACKAGES),
            f"{result['ratio']:.2f}{mark}",
            *(_spread(result["scores"][name]) for name in PACKAGES),
        )
    return shown


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print, and write JSON to a folder."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sklearn_swap", description=__doc__)
    parser.add_argument(
        "--only", default="", metavar="PATTERN", help="regular expression: works whose name matches"
    )
    parser.add_argument(
        "--repeats", type=int, default=REPEATS, help="rounds that count (default %(default)s)"
    )
    parser.add_argument("--seeds", type=int, default=SEEDS, help="seeds for the scores (default %(default)s)")
    parser.add_argument("--out", type=Path, default=RESULTS, metavar="FOLDER", help="default: %(default)s")
    given = parser.parse_args(arguments)
    console = Console() if sys.stdout.isatty() else Console(width=150)
    begun, results = load(), []
    for swap in SWAPS:
        if re.search(given.only, swap.name):
            console.print(f"[dim]{datetime.now(UTC):%H:%M:%S}[/] {swap.name} …", highlight=False)
            results.append(measure(swap, given.repeats, given.seeds))
    console.print(table(results))
    report = {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "repeats": given.repeats,
        "machine": describe() | {"load_before": begun, "load_after": load(), "thread_pools": thread_pools()},
        "results": results,
    }
    given.out.mkdir(parents=True, exist_ok=True)
    path = given.out / f"{report['date']}-{slug()}-sklearn-swap.json"
    lines = [f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in report.items()]
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
    console.print(f"wrote {path}", highlight=False)


def _spread(scores: Sequence[float]) -> str:
    mean = f"{np.mean(scores):.3f}"
    return mean if len(scores) < 2 else f"{mean} ± {np.std(scores):.3f}"


if __name__ == "__main__":
    main()
