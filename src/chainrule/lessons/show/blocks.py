"""What a lesson shows: a list of steps, each with a title and blocks; plain data that any format can print."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from chainrule._numbers import number_to_data
from chainrule.explain.derive.grid import Grid
from chainrule.explain.derive.lines import Derivation


@dataclass(frozen=True)
class Words:
    """A paragraph."""

    text: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {"block": "words", "text": self.text}


@dataclass(frozen=True)
class Worked:
    """A derivation, shown with so many significant digits."""

    derivation: Derivation
    digits: int

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {"block": "derivation", **self.derivation.to_dict()}


@dataclass(frozen=True)
class Plot:
    """A picture made of signs, a text for each line, shown in a font of equal widths; ``key`` explains the signs."""

    lines: tuple[str, ...]
    key: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {"block": "plot", "lines": list(self.lines), "key": self.key}


@dataclass(frozen=True)
class Compared:
    """One expected number beside the one that came out."""

    name: str
    expected: str
    found: float
    ok: bool


@dataclass(frozen=True)
class Checked:
    """Expected numbers beside those that came out."""

    items: tuple[Compared, ...]

    @property
    def ok(self) -> bool:
        """Whether all came out as expected."""
        return all(item.ok for item in self.items)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        items = [
            {"name": item.name, "expected": item.expected, "found": number_to_data(item.found), "ok": item.ok}
            for item in self.items
        ]
        return {"block": "checks", "items": items, "ok": self.ok}


@dataclass(frozen=True)
class Erratum:
    """What a text prints, what is right, and why."""

    printed: str
    right: str
    why: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {"block": "erratum", "printed": self.printed, "right": self.right, "why": self.why}


Block: TypeAlias = Words | Worked | Grid | Plot | Checked | Erratum


@dataclass(frozen=True)
class Shown:
    """One step of a lesson as it is shown: its number from 1, of how many, its move, title and blocks."""

    number: int
    count: int
    move: str
    title: str
    blocks: tuple[Block, ...]

    @property
    def ok(self) -> bool:
        """Whether every expected number came out, and every check within a derivation holds."""
        checked = all(block.ok for block in self.blocks if isinstance(block, Checked))
        return checked and all(block.derivation.ok for block in self.blocks if isinstance(block, Worked))

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {
            "number": self.number,
            "move": self.move,
            "title": self.title,
            "blocks": [_to_data(block) for block in self.blocks],
            "ok": self.ok,
        }


def _to_data(block: Block) -> dict[str, Any]:
    return {"block": "table", **block.to_dict()} if isinstance(block, Grid) else block.to_dict()
