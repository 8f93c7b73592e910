"""What every command shares: where text goes, how a mistake is told, how lists and tables are read."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from chainrule.tables.table import Table

TABLES = "Tables"

Delimiter = Annotated[
    str | None,
    typer.Option(
        help="Between the cells of text tables; found by itself if not given.", rich_help_panel=TABLES
    ),
]
Decimal = Annotated[str, typer.Option(help="The decimal sign: . or ,", rich_help_panel=TABLES)]
Encoding = Annotated[
    str | None,
    typer.Option(help="Of text tables; UTF-8, else Latin-1, if not given.", rich_help_panel=TABLES),
]
Missing = Annotated[
    list[str] | None,
    typer.Option(
        help="A cell that also means missing, beside empty, NA, null …; may be repeated.",
        rich_help_panel=TABLES,
    ),
]
AsJson = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON, for programs.", rich_help_panel="Output")
]


def fail(message: str) -> NoReturn:
    """Print one line to standard error and end with exit code 2."""
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    sys.exit(2)


def screen(*, error: bool = False) -> Console:
    """Return a console that wraps at the terminal's width, or at 100 columns where there is none."""
    from rich.console import Console

    stream = sys.stderr if error else sys.stdout
    return Console(stderr=error, highlight=False, soft_wrap=False, width=None if stream.isatty() else 100)


def print_json(result: Any) -> None:
    """Print a result as JSON; numbers that are not finite become null."""
    print(json.dumps(_finite(result), indent=2, ensure_ascii=False, allow_nan=False))


def load_table(
    source: str, delimiter: str | None, decimal: str, encoding: str | None, missing: Sequence[str] | None
) -> Table:
    """Read a table with the reading options of the command line."""
    from chainrule.tables.read import read_table
    from chainrule.tables.values import DEFAULT_MISSING

    words = (*DEFAULT_MISSING, *(missing or ()))
    return read_table(source, delimiter=delimiter, decimal=decimal, encoding=encoding, missing=words)


def names(values: Sequence[str] | None) -> list[str] | None:
    """Return the names of options such as ``--inputs a,b --inputs c``; commas inside brackets don't divide."""
    if values is None:
        return None
    return [name for value in values for name in split_commas(value)]


def split_commas(text: str) -> list[str]:
    """Split at commas outside brackets, so that ``relu,where(z > 0, z, 0)`` has two parts."""
    parts, depth = [""], 0
    for sign in text:
        depth += (sign == "(") - (sign == ")")
        if sign == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += sign
    return [part.strip() for part in parts if part.strip()]


def stem(path: str) -> str:
    """Return a path's file name without its endings: ``data/a.csv.gz`` is ``a``; standard input is ``model``."""
    return "model" if path == "-" else Path(path).name.split(".")[0] or "model"


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if hasattr(value, "tolist"):
        return _finite(value.tolist())
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return None
    return value
