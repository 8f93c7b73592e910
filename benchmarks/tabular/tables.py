"""The tables, which rows are for training, and the peers' results that came with them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from sklearn.model_selection import train_test_split

TARGET, SPLIT = "target", "split"
TRAIN, TEST = "train", "test"
PEERS = "peers.json"
INNER_SHARE = 0.25
"""The share of the training rows that ``--inner`` scores on."""

SPLIT_SEED = 20
"""The seed of scikit-learn's `train_test_split` that divided the tables once and for all."""

TEST_ROWS = "the test rows"
INNER_ROWS = "a quarter of the training rows, a new one for each seed"
"""What a report says it was scored on; results on the one are never ranked with results on the other."""

TaskName = Literal["class", "reg"]


class TablesError(Exception):
    """A folder, a table or a file of results can't be used; one line says what to do."""


@dataclass(frozen=True)
class Split:
    """One table in two parts: rows to fit on, and rows to score on; both have the features and ``target``."""

    name: str
    task: TaskName
    train: pl.DataFrame
    test: pl.DataFrame

    @property
    def shape(self) -> str:
        """Rows × features of the whole, for a reader."""
        return f"{len(self.train) + len(self.test):,} × {self.train.width - 1}"


def read_folder(folder: Path, only: list[str] | None = None) -> list[Split]:
    """Return the tables of a folder by size, or those named in ``only``; raises TablesError."""
    paths = {path.stem: path for path in folder.glob("*.parquet")}
    if not paths:
        raise TablesError(
            f"{folder} has no parquet files: give --tables a folder of tables (features, target, split), "
            "such as one that python -m benchmarks.more_tables makes"
        )
    unknown = [name for name in only or () if name not in paths]
    if unknown:
        raise TablesError(f"{folder} has no table {', '.join(unknown)}; it has {', '.join(sorted(paths))}")
    splits = [read_split(paths[name]) for name in sorted(only or paths)]
    return sorted(splits, key=lambda split: len(split.train) * split.train.width)


def read_split(path: Path) -> Split:
    """Return a parquet file's rows as its column ``split`` divides them; raises TablesError.

    A text target is a class, any other a number.
    """
    frame = pl.read_parquet(path)
    for column in (TARGET, SPLIT):
        if column not in frame.columns:
            raise TablesError(
                f"{path} has no column {column!r}; its columns are the features, target and split"
            )
    found = set(frame[SPLIT].unique().to_list())
    if found != {TRAIN, TEST}:
        raise TablesError(
            f"{path}: split must be 'train' or 'test' and both must occur, not {sorted(map(str, found))}"
        )
    if frame[TARGET].null_count():
        raise TablesError(f"{path}: {frame[TARGET].null_count()} rows have no target; leave them out")
    frame = frame.with_columns(
        pl.col(name).cast(_plain(path, name, kind)) for name, kind in frame.schema.items()
    )
    task: TaskName = "class" if frame.schema[TARGET] == pl.String else "reg"
    parts = [frame.filter(pl.col(SPLIT) == part).drop(SPLIT) for part in (TRAIN, TEST)]
    return Split(path.stem, task, *parts)


def inner_split(split: Split, seed: int, share: float = INNER_SHARE) -> Split:
    """Return the training rows alone, in two parts by chance, with ``share`` of them (of each class) to score on."""
    labels = split.train[TARGET].to_numpy() if split.task == "class" else None
    fitted, scored = train_test_split(
        np.arange(len(split.train)), test_size=share, random_state=seed, stratify=labels
    )
    return replace(split, train=split.train[np.sort(fitted)], test=split.train[np.sort(scored)])


def sampled(split: Split, most: int, seed: int = SPLIT_SEED) -> Split:
    """Return a table with at most so many training rows, by chance (of each class its share), of a seed always the same."""
    if len(split.train) <= most:
        return split
    labels = split.train[TARGET].to_numpy() if split.task == "class" else None
    kept, _ = train_test_split(
        np.arange(len(split.train)), train_size=most, random_state=seed, stratify=labels
    )
    return replace(split, train=split.train[np.sort(kept)])


def marked(frame: pl.DataFrame, share: float = 0.2, seed: int = SPLIT_SEED) -> pl.DataFrame:
    """Return a table with a column ``split``: ``share`` of the rows, of each class if the target is text, are ``test``.

    The rule that divided the twelve tables with the peers' results.
    """
    labels = frame[TARGET].to_numpy() if frame.schema[TARGET] == pl.String else None
    _, scored = train_test_split(np.arange(len(frame)), test_size=share, random_state=seed, stratify=labels)
    parts = np.full(len(frame), TRAIN, object)
    parts[scored] = TEST
    return frame.with_columns(pl.Series(SPLIT, parts.tolist(), pl.String))


def read_results(path: Path, scored_on: str) -> list[dict[str, Any]]:
    """Return results from a file: a list as ``peers.json`` has it, of the test rows, or a report of an earlier run.

    Raises TablesError, also where they are not of the rows asked for.
    """
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TablesError(f"{path} can't be read as JSON: {error}") from error
    report = found if isinstance(found, dict) else {"scored_on": TEST_ROWS, "results": found}
    results = report.get("results")
    if not isinstance(results, list) or not all(
        {"table", "method", "task"} <= set(entry) for entry in results
    ):
        raise TablesError(f"{path} has no results: each has at least table, method and task")
    if report.get("scored_on") != scored_on:
        raise TablesError(
            f"{path} was scored on {report.get('scored_on')}, this run scores on {scored_on}: "
            "give --inner for both or for none"
        )
    return results


def _plain(path: Path, name: str, kind: pl.DataType) -> pl.DataType:
    if kind.is_numeric():
        return pl.Float64()
    if kind == pl.String or isinstance(kind, pl.Categorical | pl.Enum | pl.Boolean):
        return pl.String()
    raise TablesError(f"{path}: column {name!r} is {kind}; the columns are numbers or text")
