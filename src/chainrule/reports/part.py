"""A part of a report: what it says as blocks, the same numbers as plain data, and what in it should make one doubt."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from chainrule.explain.show.document import Block, Section


@dataclass(frozen=True)
class Part:
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
        return Section(self.title, self.blocks, folded=self.folded)
