"""Formulas among words, between dollar signs as in Markdown: ``the slope is $a·(1 - a)$``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from functools import lru_cache

from chainrule.errors import FormulaError
from chainrule.formula.names import names_in_words
from chainrule.formula.nodes import Node, Symbol, put
from chainrule.formula.parse import parse
from chainrule.formula.stated import Side, Stated, StatedMatrix, StatedRange, stated

_BETWEEN = re.compile(r"(?<![\w$])\$(?=[^\s$])([^$]+)(?<=[^\s$])\$(?![\w$])")


def formulas_in(words: str) -> Iterator[tuple[str, Stated | None]]:
    """Yield words in pieces, and with each the formula that it is, if it stands between dollar signs and is one.

    Addresses in a formula, in backquotes or not, are symbols of their own. What can't be read as a formula keeps its signs.

    >>> [(text, made is not None) for text, made in formulas_in("at $z^2$ it costs $5")]
    [('at ', False), ('z^2', True), (' it costs $5', False)]
    """
    end = 0
    for match in _BETWEEN.finditer(words):
        made = stated_in(match[1])
        if made is not None:
            if match.start() > end:
                yield words[end : match.start()], None
            yield match[1], made
            end = match.end()
    if end < len(words):
        yield words[end:], None


@lru_cache(maxsize=10_000)
def stated_in(text: str) -> Stated | None:
    """Return the formula that a text with addresses in it states, None for any other text."""
    addresses: dict[str, Node] = {}
    pieces = []
    for piece, is_name in names_in_words(text.replace("`", "")):
        if is_name:
            letter = f"ʔ{len(addresses) + 1}"  # no formula of anybody's has it
            addresses[letter] = Symbol(piece)
            pieces.append(letter)
        else:
            pieces.append(piece)
    made = _read("".join(pieces))
    if made is None:
        return None
    if not addresses:
        return made
    names = {name: shown for name, shown in made.names.items() if name not in addresses}
    runs = tuple(
        StatedRange(*(put(part, addresses) for part in (run.index, run.first, run.last))) for run in made.runs
    )
    return replace(made, sides=tuple(_put(side, addresses) for side in made.sides), runs=runs, names=names)


def _read(text: str) -> Stated | None:
    """Return what is stated in letters and scripts, or else a formula that can be worked out, with its cases."""
    try:
        return stated(text)
    except FormulaError:
        pass
    try:
        return Stated((parse(text).root,))
    except FormulaError:
        return None


def _put(side: Side, symbols: dict[str, Node]) -> Side:
    if not isinstance(side, StatedMatrix):
        return put(side, symbols)
    return StatedMatrix(
        tuple(tuple(None if cell is None else put(cell, symbols) for cell in row) for row in side.rows)
    )
