"""``chainrule check``: a certificate that a model's numbers are right."""

from __future__ import annotations

import argparse

from chainrule.cli.documents import chosen_format, deliver, document_options
from chainrule.cli.parsing import Parser, reading, reading_options, whole
from chainrule.errors import SettingsError

EXAMPLES = """
chainrule check penguins.safetensors penguins.csv
chainrule check penguins.safetensors penguins.csv --row 17 --all-weights
chainrule check penguins.safetensors penguins.csv --rows 100 --sample 500 --seed 3
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "check",
        "MODEL TABLE [options]",
        "Check a model's gradients and predictions on rows of a table: against differences, arithmetic of 50 digits, "
        "a second engine, and sums. Prints a certificate; the exit code is 1 if a check fails.",
        EXAMPLES,
    )
    made.option("files", "model", metavar="MODEL", help="a file that chainrule train wrote")
    made.option("files", "table", metavar="TABLE", help="a table with the target; - is standard input")
    group = "what is checked"
    made.option(group, "--row", metavar="N", type=whole, help="this row of the table alone, from 1")
    made.option(
        group, "--rows", metavar="N", type=whole, help="a batch of N rows drawn by chance (default 32)"
    )
    made.option(group, "--sample", metavar="N", type=whole, help="N weights drawn by chance (default 200)")
    made.option(group, "--all-weights", action="store_true", help="every weight and bias")
    made.option(
        group, "--member", metavar="N", type=whole, default=1, help="which network, from 1 (default 1)"
    )
    made.option(group, "--seed", metavar="N", type=whole, default=0, help="of rows and weights drawn")
    reading_options(made, trained=True)
    document_options(made, json="print the certificate as JSON, for programs")
    return made


def run(options: argparse.Namespace) -> int:
    """Run the command; return 1 if a check fails."""
    _check_options(options)
    from chainrule.explain.check.certificate import certify
    from chainrule.explain.check.shown import certificate_document
    from chainrule.model.model import Model

    name = chosen_format(options)
    model = Model.load(options.model)
    table = model.table(options.table, **reading(options))
    certificate = certify(
        model,
        table,
        rows=None if options.row is None else [options.row - 1],
        n_rows=options.rows,
        member=options.member - 1,
        sample=0 if options.all_weights else options.sample,
        seed=options.seed,
    )
    document = certificate_document(certificate, options.model, table.name, table.notes)
    deliver(document, name, options, table.notes)
    return 0 if certificate.passed else 1


def _check_options(options: argparse.Namespace) -> None:
    if options.row is not None and options.rows is not None:
        raise SettingsError("--row names one row and --rows a number of rows: leave one of them out")
    if options.all_weights and options.sample is not None:
        raise SettingsError("--all-weights and --sample exclude each other: leave one of them out")
    for name in ("row", "rows", "sample", "member"):
        value = getattr(options, name)
        if value is not None and value < 1:
            raise SettingsError(f"--{name} {value} must be at least 1")
    if not 0 <= options.seed < 2**64:
        raise SettingsError(f"--seed {options.seed} must be at least 0 and less than 2^64")
