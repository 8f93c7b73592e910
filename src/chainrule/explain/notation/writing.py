"""From an address to its name in a notation."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from chainrule._kept import cached_property
from chainrule.explain.notation.places import Places, template_of
from chainrule.explain.notation.template import fields_in, filled
from chainrule.explain.trace.address import Address
from chainrule.formula.written import Applied, Lettered, Name, Partial, lettered, plain

_LAYERS = re.compile(r"\b[Ll]ayers? [0-9]+(?: to [0-9]+)?")
_NUMBER = re.compile("[0-9]+")
_FIELDS = re.compile("<[^<>]*>")


class NamesOf(Places):
    """The names that a notation gives a network's numbers."""

    def text(self, address: str | Address) -> str:
        """Return the name of an address in plain text."""
        name = self.write(Address.parse(address))
        return name if isinstance(name, str) else plain(name)

    def write(self, address: Address) -> Name | str:
        """Return the name of an address, in parts that every renderer lays out; as ours, where the notation has none."""
        name = self._bare(address.plain)
        said = (("step", address.step), ("row", address.row), ("member", address.member))
        qualifiers = tuple((key, value) for key, value in said if value is not None)
        return str(address) if name is None else _qualified(name, qualifiers)

    def _bare(self, place: Address) -> Name | None:
        """Return the name of an address without qualifiers, or None."""
        what, slash, by = place.name.partition("/d")
        if place.name == "f'" or (place.name == "delta" and self.notation.delta == "factors"):
            return self._element(place) or self._partial(place)
        if slash:
            inner = self._bare(replace(place, name=by))
            if inner is None:
                return None
            if what != "dC":
                base, _, mark = what.partition("_")
                kept = Lettered(base, accent=mark) if mark == "hat" else Lettered(base, above=mark)
                return Applied(kept, inner, square=True)
            return Partial(self._cost, inner)
        base, _, mark = place.name.partition("_")
        if mark in ("new", "decayed") and not place.name.startswith("y"):
            inner = self._bare(replace(place, name=base))
            if inner is None or not isinstance(inner, Lettered):
                return None
            return replace(inner, above=marked(inner.above, self._mark(mark)))
        return self._element(place)

    def _mark(self, word: str) -> str:
        return self.notation.after if word == "new" else word

    def _partial(self, place: Address) -> Name | None:
        """Return a slope as ∂a/∂z, or a delta as ∂C/∂z."""
        below = self._bare(replace(place, name="z"))
        above = self._cost if place.name == "delta" else self._element(replace(place, name="a"))
        return None if below is None or above is None else Partial(above, below)

    @cached_property
    def _cost(self) -> Name:
        """The name of the cost."""
        return self._element(Address("C")) or Lettered("C")

    def _element(self, place: Address) -> Name | None:
        template = self._template(place)
        if template is None:
            return None
        if template.inner:
            z, function = self._bare(replace(place, name="z")), lettered(template.inner)
            return None if z is None or function is None else Applied(function, z)
        shape = template.shape(partial(self._varies, place))
        return filled(shape, self._values(place)) if self._tells_apart(fields_in(shape), place) else None

    def letter(self, quantity: str, *, last: bool = False) -> str:
        """Return what a quantity is called where no number of it is meant, in the ``last`` layer or any; ours without a name."""
        text = {**self.notation.names, **(self.notation.output if last else {})}.get(quantity)
        if text is None:
            return quantity
        shape = template_of(text).shape(lambda _: True)
        parts = (_FIELDS.sub("", part).strip(",") for part in (shape.letter, shape.above, shape.below))
        letter, above, below = (part if part.strip("(),") else "" for part in parts)
        return plain(replace(shape, letter=letter, above=above, below=below)) if letter else quantity

    def counted(self, words: str) -> str:
        """Return words of ours with the layers counted as the notation counts them: layer 1 may be its layer 2."""
        first = self.notation.first_layer
        return (
            _LAYERS.sub(lambda m: _NUMBER.sub(lambda n: str(int(n[0]) + first), m[0]), words)
            if first
            else words
        )


def _qualified(name: Name, qualifiers: tuple[tuple[str, int], ...]) -> Name:
    match name:
        case Lettered():
            return replace(name, qualifiers=qualifiers)
        case Partial(of, by):
            return Partial(_qualified(of, qualifiers), by)
        case Applied(function, to, square):
            return Applied(replace(function, qualifiers=qualifiers), to, square)


def marked(above: str, mark: str) -> str:
    """Return a superscript with a mark: after a comma where the mark is a word."""
    return f"{above},{mark}" if above and any(map(str.isalnum, mark)) else above + mark
