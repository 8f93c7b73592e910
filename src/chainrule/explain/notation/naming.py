"""The names of one network's numbers in a notation: from an address to a name, and from what somebody wrote to an address."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from itertools import islice, product

from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.explain.notation.record import Notation
from chainrule.explain.notation.template import Template, fields_in, filled, matched
from chainrule.explain.trace.address import Address
from chainrule.formula.book import GREEK
from chainrule.formula.written import COMBINING, Applied, Lettered, Name, Partial, lettered, plain

MOST_LISTED = 2000
"""The most names among which those are looked for that a misspelled one may mean."""

_QUALIFIERS = re.compile(r"(.*?)((?:@[a-z]+=[0-9]{1,18})*)", re.DOTALL)
_PARTIAL = re.compile(r"[d∂](.+?)/[d∂](.+)")
_APPLIED = re.compile(r"([^()\[\]]+)\((.+)\)")
_LAYERS = re.compile(r"\b[Ll]ayers? [0-9]+(?: to [0-9]+)?")
_NUMBER = re.compile("[0-9]+")
_KEPT = re.compile(r"([^\[\]]+)\[(.+)\]")
_ACCENTED = re.compile(f"(.)([{''.join(COMBINING.values())}])")
_ACCENTS = {sign: accent for accent, sign in COMBINING.items()}


@dataclass(frozen=True, eq=False)
class Naming:
    """A notation on a network: which of its templates tell the network's numbers apart, and what they make of each.

    >>> from chainrule import Dense, Network
    >>> from chainrule.explain.notation.record import notation
    >>> mazur = Naming(notation("mazur"), Network([2, Dense(2, "sigmoid"), Dense(2, "sigmoid")]))
    >>> mazur.text("W[2][1,1]"), mazur.text("z[1][1]"), str(mazur.read("w5")), str(mazur.read("dE_total/dw5"))
    ('w5', 'net_h1', 'W[2][1,1]', 'dC/dW[2][1,1]')
    """

    notation: Notation
    network: Network

    @cached_property
    def last(self) -> int:
        """The number of the last layer."""
        return len(self.network.layers)

    @cached_property
    def shapes(self) -> Mapping[int, Mapping[str, tuple[int, ...]]]:
        """The shapes of the parameters by layer and name."""
        return self.network.shapes()

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
            return replace(inner, above=_marked(inner.above, self._mark(mark)))
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

    def _template(self, place: Address) -> Template | None:
        """Return the template of an address, or None."""
        text = self._role(place).get(place.name) if self._is_there(place) else None
        return None if text is None else _template(text)

    def _role(self, place: Address) -> Mapping[str, str]:
        """Return the templates that an address is among."""
        own = self.notation
        if place.is_whole:
            return own.arrays
        if place.name == "b" and self._is_shared(place.number):
            return own.shared
        return {**own.names, **own.output} if place.layer == self.last else own.names

    def _is_shared(self, layer: int) -> bool:
        """Tell whether the neurons of a layer share one bias."""
        return self.network.sizes[layer] > 1 and self.shapes[layer].get("b") == (1,)

    def _is_there(self, place: Address) -> bool:
        if place.layer is not None and not 1 <= place.layer <= self.last:
            return False
        limits = self._limits(place)
        return limits is not None and all(i <= limit for i, limit in zip(place.index, limits, strict=False))

    def _limits(self, place: Address) -> tuple[int, ...] | None:
        """Return the largest indices at a place; None where there is no such array."""
        match place.quantity.place:
            case "input":
                return (self.network.n_inputs,)
            case "output":
                return (self.network.sizes[-1],)
            case "weight" | "bias":
                return self.shapes.get(place.number, {}).get(place.name)
            case "neuron":
                return (self.network.sizes[place.number],)
        return ()

    def _layers(self, place: Address) -> int:
        """Return how many layers use the template of an address."""
        if place.layer is None:
            return 1
        if place.is_whole or place.name not in self.notation.output:
            return self.last
        return 1 if place.layer == self.last else self.last - 1

    def _varies(self, place: Address, field: str) -> bool:
        """Tell whether a field tells numbers of a template apart."""
        if field in ("l", "l-1"):
            return self._layers(place) > 1
        if field in ("n", "w"):
            return sum(self.network.sizes[1:]) > 1
        limits = self._limits(place) or (1,)
        return (limits[0] if field == "i" else limits[-1]) > 1

    def _tells_apart(self, fields: frozenset[str], place: Address) -> bool:
        """Tell whether a template with these fields gives every number of the network another name."""
        if place.layer is not None and self._layers(place) > 1 and not fields & {"l", "l-1", "n", "w"}:
            return False
        if not place.index or (place.name == "b" and self._is_shared(place.number)):
            return True
        needs = {"x": ("i",), "W": ("i", "j")}.get(place.name, ("j",))
        tell = {"i": {"i", "w"}, "j": {"j", "n", "w"}}
        return all(fields & tell[field] or not self._varies(place, field) for field in needs)

    def _values(self, place: Address) -> dict[str, object]:
        """Return what stands for each field of an address's template."""
        first = self.notation.first_layer
        layer = {"x": 0, "y": self.last}.get(place.name, place.layer or 0)
        made: dict[str, object] = {"l": layer + first, "l-1": layer - 1 + first}
        if not place.index:
            return made
        i, j = place.index[0], place.index[-1]
        made |= {"i": i, "j": j}
        if letters := self.notation.neurons:
            kind = "output" if layer == self.last else "hidden"
            made["n"] = f"{letters.get(kind, '')}{self._hidden_before(layer) + j}"
        if place.name == "W":
            made["w"] = self._starts[layer] + (j - 1) * self.shapes[layer]["W"][0] + i
        return made

    def _hidden_before(self, layer: int) -> int:
        """Return how many hidden neurons there are in the layers before a hidden one; outputs are counted from 1."""
        return sum(self.network.sizes[1:layer]) if layer < self.last else 0

    @cached_property
    def _starts(self) -> dict[int, int]:
        """The number of weights before each layer."""
        starts, count = {}, 0
        for layer in range(1, self.last + 1):
            starts[layer] = count
            n_in, n_out = self.shapes[layer].get("W", (0, 0))
            count += n_in * n_out
        return starts

    def counted(self, words: str) -> str:
        """Return words of ours with the layers counted as the notation counts them: layer 1 may be its layer 2."""
        first = self.notation.first_layer
        return (
            _LAYERS.sub(lambda m: _NUMBER.sub(lambda n: str(int(n[0]) + first), m[0]), words)
            if first
            else words
        )

    def read(self, text: str) -> Address:
        """Return the address that a text names, in the notation or in ours.

        Raises SettingsError that says which names may be meant.
        """
        found = _QUALIFIERS.fullmatch("".join(text.split()))
        assert found is not None
        place = self._read(_composed(found[1]))
        if place is not None:
            return Address.parse(f"{place}{found[2]}")
        try:
            return Address.parse(text)
        except SettingsError as error:
            near = difflib.get_close_matches(found[1], self._listed, n=3, cutoff=0.6)
            letters = found[1].rstrip("0123456789")
            near = near or [name for name in self._listed if letters and name.startswith(letters)][:3]
            if not near:
                raise
            what = f"{text!r} is no name in the notation {self.notation.name}, and no address"
            raise SettingsError(f"{what}; did you mean {' or '.join(near)}?") from error

    def _read(self, text: str) -> Address | None:
        if match := _PARTIAL.fullmatch(text):
            return self._read_partial(match[1], match[2])
        if match := _KEPT.fullmatch(text):
            return self._read_kept(lettered(match[1]), match[2])
        if (match := _APPLIED.fullmatch(text)) and match[1] not in COMBINING:
            return self._read_slope(lettered(match[1]), match[2])
        name = lettered(text)
        return None if name is None else self._read_lettered(_canonical(name))

    def _read_partial(self, of: str, by: str) -> Address | None:
        """Return the address of a partial derivative: of the cost, or of an activation by its weighted sum."""
        below, above = self._read(by), lettered(of)
        if below is None or above is None:
            return None
        if _canonical(above) == self._cost:
            name = "delta" if below.name == "z" else f"dC/d{below.name}"
        elif below.name == "z" and self._read(of) == replace(below, name="a"):
            name = "f'"
        else:
            return None
        return self._confirmed(replace(below, name=name))

    def _read_kept(self, letter: Lettered | None, by: str) -> Address | None:
        """Return the address of what an optimizer keeps for a parameter: m[w5]."""
        inner = self._read(by)
        if inner is None or letter is None:
            return None
        base = "_".join(filter(None, (letter.letter, letter.accent, letter.above)))
        return self._confirmed(replace(inner, name=f"{base}/d{inner.name}"))

    def _read_slope(self, letter: Lettered | None, of: str) -> Address | None:
        """Return the address of a slope that is written as a function: σ'(z)."""
        inner = self._read(of)
        if inner is None or inner.name != "z":
            return None
        place = replace(inner, name="f'")
        return (
            place
            if self._bare(place) == Applied(letter or Lettered(""), self._bare(inner) or Lettered(""))
            else None
        )

    @staticmethod
    def _confirmed(place: Address) -> Address | None:
        """Return an address if there can be such a number."""
        try:
            return Address.parse(str(place))
        except SettingsError:
            return None

    def _read_lettered(self, name: Lettered) -> Address | None:
        for first, shape in self._shapes:
            values = matched(shape, name)
            place = None if values is None else self._placed(first, values)
            if place is not None and self._bare(place) is not None:
                return place
        for word in ("new", "decayed"):
            mark = self._mark(word)
            for before in dict.fromkeys((name.above.removesuffix(f",{mark}"), name.above.removesuffix(mark))):
                if before != name.above and _marked(before, mark) == name.above:
                    inner = self._read_lettered(replace(name, above=before))
                    if inner is not None:
                        return self._confirmed(replace(inner, name=f"{inner.name}_{word}"))
        return self._understood(name)

    def _understood(self, name: Lettered) -> Address | None:
        """Return the address of a spelling that is only read."""
        for key, texts in self.notation.understood.items():
            for text in texts:
                values = matched(_template(text).shape(lambda _: True), name)
                if values is None:
                    continue
                for first in self._first_places(key):
                    place = self._placed(first, values)
                    if place is not None and self._bare(place) is not None:
                        return place
        return None

    @cached_property
    def _shapes(self) -> tuple[tuple[Address, Lettered], ...]:
        """The shapes of all names that the network can have, each with the first address of its kind in its layer."""
        own = self.notation
        keys = dict.fromkeys((*own.names, *own.output, *own.shared))
        places = [place for key in keys for place in self._first_places(key)]
        places += [replace(place, index=()) for key in own.arrays for place in self._first_places(key)]
        made = []
        for place in places:
            template = self._template(place)
            if template is not None and not template.inner:
                made.append((place, template.shape(partial(self._varies, place))))
        return tuple(made)

    def _first_places(self, key: str) -> list[Address]:
        """Return the first address of a quantity in each layer that can have it."""
        place = Address(key)
        in_layers = place.quantity.place in ("neuron", "weight", "bias")
        first = replace(place, index=(1,) * place.size)
        return [replace(first, layer=n) for n in range(1, self.last + 1)] if in_layers else [first]

    def _placed(self, first: Address, values: Mapping[str, str]) -> Address | None:
        """Return the address that is like the first of its kind, with the values of fields; None where there is none."""
        found = {key: int(value) for key, value in values.items() if key not in ("n", "w")}
        i, j = found.get("i", 1), found.get("j", 1)
        if "n" in values:
            j = int(values["n"].lstrip(_LETTERS) or 0)
            j -= self._hidden_before(first.layer or self.last)
        if "w" in values:
            j, i = divmod(
                int(values["w"]) - self._starts[first.number] - 1, self.shapes[first.number]["W"][0]
            )
            i, j = i + 1, j + 1
        index = {0: (), 2: (i, j)}.get(len(first.index), (i if first.quantity.place == "input" else j,))
        place = replace(first, index=index)
        if not all(number >= 1 for number in index) or not self._is_there(place):
            return None
        own = self._values(place)
        return place if all(str(own.get(key)) == value for key, value in values.items()) else None

    @cached_property
    def _listed(self) -> tuple[str, ...]:
        """The names that the network's numbers have, the first of them in a large network."""
        return tuple(islice((self.text(place) for place in self.places() if self._bare(place)), MOST_LISTED))

    def places(self) -> Iterator[Address]:
        """Yield the addresses of single numbers that the notation has templates for."""
        own = self.notation
        for key in dict.fromkeys((*own.names, *own.output, *own.shared)):
            for first in self._first_places(key):
                for index in product(*(range(1, limit + 1) for limit in self._limits(first) or ())):
                    yield replace(first, index=index)


_LETTERS = "".join(map(chr, (*range(65, 91), *range(97, 123))))


@lru_cache
def _template(text: str) -> Template:
    return Template(text)


def _qualified(name: Name, qualifiers: tuple[tuple[str, int], ...]) -> Name:
    match name:
        case Lettered():
            return replace(name, qualifiers=qualifiers)
        case Partial(of, by):
            return Partial(_qualified(of, qualifiers), by)
        case Applied(function, to, square):
            return Applied(replace(function, qualifiers=qualifiers), to, square)


def _marked(above: str, mark: str) -> str:
    """Return a superscript with a mark: after a comma where the mark is a word."""
    return f"{above},{mark}" if above and any(map(str.isalnum, mark)) else above + mark


def _canonical(name: Lettered) -> Lettered:
    """Return a name without what makes no difference: the order of scripts, and how a Greek letter is typed."""
    letter = GREEK.get(name.letter, name.letter)
    return replace(name, letter=letter, raised_first=False, qualifiers=())


def _composed(text: str) -> str:
    """Return a text with accents as templates write them, and one kind of prime and raised plus."""
    text = _ACCENTED.sub(lambda m: f"{_ACCENTS[m[2]]}({m[1]})", unicodedata.normalize("NFD", text))
    text = re.sub("[′’]", "'", text).replace("⁺", "^+")
    return f"{text[:-1]}^+" if text.endswith("+") and text[-2:-1] not in ("^", "") else text
