"""Peers that take words apart: a table's texts as counts of words or TF-IDF beside its numbers, for linear models and trees."""

from __future__ import annotations

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression, RidgeCV

from benchmarks.tabular.columns import Array, Columns
from benchmarks.tabular.tables import TARGET, TaskName


class Texts:
    """The words of every text column, and the standardized numbers, as one array, fitted on the training rows."""

    def __init__(self, train: pl.DataFrame, *, tfidf: bool = False) -> None:
        columns = Columns(train)
        self.scale, self.numbers = columns.scale, columns.numbers
        make = TfidfVectorizer if tfidf else CountVectorizer
        self.words = {name: make().fit(_cells(train, name)) for name in columns.categories}

    def dense(self, rows: pl.DataFrame) -> Array:
        """Return the array of some rows."""
        parts = [found.transform(_cells(rows, name)).toarray() for name, found in self.words.items()]
        if self.numbers:
            parts.append(
                self.scale.transform(np.column_stack([rows[name].to_numpy() for name in self.numbers]))
            )
        return np.column_stack(parts)


def _cells(rows: pl.DataFrame, name: str) -> list[str]:
    return rows[name].fill_null("").to_list()


def fitted(texts: Texts, train: pl.DataFrame, task: TaskName, seed: int, *, trees: bool) -> object:
    """Return a linear model, or boosted trees, fitted to the words."""
    if trees:
        cls = HistGradientBoostingClassifier if task == "class" else HistGradientBoostingRegressor
        model = cls(early_stopping=True, max_iter=500, random_state=seed)
    else:
        model = LogisticRegression(max_iter=2_000) if task == "class" else RidgeCV(np.logspace(-4, 4, 17))
    return model.fit(texts.dense(train), train[TARGET].to_numpy())
