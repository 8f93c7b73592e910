"""A table's columns as the peers take them: numbers and categories as arrays or frames."""

from __future__ import annotations

from typing import Any

import numpy as np
import polars as pl
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from benchmarks.tabular.tables import TARGET

MOST_CATEGORIES = 255
"""The most categories of a column that scikit-learn's boosting takes; the rarest share one code."""

MISSING = "missing"
"""The category that stands for a missing one where they are text."""

Array = np.ndarray[Any, Any]


class Columns:
    """Numbers and categories of a table as arrays, fitted on the training rows."""

    def __init__(self, train: pl.DataFrame) -> None:
        names = [name for name in train.columns if name != TARGET]
        self.categories = [name for name in names if train.schema[name] == pl.String]
        self.numbers = [name for name in names if name not in self.categories]
        self.scale = make_pipeline(SimpleImputer(keep_empty_features=True), StandardScaler())
        self.one_hot = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
        self.ordinal = OrdinalEncoder(
            handle_unknown="use_encoded_value",
            unknown_value=np.nan,
            encoded_missing_value=np.nan,
            max_categories=MOST_CATEGORIES,
        )
        self.levels = {name: sorted(set(train[name].fill_null(MISSING))) for name in self.categories}
        self.medians = {name: train[name].median() or 0.0 for name in self.numbers}
        numbers, categories = self._parts(train)
        if self.numbers:
            self.scale.fit(numbers)
        if self.categories:
            self.one_hot.fit(categories)
            self.ordinal.fit(categories)

    def dense(self, rows: pl.DataFrame) -> Array:
        """Standardized numbers (means for the missing), and a 0 or 1 for each category, missing being one."""
        return self._joined(rows, self.scale, self.one_hot)

    def codes(self, rows: pl.DataFrame) -> Array:
        """Numbers as they are, and a code for each category; NaN for what is missing or new."""
        return self._joined(rows, None, self.ordinal)

    def plain(self, rows: pl.DataFrame) -> Array:
        """Numbers and categories as they are, in one array of objects; NaN for what is missing."""
        return np.column_stack([part.astype(object) for part in self._parts(rows)])

    @property
    def places(self) -> list[int]:
        """Which columns of `codes` are categories."""
        return list(range(len(self.numbers), len(self.numbers) + len(self.categories)))

    def pandas(
        self, rows: pl.DataFrame, *, kind: str = "object", medians: bool = False, known: bool = False
    ) -> Any:
        """A pandas frame; a missing category is one of its own, and ``medians`` replace missing numbers.

        ``known``: the categories are those of the training rows, in the same order each time; a new one is missing.
        """
        import pandas

        frame = pandas.DataFrame({name: rows[name].to_numpy() for name in self.numbers})
        if medians:
            frame = frame.fillna(self.medians)
        for name in self.categories:
            labels = pandas.Series(rows[name].fill_null(MISSING).to_list(), dtype=object)
            if known:
                labels = pandas.Categorical(
                    labels.where(labels.isin(self.levels[name])), categories=self.levels[name]
                )
            frame[name] = labels if known else labels.astype(kind)
        return frame

    def _parts(self, rows: pl.DataFrame) -> tuple[Array, Array]:
        numbers = np.column_stack(
            [np.empty((len(rows), 0)), *(rows[name].to_numpy() for name in self.numbers)]
        )
        categories = np.empty((len(rows), len(self.categories)), object)
        for place, name in enumerate(self.categories):
            # The encoders know a missing category as NaN; None would be a category like others to one of them.
            categories[:, place] = [np.nan if label is None else label for label in rows[name]]
        return numbers.astype(float), categories

    def _joined(self, rows: pl.DataFrame, scale: Any, encode: Any) -> Array:
        numbers, categories = self._parts(rows)
        if scale is not None and self.numbers:
            numbers = scale.transform(numbers)
        coded = encode.transform(categories) if self.categories else categories
        return np.column_stack([numbers, coded]).astype(float)
