"""All moves a lesson can make, by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from chainrule.lessons.moves.base import Move
from chainrule.lessons.moves.calculus import CALCULUS
from chainrule.lessons.moves.meaning import MEANING
from chainrule.lessons.moves.plots import PLOTS
from chainrule.lessons.moves.rows import ABOUT_ROWS
from chainrule.lessons.moves.showing import SHOWING
from chainrule.lessons.moves.symbols import SYMBOLS
from chainrule.lessons.moves.training import TRAINING

MOVES: Mapping[str, Move] = MappingProxyType(
    SHOWING | SYMBOLS | CALCULUS | MEANING | ABOUT_ROWS | TRAINING | PLOTS
)
"""The only list of moves; docs/lessons.md describes each."""
