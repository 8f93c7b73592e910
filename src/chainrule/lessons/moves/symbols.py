"""Moves in symbols: what a network's vectors and matrices are made of, and backpropagation for any weight and bias."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from chainrule.errors import SettingsError
from chainrule.explain.derive.symbolic.backprop import derive_backprop_on
from chainrule.explain.show.document import Block, Formulas, Words, Worked
from chainrule.explain.show.showing import Showing
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.trace import Trace
from chainrule.formula.nodes import Node, Symbol
from chainrule.formula.stated import Side, Stated, StatedMatrix
from chainrule.formula.written import Name
from chainrule.lessons.fields import Field, listing, toml_text, toml_whole
from chainrule.lessons.moves.base import Move, MoveResult, Scene

MOST_CELLS = 8
"""The most rows and columns of an array that is written out; dots stand for the others."""


def arrays(scene: Scene) -> MoveResult:
    """Show whole arrays: what each is called, the numbers that it is made of by name, and those themselves."""
    trace = scene.setup.trace(scene["rows"])
    shown = [_array(scene, trace, trace.resolve(address)) for address in scene["addresses"]]
    return MoveResult([Formulas(tuple(shown))])


def _array(scene: Scene, trace: Trace, place: Address) -> Stated:
    """Return an array as it is called = its numbers by name = its numbers, in the notation's orientation."""
    if not place.is_whole:
        raise SettingsError(f"{place} is a single number; name a whole array such as W[2], a[1], x or y")
    numbers = trace.array(place)
    if place.quantity.per_row and numbers.ndim == 2:
        raise SettingsError(f"{place} has a row for each of {len(numbers)} rows; name one, as rows = [1]")
    naming = scene.naming
    columns = naming.notation.columns
    table = np.atleast_2d(numbers).T if columns else np.atleast_2d(numbers)
    showing = Showing(scene.digits, naming=naming)
    names: dict[str, str | float | Name] = {}

    def by_name(row: int, column: int) -> Node:
        ends = (column, row) if columns else (row, column)
        name = str(replace(place, index=tuple(end + 1 for end in ends[2 - numbers.ndim :])))
        names[name] = showing.written(name)
        return Symbol(name)

    def by_value(row: int, column: int) -> Node:
        name = f"{row},{column}"
        names[name] = scene.number(float(table[row, column]))
        return Symbol(name)

    whole = str(place)
    names[whole] = showing.written(whole)
    sides: tuple[Side, ...] = (
        Symbol(whole),
        _written_out(table.shape, by_name),
        _written_out(table.shape, by_value),
    )
    what, size = naming.counted(place.words_in(trace.network)), " × ".join(map(str, table.shape))
    return Stated(sides, ("=", "="), names=names, words=f"{what}: {size}")


def _written_out(shape: tuple[int, ...], cell: Callable[[int, int], Node]) -> StatedMatrix:
    """Return an array of a shape, with dots for what is too much of it."""
    rows, columns = (_places(size) for size in shape)
    return StatedMatrix(
        tuple(
            tuple(None if row is None or column is None else cell(row, column) for column in columns)
            for row in rows
        )
    )


def _places(size: int) -> list[int | None]:
    return list(range(size)) if size <= MOST_CELLS else [*range(MOST_CELLS - 2), None, size - 1]


def backprop(scene: Scene) -> MoveResult:
    """Show backpropagation in symbols, for any weight and bias, every line put to the test on the network as it is."""
    setup = scene.setup
    index = setup.rows_of(scene["rows"])
    y = setup.targets("backpropagation needs")[index]
    derived = derive_backprop_on(
        setup.network, setup.layout.unflatten(setup.flat), setup.x[index], y, scene.notation
    )
    blocks: list[Block] = [Words(note) for note in derived.notes] if 1 in scene["parts"] else []
    parts = (derived.parts[number - 1] for number in scene["parts"])
    # A lesson has an order of its own.
    unnumbered = (replace(part, title=part.title.partition(". ")[2]) for part in parts)
    return MoveResult([*blocks, *(Worked(part, scene.digits) for part in unnumbered)])


SYMBOLS: dict[str, Move] = {
    "arrays": Move(
        arrays,
        {"addresses": Field(listing(toml_text), "of whole arrays, such as W[2], a[1], x", required=True)},
    ),
    "backprop": Move(
        backprop,
        {
            "parts": Field(
                listing(toml_whole(1, 6)),
                "1 what is computed, 2 the chain rule, 3 the whole chain, 4 the recursion, 5 as matrices, 6 many rows",
                (1, 2, 3, 4, 5),
            )
        },
    ),
}
