"""From a table to a trained model with an honest score, in five steps: read, split, encode, choose, train and score.

A `Question` and `Settings` go in. `read` makes a table of it and understands its columns; `split` sets the rows of the score
aside; `encode` makes numbers of the inputs, by the other rows; `choose` lets the recipe choose what the settings leave open,
splits the validation rows off, and encodes the target. All this is in one record (`fitting.prepared`) to which each step
adds what it has found. `train_prepared` trains and scores: `Trained`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from numpy.typing import DTypeLike

from chainrule._files import PathLike
from chainrule.engines import ENGINES
from chainrule.engines.threads import limited_threads
from chainrule.fitting.choose import choose
from chainrule.fitting.encode import encode
from chainrule.fitting.fit import fit_prepared, fit_whole
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.question import Question, asked
from chainrule.fitting.read import read
from chainrule.fitting.score import Trained, score_made, score_prepared
from chainrule.fitting.search.search import OnTrial, search_prepared
from chainrule.fitting.search.stored import search_file_of
from chainrule.fitting.split import split
from chainrule.fitting.timing import within_time
from chainrule.model.model import Evaluation
from chainrule.model.source import Source
from chainrule.training.result import Callback
from chainrule.training.settings.record import Settings, Task


def train(
    table: Source,
    target: str | Sequence[str],
    *,
    # made from Question by tests/estimators/signatures.py
    task: Task | None = None,
    inputs: Sequence[str] | None = None,
    drop: Sequence[str] = (),
    weights: str | None = None,
    test_share: float | None = None,
    test_file: Source | None = None,
    teacher: Source | None = None,
    groups: str | None = None,
    time: str | None = None,
    split: str | None = None,
    scaling: str = "robust",
    target_scaling: str | None = None,
    kinds: Mapping[str, str] | None = None,
    # until here
    delimiter: str | None = None,
    decimal: str | None = None,
    encoding: str | None = None,
    missing: Sequence[str] | None = None,
    thousands: str | None = None,
    dates: str | None = None,
    infinite: str | None = None,
    unpack_limit: int | str | None = None,
    engine: str = ENGINES[0],
    threads: int | None = None,
    dtype: DTypeLike | None = None,
    on_epoch_end: Callback | None = None,
    on_trial: OnTrial | None = None,
    search_file: PathLike | None = None,
    **settings: Any,
) -> Trained:
    """Train a network on a table and score it on rows it never saw.

    ``target`` is a column, or a list of columns that are all numbers, or all of two classes: one network answers all.
    ``table`` and ``test_file`` are paths, data frames (polars, pandas, a dict of columns) or `Table`s;
    ``settings`` are the fields of `Settings`, ``dtype`` (float32 or float64) what the engine trains in. Of a ``search``
    ``on_trial`` is called after each trial, and a ``search_file`` keeps those that are finished, to go on from. All words are
    the command line's. Raises TableError or SettingsError with one line that says what to do.

    >>> import chainrule
    >>> trained = chainrule.train({"x": [0, 1] * 20, "y": ["a", "b"] * 20}, "y", hidden=[4], epochs=30)
    >>> trained.evaluation.rows, trained.model.predict({"x": [0, 1]}).labels.tolist()
    (8, ['a', 'b'])
    """
    words = {**locals(), **settings}
    how = {
        name: words.pop(name)
        for name in ("engine", "threads", "dtype", "on_epoch_end", "on_trial", "search_file")
    }
    del words["settings"]
    return train_prepared(prepare(*asked(words.pop("table"), words.pop("target"), words)), **how)


def prepare(question: Question, settings: Settings | None = None) -> Prepared:
    """Return the training that the recipe chooses for a question, and all that it needs: the first four steps.

    Raises TableError or SettingsError for what can't be trained on.
    """
    return choose(encode(split(read(question, settings or Settings()))))


def train_prepared(
    prepared: Prepared,
    *,
    engine: str = ENGINES[0],
    threads: int | None = None,
    dtype: DTypeLike | None = None,
    on_epoch_end: Callback | None = None,
    on_trial: OnTrial | None = None,
    search_file: PathLike | None = None,
) -> Trained:
    """Train on a prepared table (`fit_prepared`, or `search_prepared`), and score beside the baselines (`score_prepared`)."""
    how: dict[str, Any] = {"engine": engine, "threads": threads, "dtype": dtype}
    file = search_file_of(search_file, prepared, engine, dtype)
    with limited_threads(threads):
        prepared = within_time(prepared, engine=engine, threads=threads)
        again = partial(score_without, prepared, **how)
        if (prepared.settings.search or 1) > 1:
            made = search_prepared(prepared, **how, on_epoch_end=on_epoch_end, on_trial=on_trial, file=file)
            return score_made(made, engine=engine, without=again)
        result = fit_prepared(prepared, on_epoch_end=on_epoch_end, **how)
        return score_prepared(prepared, result, engine=engine, without=again)


def score_without(
    prepared: Prepared,
    columns: Sequence[str],
    *,
    engine: str = ENGINES[0],
    threads: int | None = None,
    dtype: DTypeLike | None = None,
) -> Evaluation | None:
    """Return the scores of the same training without some columns; None where no column is left, or time is limited.

    KeyboardInterrupt goes on.
    """
    kept = [one.name for one in prepared.schema.inputs if one.name not in columns]
    if not kept or prepared.budget is not None:
        return None
    question = replace(
        prepared.question,
        table=prepared.table,
        inputs=kept,
        test_file=prepared.scored,
        validation=prepared.watched,
    )
    made = prepare(question, replace(prepared.settings, search=None))
    result = fit_whole(made, engine=engine, threads=threads, dtype=dtype)
    return score_prepared(made, result, engine=engine).evaluation
