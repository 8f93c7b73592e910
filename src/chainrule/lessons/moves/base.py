"""What a move is: a function of a scene, whose docstring says what it does, its keys, and the numbers it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from chainrule._kept import cached_property
from chainrule._numbers import number_text
from chainrule.explain.notation.naming import Naming
from chainrule.explain.notation.record import Notation, notation
from chainrule.explain.show.document import Block
from chainrule.explain.show.showing import Showing
from chainrule.formula.evaluate import Formula
from chainrule.formula.text import text
from chainrule.lessons.fields import Fields
from chainrule.lessons.setup import Setup


class MoveResult(NamedTuple):
    """What a move shows, and the numbers of its own by name."""

    blocks: list[Block]
    numbers: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True)
class Scene:
    """What a move sees: its network, all networks, the values of its keys, the digits and names numbers are shown with."""

    setup: Setup
    setups: Mapping[str, Setup]
    values: Mapping[str, Any]
    digits: int
    notation: Notation = field(default_factory=partial(notation, "ours"))

    @cached_property
    def naming(self) -> Naming:
        """The names of the network's numbers in the notation that the lesson is told in."""
        return Naming(self.notation, self.setup.network)

    def name(self, address: str) -> str:
        """Return a number's name in plain text."""
        return Showing(naming=self.naming).name(address)

    def small(self, address: str) -> str:
        """Return a number's name as pictures show it."""
        return Showing(naming=self.naming).small(address)

    def layer(self, number: int) -> str:
        """Return the number of a layer as the notation counts it."""
        return str(number + self.notation.first_layer)

    def written(self, formula: Formula, *, last: bool = False) -> str:
        """Return a formula in the letters of the notation; ``last``: in those of the last layer."""
        if not self.notation.names:
            return formula.text
        return text(
            formula.root,
            {name: self.naming.letter(name, last=last) for name in formula.symbols if name in "zay"},
        )

    def __getitem__(self, key: str) -> Any:
        """Return the value of a key, its default where the file doesn't give it."""
        return self.values[key]

    def number(self, value: float) -> str:
        """Return a number as it is shown."""
        return number_text(value, self.digits)


@dataclass(frozen=True)
class Move:
    """One kind of step: its function and its keys; ``numbers`` matches the names of the numbers it gives."""

    run: Callable[[Scene], MoveResult]
    fields: Fields = field(default_factory=dict)
    numbers: str = ""
    trains: bool = False
