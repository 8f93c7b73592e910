"""Neurons of a layer that say the same, said once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from chainrule.errors import SettingsError
from chainrule.explain.derive.lines import Line
from chainrule.explain.trace.address import Address
from chainrule.formula.text import text


def equal_once(lines: Iterable[Line]) -> tuple[Line, ...]:
    """Return lines without those that repeat the numbers of another neuron of their layer, whose note then names them.

    Two neurons with equal weights, biases and inputs have the same line but for their numbers' names; each keeps its address.
    """
    found: dict[tuple[str, ...], int] = {}
    kept: list[Line] = []
    equal: dict[int, list[str]] = {}
    for line in lines:
        key = _key(line)
        if key is not None and key in found:
            equal.setdefault(found[key], []).append(line.address)
            continue
        if key is not None:
            found[key] = len(kept)
        kept.append(line)
    for place, addresses in equal.items():
        kept[place] = replace(kept[place], note="; ".join(filter(None, (kept[place].note, _told(addresses)))))
    return tuple(kept)


def _key(line: Line) -> tuple[str, ...] | None:
    """Return what neurons that say the same have in common: kind of number, layer, row, and the calculation in numbers."""
    if not line.address or (line.check is not None and not line.check.ok):
        return None
    try:
        place = Address.parse(line.address)
    except SettingsError:
        return None
    if place.quantity.place != "neuron" or place.layer is None or len(place.index) != 1:
        return None
    where = str(replace(place, index=()))
    return where, line.rule, text(line.symbols, line.numbers(repr)), repr(line.result)


def _told(addresses: list[str]) -> str:
    *others, last = addresses
    named = f"{', '.join(others)} and {last} are" if others else f"{last} is"
    return f"{named} equal: the same numbers"
