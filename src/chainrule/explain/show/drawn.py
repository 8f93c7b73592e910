"""A network as a drawing: its weights, biases, and one row's numbers in the neurons, or what is wrong with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from chainrule.equations.network import Network, Parameters
from chainrule.explain.show.document import Picture
from chainrule.explain.trace.address import Address
from chainrule.explain.trace.trace import Trace
from chainrule.formula.names import spoken
from chainrule.model.model import Model
from chainrule.plots.network.draw import network_chart
from chainrule.plots.network.layers import DrawnLayer, Flag

WIDE, NARROW = 800.0, 350.0
"""The pixels that the two drawings of a page are laid out for."""

MOST_EDGES = {WIDE: 140, NARROW: 50}
"""The most weights between two layers that either draws, those with the largest numbers."""


def drawn_layers(
    trace: Trace,
    row: int | None = None,
    *,
    kind: str = "a",
    outputs: Sequence[str] = (),
    inputs: Sequence[str] | None = None,
    first_layer: int = 0,
) -> list[DrawnLayer]:
    """Return the layers of a trace's network with the numbers of a row (from 1), the first if not told.

    ``kind`` is ``a`` (what the neurons say) or ``delta`` (in a trace that has them). ``outputs`` are the names of the output
    neurons, ``inputs`` those of the inputs, if not the table's. Raises SettingsError for a row or numbers that the trace
    doesn't have.
    """
    step = trace.steps[-1]
    number = step.number if len(trace.steps) > 1 else None
    at = step.rows[0] if row is None else row

    def values(name: str, layer: int | None) -> tuple[float, ...]:
        place = Address(name, layer, step=number, row=at if len(step.rows) > 1 else None)
        return tuple(map(float, trace.array(place)))

    if at not in step.rows:
        trace.resolve(Address("x", step=number, row=at))  # says which rows there are
    return network_layers(
        trace.network,
        trace.layout.unflatten(step.parameters),
        inputs=_input_names(trace, step.rows.index(at)) if inputs is None else inputs,
        outputs=outputs,
        values=values,
        kind=kind,
        first_layer=first_layer,
    )


def network_layers(
    network: Network,
    parameters: Parameters,
    *,
    inputs: Sequence[str] = (),
    outputs: Sequence[str] = (),
    values: Callable[[str, int | None], tuple[float, ...]] = lambda name, layer: (),
    kind: str = "a",
    flags: Mapping[int, tuple[Flag, ...]] = MappingProxyType({}),
    first_layer: int = 0,
) -> list[DrawnLayer]:
    """Return the layers of a network with its parameters by layer and name.

    ``inputs`` and ``outputs`` are the neurons' names, ``values`` gives the numbers in them by name (``x``, ``kind``) and layer,
    ``flags`` what is wrong with those of a layer. A feature stage is a block. Layers are counted from ``first_layer``, that of
    the inputs.
    """
    layers = [DrawnLayer(0, network.n_inputs, "inputs", tuple(inputs), values=values("x", None), kind="x")]
    if network.features is not None:
        words = f"feature stage: {network.features.words}"
        layers.append(DrawnLayer(0, network.features.n_outputs, "feature stage", block=words))
    for place, layer in enumerate(network.layers, 1):
        own = parameters[place]
        last = place == len(network.layers)
        bias = own.get("b")
        layers.append(
            DrawnLayer(
                place,
                layer.n_out,
                f"{'output' if last else f'layer {place + first_layer}'}, {spoken(layer.activation.name)}",
                tuple(outputs) if last else (),
                np.asarray(own[layer.product.name]),
                () if bias is None else tuple(np.atleast_1d(bias).astype(float).tolist()),
                values(kind, place),
                "delta" if kind == "delta" else "a",
                flags.get(place, ()),
                frozen=layer.product.name in layer.frozen,
                path=_path(network, place, first_layer) if layer.linear_path else "",
            )
        )
    return layers


def _path(network: Network, place: int, first_layer: int) -> str:
    """Return what the drawing calls the linear path into a layer."""
    letter = Address("S", place + first_layer)
    return f"linear path {letter}, {network.n_inputs:,} × {network.output.n_out}"


def model_layers(model: Model, member: int = 0, **known: Any) -> list[DrawnLayer]:
    """Return the layers of a model's member (from 0) with the names of its inputs and outputs; ``known`` as `network_layers`."""
    network = model.member(member).network
    layers = dict(enumerate(model.layers(member), 1))
    if network.features is not None:
        layers[0] = layers.pop(len(layers))
    names = tuple(neuron.name for neuron in model.encoder.inputs)
    return network_layers(network, layers, inputs=names, outputs=output_names(model), **known)


def drawn_model(
    model: Model,
    member: int = 0,
    *,
    title: str = "The network",
    most_edges: Mapping[float, int] = MappingProxyType(MOST_EDGES),
) -> Picture:
    """Return the drawing of a member (from 0) of a model, for pages and for telephones; ``most_edges`` by width of either."""
    return picture(model_layers(model, member), title, most_edges)


def _input_names(trace: Trace, row: int) -> tuple[str, ...]:
    given = trace.steps[-1].inputs
    return () if given is None else tuple(value.input for value in given[row])


def output_names(model: Model) -> tuple[str, ...]:
    """Return what each output neuron of a model stands for: a class, or a target."""
    target = model.target
    if len(target.parts) > 1 or target.task == "regression":
        return target.names
    labels = tuple(map(str, target.labels))
    return labels if model.output.n_out == len(labels) else labels[1:]


def drawn_network(
    trace: Trace,
    row: int | None = None,
    *,
    kind: str = "a",
    outputs: Sequence[str] = (),
    title: str = "The network with this row in it",
) -> Picture:
    """Return the drawing of a trace's network, for pages and for telephones; as `drawn_layers`."""
    return picture(drawn_layers(trace, row, kind=kind, outputs=outputs), title)


def picture(
    layers: Sequence[DrawnLayer],
    title: str = "The network",
    most_edges: Mapping[float, int] = MappingProxyType(MOST_EDGES),
) -> Picture:
    """Return the drawing of layers, for pages and for telephones; ``most_edges`` by width of either."""
    wide, narrow = (
        network_chart(layers, width=width, title=title, most_edges=most) for width, most in most_edges.items()
    )
    return Picture(wide, narrow, WIDE)
