"""How each operation is written in the dialects of SQL, for expressions of doubles in which NULL is a missing number."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

from chainrule.equations.graph import COMPARISONS, Target

_BASIC: Mapping[str, str] = {
    **{op: f"{{0}} {op} {{1}}" for op in ("+", "-", "*", "/", *COMPARISONS)},
    "==": "{0} = {1}",
    "!=": "{0} <> {1}",
    "neg": "-{0}",
    "&": "{0} AND {1}",
    "where": "CASE WHEN {0} THEN {1} ELSE {2} END",
    **{
        op: f"{op}({{0}})"
        for op in ("exp", "sqrt", "sin", "cos", "tan", "sinh", "cosh", "tanh", "atan", "abs")
    },
    "log": "ln({0})",
    "log1p": "ln(1.0e0 + {0})",
    "expm1": "(exp({0}) - 1.0e0)",
    "log2": f"(ln({{0}}) / {math.log(2)!r}e0)",
    "sign": "sign({0})",
    "floor": "floor({0})",
    "round": "(({0} + 6755399441055744.0e0) - 6755399441055744.0e0)",
    "pow": "power({0}, {1})",
    "maximum": "greatest({0}, {1})",
    "minimum": "least({0}, {1})",
}


def sql_number(value: float) -> str:
    """Return a double as SQL writes it: with an exponent, since a number without one is a decimal to some dialects."""
    if math.isnan(value):
        return "NULL"
    if math.isinf(value):
        return "9e999" if value > 0 else "-9e999"
    text = repr(float(value))
    return text if "e" in text else f"{text}e0"


class Dialect(NamedTuple):
    """A dialect: how operations are written, a double, a text, what trims, a step, and how many columns there may be.

    ``product`` is the product of a list column {list} and constants {values}, where there are lists, and ``listed`` makes one. ``missing`` tells whether a number {0} is.
    """

    name: str
    target: Target
    double: str
    text: str
    trim: str
    columns: int
    product: str = ""
    listed: str = ""
    missing: str = "{0} IS NULL"
    number: Callable[[float], str] = sql_number


DIALECTS = {
    dialect.name: dialect
    for dialect in (
        Dialect(
            "sqlite",
            Target("SQLite", {**_BASIC, "maximum": "max({0}, {1})", "minimum": "min({0}, {1})"}),
            "CAST({0} AS REAL)",
            "CAST({0} AS TEXT)",
            "trim({0}, {1})",
            1990,
        ),
        Dialect(
            "duckdb",
            Target("DuckDB", _BASIC),
            "CAST({0} AS DOUBLE)",
            "CAST({0} AS VARCHAR)",
            "trim({0}, {1})",
            10_000,
            "list_dot_product({list}, [{values}]::DOUBLE[])",
            "[{values}]::DOUBLE[]",
        ),
        Dialect(
            "postgres",
            # It refuses what is too large or too small for a double, squares of it and of exponentials too.
            Target(
                "PostgreSQL",
                {
                    **_BASIC,
                    "exp": "exp(greatest(-340.0e0, least(700.0e0, {0})))",
                    "expm1": "(exp(greatest(-340.0e0, least(700.0e0, {0}))) - 1.0e0)",
                },
            ),
            "CASE WHEN abs(CAST({0} AS double precision)) < 1e-100 THEN 0.0e0 ELSE CAST({0} AS double precision) END",
            "CAST({0} AS text)",
            "btrim({0}, {1})",
            1600,
        ),
    )
}
"""The dialects by name."""


def sql_text(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("'", "''") + "'"


def sql_name(name: str) -> str:
    """Return a column's own name in quotes."""
    return '"' + name.replace('"', '""') + '"'
