"""The flat layout of a network's parameters, and of those that members share."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np

from chainrule._types import Array, FloatArray
from chainrule.equations.network import Network, Parameters
from chainrule.equations.sharing import expand, fold, tabm_shapes
from chainrule.errors import SettingsError


class Slot(NamedTuple):
    """Where one array lies in the flat parameters: layer (1-based; 0: the feature stage), name, start, and shape.

    ``decays``: penalties and decay are about it, as they are about weights and not about biases.
    """

    layer: int
    name: str
    start: int
    shape: tuple[int, ...]
    decays: bool

    @property
    def stop(self) -> int:
        """The index after the last of its numbers."""
        return self.start + math.prod(self.shape)


class Layout:
    """The flat layout of a network's parameters, and the masks that go with it.

    ``decayed`` (p,) is 1 at weights and 0 at biases; ``free`` (p,) is 0 at frozen parameters; ``rates`` (p,) are
    factors of the learning rate, and ``rated`` says whether any of them isn't 1. ``n_initial`` parameters are set by hand.
    """

    def __init__(self, network: Network) -> None:
        self._lay_out(network, network.shapes())
        self.n_initial = 0
        for number, layer in enumerate(network.layers, 1):
            for address in layer.frozen:
                self.free[self.place(number, address, "frozen")] = 0.0
            for address, _ in layer.initial:
                place = self.place(number, address, "initial")
                self.n_initial += 1 if isinstance(place, int) else place.stop - place.start

    def _lay_out(self, network: Network, of_layers: Mapping[int, Mapping[str, tuple[int, ...]]]) -> None:
        slots: list[Slot] = []
        start = 0
        for number, shapes in of_layers.items():
            for name, shape in shapes.items():
                slots.append(Slot(number, name, start, shape, name in network.part(number).decayed))
                start = slots[-1].stop
        self.network = network
        self.slots = tuple(slots)
        self.size = start
        self.decayed, self.free, self.rates = np.zeros(start), np.ones(start), np.ones(start)
        for slot in slots:
            self.decayed[slot.start : slot.stop] = slot.decays
            self.rates[slot.start : slot.stop] = network.part(slot.layer).rate(slot.name)
        self.rated = bool((self.rates != 1).any())

    def etas(self, eta: float) -> FloatArray | float:
        """Return the learning rate of each parameter (p,), or the one number where no factor differs from 1."""
        return eta * self.rates if self.rated else eta

    def slot(self, layer: int, name: str) -> Slot:
        """Return the slot of one array; raises KeyError where there is none."""
        for slot in self.slots:
            if slot.layer == layer and slot.name == name:
                return slot
        raise KeyError(f"{name}[{layer}]")

    def unflatten(self, flat: Array) -> dict[int, dict[str, Array]]:
        """Return views of ``flat`` (…, p) as arrays by name for each layer by number, leading axes kept."""
        layers: dict[int, dict[str, Array]] = {number: {} for number in self.network.shapes()}
        for slot in self.slots:
            part = flat[..., slot.start : slot.stop]
            layers[slot.layer][slot.name] = part.reshape(*flat.shape[:-1], *slot.shape)
        return layers

    def flatten(self, arrays: Parameters) -> FloatArray:
        """Return the arrays (…, *shape) of each layer as one array (…, p)."""
        parts = []
        for slot in self.slots:
            array = np.asarray(arrays[slot.layer][slot.name])
            parts.append(array.reshape(*array.shape[: array.ndim - len(slot.shape)], -1))
        return np.concatenate(parts, axis=-1)

    def flat(self, parameters: Parameters | Array) -> FloatArray:
        """Return parameters that somebody gave, by layer and name or flat, as one array (p,) of float64.

        Raises SettingsError for what doesn't fit the network.
        """
        if not isinstance(parameters, Mapping):
            flat = np.array(parameters, np.float64)
            if flat.shape != (self.size,):
                raise SettingsError(f"parameters of shape {flat.shape} don't fit a network of {self.size}")
            return flat
        shapes = self.network.shapes()
        if set(parameters) != set(shapes):
            given, wanted = (", ".join(map(str, sorted(each))) for each in (parameters, shapes))
            raise SettingsError(f"parameters for the layers {given} don't fit a network that has {wanted}")
        for number, wanted_of in shapes.items():
            given_of = parameters[number]
            for name, shape in wanted_of.items():
                found = np.shape(given_of[name]) if name in given_of else None
                if found != shape:
                    what = "is missing" if found is None else f"has shape {found}"
                    raise SettingsError(f"{name}[{number}] {what}, but {shape} is expected")
            if unknown := sorted(set(given_of) - set(wanted_of)):
                raise SettingsError(f"{unknown[0]}[{number}] was given, but layer {number} has none")
        return self.flatten(parameters).astype(np.float64)

    def address(self, index: int) -> str:
        """Return the address of a flat index, 1-based as in the formulas: ``W[2][1,3]`` or ``b[2][1]``."""
        for slot in self.slots:
            if slot.start <= index < slot.stop:
                place = np.unravel_index(index - slot.start, slot.shape)
                return f"{slot.name}[{slot.layer}][{','.join(str(i + 1) for i in place)}]"
        raise IndexError(f"the network has {self.size} parameters, so there is no parameter {index}")

    def layer_not_finite(self, flat: FloatArray) -> int | None:
        """Return the first layer (1-based) with a number in ``flat`` (p,) that is not finite, None if there is none."""
        return next((s.layer for s in self.slots if not np.isfinite(flat[s.start : s.stop]).all()), None)

    def place(self, number: int, address: str, what: str) -> slice | int:
        """Return where a layer's ``W``, ``b``, ``W[1,2]`` or ``b[1]`` lies in the flat parameters.

        Raises SettingsError, which begins with ``what``, where there is none.
        """
        match = re.fullmatch(r"\s*(\w+)\s*(?:\[([\d\s,]+)\])?\s*", address)
        try:
            if match is None:
                raise KeyError(address)
            slot = self.slot(number, match[1])
            if match[2] is None:
                return slice(slot.start, slot.stop)
            place = tuple(int(part) - 1 for part in match[2].split(","))
            if min(place) < 0:
                raise ValueError(address)
            return slot.start + int(np.ravel_multi_index(place, slot.shape))
        except (KeyError, ValueError) as error:
            has = ", ".join(f"{s.name} {s.shape}" for s in self.slots if s.layer == number)
            raise SettingsError(
                f"{what} {address!r}: layer {number} has {has}; write W, b, W[1,2] or b[1]"
            ) from error


class TabMLayout(Layout):
    """The flat layout (q,) of what members that share are made of: W, r, s and b of each layer, then of the next.

    ``decayed`` is 1 at the shared weights and at the weights of the members' own last layers. Raises SettingsError for
    what can't be shared (`tabm_shapes`).
    """

    def __init__(self, network: Network, members: int) -> None:
        self._lay_out(network, tabm_shapes(network, members))
        self.members = members
        self.ordinary = Layout(network)

    @classmethod
    def of_theta(cls, network: Network, theta: FloatArray) -> TabMLayout:
        """Return the layout of ``theta`` (1, q), whose size says how many members there are.

        Raises SettingsError where it is of no number of members.
        """
        two, three = cls(network, 2), cls(network, 3)
        more, rest = divmod(np.size(theta) - two.size, three.size - two.size)
        if np.ndim(theta) != 2 or len(theta) != 1 or rest or more < 0:
            raise SettingsError(
                f"parameters of shape {np.shape(theta)} don't fit members that share: give initial_parameters(…, "
                'sharing="tabm"), or leave sharing out'
            )
        return cls(network, 2 + more)

    def expand(self, theta: FloatArray) -> FloatArray:
        """Return the parameters (k, p) of ordinary members from what they share and have (q,)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.ordinary.flatten(expand(self.unflatten(theta), np))

    def fold(self, gradients: FloatArray, theta: FloatArray) -> FloatArray:
        """Return the gradient (q,) of the members' mean cost from the members' own gradients (k, p)."""
        with np.errstate(over="ignore", invalid="ignore"):
            return self.flatten(fold(self.ordinary.unflatten(gradients), self.unflatten(theta), np))


def updated_layout(network: Network, members: int, sharing: str) -> Layout:
    """Return the layout of what an optimizer updates: a member's parameters, or what members that share are made of."""
    return Layout(network) if sharing == "none" else TabMLayout(network, members)
