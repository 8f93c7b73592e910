"""The data model of an explanation: a `Derivation` is titled lines, each with symbols, numbers, result and check.

A line's right side is a tree of `equations.formula` whose symbols are addresses. The same tree shows the numbers:
``values`` has the number of every symbol, and `equations.render` puts them in its place, so every number on a page
keeps its address. Nothing here computes anything of a network; `derivation.derive` fills it in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule._notebook import Shown
from chainrule._numbers import number_from_data, number_to_data
from chainrule.explain.derive.grid import Grid
from chainrule.formula.nodes import Node
from chainrule.formula.plain import tree_from_data, tree_to_data
from chainrule.formula.text import text


@dataclass(frozen=True)
class Check:
    """A line's result beside the engine's number at the same address.

    ``tolerance`` is what rounding can make of it: a bound worked out along the line's own arithmetic.
    ``against`` says in words what ``value`` is.
    """

    value: float
    difference: float
    tolerance: float
    ok: bool
    against: str = "engine"


@dataclass(frozen=True)
class Line:
    """One line: the rule in words · ``address`` = symbols · = numbers · = result · check.

    ``symbols`` is the right side; ``values`` gives the number of each of its symbols by name. A name is an address,
    or ``rest``, ``rest_2``, …: an exact sum of terms that are not shown one by one, which ``note`` describes.
    ``address`` is empty where the result is no number of the network (a path's product, a predicted change); ``label``
    then says what it is. ``check`` is None where there is nothing to compare with.
    """

    rule: str
    address: str
    symbols: Node
    values: Mapping[str, float]
    result: float
    check: Check | None = None
    note: str = ""
    label: str = ""

    @property
    def left(self) -> str:
        """What stands left of the equals sign: the address, or else the label."""
        return self.address or self.label

    def numbers(self, show: Callable[[float], str] | None = None) -> dict[str, str | float]:
        """Return each symbol's number for the renderers' ``substitute``, as text where ``show`` rounds it."""
        return {name: value if show is None else show(value) for name, value in self.values.items()}

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, which `from_dict` reads back."""
        return {
            "rule": self.rule,
            "address": self.address,
            "label": self.label,
            "symbols": tree_to_data(self.symbols),
            "text": text(self.symbols),
            "values": {name: number_to_data(value) for name, value in self.values.items()},
            "result": number_to_data(self.result),
            "check": None if self.check is None else _check_to_data(self.check),
            "note": self.note,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Line:
        """Return the line of `to_dict`'s data."""
        check = data["check"]
        return cls(
            data["rule"],
            data["address"],
            tree_from_data(data["symbols"]),
            {name: number_from_data(value) for name, value in data["values"].items()},
            number_from_data(data["result"]),
            None if check is None else _check_from_data(check),
            data["note"],
            data["label"],
        )


@dataclass(frozen=True)
class Matrix:
    """A whole array on a page: its address, its shape, and its numbers by rows, or a corner of them.

    ``rows`` holds at most `MOST_SHOWN` rows and columns; ``is_whole`` tells whether that is all.
    """

    address: str
    shape: tuple[int, ...]
    rows: tuple[tuple[float, ...], ...]

    @property
    def is_whole(self) -> bool:
        """Whether all numbers are among ``rows``."""
        return sum(len(row) for row in self.rows) == math.prod(self.shape)


MOST_SHOWN = 8
"""The most rows and columns of a matrix that are kept for showing."""


@dataclass(frozen=True)
class MatrixLine:
    """One line of matrix algebra: the rule, ``address`` = product, the shapes, the arrays, and a check.

    ``symbols`` is a tree with ``Binary("@", …)`` for the matrix product, ``Binary("⊙", …)`` for the product number by
    number, ``Call("transpose", …)``, and ``Call("sum", …)`` over the first axis, the rows; its symbols are names of
    ``operands``. `equations.render` knows them all.
    """

    rule: str
    address: str
    symbols: Node
    operands: Mapping[str, Matrix]
    result: Matrix
    check: Check | None = None
    note: str = ""

    @property
    def shapes(self) -> str:
        """The shapes in words: ``(4, 1) = (4, 1) (1, 1)``."""
        inner = " · ".join(f"{name} {_shape(matrix.shape)}" for name, matrix in self.operands.items())
        return f"{self.address} {_shape(self.result.shape)} from {inner}"

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, which `from_dict` reads back."""
        return {
            "rule": self.rule,
            "address": self.address,
            "symbols": tree_to_data(self.symbols),
            "text": text(self.symbols),
            "operands": {name: _matrix_to_data(matrix) for name, matrix in self.operands.items()},
            "result": _matrix_to_data(self.result),
            "check": None if self.check is None else _check_to_data(self.check),
            "note": self.note,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> MatrixLine:
        """Return the line of `to_dict`'s data."""
        return cls(
            data["rule"],
            data["address"],
            tree_from_data(data["symbols"]),
            {name: _matrix_from_data(matrix) for name, matrix in data["operands"].items()},
            _matrix_from_data(data["result"]),
            None if data["check"] is None else _check_from_data(data["check"]),
            data["note"],
        )


@dataclass(frozen=True)
class RuleLine:
    """One line of calculus, as in the derivation of f': the rule, the whole expression after it, the rule in general.

    ``symbols`` may hold ``Derivative`` nodes, parts not yet differentiated; ``convention`` says what is agreed where
    no derivative exists.
    """

    rule: str
    symbols: Node
    law: str = ""
    convention: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, which `from_dict` reads back."""
        return {
            "rule": self.rule,
            "symbols": tree_to_data(self.symbols),
            "text": text(self.symbols),
            "law": self.law,
            "convention": self.convention,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> RuleLine:
        """Return the line of `to_dict`'s data."""
        return cls(data["rule"], tree_from_data(data["symbols"]), data["law"], data["convention"])


@dataclass(frozen=True)
class Factor:
    """One factor of a product: its address, value, and what it is in words; ``blame`` if it is the guilty one."""

    address: str
    value: float
    words: str
    blame: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, which `from_dict` reads back."""
        return {
            "address": self.address,
            "value": number_to_data(self.value),
            "words": self.words,
            "blame": self.blame,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Factor:
        """Return the factor of `to_dict`'s data."""
        return cls(data["address"], number_from_data(data["value"]), data["words"], data["blame"])


@dataclass(frozen=True)
class Derivation(Shown):
    """How one number comes about: ``address`` = ``result``, by ``lines`` in the order of the calculation.

    ``matrices``, ``calculus``, ``factors`` and ``grids`` are there where they help; ``parts`` are derivations of their own that
    a page may fold away; ``notes`` are sentences; ``hand`` states the rounding where lines are rounded as on paper.
    """

    _shown_by = "chainrule.explain.show.notebook:derivation"

    address: str
    title: str
    lines: tuple[Line, ...] = ()
    matrices: tuple[MatrixLine, ...] = ()
    calculus: tuple[RuleLine, ...] = ()
    factors: tuple[Factor, ...] = ()
    grids: tuple[Grid, ...] = ()
    parts: tuple[Derivation, ...] = ()
    notes: tuple[str, ...] = ()
    hand: str = ""

    @property
    def result(self) -> float:
        """The result of the last line; NaN without lines."""
        return self.lines[-1].result if self.lines else math.nan

    @property
    def ok(self) -> bool:
        """Whether every check in it and its parts holds."""
        return all(check.ok for check in self.checks)

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks of its lines, matrices and parts."""
        own = (*(line.check for line in self.lines), *(line.check for line in self.matrices))
        inner = (check for part in self.parts for check in part.checks)
        return (*(check for check in own if check is not None), *inner)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON, which `from_dict` reads back."""
        return {
            "address": self.address,
            "title": self.title,
            "lines": [line.to_dict() for line in self.lines],
            "matrices": [line.to_dict() for line in self.matrices],
            "calculus": [line.to_dict() for line in self.calculus],
            "factors": [factor.to_dict() for factor in self.factors],
            "grids": [grid.to_dict() for grid in self.grids],
            "parts": [part.to_dict() for part in self.parts],
            "notes": list(self.notes),
            "hand": self.hand,
            "ok": self.ok,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Derivation:
        """Return the derivation of `to_dict`'s data."""
        return cls(
            data["address"],
            data["title"],
            tuple(Line.from_dict(line) for line in data["lines"]),
            tuple(MatrixLine.from_dict(line) for line in data["matrices"]),
            tuple(RuleLine.from_dict(line) for line in data["calculus"]),
            tuple(Factor.from_dict(factor) for factor in data["factors"]),
            tuple(Grid.from_dict(grid) for grid in data["grids"]),
            tuple(cls.from_dict(part) for part in data["parts"]),
            tuple(data["notes"]),
            data["hand"],
        )


def _check_to_data(check: Check) -> dict[str, Any]:
    return {
        "value": number_to_data(check.value),
        "difference": number_to_data(check.difference),
        "tolerance": number_to_data(check.tolerance),
        "ok": check.ok,
        "against": check.against,
    }


def _check_from_data(data: Mapping[str, Any]) -> Check:
    value, difference, tolerance = (
        number_from_data(data[key]) for key in ("value", "difference", "tolerance")
    )
    return Check(value, difference, tolerance, bool(data["ok"]), data["against"])


def _matrix_to_data(matrix: Matrix) -> dict[str, Any]:
    rows = [[number_to_data(value) for value in row] for row in matrix.rows]
    return {"address": matrix.address, "shape": list(matrix.shape), "rows": rows}


def _matrix_from_data(data: Mapping[str, Any]) -> Matrix:
    rows = tuple(tuple(number_from_data(value) for value in row) for row in data["rows"])
    return Matrix(data["address"], tuple(data["shape"]), rows)


def _shape(shape: Sequence[int]) -> str:
    return f"({', '.join(str(size) for size in shape)})"
