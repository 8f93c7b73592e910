"""Parameters that are set, or frozen, by hand: their addresses become names in the layers of a network."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from chainrule._doors import setting
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network
from chainrule.errors import SettingsError

_ADDRESS = re.compile(r"\s*([A-Za-z]\w*)\s*\[\s*(\d{1,9})\s*\]\s*(\[[\d\s,]+\])?\s*")


ReadName: TypeAlias = Callable[[Network, str], str]
"""How a name that somebody wrote becomes an address of a network; raises SettingsError for one that stands for nothing."""


class NoParameterError(SettingsError):
    """An address that a user wrote leads to no parameter, or to one that is set twice: ``reason`` says what and the remedy."""

    def __init__(self, address: str, what: str, reason: str) -> None:
        super().__init__(f"{setting(what)}: {reason}")
        self.address = address
        self.reason = reason


class Named(NamedTuple):
    """A parameter, or a whole array of them, as a layer calls it: ``W[1,2]``, ``b``; and where it lies, from 0."""

    layer: int
    name: str
    places: range


def parameter_named(address: str, layout: Layout) -> Named:
    """Return the parameter of an address such as ``W[1][1,2]``, or the array of ``b[2]``.

    All that reads the name of a parameter from a user reads it here. Raises SettingsError where there is none.
    """
    match = _ADDRESS.fullmatch(address)
    layers = len(layout.network.layers)
    if match is None or not 1 <= int(match[2]) <= layers:
        # A feature stage, layer 0, comes first and is not set by hand.
        first = next(slot.start for slot in layout.slots if slot.layer > 0)
        has = ", ".join(layout.address(at) for at in (first, layout.size - 1))
        raise SettingsError(
            f"there is no parameter {address!r}: write one of {has}, or a whole array such as W[{layers}]"
        )
    number = int(match[2])
    name = match[1] + "".join((match[3] or "").split())
    try:
        place = layout.place(number, name, address)
    except SettingsError:
        has = ", ".join(f"{s.name}[{number}] of {_shape(s.shape)}" for s in layout.slots if s.layer == number)
        raise SettingsError(f"there is no parameter {address!r}: layer {number} has {has}") from None
    places = range(place.start, place.stop) if isinstance(place, slice) else range(place, place + 1)
    return Named(number, name, places)


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape))


def set_by_hand(
    network: Network, initial: Mapping[str, float], frozen: Iterable[str], read: ReadName | None = None
) -> Network:
    """Return the network whose parameters begin with the numbers of ``initial`` and stay as they are where ``frozen``.

    Both name parameters by address, or as ``read`` reads them. Raises SettingsError for one that there isn't, or that is set
    twice.
    """
    asked, kept = dict(initial), list(frozen)
    if not asked and not kept:
        return network
    layout = Layout(network)
    values: dict[int, dict[str, float]] = {}
    names: dict[int, list[str]] = {}
    setter: dict[int, str] = {}
    for address, value in asked.items():
        found = _found(address, layout, "initial", read)
        for place in found.places:
            if (other := setter.setdefault(place, address)) != address:
                twice = f"{layout.address(place)} is set twice, by {other!r} and by {address!r}"
                raise NoParameterError(address, "initial", f"{twice}: leave one of them out")
        values.setdefault(found.layer, {})[found.name] = float(value)
    for address in kept:
        found = _found(address, layout, "frozen", read)
        own = names.setdefault(found.layer, [])
        if found.name not in own:
            own.append(found.name)
    layers = [
        replace(layer, initial=tuple(values.get(number, {}).items()), frozen=tuple(names.get(number, ())))
        for number, layer in enumerate(network.layers, 1)
    ]
    return Network([network.n_inputs, *layers], network.loss, network.reduction, network.features)


def _found(address: str, layout: Layout, what: str, read: ReadName | None) -> Named:
    try:
        return parameter_named(address if read is None else read(layout.network, address), layout)
    except SettingsError as error:
        raise NoParameterError(address, what, str(error)) from None
