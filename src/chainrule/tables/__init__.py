"""Tables to arrays and back: reading, column kinds, encoding, splitting; knows no network.

The names below load on first use, so that importing this package does not import polars.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.tables.columns import ColumnEncoder, Input
    from chainrule.tables.encode import Encoder, InputValue, fit_encoder
    from chainrule.tables.read import read_table
    from chainrule.tables.scalings import SCALINGS, Scaling
    from chainrule.tables.schema import Column, Schema, infer_schema, labeled_rows
    from chainrule.tables.split import split_rows
    from chainrule.tables.table import Table, from_frame
    from chainrule.tables.target import TargetEncoder, fit_target
    from chainrule.tables.values import DEFAULT_MISSING

_NAMES = {
    "columns": "ColumnEncoder Input",
    "encode": "Encoder InputValue fit_encoder",
    "read": "read_table",
    "scalings": "SCALINGS Scaling",
    "schema": "Column Schema infer_schema labeled_rows",
    "split": "split_rows",
    "table": "Table from_frame",
    "target": "TargetEncoder fit_target",
    "values": "DEFAULT_MISSING",
}
_HOME = {name: module for module, names in _NAMES.items() for name in names.split()}

__all__ = [
    "DEFAULT_MISSING", "SCALINGS", "Column", "ColumnEncoder", "Encoder", "Input", "InputValue", "Scaling", "Schema",
    "Table", "TargetEncoder", "fit_encoder", "fit_target", "from_frame", "infer_schema", "labeled_rows", "read_table",
    "split_rows",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Load a public name from the module it lives in."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)


def __dir__() -> list[str]:
    """List the public names."""
    return list(__all__)
