"""The names of one network's numbers in a notation, and from what somebody wrote to an address."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from itertools import islice, product

from chainrule._kept import cached_property
from chainrule.equations.network import Network
from chainrule.errors import SettingsError
from chainrule.explain.notation.places import template_of
from chainrule.explain.notation.record import Notation
from chainrule.explain.notation.template import matched
from chainrule.explain.notation.writing import NamesOf, marked
from chainrule.explain.trace.address import Address
from chainrule.formula.book import GREEK
from chainrule.formula.written import COMBINING, Applied, Lettered, lettered

MOST_LISTED = 2000
"""The most names among which those are looked for that a misspelled one may mean."""

_QUALIFIERS = re.compile(r"(.*?)((?:@[a-z]+=[0-9]{1,18})*)", re.DOTALL)
_PARTIAL = re.compile(r"[d∂](.+?)/[d∂](.+)")
_APPLIED = re.compile(r"([^()\[\]]+)\((.+)\)")
_KEPT = re.compile(r"([^\[\]]+)\[(.+)\]")
_ACCENTED = re.compile(f"(.)([{''.join(COMBINING.values())}])")
_ACCENTS = {sign: accent for accent, sign in COMBINING.items()}
_LETTERS = "".join(map(chr, (*range(65, 91), *range(97, 123))))


class Naming(NamesOf):
    """A notation on a network: which of its templates tell the network's numbers apart, and what they make of each.

    >>> from chainrule import Dense, Network
    >>> from chainrule.explain.notation.record import notation
    >>> mazur = Naming(notation("mazur"), Network([2, Dense(2, "sigmoid"), Dense(2, "sigmoid")]))
    >>> mazur.text("W[2][1,1]"), mazur.text("z[1][1]"), str(mazur.read("w5")), str(mazur.read("dE_total/dw5"))
    ('w5', 'net_h1', 'W[2][1,1]', 'dC/dW[2][1,1]')
    """

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

    def find(self, text: str, *, as_written: bool = True) -> Address | None:
        """Return the address that a text names in the notation, None for anything else.

        ``as_written``: only where it is spelled as the notation writes it; W111 is W1_{11}, and understood.
        """
        place = self._read(_composed(text))
        return None if place is not None and as_written and self.text(place) != text else place

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
                if before != name.above and marked(before, mark) == name.above:
                    inner = self._read_lettered(replace(name, above=before))
                    if inner is not None:
                        return self._confirmed(replace(inner, name=f"{inner.name}_{word}"))
        return self._understood(name)

    def _understood(self, name: Lettered) -> Address | None:
        """Return the address of a spelling that is only read."""
        for key, texts in self.notation.understood.items():
            for text in texts:
                values = matched(template_of(text).shape(lambda _: True), name)
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

    def in_order(self, addresses: Iterable[str]) -> list[str]:
        """Return addresses of parameters with the weights in the notation's order: w1, w2 … or row by row of its matrices."""
        own = self.notation
        turned = own.columns or "<w>" in own.names.get("W", "")
        given = list(addresses)
        places = [Address.parse(address) for address in given]
        first: dict[tuple[int | None, str], int] = {}
        for number, place in enumerate(places):
            first.setdefault((place.layer, place.name), number)

        def key(number: int) -> tuple[int, tuple[int, ...]]:
            place = places[number]
            is_turned = turned and place.name == "W"
            return first[place.layer, place.name], place.index[::-1] if is_turned else place.index

        return [given[number] for number in sorted(range(len(given)), key=key)]

    def places(self) -> Iterator[Address]:
        """Yield the addresses of single numbers that the notation has templates for."""
        own = self.notation
        for key in dict.fromkeys((*own.names, *own.output, *own.shared)):
            for first in self._first_places(key):
                for index in product(*(range(1, limit + 1) for limit in self._limits(first) or ())):
                    yield replace(first, index=index)


def address_read(own: Notation) -> Callable[[Network, str], str]:
    """Return what reads the name of a number of a network in a notation, or its address in ours, as an address."""
    return lambda network, text: str(Naming(own, network).read(text))


def _canonical(name: Lettered) -> Lettered:
    """Return a name without what makes no difference: the order of scripts, and how a Greek letter is typed."""
    letter = GREEK.get(name.letter, name.letter)
    return replace(name, letter=letter, raised_first=False, qualifiers=())


def _composed(text: str) -> str:
    """Return a text with accents as templates write them, and one kind of prime and raised plus."""
    text = _ACCENTED.sub(lambda m: f"{_ACCENTS[m[2]]}({m[1]})", unicodedata.normalize("NFD", text))
    text = re.sub("[′’]", "'", text).replace("⁺", "^+")
    return f"{text[:-1]}^+" if text.endswith("+") and text[-2:-1] not in ("^", "") else text
