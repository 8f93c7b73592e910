"""The parts of a report about the training: the splits, the network drawn and its recipe in words, the curves."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from chainrule._doors import setting
from chainrule.explain.show.document import Block, Facts, Picture, Words
from chainrule.explain.show.drawn import NARROW, WIDE, drawn_model
from chainrule.plots.chart import Charts
from chainrule.plots.kinds.curves import curves_chart
from chainrule.reports.description import model_facts
from chainrule.reports.part import ReportPart
from chainrule.reports.reported import Reported
from chainrule.reports.words import rows_shown, score_words
from chainrule.training.checkpoint import Epoch

MOST_EDGES = {WIDE: 14, NARROW: 6}
"""The most weights drawn between two layers, on pages and on telephones."""


def splits_part(subject: Reported) -> ReportPart | None:
    """Return which rows were for what, from the model's card; None where it has none."""
    card = subject.model.card
    if not card:
        return None
    rows = card["rows"]
    whole = sum(rows.values())
    words = {"training": "training", "validation": "stopping (validation)", "test": "the score"}
    shown = tuple(
        (f"for {words[key]}", f"{rows_shown(n)}, {n / whole:.0%}")
        for key, n in rows.items()
        if n or key == "test"
    )
    said = [f"The rows are those of {card['table']}, split by chance with seed {card['seed']}"]
    if subject.model.task == "classification":
        said[0] += ", of each class the same share"
    said[0] += "."
    if "bagging" in card:
        said.append(
            f"Each of {card['members']['trained']} members held out its own fold of the training rows."
        )
    if card.get("refit"):
        said.append(
            "When the best number of epochs was known, the training was done again on all but the rows of the score."
        )
    if subject.trained is None and subject.use is None:
        said.append(
            f"{subject.table.name} is another table than that of the training, or its rows are in another order."
        )
    if any(column.kind == "datetime" and column.role == "input" for column in subject.columns):
        said.append(
            "The table has dates, and the rows were not split by time: a score on later rows may be worse."
        )
    blocks: list[Block] = [Facts(shown), *map(Words, said)]
    trained = subject.trained
    if trained is not None and trained.out_of_fold is not None:
        scores = score_words(trained.out_of_fold.scores)
        blocks.append(
            Words(f"Out of fold, each training row answered by members that held it out: {scores}.")
        )
    return ReportPart(
        "splits",
        "Which rows are for what",
        tuple(blocks),
        {"rows": dict(rows), "seed": card["seed"], "table": card["table"]},
    )


def network_part(subject: Reported) -> ReportPart:
    """Return the network drawn, and what it is and how it was trained in words."""
    model = subject.model
    title = "The network" if model.members == 1 else f"Member 1 of {model.members}"
    blocks: list[Block] = [
        drawn_model(model, title=title, most_edges=MOST_EDGES),
        Facts(tuple(model_facts(model))),
    ]
    data = {
        "members": model.members,
        "groups": [group.network.to_dict() for group in model.groups],
        "card": dict(model.card),
    }
    return ReportPart("network", "The network and its recipe", tuple(blocks), data)


def curves_part(subject: Reported) -> ReportPart:
    """Return the losses and the rate by epoch; where they aren't known, how to have them."""
    epochs = subject.epochs
    if not epochs:
        said = (
            "A model file keeps no curves: the report that a training writes has them, and so has one that is given its "
            f"losses by epoch ({setting('history')}, the CSV that chainrule train writes)."
        )
        return ReportPart("curves", "The curves", (Words(said, "dim"),), {"epochs": []})
    names = ("epoch", "training_loss", "validation_loss", "learning_rate", "steepest")
    data = {name: [getattr(line, name) for line in epochs] for name in names}
    return ReportPart("curves", "The curves", tuple(_curves(subject, epochs)), data, tuple(_doubts(subject)))


def _curves(subject: Reported, epochs: Sequence[Epoch]) -> Iterator[Block]:
    at = [float(line.epoch) for line in epochs]
    losses = {"training": [line.training_loss for line in epochs]}
    if any(np.isfinite(line.validation_loss) for line in epochs):
        losses["validation"] = [line.validation_loss for line in epochs]
    kept: Sequence[int] = subject.model.card.get("best_epochs") or []
    best = float(kept[0]) if len(set(kept)) == 1 and kept[0] in at else None
    loss = curves_chart(losses, x=at, best=best, title="Loss by epoch")
    rate = curves_chart(
        {"learning rate": [line.learning_rate for line in epochs]}, x=at, title="Learning rate", y_label=""
    )
    charts = [loss, replace(rate, legend="none")]
    steepest = [line.steepest for line in epochs]
    if np.isfinite(steepest).any():
        title = "Largest number of the gradient"
        slope = curves_chart({"largest |gradient|": steepest}, x=at, best=best, title=title, y_label="")
        charts.append(replace(slope, legend="none"))
    said = " ".join(chart.description for chart in charts)
    yield Picture(Charts("The training", said, tuple(charts), len(charts)))
    ran = f"{rows_shown(len(epochs)).replace('row', 'epoch')} ran"
    if kept:
        span = (
            f"epoch {kept[0]}"
            if len(set(kept)) == 1
            else f"epochs {min(kept)} to {max(kept)}, each member's best"
        )
        ran += f"; kept: {span}"
    yield Words(
        f"{ran}. Losses are means over the members; that of training has what the recipe adds (dropout, smoothing, penalties), "
        "that of validation not. The gradient is that of an epoch's last step, its largest number before clipping.",
        "dim",
    )


def _doubts(subject: Reported) -> Iterator[str]:
    trained = subject.trained
    if trained is not None and trained.fit.diverged:
        yield f"{len(trained.fit.diverged)} members diverged in training"
