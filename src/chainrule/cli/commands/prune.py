"""``chainrule prune``: a model without a share of its weights, trained again around them."""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path

from chainrule.cli.parsing import Parser, model_and_table, number, reading, reading_options, thread_option

EXAMPLES = """
chainrule prune penguins.safetensors penguins.csv
chainrule prune penguins.safetensors penguins.csv --share 0.8 --out light.safetensors
"""


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "prune",
        "MODEL TABLE [options]",
        "Set the smallest of each network's weights to 0, train the others again on the rows that the model was trained on, with "
        "the 0 frozen, and write the model beside the one it was made of, with the scores before and after.",
        EXAMPLES,
    )
    model_and_table(made, "the table that the model was trained on")
    share = "of the layers' weights that become 0 (default 0.5)"
    made.option("pruning", "--share", metavar="X", type=number, default=0.5, help=share)
    thread_option(made, "pruning")
    reading_options(made, trained=True)
    said = {
        "--out FILE": "the model file; if not given, the model's name with -pruned.safetensors",
        "--overwrite": "replace a file that exists",
    }
    made.options("output", said)
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    from chainrule.cli.documents import check_out
    from chainrule.fitting.studies.pruning import prune
    from chainrule.model.model import Model
    from chainrule.reports.words import rows_shown, score_words

    path = Path(options.model)
    out = Path(options.out or path.with_name(f"{path.stem}-pruned.safetensors"))
    check_out(str(out), options.overwrite, (options.model, options.table))
    model = Model.load(path)
    found = prune(model, options.table, options.share, threads=options.threads, **reading(options))
    found.model.save(out, overwrite=options.overwrite)
    print(f"{found.zeros:,} of the {found.weights:,} weights of each network are 0.")
    where = f"{rows_shown(found.after.rows)} {'held out' if found.held_out else 'that it was trained on, which flatters'}"
    print(f"Scores on {where}:")
    for what, evaluation in (
        ("as trained", found.before), ("cut, not trained again", found.cut), ("pruned", found.after),
    ):  # fmt: skip
        print(f"  {what}: {score_words(evaluation.scores)}")
    sizes = [_packed(file) for file in (path, out)]
    print(f"wrote {out}, {out.stat().st_size:,} bytes; packed (zlib) {sizes[1]:,} of {sizes[0]:,} bytes")


def _packed(path: Path) -> int:
    """Return the bytes of a file when it is packed, as archives and servers do: zeros take hardly any."""
    return len(zlib.compress(path.read_bytes(), 9))
