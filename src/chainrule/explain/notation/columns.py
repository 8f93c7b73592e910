"""Matrix algebra in columns: every array is the transpose of ours, so products stand the other way round."""

from __future__ import annotations

from dataclasses import replace

from chainrule.explain.derive.lines import Matrix, MatrixLine
from chainrule.formula.nodes import Binary, Node, children, with_children

IN_COLUMNS = "In columns: a row of the table is a column here, and a weight matrix has a row for each neuron of its layer."


def line_in_columns(line: MatrixLine) -> MatrixLine:
    """Return a line of matrix algebra whose arrays are all transposed; its numbers and its check are the same.

    ``z = x W + b`` becomes ``z = W x + b``. What was summed over the first axis, the rows, is now over the second.
    """
    operands = {name: transposed(matrix) for name, matrix in line.operands.items()}
    note = f"{line.note} {IN_COLUMNS}".strip()
    return replace(
        line, symbols=in_columns(line.symbols), operands=operands, result=transposed(line.result), note=note
    )


def in_columns(node: Node) -> Node:
    """Return the tree of a product's transpose, whose symbols stand for the transposes of what they stood for."""
    match node:
        case Binary("@", left, right):
            return Binary("@", in_columns(right), in_columns(left))
    return with_children(node, tuple(map(in_columns, children(node))))


def transposed(matrix: Matrix) -> Matrix:
    """Return a matrix as it is shown in columns; one of a single dimension becomes a column."""
    shape = (matrix.shape[0], 1) if len(matrix.shape) == 1 else matrix.shape[::-1]
    rows = tuple(zip(*matrix.rows, strict=True))
    return replace(matrix, shape=shape, rows=rows, columns=not matrix.columns)
