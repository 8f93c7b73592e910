"""How the numbers of a page are to be read: what an address is called in its formulas, and which way round a matrix is."""

from __future__ import annotations

from markupsafe import Markup

from chainrule.explain.notation.naming import Naming
from chainrule.explain.show import document as doc
from chainrule.explain.show.mathml import MathWriter
from chainrule.explain.show.showing import Showing, address_of, names_of
from chainrule.explain.trace.address import Address


def how_to_read(document: doc.Document) -> Markup | None:
    """Say which number a name in a formula and an address as one types it are, and the order of a weight's indices.

    It is said of the first numbers of a page, a weight between neurons of different numbers rather than others; None for a page
    that has none.
    """
    found: dict[str, tuple[Address, Naming | None]] = {}
    for block in doc.worked_blocks(document.blocks):
        naming = block.naming if block.naming is not None and block.naming.notation.names else None
        for place in filter(None, map(address_of, dict.fromkeys(names_of(block.derivation)))):
            if place.name in ("z", "W") and place.layer and place.index:
                before = found.get(place.name)
                if before is None or (len(set(before[0].index)) == 1 and len(set(place.index)) > 1):
                    found[place.name] = place.plain, naming
    if not found:
        return None
    said = Markup("{} in a formula is <code>{}</code> as one types it: {}.")
    return Markup(" ").join(
        said.format(MathWriter(Showing(naming=naming)).name(str(place)), str(place), _meaning(place, naming))
        for place, naming in found.values()
    )


def _meaning(place: Address, naming: Naming | None) -> str:
    """Return what a weighted sum or a weight is, of which neurons, and how a matrix of weights is laid out."""
    first = 0 if naming is None else naming.notation.first_layer
    number = place.layer or 0
    end = f"neuron {place.index[-1]} of layer {number + first}"
    if place.name == "z":
        return f"the weighted sum of {end}"
    start = (
        f"input {place.index[0]}" if number == 1 else f"neuron {place.index[0]} of layer {number + first - 1}"
    )
    columns = naming is not None and naming.notation.columns
    row, column = ("lead to", "come from") if columns else ("come from", "lead to")
    whole = f"a matrix W has a row for each neuron that the weights {row}, and a column for each that they {column}"
    return f"the weight from {start} to {end}; {whole}"
