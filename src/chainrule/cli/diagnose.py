"""``chainrule diagnose``: what is wrong with a network and its training."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from chainrule.cli.console import print_json, printable, screen, warn
from chainrule.cli.parsing import Parser, reading, reading_options, whole
from chainrule.errors import SettingsError

if TYPE_CHECKING:
    from rich.console import Console

    from chainrule.explain.diagnose.diagnosis import Diagnosis
    from chainrule.explain.diagnose.finding import Finding

EXAMPLES = """
chainrule diagnose penguins.safetensors penguins.csv
chainrule diagnose penguins.safetensors penguins.csv --member 2 --json
"""

MOST_ADDRESSES = 8


def parser() -> Parser:
    """Return the parser of the command."""
    made = Parser(
        "diagnose",
        "MODEL TABLE [options]",
        "Look for what is wrong with a network and its training: dead, saturated or identical neurons, gradients that "
        "vanish or explode, a wrong learning rate, unscaled inputs, constant answers, overfitting. The table is best "
        "the one it was trained on.",
        EXAMPLES,
    )
    made.option("files", "model", metavar="MODEL", help="a file that chainrule train wrote")
    made.option("files", "table", metavar="TABLE", help="a table with the target; - is standard input")
    group = "what is looked at"
    made.option(
        group, "--member", metavar="N", type=whole, help="this network alone, from 1; all if not given"
    )
    made.option(
        group,
        "--seed",
        metavar="N",
        type=whole,
        default=0,
        help="of the rows drawn from a large table (default 0)",
    )
    reading_options(made, trained=True)
    made.option("output", "--json", action="store_true", help="print the diagnosis as JSON, for programs")
    return made


def run(options: argparse.Namespace) -> None:
    """Run the command."""
    if options.member is not None and options.member < 1:
        raise SettingsError(f"--member {options.member} must be at least 1")
    if not 0 <= options.seed < 2**64:
        raise SettingsError(f"--seed {options.seed} must be at least 0 and less than 2^64")
    from chainrule.explain.diagnose.diagnosis import diagnose
    from chainrule.model.model import Model

    model = Model.load(options.model)
    table = model.table(options.table, **reading(options))
    member = None if options.member is None else options.member - 1
    diagnosis = diagnose(model, table, member=member, seed=options.seed)
    if options.json:
        warn(table.notes)
        print_json({"model": options.model, "table": table.name, **diagnosis.to_dict()})
        return
    what = f"{printable(options.model)} on {diagnosis.rows:,} rows of {printable(table.name)}"
    _print(screen(), diagnosis, what, table.notes)


def _print(console: Console, diagnosis: Diagnosis, what: str, table_notes: tuple[str, ...]) -> None:
    from chainrule.cli.report import bold, notes, plain, table_of

    console.print(bold(what))
    notes(console, table_notes)
    member, layers = next(iter(diagnosis.layers.items()))
    headers = (
        "layer",
        "activation",
        "neurons",
        "dead",
        "flat",
        "|delta|",
        "to next",
        "weights",
        "|step|/|W|",
    )
    grid = table_of(*headers, right=[0, *range(2, 9)])
    for facts in layers:
        grid.add_row(
            str(facts.layer),
            plain(facts.activation),
            f"{facts.neurons:,}",
            "–" if facts.dead is None else f"{facts.dead:,}",
            "–" if facts.flat is None else f"{facts.flat:.0%}",
            *("–" if value is None else f"{value:.2g}" for value in (facts.delta, facts.ratio)),
            *("–" if value is None else f"{value:.2g}" for value in (facts.weights, facts.update)),
        )
    console.print(grid)
    several = len(diagnosis.layers) > 1
    console.print(
        plain(
            (
                f"the layers of member {member}; --json has all {len(diagnosis.layers)} members. "
                if several
                else ""
            )
            + "flat: share of outputs whose slope f'(z) is nearly 0; dead: flat on every row; to next: |delta| beside "
            "the next layer's; weights: how far W stretches its inputs; |step|/|W|: of a training step"
        ),
        style="dim",
    )
    console.print()
    for number, finding in enumerate(diagnosis.findings, 1):
        _print_finding(console, number, finding, several)
    if not diagnosis.findings:
        console.print(bold("nothing is wrong, as far as this can tell"))


def _print_finding(console: Console, number: int, finding: Finding, several: bool) -> None:
    from chainrule.cli.report import bold, facts, plain

    which = ""
    if several and finding.members:
        rest = len(finding.members) - 1
        which = f" (member {finding.members[0]}" + (f", and {rest} more members)" if rest > 1 else "")
        which += ", and 1 more member)" if rest == 1 else ("" if rest else ")")
    console.print(bold(f"{number}. {finding.what}{which}"))
    grid = facts()
    shown = ", ".join(finding.where[:MOST_ADDRESSES])
    rest = len(finding.where) - MOST_ADDRESSES
    grid.add_row("   where", plain(shown + (f" and {rest:,} more" if rest > 0 else "")))
    grid.add_row(
        "   evidence", plain(", ".join(f"{name} {_value(v)}" for name, v in finding.evidence.items()))
    )
    grid.add_row("   why", plain(finding.why))
    grid.add_row("   try", plain(finding.remedy))
    console.print(grid)
    console.print()


def _value(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
