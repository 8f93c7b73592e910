"""``chainrule check``: a certificate that a model's numbers are right."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from chainrule.cli.console import print_json, printable, screen, warn
from chainrule.cli.parsing import Parser, reading, reading_options, whole
from chainrule.errors import SettingsError

if TYPE_CHECKING:
    from rich.console import Console

    from chainrule.explain.check.certificate import Certificate
    from chainrule.explain.check.result import Check

EXAMPLES = """
chainrule check penguins.safetensors penguins.csv
chainrule check penguins.safetensors penguins.csv --row 17 --all-weights
chainrule check penguins.safetensors penguins.csv --rows 100 --sample 500 --seed 3
"""

MOST_KINKS = 5


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
    made.option(
        "what is checked", "--row", metavar="N", type=whole, help="this row of the table alone, from 1"
    )
    made.option(
        "what is checked",
        "--rows",
        metavar="N",
        type=whole,
        help="a batch of N rows drawn by chance (default 32)",
    )
    made.option(
        "what is checked", "--sample", metavar="N", type=whole, help="N weights drawn by chance (default 200)"
    )
    made.option("what is checked", "--all-weights", action="store_true", help="every weight and bias")
    made.option(
        "what is checked",
        "--member",
        metavar="N",
        type=whole,
        default=1,
        help="which network, from 1 (default 1)",
    )
    made.option(
        "what is checked", "--seed", metavar="N", type=whole, default=0, help="of rows and weights drawn"
    )
    reading_options(made, trained=True)
    made.option("output", "--json", action="store_true", help="print the certificate as JSON, for programs")
    return made


def run(options: argparse.Namespace) -> int:
    """Run the command; return 1 if a check fails."""
    _check_options(options)
    from chainrule.explain.check.certificate import certify
    from chainrule.model.model import Model

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
    if options.json:
        warn(table.notes)
        print_json({"model": options.model, "table": table.name, **certificate.to_dict()})
    else:
        console = screen()
        what = f"{printable(options.model)} on {printable(table.name)}"
        _print(console, certificate, what, table.notes)
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


def _print(console: Console, certificate: Certificate, what: str, table_notes: tuple[str, ...]) -> None:
    from chainrule.cli.report import bold, facts, notes, plain, table_of

    about = certificate.subject
    rows, weights = about["rows"], about["weights"]
    console.print(bold(what))
    notes(console, table_notes)
    grid = facts()
    sizes = "-".join(map(str, about["sizes"]))
    grid.add_row("network", f"{sizes}, loss {about['loss']}, member {about['member']}, in float64")
    many = len(rows) < about["of_rows"]
    which = f"{len(rows):,} of {about['of_rows']:,}, drawn by chance" if many else f"all {len(rows):,}"
    grid.add_row("rows", f"row {rows[0]:,}" if len(rows) == 1 else which)
    some = "all" if weights == about["of_weights"] else f"{weights:,} of"
    grid.add_row("weights", f"{some} {about['of_weights']:,}")
    console.print(grid)
    grid = table_of("check", "compared", "worst error", "allowed", "at", "", right=[1, 2, 3])
    for check in certificate.checks:
        worst = check.worst
        cells = (
            ("–", "–", "") if worst is None else (_short(worst.error), _short(worst.allowed), worst.address)
        )
        style = {"ok": "green", "failed": "bold red", "skipped": "yellow"}[check.outcome]
        grid.add_row(
            check.name,
            f"{check.compared:,}",
            cells[0],
            cells[1],
            plain(cells[2]),
            f"[{style}]{check.outcome}[/]",
        )
    console.print(grid)
    grid = facts()
    for check in certificate.checks:
        grid.add_row(check.name, plain(f"{check.rule}; within {check.tolerance}"), style="dim")
        for line in (*check.notes, *([check.skipped] if check.skipped else [])):
            grid.add_row("", plain(line))
    console.print(grid)
    console.print()
    for check in certificate.checks:
        _print_more(console, check)
    for mistake in certificate.mistakes:
        share = "" if mistake.explains > 0.999 else f" (accounts for {mistake.explains:.0%} of the deviation)"
        console.print(plain(f"looks like: {mistake.name}: {mistake.sentence}{share}"))
    failed = [check.name for check in certificate.checks if not check.passed]
    skipped = sum(1 for check in certificate.checks if check.skipped)
    said = f"{len(certificate.checks) - skipped} checks passed" + (f", {skipped} skipped" if skipped else "")
    console.print(bold(f"failed: {', '.join(failed)}" if failed else said))


def _print_more(console: Console, check: Check) -> None:
    from chainrule.cli.report import more, plain

    if check.failed and check.worst is not None:
        worst = check.worst
        console.print(
            plain(
                f"{check.name}: {check.failed:,} differ; at {worst.address}: {worst.found!r} where {worst.expected!r} is right"
            )
        )
    for kink in check.kinks[:MOST_KINKS]:
        console.print(
            plain(
                f"kink: {kink.address} has no derivative: {kink.crossed} changes branch there; slopes {kink.left:.6g} "
                f"and {kink.right:.6g}, chainrule takes {kink.found:.6g}"
            )
        )
    more(console, len(check.kinks) - MOST_KINKS, "kinks (--json has all)")


def _short(value: float) -> str:
    return "0" if value == 0 else f"{value:.1e}"
