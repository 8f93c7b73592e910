"""``python -m benchmarks.made_text``: made tables whose short texts say the answer, beside the peers that take words apart.

The aim is an error of at most 1.1 times the best peer's: a bag of words or TF-IDF with ridge or logistic regression, and boosted
trees on the words.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import polars as pl
from rich.console import Console
from rich.table import Table
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegressionCV, RidgeCV

from benchmarks.accuracy import WIDTH
from benchmarks.tabular.methods import Answer, Method, Predict, measure, ours, warm_up
from benchmarks.tabular.tables import TARGET, Split, TaskName

Generator = np.random.Generator
Drawn = tuple[dict[str, Any], np.ndarray[Any, Any]]

_STEMS = (
    "account audit bank brand budget build care chain claim cloud coast data debt design drive energy estate field film "
    "fleet food freight fund garden glass grain grid harbor health hotel lab land law legal loan market media metal mine "
    "music network nurse oil paper park pay plant policy port print rail risk road safety school ship store supply tax test "
    "tool tour trade train travel tunnel vehicle water wood"
)
_ROLES = (
    "administrator advisor agent analyst architect buyer clerk consultant coordinator designer director driver editor engineer "
    "inspector instructor keeper manager officer operator painter planner reporter technician trainer worker"
)
LEVELS = ("", "junior", "senior", "lead", "chief", "deputy", "assistant", "principal")
STEMS, ROLES = _STEMS.split(), _ROLES.split()


def _titles(rng: Generator, n: int) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Draw job titles and what their words add up to: a level, one or two fields, a role."""
    worth = np.random.default_rng(14)
    levels, stems, roles = (
        worth.normal(0, sd, len(words)) for sd, words in ((8, LEVELS), (10, STEMS), (14, ROLES))
    )
    a, b, c, d = (rng.integers(len(words), size=n) for words in (LEVELS, STEMS, STEMS, ROLES))
    second = rng.random(n) < 0.4
    rows = zip(a.tolist(), b.tolist(), c.tolist(), d.tolist(), second.tolist(), strict=True)
    texts = [
        " ".join(w for w in (LEVELS[i], STEMS[j], STEMS[k] * two, ROLES[m]) if w) for i, j, k, m, two in rows
    ]
    return texts, levels[a] + stems[b] + second * stems[c] + roles[d]


def _salary(rng: Generator, n: int) -> Drawn:
    texts, worth = _titles(rng, n)
    return {"title": texts, "years": rng.integers(40, size=n)}, 60 + worth + rng.normal(0, 2.5, n)


def _misspelled(rng: Generator, n: int) -> Drawn:
    columns, y = _salary(rng, n)
    texts = []
    for text in columns["title"]:
        at = int(rng.integers(1, len(text)))
        texts.append(text[: at - 1] + text[at:] if rng.random() < 0.3 else text)
    return columns | {"title": texts}, y


def _band(rng: Generator, n: int) -> Drawn:
    texts, worth = _titles(rng, n)
    high = worth + rng.normal(0, 6, n) > 0
    return {"title": texts, "years": rng.integers(40, size=n)}, np.array(["low", "high"], object)[
        high.astype(int)
    ]


@dataclass(frozen=True)
class TextCase:
    """A rule that makes rows, the rows to learn from and to score on, and the score."""

    name: str
    about: str
    task: TaskName
    draw: Callable[[Generator, int], Drawn]
    train: int
    score: str = "nrmse"
    test: int = 4_000

    def split(self) -> Split:
        """Return the rows to fit on and those to score on."""
        columns, target = self.draw(np.random.default_rng([0, 2]), self.train + self.test)
        frame = pl.DataFrame(columns).with_columns(pl.Series(TARGET, target.tolist()))
        return Split(self.name, self.task, frame[: self.train], frame[self.train :])


CASES = (
    TextCase("job titles", "titles of 2 to 4 words, whose sum is the salary", "reg", _salary, 2_000),
    TextCase(
        "misspelled titles", "the same, of three in ten a letter is left out", "reg", _misspelled, 2_000
    ),
    TextCase("title bands", "two classes by the same words", "class", _band, 3_000, "logloss"),
)


def _words(
    vectorizer: Callable[[], Any], trees: bool, train: pl.DataFrame, task: TaskName, seed: int
) -> Predict:
    """Fit on the counts of words and the numbers beside them."""
    found = vectorizer().fit(train["title"].to_list())
    years = train["years"].to_numpy().astype(float)
    mean, std = years.mean(), years.std()

    def arrays(rows: pl.DataFrame) -> np.ndarray[Any, Any]:
        counts = found.transform(rows["title"].to_list()).toarray()
        return np.column_stack([counts, (rows["years"].to_numpy() - mean) / std])

    if trees:
        cls = HistGradientBoostingClassifier if task == "class" else HistGradientBoostingRegressor
        model = cls(early_stopping=True, max_iter=500, random_state=seed)
    else:
        model = LogisticRegressionCV(max_iter=2_000) if task == "class" else RidgeCV(np.logspace(-4, 4, 17))
    model.fit(arrays(train), train[TARGET].to_numpy())

    def predict(rows: pl.DataFrame) -> Answer:
        if task == "reg":
            return Answer(np.ravel(model.predict(arrays(rows))))
        probabilities = np.asarray(model.predict_proba(arrays(rows)))
        classes = [str(label) for label in model.classes_]
        return Answer(np.array(classes, object)[probabilities.argmax(axis=1)], probabilities, classes)

    return predict


PEERS = (
    Method(
        "words-linear",
        "a bag of words, ridge or logistic regression",
        partial(_words, CountVectorizer, False),
    ),
    Method("tfidf-linear", "TF-IDF, the same", partial(_words, TfidfVectorizer, False)),
    Method("words-histgb", "a bag of words, HistGradientBoosting", partial(_words, CountVectorizer, True)),
)


def compare(case: TextCase, methods: Sequence[Method]) -> dict[str, float]:
    """Return the score of each method on a case's draw."""
    split = case.split()
    return {method.name: float(measure(method, split, 0)[case.score]) for method in methods}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the cases and print each method's score, and ours by the best peer's."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.made_text", description=__doc__)
    parser.add_argument("--fast", action="store_true", help="ours with fast=True")
    parser.add_argument("--only", metavar="NAME", help="this case alone")
    given = parser.parse_args(arguments)
    console = Console(width=WIDTH)
    own = (
        ours("chainrule-fast", "train with fast=True", fast=True)
        if given.fast
        else ours("chainrule", "train")
    )
    warm_up()
    table = Table("table", "score", *(method.name for method in (*PEERS, own)), "by the best", box=None)
    for case in CASES:
        if given.only in (None, case.name):
            scores = compare(case, [*PEERS, own])
            ratio = scores[own.name] / min(scores[peer.name] for peer in PEERS)
            table.add_row(
                case.name, case.score, *(f"{score:.4f}" for score in scores.values()), f"{ratio:.3f}"
            )
    console.print(table)


if __name__ == "__main__":
    main()
