"""The document that explains one number: the network at a glance where there is a trace, then the derivation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from chainrule._numbers import DIGITS
from chainrule.explain.attribute.answer import AnsweredRow
from chainrule.explain.derive.lines import Derivation
from chainrule.explain.notation.naming import Naming
from chainrule.explain.show.answer import answer_section
from chainrule.explain.show.cells import cells, cells_title
from chainrule.explain.show.document import Block, Cells, Document, Picture, Styled, TableBlock, Worked, more
from chainrule.explain.show.showing import Showing, address_of, all_parts, names_of
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
    naming: Naming | None = None,
    answers: tuple[AnsweredRow, ...] = (),
    drawn: Picture | None = None,
) -> Document:
    """Return the document of a derivation; with its trace a page of it shows the whole network as cells.

    ``origin`` is shown below the title: ``{"model": "penguins.safetensors"}``; ``source`` says in plain data where the
    numbers come from. ``naming`` writes the numbers in a notation, and a table says which addresses of ours they have.
    ``answers`` come first of all, then the network ``drawn``.
    """
    blocks: list[Block] = [Worked(derivation, digits, naming)]
    if trace is not None:
        explained = {line.address for part in all_parts(derivation) for line in part.lines if line.address}
        place = address_of(derivation.address) or Address("C")
        layers = cells(trace, place, explained, Showing.of(derivation, digits, naming))
        blocks.insert(0, Cells(cells_title(trace, place), tuple(layers), naming))
    if drawn is not None:
        blocks.insert(0, drawn)
    if answers:
        blocks.insert(0, answer_section(answers))
        source = {**(source or {}), "answers": [found.to_dict() for found in answers]}
    if naming is not None:
        blocks.append(names_table(derivation, naming))
        origin = {**(origin or {}), "notation": naming.notation.name}
    return Document(derivation.title, tuple(blocks), origin=origin or {}, data=source, width=width)


MOST_NAMES = 40
"""The most names that are listed beside our addresses."""


MOST_AS_OURS = 8
"""The most addresses that are listed for which a notation has no name."""


def names_table(derivation: Derivation, naming: Naming) -> TableBlock:
    """Return a table of the names in a derivation beside our addresses; both are one thing."""
    own = naming.notation
    showing = Showing.of(derivation, naming=naming)
    places = dict.fromkeys(p.plain for p in map(address_of, names_of(derivation)) if p is not None)
    has_name = [own.name == "ours" or not isinstance(naming.write(place), str) for place in places]
    rows = [
        (
            Styled(str(place), is_name=True),
            Styled(str(place), as_typed=True),
            showing.words(place.words_in(naming.network)),
        )
        for place, named in zip(places, has_name, strict=True)
        if named
    ]
    as_ours = [str(place) for place, named in zip(places, has_name, strict=True) if not named]
    told = [more(len(rows) - MOST_NAMES, "names")]
    if as_ours:
        listed = ", ".join(as_ours[:MOST_AS_OURS]) + ", …" * (len(as_ours) > MOST_AS_OURS)
        told.append(f"Written as ours, having no name there: {listed}")
    headers = (f"in the notation {own.name}", "chainrule's address", "what it is")
    return TableBlock(headers, tuple(rows[:MOST_NAMES]), (), " ".join(filter(None, told)), naming)
