"""A section target by target: each of several targets has a section of its own in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

from chainrule.explain.show.document import Block, Section, Words
from chainrule.reports.part import ReportPart
from chainrule.tables.encoding.target import TargetEncoder

MOST_TARGETS = 4
"""The most targets with pictures of their own."""


class OfTarget(NamedTuple):
    """What there is to say of one target, as of a `ReportPart`."""

    blocks: Iterable[Block]
    data: dict[str, Any]
    doubts: Iterable[str]


def by_target(
    key: str, title: str, targets: Sequence[TargetEncoder], said_of: Callable[[int, TargetEncoder], OfTarget]
) -> ReportPart:
    """Return what is ``said_of`` the first `MOST_TARGETS` targets, by their place and encoder, as one part."""
    blocks: list[Block] = []
    data: dict[str, Any] = {}
    doubts: list[str] = []
    for place, target in enumerate(targets[:MOST_TARGETS]):
        said = said_of(place, target)
        inner = tuple(said.blocks)
        blocks += [Section(target.name, inner)] if len(targets) > 1 else inner
        data[target.name] = said.data
        doubts += said.doubts
    if len(targets) > MOST_TARGETS:
        others = f"The other {len(targets) - MOST_TARGETS} targets are in the table of scores."
        blocks.append(Words(others, "dim"))
    return ReportPart(key, title, tuple(blocks), data, tuple(doubts))
