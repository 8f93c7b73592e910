"""``chainrule evaluate``: the score of a model on a table with known targets."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from chainrule.cli.documents import chosen_format, deliver, document_options
from chainrule.cli.parsing import Parser, model_and_table, opened, reading_options, thread_option

if TYPE_CHECKING:
    from chainrule.model.model import Evaluation, Model
    from chainrule.tables.table import Table

EXAMPLES = """
chainrule evaluate penguins.safetensors new.csv
chainrule evaluate penguins.safetensors new.csv --by-class
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "evaluate", "MODEL TABLE [options]", "Score a model on a table whose target is known.", EXAMPLES
    )
    model_and_table(made, "a table with the target")
    reading_options(made, trained=True)
    thread_option(made, "files")
    made.options("output", {"--by-class": "precision, recall and F1 of each class, too"})
    document_options(made)
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from chainrule.engines.threads import limited_threads
    from chainrule.errors import SettingsError
    from chainrule.explain.show.document import Document, Words, notes
    from chainrule.reports.training import (
        class_data,
        class_table,
        evaluation_blocks,
        scores_data,
        target_data,
    )
    from chainrule.reports.words import rows_shown, score_words

    form = chosen_format(options)
    model, table = opened(options)
    lacking = [name for name in model.target.names if name not in table.columns]
    if lacking:
        raise SettingsError(
            f"{table.name} has no column {', '.join(map(repr, lacking))}, so there is nothing to score "
            f"against: to get its answers, chainrule predict {options.model} {options.table}"
        )
    with limited_threads(options.threads):
        evaluation = model.evaluate(table)
        seen, unseen = _seen(model, table)
    if options.by_class and evaluation.confusion is None:
        raise SettingsError("--by-class is for one target that is a class: leave it out")
    told = [*table.notes, *_left_out(model, table), *model.drift(table)]
    data = {
        "model": options.model,
        "table": table.name,
        **target_data(model.target),
        "rows": evaluation.rows,
        **scores_data(evaluation),
        "trained_on": seen,
        "scores_unseen": None if unseen is None else unseen.scores,
        **({"by_class": class_data(model, evaluation)} if options.by_class else {}),
        "notes": told,
    }
    first = []
    if seen:
        which = f"{seen:,} of its {table.n_rows:,} rows"
        words = f"{table.name} is the table that the model was trained on, {which}: the score flatters"
        if unseen is not None:
            words += f"; on the {unseen.rows:,} that it never saw: {score_words(unseen.scores)}"
        first = [Words(f"{words}.", "warn")]
        data["notes"] = [words, *told]
    title = f"{table.name}: score on {rows_shown(evaluation.rows)}"
    blocks = (*first, *notes(told), *evaluation_blocks(model, evaluation, {}))
    if options.by_class:
        blocks = (*blocks, class_table(model, evaluation))
    deliver(Document(title, blocks, data=data), form, options, told)


def _left_out(model: Model, table: Table) -> list[str]:
    """Say which rows can't be scored: those without a target, and those of a class that wasn't trained."""
    from chainrule.model.model import of_trained_classes

    known = model.target.known(table)
    lost = table.n_rows - len(known)
    found = [f"{lost:,} rows have no target, and are left out"] if lost else []
    return [*found, *of_trained_classes(model.target, table.take(known))[1]]


def _seen(model: Model, table: Table) -> tuple[int, Evaluation | None]:
    """Return how many of a table's rows the model was trained on, if it is its table, and the score on its other ones."""
    from chainrule.errors import ChainruleError
    from chainrule.fitting.replay import rows_by_use

    if not model.card or len(model.groups) > 1:
        return 0, None
    try:
        used = rows_by_use(model, table)
    except ChainruleError:  # it is another table
        return 0, None
    unseen = model.evaluate(table.take(used.test)) if len(used.test) else None
    return len(used.training) + len(used.validation), unseen
