"""A part of a report: what it says as blocks, the same numbers as plain data, and what in it should make one doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from chainrule.explain.show.document import Block, Picture, Section
from chainrule.plots.svg.draw import NARROW

PAGE = 760.0
"""The width of a picture on a page, in pixels."""

ROWS = 24
"""The most rows of the table below a picture: the JSON has all numbers."""


@dataclass(frozen=True)
class ReportPart:
    """One section of a report; ``key`` is its name in the JSON.

    ``doubts`` are sentences for the first paragraph: what to distrust. ``folded`` sections are shut on a page until they are
    opened.
    """

    key: str
    title: str
    blocks: tuple[Block, ...]
    data: Mapping[str, Any] = field(default_factory=dict)
    doubts: tuple[str, ...] = ()
    folded: bool = False

    @property
    def section(self) -> Section:
        """The part as a section of a document."""
        return Section(self.title, tuple(map(_small, self.blocks)), folded=self.folded)


def _small(block: Block) -> Block:
    """Return a picture as wide as the page with a small table, those of sections too; any other block as it is.

    One that is meant to be as narrow as a telephone stays so.
    """
    match block:
        case Picture():
            own = block.narrow is not None or block.width <= NARROW
            return replace(block, width=block.width if own else PAGE, rows=min(block.rows, ROWS))
        case Section(blocks=inner):
            return replace(block, blocks=tuple(map(_small, inner)))
    return block
