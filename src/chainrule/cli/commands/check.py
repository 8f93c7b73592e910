"""``chainrule check``: a certificate that a model's numbers are right."""

from __future__ import annotations

import argparse

from chainrule._aside import tell
from chainrule.cli.documents import chosen_format, deliver, document_options
from chainrule.cli.parsing import Parser, check_numbers, opened, reading, reading_options
from chainrule.errors import SettingsError

EXAMPLES = """
chainrule check penguins.safetensors penguins.csv
chainrule check penguins.safetensors penguins.csv --row 17 --all-weights
chainrule check penguins.safetensors penguins.csv --rows 100 --sample 500 --seed 3
chainrule check penguins.mjs --model penguins.safetensors
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "check",
        "MODEL TABLE [options]",
        "Check a model's gradients and predictions on rows of a table: against differences, arithmetic of 50 digits, "
        "a second engine, and sums. Or with --model check what chainrule export wrote: its answers beside the model's, on made "
        "rows and on a table. Prints a certificate; the exit code is 1 if a check fails.",
        EXAMPLES,
    )
    said = {
        "MODEL": "a file that chainrule train wrote, or with --model one that chainrule export wrote",
        "[TABLE]": "a table with the target; - is standard input; of an export it can be left out",
    }
    made.options("files", said)
    of_export = "the model that the file before is an export of"
    made.option("files", "--model", metavar="MODEL", dest="exported_by", help=of_export)
    said = {
        "--row N": "this row of the table alone, from 1",
        "--rows N": "a batch of N rows drawn by chance (default 32)",
        "--sample N": "N weights drawn by chance (default 200)",
        "--all-weights": "every weight and bias",
        "--member N": "which network, from 1 (default 1)",
        "--seed N": "of rows and weights drawn",
    }
    made.options("what is checked", said, member=1, seed=0)
    reading_options(made, trained=True)
    document_options(made)
    return made


def run(options: argparse.Namespace) -> int:
    """Run the command; return 1 if a check fails."""
    if options.exported_by is not None:
        return _export_checked(options)
    if not options.model.endswith(".safetensors"):
        _refuse_export(options.model)
    if options.table is None:
        raise SettingsError("TABLE is missing; see chainrule check --help")
    if options.row is not None and options.rows is not None:
        raise SettingsError("--row names one row and --rows a number of rows: leave one of them out")
    if options.all_weights and options.sample is not None:
        raise SettingsError("--all-weights and --sample exclude each other: leave one of them out")
    check_numbers(options, "row", "rows", "sample", "member")
    from chainrule.explain.check.certificate import certify
    from chainrule.explain.check.shown import certificate_document

    name = chosen_format(options)
    model, table = opened(options)
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


def _refuse_export(name: str) -> None:
    """Raise SettingsError for a file that an export is called like: it is checked beside its model."""
    from chainrule.exports.targets import LANGUAGES

    if name.lower().endswith(
        tuple(suffix for language in LANGUAGES.values() for suffix in language.suffixes)
    ):
        raise SettingsError(
            f"{name} is called as what chainrule export writes: add --model with the model that it is of"
        )


def _export_checked(options: argparse.Namespace) -> int:
    """Run an export again beside its model; return 1 if it differs."""
    from chainrule.exports.export import check_export

    certificate = check_export(options.model, options.exported_by, options.table, **reading(options))
    for line in certificate.words:
        print(line)
    for line in certificate.wrong:
        tell(f"wrong: {line}")
    return 0 if certificate.passed else 1
