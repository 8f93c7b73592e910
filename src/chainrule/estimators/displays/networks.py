"""Displays of what is in a network: its drawing, its layers' numbers, and what its columns do to the answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, Self

import numpy as np

from chainrule._types import FloatArray
from chainrule.equations.layout import Layout
from chainrule.equations.network import Network, Record
from chainrule.errors import SettingsError
from chainrule.estimators.displays.display import DrawnDisplay, Shows
from chainrule.estimators.displays.looked_into import LookedInto, of_estimator, of_model
from chainrule.explain.attribute.gradients import integrated_gradients
from chainrule.explain.attribute.outcome import encoded_row
from chainrule.explain.check.certificate import batch_of
from chainrule.explain.columns.boundary import PLACES, boundary
from chainrule.explain.columns.dependence import Dependence, dependence
from chainrule.explain.columns.dependence_shown import dependence_picture
from chainrule.explain.columns.importance import importance
from chainrule.explain.columns.importance_shown import importance_picture
from chainrule.explain.columns.rows import drawn
from chainrule.explain.diagnose.neurons import neuron_flags
from chainrule.explain.show.drawn import model_layers
from chainrule.explain.show.layers import activation_chart, flow, histograms, layer_names
from chainrule.explain.trace.address import Address
from chainrule.model.model import Model
from chainrule.model.source import Source
from chainrule.plots.kinds.effects import waterfall_chart
from chainrule.plots.network.draw import network_chart
from chainrule.plots.ticks import short_number

MOST_ROWS = 5000
"""The rows whose numbers are looked at: of more, so many are drawn."""

LONGEST = 8
"""The most signs of a number that a plot writes out."""

FEWEST_ROWS = 32
"""The fewest rows on which neurons are called dead: on a few rows half of all ReLUs are flat."""


class InsideDisplay(DrawnDisplay):
    """What displays of a network have in common; ``draws`` makes one of the model and its rows."""

    @classmethod
    def from_estimator(
        cls, estimator: Any, X: Any = None, y: Any = None, *, ax: Any = None, **options: Any
    ) -> Self:
        """Return the display of a fitted estimator.

        Parameters
        ----------
        estimator : estimator
            One of chainrule's four, or a pipeline that ends in one, or a search for one.
        X : array-like or frame of shape (n_samples, n_features), default=None
            Rows; what is about the weights alone needs none.
        y : array-like, default=None
            Their targets, where it is about the loss.
        ax : matplotlib axes, default=None
            Where to draw at once; `plot` does it later.
        **options
            Those of the class.

        Returns
        -------
        display : display
            With the values as attributes.
        """
        return cls._of(cls._draws(of_estimator(estimator, X, y), **options), ax)

    @classmethod
    def from_model(cls, model: Model, table: Source | None = None, *, ax: Any = None, **options: Any) -> Self:
        """Return the display of a model.

        Parameters
        ----------
        model : Model
            What `chainrule.train` or `chainrule.load` gives.
        table : str, path, frame or Table, default=None
            Rows; what is about the weights alone needs none.
        ax : matplotlib axes, default=None
            Where to draw at once; `plot` does it later.
        **options
            Those of the class.

        Returns
        -------
        display : display
            With the values as attributes.
        """
        return cls._of(cls._draws(of_model(model, table), **options), ax)


def _parameters(model: Model, member: int) -> tuple[Network, Any]:
    one = model.member(member)
    return one.network, Layout(one.network).unflatten(np.asarray(one.parameters[0], np.float64))


def _some(of: LookedInto, what: str) -> FloatArray:
    """Return the encoded rows (n, d) that are looked at."""
    table = of.rows(what)
    return of.model.encoder.transform(table.take(drawn(np.arange(table.n_rows), MOST_ROWS, 0)))


@np.errstate(all="ignore")
def _forward(of: LookedInto, member: int, x: FloatArray) -> Record:
    network, p = _parameters(of.model, member)
    return network.forward(p, x, np)


def _network(of: LookedInto, *, row: int | None = None, member: int = 0, width: float = 640.0) -> Shows:
    network, p = _parameters(of.model, member)
    known: dict[str, Any] = {}
    if row is not None:
        one = _forward(of, member, encoded_row(of.model, of.rows("row"), row)[None])
        numbers: dict[tuple[str, int | None], Any] = {("x", None): one.x[0]}
        numbers |= {("a", n): layer.a[0] for n, layer in enumerate(one.layers, 1)}
        known["values"] = lambda name, layer: tuple(map(float, numbers[name, layer]))
    if of.table is not None and of.table.n_rows >= FEWEST_ROWS:
        known["flags"] = neuron_flags(network, p, _forward(of, member, _some(of, "rows")))
    layers = model_layers(of.model, member, **known)
    title = "The network" if row is None else f"The network with row {row + 1} in it"
    chart = network_chart(layers, width=width, title=title)
    weights = [layer.weights for layer in layers if layer.weights is not None]
    biases = [np.asarray(layer.bias) for layer in layers if layer.weights is not None]
    activations = [np.asarray(layer.values) for layer in layers if layer.values]
    flags = {n: np.array(found) for n, found in known.get("flags", {}).items()}
    return Shows(
        chart,
        {
            "layers": layers,
            "weights": weights,
            "biases": biases,
            "activations": activations,
            "flags": flags,
            "width": width,
        },
    )


def _flow(of: LookedInto, *, member: int = 0) -> Shows:
    table = of.rows("the gradient")
    rows = drawn(of.model.target.known(table), MOST_ROWS, 0).tolist()
    batch = batch_of(of.model, table, rows=rows, member=member)
    made = batch.gradients.parameters
    gradients = [np.asarray(made[n][layer.product.name]) for n, layer in enumerate(batch.network.layers, 1)]
    deltas = [np.asarray(back.delta) for back in batch.gradients.layers]
    values = {"gradients": gradients, "deltas": deltas, "cost": float(batch.gradients.cost)}
    return Shows(flow(batch.network, gradients), values)


def _weights(of: LookedInto, *, member: int = 0, shared: bool = False) -> Shows:
    network, p = _parameters(of.model, member)
    arrays = [np.asarray(p[n][layer.product.name]) for n, layer in enumerate(network.layers, 1)]
    return Shows(histograms(network, arrays, "Weights", "weight", shared=shared), _by_layer(network, arrays))


def _activations(of: LookedInto, *, member: int = 0, shared: bool = False) -> Shows:
    network, _ = _parameters(of.model, member)
    arrays = [np.asarray(layer.a) for layer in _forward(of, member, _some(of, "an activation")).layers]
    return Shows(
        histograms(network, arrays, "Outputs of neurons", "a", shared=shared), _by_layer(network, arrays)
    )


def _by_layer(network: Network, arrays: Sequence[FloatArray]) -> dict[str, Any]:
    return {"arrays": list(arrays), "layers": layer_names(network)}


def _activation(
    of: LookedInto, *, layer: int = 1, neuron: int | None = None, row: int = 0, member: int = 0
) -> Shows:
    network, _ = _parameters(of.model, member)
    if not 1 <= layer <= len(network.layers):
        raise SettingsError(
            f"layer: there is no layer {layer}; the network has layers 1 to {len(network.layers)}"
        )
    one, at, place = network.layers[layer - 1], None, ""
    if neuron is not None:
        if not 1 <= neuron <= one.n_out:
            raise SettingsError(f"neuron: there is no neuron {neuron}; layer {layer} has 1 to {one.n_out}")
        x = encoded_row(of.model, of.rows("a neuron's z"), row)
        at = float(_forward(of, member, x[None]).layers[layer - 1].z[0, neuron - 1])
        place = str(Address("a", layer, (neuron,)))
    title = f"Layer {layer}: a = {one.activation.text}"
    return Shows(*activation_chart(one.activation, at=at, address=place, title=title))


def _boundary(
    of: LookedInto,
    *,
    columns: tuple[str, str],
    row: int | None = None,
    target: str | None = None,
    places: int = PLACES,
) -> Shows:
    found = boundary(of.model, of.rows("a boundary"), columns, row=row, target=target, places=places)
    xx0, xx1 = np.meshgrid(found.first, found.second)
    if row is None and of.typical and found.held:
        others = len(of.model.encoder.columns) - 2
        found = replace(found, held=f"The other {others} columns are held at {of.typical}.")
    values = {"xx0": xx0, "xx1": xx1, "response": found.probabilities, "classes": found.classes}
    return Shows(found.chart(), values)


def _attributions(of: LookedInto, *, row: int = 0, **words: Any) -> Shows:
    found = integrated_gradients(of.model, of.rows("an attribution"), row, **words)
    names = [f"{one.column} = {_short(one.cell)}" for one in found.columns]
    adds = np.array([one.value for one in found.columns])
    typical = words.get("baseline", "typical") == "typical"
    base = "a typical row" if typical else f"baseline: {found.baseline}"
    chart = waterfall_chart(
        names,
        adds,
        found.baseline_value,
        unit=found.quantity,
        base_name=base,
        title=f"What pushed {found.quantity}",
    )
    columns = [one.column for one in found.columns]
    values = {**asdict(found), "columns": columns, "attributions": adds}
    return Shows(chart, {**values, "baseline": of.typical} if typical and of.typical else values)


def _short(cell: str | None) -> str:
    """Return a cell as it is written on a plot: of a long number its first digits."""
    if cell is None:
        return "missing"
    try:
        return cell if len(cell) <= LONGEST else short_number(float(cell), 4)
    except ValueError:
        return cell


def _dependence(of: LookedInto, *, columns: str | Sequence[str], **words: Any) -> Shows:
    found = dependence(of.model, of.rows("a dependence"), columns, **words)
    if isinstance(found, Dependence):
        grid = found.places.values or found.places.texts
        curves = {one.quantity: np.array(one.mean) for one in found.curves}
        lines = {one.quantity: np.array(one.lines) for one in found.curves}
        values = {"grid_values": np.array(grid), "average": curves, "individual": lines}
    else:
        sides = [np.array(one.values or one.texts) for one in (found.first, found.second)]
        surfaces = {one.quantity: np.array(one.mean) for one in found.surfaces}
        joint = {one.quantity: one.joint for one in found.surfaces}
        values = {"grid_values": sides, "average": surfaces, "joint": joint}
    return Shows(dependence_picture(found), {**values, "found": found})


def _importance(of: LookedInto, **words: Any) -> Shows:
    found = importance(of.model, of.rows("an importance"), **words)
    values = {
        "feature_names": np.array(found.names),
        "importances_mean": found.values,
        "importances": np.array([one.repeats for one in found.columns]),
        "intervals": np.array([(one.low, one.high) for one in found.columns]),
        "found": found,
    }
    return Shows(importance_picture(found), values)


class NetworkDisplay(InsideDisplay, draws=_network):
    """The network drawn: ``layers``, ``weights`` and ``biases`` of each layer.

    With a ``row`` of the rows (from 0) its numbers are in the neurons, and in ``activations``. With 32 rows or more, neurons
    that are dead or saturated on them are marked, and ``flags`` by layer. ``member`` counts from 0; ``width``, in pixels, is
    what the SVG is laid out for.
    """


class GradientFlowDisplay(InsideDisplay, draws=_flow):
    """How large the partial derivatives by the weights are, by layer, on rows with targets.

    ``gradients``: ∂C/∂W of each layer, ``deltas``: ∂C/∂z of each row, ``cost``: C. ``member`` counts from 0.
    """


class WeightsDisplay(InsideDisplay, draws=_weights):
    """Histograms of each layer's weights, ``arrays`` with the names ``layers``; ``shared`` puts them on one axis."""


class ActivationsDisplay(InsideDisplay, draws=_activations):
    """Histograms of what each layer's neurons say of rows: ``arrays`` (rows, neurons) with the names ``layers``."""


class ActivationDisplay(InsideDisplay, draws=_activation):
    """An activation function with its derivative: ``z``, ``a`` and ``slope``.

    ``layer`` counts from 1. With a ``neuron`` (from 1) the tangent at its z for a ``row`` (from 0) is drawn, and ``at`` has z,
    a and the slope there.
    """


class BoundaryDisplay(InsideDisplay, draws=_boundary):
    """The answers over two number ``columns``, the others held at a ``row`` (from 0) or at typical cells.

    ``xx0``, ``xx1`` (places, places) and ``response`` (places, places, classes): probabilities, or 0 and 1 where there are none.
    """


class AttributionsDisplay(InsideDisplay, draws=_attributions):
    """What each column adds to the prediction of a ``row`` (from 0): ``attributions`` of ``columns``.

    They lead from ``baseline_value`` to ``value``: integrated gradients, whose words ``of``, ``label``, ``member``, ``target``
    and ``baseline`` can be given.
    """


class DependenceDisplay(InsideDisplay, draws=_dependence):
    """How answers depend on a column, or on two together: ``grid_values``, and ``average`` and ``individual`` by answer.

    ``columns``: a name, or two; the other words are those of `chainrule.dependence`. Of two ``joint`` says how far they act
    together. ``found`` is what that function returns.
    """


class ImportanceDisplay(InsideDisplay, draws=_importance):
    """What shuffling each of ``feature_names`` costs: ``importances_mean``, ``importances`` (columns, repeats), ``intervals``.

    The words are those of `chainrule.importance`, which returns ``found``.
    """
