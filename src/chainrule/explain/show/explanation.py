"""The document that explains one number: the network at a glance where there is a trace, then the derivation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule._numbers import DIGITS
from chainrule.explain.derive.lines import Derivation
from chainrule.explain.show.cells import cells, cells_title
from chainrule.explain.show.document import Block, Cells, Document, Worked
from chainrule.explain.show.showing import Showing, address_of, all_parts
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.trace import Trace


def explanation(
    derivation: Derivation,
    trace: Trace | None = None,
    *,
    digits: int = DIGITS,
    origin: Mapping[str, str] | None = None,
    source: Mapping[str, Any] | None = None,
    width: int = 100,
) -> Document:
    """Return the document of a derivation; with its trace a page of it begins with the whole network.

    ``origin`` is shown below the title: ``{"model": "penguins.safetensors"}``; ``source`` says in plain data where the
    numbers come from.
    """
    blocks: list[Block] = [Worked(derivation, digits)]
    if trace is not None:
        explained = {line.address for part in all_parts(derivation) for line in part.lines if line.address}
        place = address_of(derivation.address) or Address("C")
        layers = cells(trace, place, explained, Showing.of(derivation, digits))
        blocks.insert(0, Cells(cells_title(trace, place), tuple(layers)))
    return Document(derivation.title, tuple(blocks), origin=origin or {}, data=source, width=width)
