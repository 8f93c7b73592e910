"""``chainrule export``: a model as a program in another language, checked at once."""

from __future__ import annotations

import argparse
import sys

from chainrule._aside import tell
from chainrule.cli.parsing import Parser, reading, reading_options

EXAMPLES = """
chainrule export penguins.safetensors --to c --out penguins.h --check penguins.csv
chainrule export penguins.safetensors --to javascript --explain penguins.csv --out penguins.mjs
chainrule export penguins.safetensors --out penguins.py
chainrule check penguins.mjs new.csv --model penguins.safetensors
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "export",
        "MODEL --to LANGUAGE --out FILE [options]",
        "Write a model as a program in another language: from the cells of a row, as they are in a table, to the answer. The "
        "program is run at once and compared with the model's own engine, on made rows that are hostile and on a table if one "
        "is given; what came of it stands in the file. Where it differs, nothing is written.",
        EXAMPLES,
    )
    made.options("files", {"MODEL": "a file that chainrule train wrote"})
    said = {
        "--to LANGUAGE": "python, javascript, c, onnx, sql, wasm or xlsx; said by the ending of --out if not given",
        "--dialect {sqlite,duckdb,postgres}": "of sql (default sqlite)",
        "--precision {int8}": "weights as whole numbers of 8 bits: a quarter of the size; what it changes is said",
        "--explain TABLE": "of javascript: carry explanations, which start from this table's typical row",
        "--check TABLE": "also compare the answers for the rows of this table",
    }
    made.options("what is written", said)
    reading_options(made, trained=True)
    said = {"--out FILE": "where to write; printed if not given", "--overwrite": "replace a file that exists"}
    made.options("output", said)
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from chainrule.cli.documents import check_out
    from chainrule.exports.export import export
    from chainrule.exports.targets import language_named
    from chainrule.model.model import Model

    language_named(options.to, options.out, options.dialect)
    if options.out is not None:
        check_out(options.out, options.overwrite, (options.model, options.check, options.explain))
    model = Model.load(options.model)
    table = None if options.check is None else model.table(options.check, **reading(options))
    explain = None if options.explain is None else model.table(options.explain, **reading(options))
    made = export(
        model,
        options.to,
        options.out,
        dialect=options.dialect,
        precision=options.precision,
        check=table,
        explain=explain,
        overwrite=options.overwrite,
    )
    if options.out is None:
        sys.stdout.flush()
        sys.stdout.buffer.write(made.content)
        sys.stdout.buffer.flush()
        return
    for line in made.words:
        print(line)
    tell(f"wrote {options.out}, {len(made.content):,} bytes")
