"""A small network beside a large one, taught by what the large one answers, so that a prediction can be followed whole.

The large network's answers tell more than a class does: how near the others were. Learning from them is distillation (Hinton,
Vinyals and Dean, "Distilling the knowledge in a neural network", 2015). Where each member was trained without a fold of its
own, a row is answered by the member that hasn't seen it, so that what the large one knows by heart isn't taught. Where another
program's answers are given (`chainrule.fitting.teacher`), both networks learn those.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from chainrule._types import FloatArray
from chainrule.engines import ENGINES
from chainrule.engines.threads import limited_threads
from chainrule.errors import SettingsError
from chainrule.fitting.encode import encode_target
from chainrule.fitting.fit import fit_prepared
from chainrule.fitting.parts import outputs_held_out, rows_held_out
from chainrule.fitting.prepared import Prepared
from chainrule.fitting.rows import data_digest
from chainrule.fitting.score import Trained, score_prepared
from chainrule.fitting.train import prepare
from chainrule.tables.table import with_columns
from chainrule.training.settings.record import Settings

NEURONS = 4
"""The neurons of the one hidden layer."""

ROWS_SEEN = 2_000_000
"""How many rows the small network is shown in all: so many epochs as that takes, from 20 to 400."""


def small_of(trained: Trained, *, engine: str = ENGINES[0], threads: int | None = None) -> Trained:
    """Return a network of one hidden layer of `NEURONS` neurons, taught by the answers of a trained model, and its scores.

    It has one member and no feature stage; its scores are on the rows of the model's own. Raises SettingsError for a model
    whose outputs are no probabilities of its classes.
    """
    model, prepared = trained.model, trained.prepared
    if model.task == "classification" and not model.gives_probabilities:
        raise SettingsError(
            f"a small network learns from probabilities, and the outputs of loss {model.loss.name} with "
            f"{model.output.activation.name} are none: choose another loss, or leave the small network out"
        )
    n = prepared.arrays.n_fitted
    settings = Settings(
        hidden=[NEURONS],
        members=1,
        epochs=int(np.clip(ROWS_SEEN // max(n, 1), 20, 400)),
        early_stopping=False,
        optimizer="adam",
        learning_rate=0.02,
        schedule="cosine",
        batch_size=max(1, min(32, n)),
        seed=prepared.settings.seed,
    )
    question = replace(prepared.question, table=prepared.table)
    made = prepare(question, settings)
    # The card is about the table, which a reader has; the answers that were learned only the training has.
    digest = data_digest(*made.arrays.training)
    if made.arrays.taught is None:
        made = replace(made, arrays=replace(made.arrays, y=_taught(trained, made, engine)))
    with limited_threads(threads):
        result = fit_prepared(made, engine=engine, threads=threads)
        small = score_prepared(made, result, engine=engine)
    taught = replace(small.model, card={**small.model.card, "data": digest, "taught": True})
    return replace(small, model=taught)


def _taught(trained: Trained, made: Prepared, engine: str) -> FloatArray:
    """Return what the small network should say of its rows (n, n_out): what the large one says."""
    model, rows = trained.model, made.fitted
    answer = model.answer_of(_outputs(trained, made, engine))
    if model.task == "classification":
        found = np.asarray(answer.probabilities, np.float64)
        single = made.arrays.y.shape[1] == 1 and found.shape[1] == 2
        taught: FloatArray = found[:, 1:] if single else found
        return taught
    numbers = np.asarray(answer.labels, np.float64).reshape(rows.n_rows, -1)
    columns = {name: numbers[:, j] for j, name in enumerate(made.target.names)}
    return encode_target(with_columns(rows, columns), made.target, made.resolved)


def _outputs(trained: Trained, made: Prepared, engine: str) -> FloatArray:
    """Return the answers (n, n_out) for the small network's rows; out of fold where the members have folds."""
    rows, n = rows_held_out(trained.parts), made.arrays.n_fitted
    if trained.prepared.folds is None or len(rows) < n:
        return trained.model.mean(trained.model.outputs(made.arrays.x[:n]))
    return outputs_held_out(trained.model, trained.parts, rows, engine)
