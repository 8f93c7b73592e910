"""How a notation writes a quantity at any layer and neuron: its templates with indices in the place of numbers.

Who numbers every weight, or has one hidden layer, has no place for an index: there the layer is raised and the neurons
stand below, and the letter and its words are his.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from chainrule.errors import SettingsError
from chainrule.explain.notation.places import template_of
from chainrule.explain.notation.record import Notation, notation
from chainrule.formula.nodes import Indexed, Node, Number
from chainrule.formula.written import Lettered

FIELDS = ("l-1", "l", "i", "j")
ROW = "row"
"""The field of a row's number."""

_FIELD = re.compile("<([^<>]*)>")
_PIECE = re.compile(r"<[^<>]*>|[0-9]+|[^\W\d_]+|[^,\s(){}]")
_INDICES = {"W": "<i>,<j>", "x": "<i>", "C": "", "loss": "", "f": ""}
_WITHOUT_LAYER = frozenset({"x", "y", "C", "loss", "f"})


@dataclass(frozen=True)
class Lettering:
    """One quantity as it is written: a letter, and what stands raised and below, a field's name or a fixed sign.

    ``letter``, ``bracketed``, ``order`` and ``close`` are those of `Indexed`. ``is_whole``: it is the array of a layer;
    ``is_last``: of the last layer, whose number it doesn't say; ``is_shared``: of a bias without a neuron.
    """

    quantity: str
    letter: str
    above: tuple[str | Node, ...] = ()
    below: tuple[str | Node, ...] = ()
    bracketed: bool = False
    order: str = ""
    close: bool = False
    is_whole: bool = False
    is_last: bool = False
    is_shared: bool = False

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields in it, in their order."""
        return tuple(piece for piece in (*self.above, *self.below) if isinstance(piece, str))

    def at(self, indices: Mapping[str, Node]) -> Indexed:
        """Return the quantity with indices for its fields."""
        above, below = (
            tuple(indices[piece] if isinstance(piece, str) else piece for piece in side)
            for side in (self.above, self.below)
        )
        return Indexed(self.letter, above, below, self.bracketed, self.order, self.close)

    def indices_in(self, node: Indexed) -> dict[str, Node] | None:
        """Return the indices that stand for the fields in a letter of a tree, None where it is another quantity."""
        if (node.letter, len(node.above), len(node.below)) != (self.letter, len(self.above), len(self.below)):
            return None
        found: dict[str, Node] = {}
        for piece, index in zip((*self.above, *self.below), (*node.above, *node.below), strict=True):
            if not isinstance(piece, str):
                if index != piece:
                    return None
            elif found.setdefault(piece, index) != index:
                return None
        return found

    def without(self, *fields: str) -> Lettering:
        """Return it without fields."""
        above, below = (
            tuple(piece for piece in side if piece not in fields) for side in (self.above, self.below)
        )
        return replace(self, above=above, below=below)


def shapes_of(own: Notation, row: str) -> tuple[Lettering, ...]:
    """Return the shapes of all quantities, those with the most fixed signs first; ``row`` is the index of a row.

    Raises SettingsError where two quantities are written alike.
    """
    made = sorted(
        _shapes(own, row), key=lambda shape: len(shape.fields) - len(shape.above) - len(shape.below)
    )
    seen: dict[Indexed, Lettering] = {}
    for shape in made:
        looks = replace(shape.at(dict.fromkeys((*FIELDS, ROW), Number(0.5))), order="", close=False)
        other = seen.setdefault(looks, shape)
        if other.quantity != shape.quantity:
            names = f"{other.quantity} and {shape.quantity}"
            raise SettingsError(
                f"{own.name}: for any layer {names} are both written with {shape.letter}: "
                f'give one of them another letter, as [symbols] {shape.quantity} = "…"'
            )
    return tuple(made)


def _shapes(own: Notation, row: str) -> Iterator[Lettering]:
    is_typed = not own.names
    # What has no layer, or no neuron, in its name gets them as the notation writes them elsewhere.
    layer = "(<l>)" if any("(<l>)" in text for text in own.names.values()) else "<l>"

    def shape(quantity: str, text: str, at: str, **what: bool) -> Lettering:
        return _shape(quantity, template_of(text).shape(lambda _: True), at, is_typed=is_typed, **what)

    elements = {}
    for name, ours in notation("ours").symbols.items():
        named = own.activation if name == "f" else own.names.get(name)
        elements[name] = shape(name, own.symbols.get(name) or named or _bare(ours), layer)
    if own.delta == "factors":
        del elements["delta"]
    loss = elements["C"]
    if "loss" in own.names:
        loss = shape("loss", own.names["loss"], layer)
    fixed = tuple(ROW if piece == Indexed(row) else piece for piece in loss.below)
    below = fixed if ROW in fixed else (*fixed, ROW)
    elements["loss"] = replace(loss, quantity="loss", below=below, close=False)
    for name in ("z", "a"):
        if name in own.output:
            elements[f"last {name}"] = replace(shape(name, own.output[name], "", is_last=True), is_last=True)
    inputs = own.symbols.get("x") or own.names.get("x", "<l>")
    if "<l>" not in inputs:
        elements["x"] = shape("x", inputs, "")
    yield from elements.values()
    if "b" in own.shared:
        shared = template_of(own.shared["b"]).shape(lambda _: True)
        yield replace(_shape("b", shared, layer, is_typed=is_typed).without("j"), is_shared=True)
    else:
        yield replace(elements["b"].without("j"), is_shared=True)
    for key, element in elements.items():
        name = element.quantity
        if name in ("C", "loss", "f"):
            continue
        if name in own.arrays and not element.is_last:
            whole = shape(name, own.arrays[name], layer).without("i", "j")
        else:
            whole = element.without("i", "j")
            if key == "W" and element.letter == "w":
                whole = replace(whole, letter="W")
        yield replace(whole, is_whole=True)


def _bare(template: str) -> str:
    """Return the letter of a template alone."""
    return template_of(template).shape(lambda _: True).letter


def _shape(quantity: str, given: Lettered, layer: str, *, is_typed: bool, is_last: bool = False) -> Lettering:
    """Return the shape of a template; ``layer`` is raised where it has no layer, its indices below where it has none."""
    letter = _FIELD.sub("", given.letter) or _bare(notation("ours").symbols.get(quantity, quantity))
    above, below = given.above, given.below.replace("<n>", "<j>").replace("<w>", "<i>,<j>")
    if quantity in _WITHOUT_LAYER:
        above = "" if quantity != "f" else above
    elif not is_last and "<l>" not in above + below:
        above = ",".join(filter(None, (above, layer)))
    lacking = [
        field for field in _FIELD.findall(_INDICES.get(quantity, "<j>")) if f"<{field}>" not in above + below
    ]
    below = ",".join(filter(None, (below, *(f"<{field}>" for field in lacking))))
    bracketed = above.startswith("(") and above.endswith(")")
    pieces = [tuple(map(_piece, _PIECE.findall(side))) for side in (above, below)]
    accent = f"{given.accent}_" if given.accent else ""
    form = {"order": "" if is_typed else "^_" if given.raised_first else "_^", "close": "," not in below}
    return Lettering(quantity, accent + letter, pieces[0], pieces[1], bracketed, **form)  # type: ignore[arg-type]


def _piece(token: str) -> str | Node:
    if token[0] == "<":
        return token[1:-1]
    return Number(float(token)) if token.isdigit() else Indexed(token)
