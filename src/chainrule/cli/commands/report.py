"""``chainrule report``: one page about a model and a table."""

from __future__ import annotations

import argparse

from chainrule.cli.documents import chosen_format, deliver, document_options
from chainrule.cli.parsing import (
    Parser,
    check_numbers,
    model_and_table,
    opened,
    reading_options,
    thread_option,
)

EXAMPLES = """
chainrule report penguins.safetensors penguins.csv --out report.html
chainrule report penguins.safetensors penguins.csv --seed 3 --out report.md
chainrule report penguins.safetensors new.csv --format md
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "report",
        "MODEL TABLE [options]",
        "Write one page about a model: what came out and what to distrust, scores beside the baselines with intervals, where it "
        "is wrong, which columns it needs, rows explained, the table, the network, checks, limits of use, a model card. Best "
        "with the table of the training: the rows that were held out are found again.",
        EXAMPLES,
    )
    model_and_table(made, "a table, best with the target")
    said = {
        "--history FILE": "the losses by epoch, as chainrule train --history wrote them",
        "--ablation FILE": "what each ingredient adds, as chainrule train --ablate --json printed it",
        "--learning-curve FILE": "scores by rows trained on, as chainrule train --learning-curve --json printed them",
        "--seed N": "of the rows that are drawn (default 0)",
    }
    made.options("what is looked at", said, seed=0)
    thread_option(made, "files")
    reading_options(made, trained=True)
    document_options(made)
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    check_numbers(options)
    from chainrule.engines.threads import limited_threads
    from chainrule.reports.ablation import read_ablation
    from chainrule.reports.history import read_history
    from chainrule.reports.learning import read_learning
    from chainrule.reports.report import made
    from chainrule.reports.reported import Reported

    form = chosen_format(options)
    epochs = () if options.history is None else read_history(options.history)
    model, table = opened(options)
    found = None if options.ablation is None else read_ablation(options.ablation)
    curve = None if options.learning_curve is None else read_learning(options.learning_curve)
    about = (model, table, options.model, options.typed, options.seed)
    subject = Reported(*about, epochs=epochs, ablation=found, learning=curve)
    with limited_threads(options.threads):
        document = made(subject).document
    deliver(document, form, options, table.notes)
