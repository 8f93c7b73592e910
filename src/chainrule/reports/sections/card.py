"""The last parts of a report: limits of use, a model card in the form of Hugging Face, what of the table is carried on.

The keys of the card's head are those of https://huggingface.co/docs/hub/model-cards and of its metadata UI
(``library_name``, ``pipeline_tag``, ``tags``, ``model-index`` with task, dataset and metrics).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from chainrule._numbers import number_text
from chainrule.explain.show.document import Block, Facts, Listing, TableBlock, Words
from chainrule.explain.show.markdown import yaml_of
from chainrule.reports.part import ReportPart
from chainrule.reports.reported import Reported
from chainrule.tables.encoding.columns import ColumnEncoder

PIPELINES = {"classification": "tabular-classification", "regression": "tabular-regression"}
"""What the hub calls a task."""

MOST_BOUNDS = 20
"""The most columns whose seen range is told."""


def limits_part(subject: Reported) -> ReportPart:
    """Return what the model is not for, as far as the training and the table tell."""
    model, card = subject.model, subject.model.card
    lines = []
    if card:
        n = card["rows"]["training"]
        lines.append(
            f"It has seen {n:,} rows of {card['table']}. What the score says holds for rows drawn as these were."
        )
    kinds = {column.kind for column in model.encoder.columns}
    if "number" in kinds:
        lines.append(
            "Numbers beyond the ranges below were not seen in training: an answer there is a guess, and nothing warns of it."
        )
    if "category" in kinds:
        lines.append("Words that it has not seen are all the same to it: they share one input, “other”.")
    if "text" in kinds:
        lines.append(
            "Of texts it counts the words that it has seen, and pieces of them; other words are nothing to it."
        )
    if model.task == "classification" and model.gives_probabilities:
        how = (
            "were set to the rows it didn't learn from by one temperature"
            if card.get("temperature")
            else "are the network's own"
        )
        lines.append(f"Probabilities {how}; they hold where classes are as frequent as in the table.")
    if model.task == "regression" and model.target.clamp is not None:
        lines.append(
            "Answers never leave the range of the training rows: what is higher or lower is predicted too near."
        )
    lines.append(
        "What a column does to an answer is what the model does with it, not what causes what in the world."
    )
    bounds = list(seen_ranges(subject))
    blocks: list[Block] = [*map(Words, lines)]
    if bounds:
        rows = tuple((name, low, high) for name, low, high in bounds[:MOST_BOUNDS])
        more = f"… and {len(bounds) - MOST_BOUNDS} more columns" if len(bounds) > MOST_BOUNDS else ""
        blocks.append(TableBlock(("number", "lowest in this table", "highest"), rows, (1, 2), more))
    return ReportPart("limits", "Limits of use", tuple(blocks), {"limits": lines})


def seen_ranges(subject: Reported) -> Iterator[tuple[str, str, str]]:
    """Yield the lowest and highest cell of each input that is a number."""
    names = {column.name for column in subject.model.encoder.columns if column.kind == "number"}
    for name in names and [one for one in subject.table.columns if one in names]:
        cells = subject.table.column(name).drop_nulls()
        if len(cells) and cells.dtype.is_numeric():
            yield name, number_text(float(cells.min()), 6), number_text(float(cells.max()), 6)  # type: ignore[arg-type]


def card_part(subject: Reported) -> ReportPart:
    """Return the model card, and what of the table's data the model file and the page carry."""
    head = metadata(subject)
    blocks: list[Block] = [
        Words("The head of a model card as Hugging Face reads it; as Markdown the report begins with it."),
        Listing(yaml_of(head), "yaml"),
    ]
    return ReportPart("card", "Model card", tuple(blocks), {"metadata": head}, folded=True)


def carried_part(subject: Reported) -> ReportPart:
    """Return what of the table's cells is in the model file, and what in this page."""
    columns = subject.model.encoder.columns
    file = tuple(_in_the_file(subject, columns))
    page = (
        (
            "counts",
            "of each column's histogram, of the classes and of slices; lowest, highest and median numbers; frequent words",
        ),
        (
            "single rows",
            "those explained, with their cells; the rows behind the means of the first columns, by their answers alone",
        ),
        (
            "points",
            "of scored rows, their true and predicted numbers, up to 2,000; of more, counts in hexagons",
        ),
    )
    if subject.model.task == "classification":
        page = (
            page[0],
            page[1],
            ("curves", "the thresholds at which shares of the scored rows change, at most 400 a curve"),
        )
    blocks: list[Block] = [
        Words("The model file carries no row of the table. It does carry:"),
        Facts(file),
        Words("This page carries:"),
        Facts(page),
        Words("Who may not see these should not get the file, or the page.", "dim"),
    ]
    data = {"model_file": dict(file), "page": dict(page)}
    return ReportPart("carried", "What of the table is carried on", tuple(blocks), data, folded=True)


def _in_the_file(subject: Reported, columns: Sequence[ColumnEncoder]) -> Iterator[tuple[str, str]]:
    yield "names", f"of {len(columns)} columns and of the target"
    levels = sum(len(column.levels) for column in columns)
    if levels:
        named = [f"{column.name} ({len(column.levels)})" for column in columns if column.levels]
        yield "words", f"{levels:,} levels of {', '.join(named[:12])}{' …' if len(named) > 12 else ''}"
    numbers = sum(bool(column.parts) for column in columns)
    if numbers:
        yield "numbers", f"medians, scales or bounds of {numbers} columns of the training rows"
    for part in subject.model.target.parts:
        if part.labels:
            yield "classes", f"{len(part.labels):,} of {part.name}"
        else:
            yield (
                "target",
                f"mean and spread of {part.name}" + (", its lowest and highest number" if part.clamp else ""),
            )
    if subject.model.card:
        yield (
            "the training",
            "the table's name, counts of rows, a SHA-256 of the encoded training rows, the scores",
        )


def metadata(subject: Reported) -> dict[str, Any]:
    """Return the head of the model card as plain data."""
    model, evaluation = subject.model, subject.evaluation
    task = PIPELINES[model.task]
    made: dict[str, Any] = {
        "library_name": "chainrule",
        "pipeline_tag": task,
        "tags": ["tabular", task, "neural-network", "chainrule"],
    }
    if evaluation is not None:
        metrics = [
            {"type": name, "value": value, "name": name.replace("_", " ")}
            for name, value in evaluation.scores.items()
        ]
        result = {
            "task": {"type": task},
            "dataset": {"name": subject.part.name, "type": "tabular"},
            "metrics": metrics,
        }
        made["model-index"] = [{"name": subject.name, "results": [result]}]
    return made
