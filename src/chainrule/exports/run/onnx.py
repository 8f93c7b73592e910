"""Running ONNX: by ONNX Runtime, or by the evaluator of the package onnx."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import polars as pl

from chainrule._types import FloatArray
from chainrule.exports.program import Program
from chainrule.exports.run.base import CantRun, SaidOfRows, plain_form
from chainrule.exports.run.made_rows import CellRows
from chainrule.tables.encoding.steps import LookUp, ReadDate


def run_onnx(program: Program, content: bytes, rows: CellRows) -> SaidOfRows:
    """Run ONNX by ONNX Runtime, or by the package's own evaluator."""
    try:
        import onnxruntime
    except ImportError:
        return run_onnx_reference(program, content, rows)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    said = session.run(None, onnx_inputs(program, rows))
    return _from_arrays(program, said, f"ONNX Runtime {onnxruntime.__version__}")


def run_onnx_reference(program: Program, content: bytes, rows: CellRows) -> SaidOfRows:
    """Run ONNX by the evaluator of the package onnx."""
    try:
        from onnx import __version__ as version
        from onnx.reference import ReferenceEvaluator
    except ImportError as error:
        raise CantRun("neither onnxruntime nor onnx is installed") from error
    with np.errstate(all="ignore"):
        said = list(ReferenceEvaluator(content).run(None, onnx_inputs(program, rows)))
    return _from_arrays(program, said, f"the evaluator of onnx {version}")


def onnx_inputs(program: Program, rows: CellRows) -> dict[str, Any]:
    """Return the arrays that go into ONNX: numbers, dates in seconds, texts without blanks, numbers among them plain."""
    made: dict[str, Any] = {}
    for cell in program.cells:
        reads = cell.steps.reads
        if isinstance(reads, LookUp):
            texts = rows.table.text(cell.name)
            made[cell.name] = np.array(["" if text is None else plain_form(text) for text in texts], object)
        elif isinstance(reads, ReadDate):
            made[cell.name] = seconds_of(reads.column(rows.table, cell.name))
        else:
            made[cell.name] = np.asarray(reads.column(rows.table, cell.name), np.float64)
    return made


def seconds_of(moments: pl.Series) -> FloatArray:
    """Return dates as seconds since 1970-01-01, times as seconds since midnight, NaN where missing."""
    if moments.dtype == pl.Time:
        return moments.cast(pl.Int64).cast(pl.Float64).to_numpy() / 1e9
    return moments.cast(pl.Datetime("us")).cast(pl.Int64).cast(pl.Float64).to_numpy() / 1e6


def _from_arrays(program: Program, said: Sequence[Any], by: str) -> SaidOfRows:
    """Return the outputs of ONNX, in their order."""
    if program.answers.kind == "number":
        return SaidOfRows(np.stack([np.asarray(one, np.float64) for one in said], axis=1), None, by)
    labels, numbers = said[::2], said[1::2]
    places = [
        [list(part.labels).index(label) for label in np.asarray(each).tolist()]
        for part, each in zip(program.model.target.parts, labels, strict=True)
    ]
    answers = np.stack(numbers, axis=1) if program.answers.kind == "labels" else np.asarray(numbers[0])
    return SaidOfRows(np.asarray(answers, np.float64), np.array(places).T, by)
