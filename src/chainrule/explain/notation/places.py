"""Which template an address has in a notation, whether it tells the network's numbers apart, and what its fields are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from chainrule._kept import cached_property
from chainrule.equations.network import Network
from chainrule.explain.notation.record import Notation
from chainrule.explain.notation.template import Template
from chainrule.explain.trace.address import Address


@dataclass(frozen=True)
class Places:
    """A notation and a network: the places of its numbers as the notation counts them."""

    notation: Notation
    network: Network

    def __hash__(self) -> int:
        return hash((self.notation.name, tuple(self.network.sizes)))

    @cached_property
    def last(self) -> int:
        """The number of the last layer."""
        return len(self.network.layers)

    @cached_property
    def shapes(self) -> Mapping[int, Mapping[str, tuple[int, ...]]]:
        """The shapes of the parameters by layer and name."""
        return self.network.shapes()

    def _template(self, place: Address) -> Template | None:
        """Return the template of an address, or None."""
        text = self._role(place).get(place.name) if self._is_there(place) else None
        return None if text is None else template_of(text)

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


@lru_cache
def template_of(text: str) -> Template:
    """Return the template of a text."""
    return Template(text)
