"""Running a workbook: by the package formulas, which works cells out independently of any spreadsheet program."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.exports.program import Program
from chainrule.exports.run.base import CantRun, ExportError, SaidOfRows
from chainrule.exports.run.made_rows import CellRows
from chainrule.exports.run.onnx import onnx_inputs
from chainrule.exports.written.xlsx import SECONDS, Sheets, origin_of

NAME = "model.xlsx"


def run_xlsx(program: Program, content: bytes, rows: CellRows) -> SaidOfRows:
    """Run a workbook's formulas on rows."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            import formulas
        except ImportError as error:
            raise CantRun("the package formulas is not installed") from error
        sheets = Sheets(program)
        sheets.written(())
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / NAME
            path.write_bytes(content)
            book = formulas.ExcelModel().loads(str(path)).finish()
        answers, places = [], []
        for given in _given(program, rows):
            said = book.calculate(inputs=given)
            answers.append([_number(_value(said, place)) for place in sheets.answers])
            labels = [_value(said, place) for place in sheets.labels]
            places.append([_place(part.labels, one) for part, one in zip(program.model.target.parts, labels, strict=False)])
    found = np.array(places) if sheets.labels else None
    return SaidOfRows(np.array(answers, np.float64), found, f"formulas {formulas.__version__}")


def _given(program: Program, rows: CellRows) -> Iterator[dict[str, Any]]:
    """Yield the cells of the sheet Row for each row."""
    columns = onnx_inputs(program, rows)
    for k in range(len(rows)):
        given: dict[str, Any] = {}
        for i, cell in enumerate(program.cells):
            value = columns[cell.name][k]
            if isinstance(value, float | np.floating):
                missing = not np.isfinite(value)
                origin = origin_of(cell)
                value = "" if missing else float(value) if origin is None else float(value) / SECONDS + origin
            given[f"'[{NAME}]ROW'!B{i + 2}"] = value
        yield given


def _value(said: Any, place: str) -> Any:
    sheet, cell = place.replace("$", "").split("!")
    key = f"'[{NAME}]{sheet.strip(chr(39)).upper()}'!{cell}"
    if key not in said:
        raise ExportError(f"the workbook has no {place}")
    return said[key].value[0, 0]


def _number(value: Any) -> float:
    return float(value) if isinstance(value, int | float | np.number) else float("nan")


def _place(labels: Any, said: Any) -> int:
    """Return the place of a class by its text, -1 where it is none."""
    texts = [str(label) for label in labels]
    return texts.index(str(said)) if str(said) in texts else -1
