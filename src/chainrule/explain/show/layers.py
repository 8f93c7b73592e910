"""A network's layers as plots: the flow of gradients, histograms of weights and activations, the activation functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np

from chainrule._types import FloatArray
from chainrule.equations.activations import Activation
from chainrule.equations.dense import Dense
from chainrule.equations.network import Network
from chainrule.explain.trace.address import Address
from chainrule.plots.chart import Chart, Charts
from chainrule.plots.kinds.function import function_chart
from chainrule.plots.kinds.layers import flow_chart, histograms_chart

MOST_LAYERS = 12
"""The most layers that a plot has a part for each of: of more, evenly chosen, the first and the last among them."""

REACH = 4.0
"""How far from 0 an activation is drawn, unless a place beyond is asked for."""

POINTS = 161
"""The points of an activation's curve."""

HEIGHT = 170.0
"""The height of an activation's curve among others, in pixels."""

JUMP, NARROWEST = 0.05, 1e-12
"""A change of the derivative by this share of its largest is a jump if it is all within so narrow an interval."""


def layer_names(network: Network) -> list[str]:
    """Return what the layers are called on plots: ``layer 1``, …, ``output``."""
    return [*(f"layer {number}" for number in range(1, len(network.layers))), "output"]


def flow(network: Network, gradients: Sequence[FloatArray]) -> Chart:
    """Return the sizes of each layer's partial derivatives of the cost by its weights."""
    chosen, note = _chosen(network)
    places = {
        name: str(Address(f"dC/d{network.layers[i].product.name}", i + 1)) for i, name in chosen.items()
    }
    chart = flow_chart({name: gradients[i] for i, name in chosen.items()}, addresses=places)
    return replace(chart, note=" ".join(filter(None, (chart.note, note))))


def histograms(
    network: Network, arrays: Sequence[FloatArray], what: str, label: str, *, shared: bool
) -> Charts:
    """Return a histogram of each layer's numbers; ``shared`` puts them on one axis."""
    chosen, note = _chosen(network)
    parts = {name: arrays[i] for i, name in chosen.items()}
    title = f"{what} by layer"
    made = histograms_chart(parts, label=label, shared=shared, title=title, without_zeros=True)
    return replace(made, note=" ".join(filter(None, (made.note, note))))


def _chosen(network: Network) -> tuple[dict[int, str], str]:
    """Return the names of the layers that are drawn by place (from 0), and what is to be said of the others."""
    names = layer_names(network)
    count = min(len(names), MOST_LAYERS)
    places = [round(place) for place in np.linspace(0, len(names) - 1, count).tolist()]
    note = f"{count} of {len(names)} layers are drawn." if count < len(names) else ""
    return {place: names[place] for place in places}, note


def activation_chart(
    made: Activation, *, at: float | None = None, address: str = "", title: str = "", name: str = ""
) -> tuple[Chart, Mapping[str, Any]]:
    """Return an activation's curve with its derivative, and the numbers in it.

    ``at`` is a z, where the tangent is drawn; the curve is called ``name``, if not by the activation's. Raises FormulaError for
    softmax, whose outputs share all of z.
    """
    reach = REACH if at is None else max(REACH, 1.25 * abs(at))
    z = _places(made, reach)
    values = {"z": z, "a": made(z, np) + 0 * z, "slope": made.prime(z, np) + 0 * z}  # NaN stays NaN
    place = None
    if at is not None:
        one = np.array([at])
        place = (at, float(made(one, np)[0]), float(made.prime(one, np)[0]))
    called = made.name if made.name != "formula" else "f"
    chart = function_chart(*values.values(), name=name or called, at=place, address=address, title=title)
    return chart, {**values, "at": place}


def _places(made: Activation, reach: float) -> FloatArray:
    """Return where an activation is drawn, (n,); where its derivative jumps, NaN between the two sides lifts the pen."""
    z = np.linspace(-reach, reach, POINTS)
    least = JUMP * float(np.nanmax(np.abs(made.prime(z, np))))
    found = [float(z[0])]
    for low, high in pairwise(z.tolist()):
        sides = _jump(made, low, high, least)
        found += [high] if sides is None else [sides[0], math.nan, sides[1], high]
    return np.array([z for place, z in enumerate(found) if place == 0 or z != found[place - 1]])


def _jump(made: Activation, low: float, high: float, least: float) -> tuple[float, float] | None:
    """Return the two sides of a jump of the derivative between two places, None where there is none."""

    def change(ends: tuple[float, float]) -> float:
        below, above = made.prime(np.array(ends), np).tolist()
        return float(abs(above - below))

    # Halves of an interval have half the change of a smooth slope, and one of them all of a jump.
    while change((low, high)) > least:
        if high - low < NARROWEST:
            return low, high
        middle = (low + high) / 2
        low, high = max(((low, middle), (middle, high)), key=change)
    return None


def activation_charts(layers: Sequence[Dense]) -> Charts | None:
    """Return the curve of each activation that layers have, once each, with its formula; None if there is softmax alone."""
    used: dict[str, list[int]] = {}
    for number, layer in enumerate(layers, 1):
        if layer.activation.elementwise:
            used.setdefault(layer.activation.spec, []).append(number)
    by_spec = {layer.activation.spec: layer.activation for layer in layers}
    made = [
        activation_chart(
            by_spec[spec], title=f"{_layers(numbers, len(layers))}: f(z) = {by_spec[spec].text}", name="f"
        )[0]
        for spec, numbers in used.items()
    ]
    if not made:
        return None
    told = " ".join(f"{chart.title}. {chart.description}" for chart in made)
    few = tuple(replace(chart, height=HEIGHT) for chart in made)
    return Charts("Activations and their derivatives", told, few, min(len(few), 3))


def _layers(numbers: Sequence[int], last: int) -> str:
    named = ["output" if number == last else f"{number}" for number in numbers]
    hidden = [name for name in named if name != "output"]
    words = f"layer{'s' * (len(hidden) > 1)} {', '.join(hidden)}" if hidden else ""
    return " and ".join(filter(None, [words, "output" if "output" in named else ""])).capitalize()
