"""The factors of a derivative along its largest path, and which of them makes it vanish or explode."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from chainrule.explain.derive.backward import gradients_of
from chainrule.explain.derive.lines import Factor
from chainrule.explain.derive.paths import factors_of, found_paths
from chainrule.explain.derive.writer import Writer
from chainrule.explain.trace.address import FACTORS, Address

SMALL, LARGE = 0.05, 10.0
"""A factor below or above is worth a word; sigmoid's slope is below 0.05 from |z| = 2.9 on."""

VANISHING, EXPLODING = 1e-3, 1e3
"""A product of slopes and weights below or above vanishes or explodes."""


def factor_lines(writer: Writer, place: Address) -> tuple[tuple[Factor, ...], tuple[str, ...]]:
    """Return the factors of the largest path, the guilty with their blame, and sentences on what no single one does."""
    row = largest_row(writer, place)
    shown, _, total, _ = found_paths(writer, place if row is None else replace(place, row=row), 1)
    path = shown[0]
    places = factors_of(writer, path)
    values = [writer.value(str(each)) for each in places]
    blamed = _blamed(writer, places, values)
    made = tuple(
        Factor(str(each), value, each.words_in(writer.trace.network), blamed.get(number, ""))
        for number, (each, value) in enumerate(zip(places, values, strict=True))
    )
    notes = [] if blamed else _in_all(places, values)
    if total > 1 or row is not None:
        of_row = "" if row is None else f" of row {row}, whose part is the largest"
        notes.append(
            f"Factors of {'the largest of ' if total > 1 else ''}{total:,} path{'s' * (total > 1)}{of_row}."
        )
    return made, tuple(notes)


def largest_row(writer: Writer, place: Address) -> int | None:
    """Return the row whose part of a derivative is the largest, None where there is only one row."""
    rows = writer.step.rows
    if place.row is not None or len(rows) == 1:
        return None
    if place.layer == 0:
        parts = [writer.trace.number(replace(place, row=row)) for row in rows]
        return rows[int(np.argmax(np.abs(parts)))]
    deltas = gradients_of(writer.step).layers[place.number - 1].delta
    parts = deltas[:, place.index[-1] - 1]
    if place.parameter == "S":
        parts = parts * writer.step.record.x[:, place.index[0] - 1]
    elif place.parameter in FACTORS:
        parts = parts * writer.step.record.entering(place.number)[:, place.index[0] - 1]
    elif place.quantity.place == "bias" and writer.network.layers[place.number - 1].bias == "layer":
        parts = deltas.sum(axis=1)
    return rows[int(np.argmax(np.abs(parts)))]


def _blamed(writer: Writer, places: list[Address], values: list[float]) -> dict[int, str]:
    """Return a sentence for each factor that is guilty, by its place."""
    zero = [number for number, value in enumerate(values) if value == 0]
    if zero:
        return {number: _why_zero(writer, places[number]) for number in zero}
    inner = [(number, values[number]) for number, place in enumerate(places) if place.name in _KINDS]
    scale = math.prod(value for place, value in zip(places, values, strict=True) if place.name == "scale")
    product = scale * math.prod(abs(value) for _, value in inner)
    if not inner or VANISHING <= product <= EXPLODING:
        return {}
    vanishes = product < VANISHING
    pick = min if vanishes else max
    number, value = pick(inner, key=lambda item: abs(item[1]))
    if (vanishes and abs(value) > SMALL) or (not vanishes and abs(value) < LARGE):
        return {}
    return {number: _why(writer, places[number], value, vanishes)}


def _why(writer: Writer, place: Address, value: float, vanishes: bool) -> str:
    verb = "vanishes" if vanishes else "explodes"
    if vanishes and place.name == "f'":
        reason = "{} is saturated at z = {:.3g}".format(*_bent(writer, place))
    else:
        reason = f"the {_KINDS[place.name]} is {'small' if vanishes else 'large'}"
    return f"The derivative {verb} at {place} = {value:.3g}: {reason}."


def _bent(writer: Writer, place: Address) -> tuple[str, float]:
    """Return the activation of a slope's neuron, and its z."""
    z = writer.number(writer.at("z", place.layer, *place.index, row=place.row))
    return writer.network.layers[place.number - 1].activation.name, z


_KINDS: Mapping[str, str] = {"f'": "slope", "r": "mask", **FACTORS}
"""What a derivative passes through on its way back, in words."""


def _why_zero(writer: Writer, place: Address) -> str:
    met = "the output is what the loss asks for"
    words = {
        "r": "the neuron was dropped out",
        **{name: f"the {noun} is 0" for name, noun in FACTORS.items()},
        "x": "the input is 0, so the weight had no part in the output",
        "delta": met,
        "dC/da": met,
    }
    reason = words.get(place.name, "nothing enters through the weight")
    if place.name == "f'":
        reason = "{} is flat at z = {:.3g}".format(*_bent(writer, place))
    return f"The derivative is 0 because {place} = 0: {reason}."


def _in_all(places: list[Address], values: list[float]) -> list[str]:
    """Return a sentence on many slopes or weights that together make the derivative small or large."""
    told = []
    for name, words in (("f'", "slopes"), *((name, f"{noun}s") for name, noun in FACTORS.items())):
        these = [abs(value) for place, value in zip(places, values, strict=True) if place.name == name]
        product = math.prod(these)
        verb = "vanish" if 0 < product < VANISHING else "explode" if product > EXPLODING else ""
        if len(these) > 1 and verb:
            told.append(
                f"The {len(these)} {words} on the way multiply to {product:.3g}, which makes the derivative {verb}."
            )
    return told
